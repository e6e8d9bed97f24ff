"""Loads that a table grows for: the columns that an append of the same rows would add."""

from __future__ import annotations

import io
import json
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.integration.rest.conftest import problem
from tests.integration.transfers.conftest import Service
from tests.integration.transfers.test_load import put, rows, table

MEDIA_TYPES = {
    "csv": "text/csv",
    "ndjson": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
}
Column = list[dict[str, str]]


def grow(service: Service, target: str, place: str, **more: Any) -> dict[str, Any]:
    body = {"objects": [place], "on_new_columns": "add"} | more
    answer = service.http.post(f"/tables/{target}/load", json=body)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def both(service: Service, suffix: str, content: bytes, columns: dict[str, str]) -> dict[str, Any]:
    """What a load and an append of the same rows do, which is the same."""
    tables = [table(service, columns) for _ in range(2)]
    sent = service.http.put(
        f"/tables/{tables[0]}?on_new_columns=add",
        content=content,
        headers={"content-type": MEDIA_TYPES[suffix]},
    )
    assert sent.status_code == 200, sent.text
    told = grow(service, tables[1], put(service, service.bucket(), f"x.{suffix}", content))
    for member in ("rows_appended", "columns_added", "columns_widened"):
        assert told[member] == sent.json()[member], member
    assert rows(service, tables[1]) == rows(service, tables[0])
    return told


@pytest.mark.parametrize(
    "texts, column_type",
    [
        (["true", "FALSE"], "BOOLEAN"),
        (["0", "-7", "9223372036854775807"], "BIGINT"),
        (["9223372036854775808"], "DECIMAL(38,0)"),
        (["9" * 38], "DECIMAL(38,0)"),
        (["9" * 39], "VARCHAR"),
        (["007"], "VARCHAR"),
        (["+1"], "VARCHAR"),
        (["1e5"], "VARCHAR"),
        (["1.5e5", "1"], "DOUBLE"),
        (["0.1", "2", "-3.75"], "DOUBLE"),
        (["1.50", "10000000000000.25"], "DOUBLE"),
        (["0.1234567890123456789"], "DECIMAL(19,19)"),
        (["1.5", "12345678901234567890"], "DECIMAL(21,1)"),
        (["NaN", "1.5", "-Infinity"], "DOUBLE"),
        (["NaN"], "VARCHAR"),
        (["2024-02-29"], "DATE"),
        (["2023-02-29"], "VARCHAR"),
        (["2024-01-31T12:30:00", "2024-01-31 12:30:00.123456"], "TIMESTAMP"),
        (["2024-01-31T12:30:00Z", "2024-01-31 12:30:00+00:00"], "TIMESTAMP WITH TIME ZONE"),
        (["2024-01-31T12:30:00+01:00"], "VARCHAR"),
        (["2024-01-31T12:30:00Z", "2024-01-31T12:30:00"], "VARCHAR"),
        (["2024-01-31", "2024-01-31T12:30:00"], "VARCHAR"),
        (["1", "x"], "VARCHAR"),
        (["true", "1"], "VARCHAR"),
    ],
)
def test_types_of_new_columns_of_csv(service: Service, texts: list[str], column_type: str) -> None:
    content = "".join(["id,new\n", *(f"1,{text}\n" for text in texts), "2,\n"])
    told = both(service, "csv", content.encode(), {"id": "INTEGER"})
    assert told["columns_added"] == [{"name": "new", "type": column_type}]


@pytest.mark.parametrize(
    "values, column_type",
    [
        (["true", "false"], "BOOLEAN"),
        (["0", "-7"], "BIGINT"),
        (["18446744073709551615"], "DECIMAL(38,0)"),
        (["0.1", "2", "1e2"], "DOUBLE"),
        (['"NaN"', "1.5"], "DOUBLE"),
        (['"7"'], "VARCHAR"),
        (['"2024-02-29"'], "DATE"),
        (['"2024-01-31T12:30:00Z"'], "TIMESTAMP WITH TIME ZONE"),
        (['"2024-01-31T12:30:00"'], "TIMESTAMP"),
        (['"x"', '"2024-02-29"'], "VARCHAR"),
        (['{"a": 1}', '{"b": [1.5]}'], "JSON"),
        (["1", '"x"'], "JSON"),
        (["true", "1"], "JSON"),
    ],
)
def test_types_of_new_columns_of_json(
    service: Service, values: list[str], column_type: str
) -> None:
    lines = [f'{{"id": 1, "New": {value}}}\n' for value in values]
    content = "".join([*lines, '{"id": 2, "New": null}\n', '{"id": 3}\n'])
    told = both(service, "ndjson", content.encode(), {"id": "INTEGER"})
    assert told["columns_added"] == [{"name": "New", "type": column_type}]


def test_lists_of_new_columns_are_json(service: Service) -> None:
    target = table(service, {"id": "INTEGER"})
    place = put(service, service.bucket(), "x.json", '[{"id": 1, "new": [1, 2]}]')
    assert grow(service, target, place)["columns_added"] == [{"name": "new", "type": "JSON"}]
    assert rows(service, target) == [{"id": 1, "new": [1, 2]}]


@pytest.mark.parametrize(
    "before, texts, after",
    [
        ("TINYINT", ["127", "-128"], None),
        ("TINYINT", ["128"], "SMALLINT"),
        ("SMALLINT", ["-40000"], "INTEGER"),
        ("INTEGER", ["3000000000"], "BIGINT"),
        ("UTINYINT", ["256"], "SMALLINT"),
        ("FLOAT", ["1.5"], None),
        ("FLOAT", ["1.5e300"], "DOUBLE"),
        ("DECIMAL(4,2)", ["99.99"], None),
        ("DECIMAL(4,2)", ["100.25", "0.125"], "DECIMAL(6,3)"),
    ],
)
@pytest.mark.parametrize("suffix", ["csv", "ndjson"])
def test_columns_of_text_that_are_widened(
    service: Service, suffix: str, before: str, texts: list[str], after: str | None
) -> None:
    content = "".join(
        ["a\n", *(f"{text}\n" for text in texts)]
        if suffix == "csv"
        else [f'{{"a": {text}}}\n' for text in texts]
    )
    told = both(service, suffix, content.encode(), {"a": before})
    assert told["columns_widened"] == ([] if after is None else [{"name": "a", "type": after}])


@pytest.mark.parametrize(
    "before, values, after",
    [
        ("INTEGER", pa.array([1, None], pa.int64()), None),
        ("INTEGER", pa.array([2**31], pa.int64()), "BIGINT"),
        ("TINYINT", pa.array([255], pa.uint8()), "SMALLINT"),
        ("FLOAT", pa.array([0.5, float("nan")], pa.float64()), None),
        ("FLOAT", pa.array([0.1], pa.float64()), "DOUBLE"),
        ("DECIMAL(4,2)", pa.array([Decimal("1.500")], pa.decimal128(9, 3)), None),
        ("DECIMAL(4,2)", pa.array([Decimal("1.125")], pa.decimal128(9, 3)), "DECIMAL(5,3)"),
    ],
)
def test_columns_of_parquet_that_are_widened(
    service: Service, before: str, values: pa.Array, after: str | None
) -> None:
    told = both(service, "parquet", parquet(a=values), {"a": before})
    assert told["columns_widened"] == ([] if after is None else [{"name": "a", "type": after}])


def parquet(**columns: pa.Array) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


def test_parquet_tells_the_types_of_new_columns(service: Service) -> None:
    content = parquet(
        id=pa.array([1, 2], pa.int32()),
        day=pa.array([date(2024, 2, 29), None]),
        amount=pa.array([Decimal("1.50"), None], pa.decimal128(9, 2)),
        parts=pa.array([{"a": [1]}, None], pa.struct([("a", pa.list_(pa.int32()))])),
        none=pa.array([None, None], pa.int32()),
    )
    told = both(service, "parquet", content, {"id": "INTEGER"})
    assert told["columns_added"] == [
        {"name": "day", "type": "DATE"},
        {"name": "amount", "type": "DECIMAL(9,2)"},
        {"name": "parts", "type": "STRUCT(a INTEGER[])"},
        {"name": "none", "type": "INTEGER"},
    ]


def test_columns_of_nulls_alone_are_left_out(service: Service) -> None:
    told = both(service, "csv", b"id,none\n1,\n", {"id": "INTEGER"})
    assert told["columns_added"] == []
    told = both(service, "ndjson", b'{"id": 1, "none": null}\n', {"id": "INTEGER"})
    assert told["columns_added"] == []


def test_it_is_one_commit_and_can_be_sent_again(service: Service) -> None:
    target, bucket = table(service, {"id": "INTEGER"}), service.bucket()
    place = put(service, bucket, "x.csv", "id,new\n1,a\n")
    before = service.http.get(f"/tables/{target}").json()["snapshot_id"]
    body = {"objects": [place], "on_new_columns": "add"}
    key = {"idempotency-key": target}
    first = service.http.post(f"/tables/{target}/load", json=body, headers=key)
    again = service.http.post(f"/tables/{target}/load", json=body, headers=key)
    assert first.json() == again.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert first.json()["snapshot_id"] > before
    assert first.json()["columns_added"] == [{"name": "new", "type": "VARCHAR"}]
    assert rows(service, target) == [{"id": 1, "new": "a"}]
    assert (
        "columns_added"
        not in service.http.post(f"/tables/{target}/load", json={"objects": [place]}).json()
    )


@pytest.mark.parametrize(
    "name, content, code",
    [
        ("x.csv", "id,new\n1.5,a\n", "rows_do_not_fit"),
        ("x.csv", "id,new\nx,a\n", "rows_do_not_fit"),
        ("x.ndjson", '{"id": 1, "rowid": 1}\n', "invalid_column"),
        ("x.ndjson", '{"id": 1, "new": 1, "NEW": 2}\n', "rows_do_not_fit"),
        ("x.ndjson", json.dumps({"id": 1, "x" * 129: 1}), "invalid_column"),
    ],
)
def test_what_does_not_fit_grows_nothing(
    service: Service, name: str, content: str, code: str
) -> None:
    target = table(service, {"id": "INTEGER"})
    place = put(service, service.bucket(), name, content)
    answer = service.http.post(
        f"/tables/{target}/load", json={"objects": [place], "on_new_columns": "add"}
    )
    problem(answer, 422, code)
    described = service.http.get(f"/tables/{target}").json()
    assert [column["name"] for column in described["columns"]] == ["id"]
    assert described["row_count"] == 0
