"""URLs of tables' data in the tools that people open them with, on a real lake."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from functools import partial

import duckdb
import httpx
import pandas as pd
import pyarrow as pa
import pyarrow.ipc
import pytest

from entrypoints.container import build_container
from entrypoints.rest.app import create_app
from entrypoints.settings import load_settings
from tests.extensions import extension_file
from tests.integration.rest.serving import served

COUNT = 1000


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = tmp_path_factory.mktemp("home")
    container = build_container(load_settings({}, home=home, lineage_flush_s=0))
    with served(create_app(container)) as base:
        columns = [{"name": "n", "type": "INTEGER"}, {"name": "label", "type": "VARCHAR"}]
        table = {"name": "numbers", "columns": columns}
        assert httpx.post(f"{base}/tables", json=table, timeout=60).status_code == 201
        rows = [{"n": number, "label": f"no. {number}"} for number in range(COUNT)]
        assert httpx.put(f"{base}/tables/numbers", json=rows, timeout=60).status_code == 200
        yield f"{base}/tables/numbers/data"


def test_pandas(url: str) -> None:
    whole = pd.read_parquet(f"{url}?format=parquet")
    assert list(whole.columns) == ["n", "label"]
    assert sorted(whole.n) == list(range(COUNT))
    some = pd.read_csv(f"{url}?format=csv&columns=n&where=n%20%3C%2010")
    assert (list(some.columns), len(some)) == (["n"], 10)
    lines = pd.read_json(f"{url}?format=ndjson&row_limit=7", lines=True)
    assert len(lines) == 7


def test_pyarrow(url: str) -> None:
    with urllib.request.urlopen(f"{url}?format=arrow") as opened:
        assert pa.ipc.open_stream(opened).read_all().num_rows == COUNT


@pytest.mark.parametrize("read", ["read_parquet", "read_csv", "read_json"])
def test_duckdb(url: str, read: str) -> None:
    data_format = {"read_json": "ndjson"}.get(read, read.removeprefix("read_"))
    with duckdb.connect() as engine:
        engine.load_extension(str(extension_file("httpfs")))
        found = engine.execute(
            f"SELECT count(*), sum(n) FROM {read}('{url}?format={data_format}') WHERE n < 500"
        ).fetchone()
    assert found == (500, sum(range(500)))


def test_a_tag_of_a_real_lake(url: str) -> None:
    query = partial(httpx.request, "QUERY", url.replace("/tables/numbers/data", "/query"))
    body = {"sql": "SELECT count(*) AS n FROM numbers"}
    first = query(json=body, timeout=60)
    assert first.json()["rows"] == [{"n": COUNT}]
    known = {"if-none-match": first.headers["etag"]}
    again = query(json=body, headers=known, timeout=60)
    assert (again.status_code, again.content) == (304, b"")
    other = query(json=body | {"sql": "FROM numbers"}, headers=known)
    assert other.status_code == 200
    volatile = query(json={"sql": "SELECT now()"}, headers=known, timeout=60)
    assert volatile.status_code == 200
    assert "etag" not in volatile.headers
    assert volatile.headers["cache-control"] == "no-store"
    everything = {"if-none-match": "*"}
    assert query(json=body, headers=everything).status_code == 304
    assert query(json={"sql": "SELECT now()"}, headers=everything).status_code == 200


def test_a_condition_that_is_wrong_tells_where(url: str) -> None:
    answer = httpx.get(url, params={"where": "nn = 1"}, timeout=60)
    assert answer.status_code == 400
    assert answer.json()["position"] == 0
    assert '"n"' in answer.json()["detail"]
