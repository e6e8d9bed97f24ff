"""Partitioned exports: what a query answers, as one object for each value."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.eventually import eventually
from tests.integration.rest.conftest import problem
from tests.integration.transfers.conftest import Service

ROWS = (
    "SELECT i AS id, i % 2 AS even, NULLIF('v' || i % 3, 'v1') AS kind, 'row ' || i AS text "
    "FROM range(10) AS r(i)"
)


def export(service: Service, table: str, place: str, *keys: str, **body: Any) -> Any:
    said = {"object": place, "format": "parquet", "partition_by": keys} | body
    answer = service.http.post(f"/tables/{table}/export", json=said)
    assert answer.status_code == 201, answer.text
    return answer.json()


@pytest.mark.parametrize("name", ["parquet", "csv", "ndjson", "json", "arrow"])
def test_the_service_reads_back_what_it_wrote(service: Service, name: str) -> None:
    table, bucket = service.table(ROWS), service.bucket()

    told = export(service, table, f"{bucket}/p/", "kind", "even", format=name)

    assert (told["bucket"], told["prefix"], told["row_count"]) == (bucket, "p/", 10)
    assert told["removed"] == []
    names = [
        f"p/kind={kind}/even={even}/part-0.{name}"
        for kind in ("v0", "v2", "__HIVE_DEFAULT_PARTITION__")
        for even in (0, 1)
    ]
    assert [each["name"] for each in told["objects"]] == names
    assert service.objects(bucket) == sorted(names)
    assert told["size"] == sum(each["size"] for each in told["objects"])
    for each in told["objects"]:
        found = service.http.get(f"/datasets/{bucket}/{each['name']}")
        assert found.headers["etag"] == f'"{each["etag"]}"'
        assert len(found.content) == each["size"]
    if name != "arrow":
        reader = {"parquet": "parquet", "csv": "csv"}.get(name, "json")
        read = f"read_{reader}('s3://{bucket}/p/**/*.{name}', hive_partitioning = true)"
        sql = f"SELECT id, even, kind, text FROM {read} ORDER BY id"
        assert service.query(sql)["rows"] == service.query(f"FROM {table} ORDER BY id")["rows"]


def test_what_was_written_is_loaded_again(service: Service) -> None:
    table, bucket = service.table(ROWS), service.bucket()
    export(service, table, f"{bucket}/p/", "kind", "even")
    objects = {"objects": [f"{bucket}/p/**/*.parquet"]}
    expected = service.query(f"SELECT id, text, kind, even FROM {table} ORDER BY id")["rows"]
    types = {"id": "BIGINT", "text": "VARCHAR", "kind": "VARCHAR", "even": "BIGINT"}
    columns = [
        {"name": name, "type": each, "nullable": name != "even"} for name, each in types.items()
    ]

    made = service.http.post("/tables", json={"name": f"{table}_copy", "from": objects})
    assert made.status_code == 201, made.text
    assert {each["name"]: each["type"] for each in made.json()["columns"]} == types
    assert service.query(f"FROM {table}_copy ORDER BY id")["rows"] == expected

    service.http.post("/tables", json={"name": f"{table}_other", "columns": columns})
    at = f"/tables/{table}_other/load"
    refused = service.http.post(at, json=objects | {"hive_partitioning": False})
    assert (refused.status_code, refused.json()["code"]) == (422, "rows_do_not_fit")
    loaded = service.http.post(at, json=objects)
    assert loaded.json()["rows_appended"] == len(expected), loaded.text
    assert service.query(f"FROM {table}_other ORDER BY id")["rows"] == expected

    # In SQL the path's columns are there unasked, as DuckDB has it.
    read = f"'s3://{bucket}/p/**/*.parquet'"
    assert service.query(f"SELECT id, text, kind, even FROM {read} ORDER BY id")["rows"] == expected
    texts = f"read_parquet({read}, hive_types = {{'even': 'VARCHAR'}})"
    assert service.query(f"SELECT DISTINCT even FROM {texts} ORDER BY 1")["rows"] == [
        {"even": "0"},
        {"even": "1"},
    ]


def test_the_answer_tells_where_and_which_run(service: Service) -> None:
    table, bucket = service.table(ROWS), service.bucket()
    body = {"object": f"{bucket}/a b/", "format": "csv", "partition_by": ["even"]}
    answer = service.http.post(f"/tables/{table}/export", json=body)

    assert answer.headers["location"] == f"/datasets/{bucket}?prefix=a%20b/"
    listed = service.http.get(answer.headers["location"]).json()["objects"]
    assert [each["name"] for each in listed] == [each["name"] for each in answer.json()["objects"]]
    end = service.events(answer.headers["lineage-run-id"])[-1]
    assert [each["name"] for each in end["inputs"]] == [f"lake.main.{table}"]
    assert [each["name"] for each in end["outputs"]] == [
        "a b/even=0/part-0.csv",
        "a b/even=1/part-0.csv",
    ]


def test_to_a_whole_bucket_and_again(service: Service) -> None:
    table, bucket = service.table(ROWS), service.bucket()
    export(service, table, f"{bucket}/", "id", format="csv")
    assert len(service.objects(bucket)) == 10
    again = export(
        service,
        table,
        f"{bucket}/",
        "ID",
        format="csv",
        sql=f"SELECT * FROM {table} WHERE id < $most",
        parameters={"most": 2},
    )
    assert len(again["removed"]) == 8
    assert service.objects(bucket) == ["id=0/part-0.csv", "id=1/part-0.csv"]
    none = export(
        service, table, f"{bucket}/", "id", format="csv", sql=f"FROM {table} WHERE id < 0"
    )
    assert (none["objects"], len(none["removed"]), none["row_count"]) == ([], 2, 0)


def test_conditions(service: Service) -> None:
    table, bucket = service.table(ROWS), service.bucket()
    path = f"/tables/{table}/export"
    body = {"object": f"{bucket}/p", "format": "csv", "partition_by": ["even"]}
    only_new = {"if-none-match": "*"}
    assert service.http.post(path, json=body, headers=only_new).status_code == 201
    problem(service.http.post(path, json=body, headers=only_new), 412, "precondition_failed")
    problem(service.http.post(path, json=body, headers={"if-match": '"1"'}), 501, "not_implemented")


@pytest.mark.parametrize(
    "change, status, code",
    [
        ({"partition_by": []}, 422, "invalid_request"),
        ({"partition_by": "even"}, 422, "invalid_request"),
        ({"partition_by": [1]}, 422, "invalid_request"),
        ({"partition_by": ["year(id)"]}, 422, "invalid_partition"),
        ({"partition_by": ["nothing"]}, 422, "invalid_partition"),
        ({"partition_by": ["even", "EVEN"]}, 422, "invalid_partition"),
        ({"partition_by": ["id", "even", "kind", "text"]}, 422, "invalid_partition"),
        ({"sql": 'SELECT 1 AS a, 2 AS "b=c"', "partition_by": ["b=c"]}, 422, "invalid_partition"),
        ({"sql": "SELECT 1 AS a, repeat('x', 300) AS even"}, 422, "invalid_partition"),
        ({"sql": "SELECT i, i AS even FROM range(10001) r(i)"}, 422, "invalid_partition"),
        ({"sql": "SELECT [1] AS even, 2 AS b"}, 422, "invalid_partition"),
        ({"sql": "SELEC 1"}, 400, "invalid_sql"),
        ({"object": "no-such-bucket/p/"}, 404, "bucket_not_found"),
        ({"object": "{bucket}"}, 422, "invalid_object_name"),
        ({"object": "{bucket}/a//"}, 422, "invalid_object_name"),
        ({"object": "{bucket}/../x"}, 422, "invalid_object_name"),
    ],
)
def test_what_is_refused(service: Service, change: dict[str, Any], status: int, code: str) -> None:
    table, bucket = service.table(ROWS), service.bucket()
    body: dict[str, Any] = {"object": f"{bucket}/p/", "format": "csv", "partition_by": ["even"]}
    body |= change
    body["object"] = body["object"].format(bucket=bucket)
    problem(service.http.post(f"/tables/{table}/export", json=body), status, code)
    assert service.objects(bucket) == []


def test_a_query_that_fails_writes_nothing(service: Service) -> None:
    table, bucket = service.table("SELECT 1 AS a"), service.bucket()
    sql = (
        "SELECT i % 2 AS k, CAST(CASE WHEN i < 400000 THEN '1' ELSE 'x' END AS INTEGER) AS n "
        "FROM range(500000) r(i)"
    )
    body = {"sql": sql, "object": f"{bucket}/p", "format": "csv", "partition_by": ["k"]}
    problem(service.http.post(f"/tables/{table}/export", json=body), 422, "invalid_value")
    assert service.objects(bucket) == []


def test_a_name_that_is_taken_undoes_it(service: Service) -> None:
    table, bucket = service.table(ROWS), service.bucket()
    service.http.put(f"/datasets/{bucket}/p/even=1", content=b"x").raise_for_status()
    body = {"object": f"{bucket}/p", "format": "csv", "partition_by": ["even"]}
    answer = service.http.post(f"/tables/{table}/export", json=body)
    problem(answer, 409, "object_name_conflict")
    assert service.objects(bucket) == ["p/even=1"]


def test_a_client_that_goes_away_stops_it(service: Service) -> None:
    table, bucket = service.table("SELECT 1 AS a"), service.bucket()
    sql = f"SELECT 1 AS k, sum(hash(i)) AS {table} FROM range(1000000000000) r(i)"
    body = {"sql": sql, "object": f"{bucket}/x", "format": "csv", "partition_by": ["k"]}
    with pytest.raises(httpx.ReadTimeout):
        service.http.post(f"/tables/{table}/export", json=body, timeout=1)

    eventually(lambda: service.was_aborted(table))
    assert service.objects(bucket) == []


def test_a_file_without_the_columns_that_divide(service: Service) -> None:
    table, bucket = service.table(ROWS), service.bucket()
    export(service, table, f"{bucket}/p", "even", format="ndjson")
    lines = service.http.get(f"/datasets/{bucket}/p/even=1/part-0.ndjson").content.splitlines()
    assert [list(json.loads(line)) for line in lines] == [["id", "kind", "text"]] * 5
