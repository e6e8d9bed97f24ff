"""Limits to bodies of appends: each is a setting, and ends a body that is over it."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from domain.json_depth import MAX_JSON_DEPTH
from entrypoints.container import close_container
from entrypoints.rest.app import create_app
from tests.integration.rest.conftest import Fakes, problem
from tests.integration.rest.serving import served

Serve = Callable[..., AbstractContextManager[httpx.Client]]
TABLE = {"name": "t", "columns": [{"name": "a", "type": "VARCHAR"}]}
MIB = 1024**2


@pytest.fixture
def serve(fakes: Fakes, tmp_path: Path) -> Serve:
    """An API with settings, whose bodies are read as those say."""

    @contextmanager
    def serving(**settings: int) -> Iterator[httpx.Client]:
        container = fakes.container(tmp_path, **settings)
        container.rows.reset_override()
        try:
            with (
                served(create_app(container)) as url,
                httpx.Client(base_url=url, timeout=60) as client,
            ):
                client.post("/tables", json=TABLE).raise_for_status()
                yield client
        finally:
            close_container(container)

    return serving


def put(client: httpx.Client, content: bytes, media_type: str, **headers: str) -> httpx.Response:
    return client.put(
        "/tables/t?on_new_columns=add",
        content=content,
        headers={"content-type": media_type} | headers,
    )


def test_a_packed_body_is_limited_as_it_comes_and_as_it_is(serve: Serve) -> None:
    csv = b"a\n" + b"x\n" * MIB
    packed = {"content-encoding": "gzip"}
    with serve(max_table_body=MIB, max_expanded_body=8 * MIB) as client:
        problem(put(client, csv, "text/csv"), 413, "too_large")
        assert put(client, gzip.compress(csv), "text/csv", **packed).status_code == 200
        bomb = gzip.compress(b"a\n" + b"x\n" * 5 * MIB)
        members = problem(put(client, bomb, "text/csv", **packed), 413, "too_large")
        assert str(8 * MIB) in members["detail"]
        twice = {"content-encoding": "gzip, gzip"}
        problem(put(client, gzip.compress(bomb), "text/csv", **twice), 413, "too_large")
        assert client.get("/tables/t").json()["row_count"] == MIB


def test_a_parquet_file_that_claims_more_than_it_may(serve: Serve) -> None:
    sink = io.BytesIO()
    rows = pa.table({"a": pa.array(["x" * 1000] * 10_000)})
    pq.write_table(rows, sink, use_dictionary=False, compression="zstd")
    with serve(max_expanded_body=MIB) as client:
        answer = put(client, sink.getvalue(), "application/vnd.apache.parquet")
        problem(answer, 413, "too_large")
    assert len(sink.getvalue()) < MIB / 10


@pytest.mark.parametrize("name", ["a", "new"])
def test_nesting(serve: Serve, name: str) -> None:
    def body(depth: int) -> bytes:
        return b'[{"%b": %b1%b}]' % (name.encode(), b"[" * depth, b"]" * depth)

    with serve(max_nesting=40) as client:
        answer = put(client, body(40), "application/json")
        if name == "new":
            assert answer.json()["columns_added"] == [{"name": "new", "type": "JSON"}]
        else:
            problem(answer, 422, "rows_do_not_fit")
        problem(put(client, body(41), "application/json"), 413, "too_large")
        problem(put(client, body(100_000), "application/json"), 413, "too_large")


@pytest.mark.parametrize("opening, closing", [("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")])
@pytest.mark.parametrize("content_type", ["application/json", "application/x-ndjson"])
def test_the_deepest_nesting(serve: Serve, content_type: str, opening: str, closing: str) -> None:
    def body(depth: int) -> bytes:
        count = depth // sum(map(opening.count, "[{"))
        value = f"{opening * count}1{closing * count}"
        row = f'{{"new": {value}}}'
        return f"[{row}]".encode() if content_type == "application/json" else row.encode()

    with serve() as client:
        answer = put(client, body(MAX_JSON_DEPTH), content_type)
        assert answer.status_code == 200, answer.text
        told = problem(put(client, body(MAX_JSON_DEPTH + 2), content_type), 413, "too_large")
        assert told["detail"] == "A JSON value is nested at most 500 deep."


def test_columns(serve: Serve) -> None:
    names = [f"c{number}" for number in range(100_000)]
    row = b"[{" + ",".join(f'"{name}":1' for name in names).encode() + b"}]"
    header = ",".join(names).encode() + b"\n"
    with serve(max_columns=50) as client:
        problem(put(client, row, "application/json"), 422, "invalid_column")
        problem(put(client, header, "text/csv"), 413, "too_large")
        few = ",".join(names[:49]).encode() + b"\n" + b",".join([b"1"] * 49) + b"\n"
        assert put(client, few, "text/csv").status_code == 200
        one_more = b'[{"one_more": 1}]'
        problem(put(client, one_more, "application/json"), 422, "invalid_column")
