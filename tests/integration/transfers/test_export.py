"""Exports: what a query answers, as one object."""

import io
import json
from decimal import Decimal
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.eventually import eventually
from tests.integration.rest.conftest import problem
from tests.integration.transfers.conftest import Service

ROWS = (
    "SELECT i AS id, (i / 100)::DECIMAL(9,2) AS amount, NULLIF('row ' || i, 'row 3') AS label, "
    "DATE '2020-01-01' + i::INTEGER AS day, [i, NULL] AS list FROM range(10) AS r(i)"
)


def export(service: Service, table: str, **body: Any) -> Any:
    answer = service.http.post(f"/tables/{table}/export", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def content(service: Service, place: str) -> bytes:
    answer = service.http.get(f"/datasets/{place}")
    assert answer.status_code == 200, answer.text
    return answer.content


@pytest.mark.parametrize("name", ["parquet", "arrow", "csv", "ndjson", "json"])
def test_every_format_holds_what_a_query_answers(service: Service, name: str) -> None:
    table, place = service.table(ROWS), f"{service.bucket()}/a/b.{name}"

    told = export(service, table, object=place, format=name)

    answer = service.http.get(f"/datasets/{place}")
    queried = service.http.post(f"/tables/{table}/query?format={name}", json={})
    assert told["size"] == len(answer.content)
    assert told["etag"] == answer.headers["etag"].strip('"')
    assert told["media_type"] == answer.headers["content-type"]
    assert answer.headers["content-type"] == queried.headers["content-type"].partition(";")[0]
    if name == "json":
        rows = json.loads(answer.content, parse_float=Decimal)
        assert rows == json.loads(queried.content, parse_float=Decimal)["rows"]
    elif name in {"csv", "ndjson"}:
        assert answer.content == queried.content
    else:
        assert read(name, answer.content).equals(read(name, queried.content))


def read(name: str, content: bytes) -> pa.Table:
    if name == "parquet":
        return pq.read_table(io.BytesIO(content))
    with pa.ipc.open_stream(content) as reader:
        return reader.read_all()


def test_json_without_rows_is_an_empty_array(service: Service) -> None:
    table, place = service.table(ROWS), f"{service.bucket()}/none.json"
    export(service, table, sql=f"FROM {table} WHERE id < 0", object=place, format="json")
    assert json.loads(content(service, place)) == []


def test_a_query_with_parameters(service: Service) -> None:
    table, place = service.table(ROWS), f"{service.bucket()}/some.ndjson"
    export(
        service,
        table,
        sql=f"SELECT id FROM {table} WHERE id > $least ORDER BY id",
        parameters={"least": 7},
        object=place,
        format="ndjson",
    )
    assert content(service, place) == b'{"id":8}\n{"id":9}\n'


def test_a_result_of_many_chunks(service: Service) -> None:
    table, place = service.table("SELECT 1 AS a"), f"{service.bucket()}/many.json"
    sql = "SELECT i, repeat('x', 100) AS text FROM range(50000) AS r(i)"
    export(service, table, sql=sql, object=place, format="json")
    assert [row["i"] for row in json.loads(content(service, place))] == list(range(50_000))


def test_it_answers_where_the_object_is_and_what_run_made_it(service: Service) -> None:
    table, bucket = service.table("SELECT 1 AS a"), service.bucket()
    answer = service.http.post(
        f"/tables/{table}/export", json={"object": f"{bucket}/a b/ü%.csv", "format": "csv"}
    )
    assert answer.status_code == 201
    assert answer.headers["lineage-run-id"]
    assert service.http.get(answer.headers["location"]).content == b"a\n1\n"
    assert answer.headers["etag"] == service.http.get(answer.headers["location"]).headers["etag"]


def test_conditions_are_the_objects(service: Service) -> None:
    table, bucket = service.table("SELECT 1 AS a"), service.bucket()
    body = {"object": f"{bucket}/x.csv", "format": "csv"}
    path = f"/tables/{table}/export"
    only_new = {"if-none-match": "*"}

    first = service.http.post(path, json=body, headers=only_new)
    assert first.status_code == 201
    problem(service.http.post(path, json=body, headers=only_new), 412, "precondition_failed")
    same = {"if-match": first.headers["etag"]}
    changed = body | {"sql": "SELECT 2 AS a"}
    assert service.http.post(path, json=changed, headers=same).status_code == 201
    problem(service.http.post(path, json=body, headers=same), 412, "precondition_failed")
    assert content(service, f"{bucket}/x.csv") == b"a\n2\n"


@pytest.mark.parametrize("name", ["parquet", "csv"])
def test_a_query_that_fails_midway_leaves_the_old_object(service: Service, name: str) -> None:
    table, bucket = service.table("SELECT 1 AS a"), service.bucket()
    place = f"{bucket}/x.{name}"
    export(service, table, object=place, format=name)
    before = content(service, place)

    sql = (
        "SELECT CAST(CASE WHEN i < 400000 THEN '1' ELSE 'x' END AS INTEGER) FROM range(500000) r(i)"
    )
    answer = service.http.post(
        f"/tables/{table}/export", json={"sql": sql, "object": place, "format": name}
    )

    problem(answer, 422, "invalid_value")
    assert content(service, place) == before
    assert service.objects(bucket) == [f"x.{name}"]


@pytest.mark.parametrize(
    "change, status, code",
    [
        ({"object": "no-such-bucket/x.csv"}, 404, "bucket_not_found"),
        ({"object": "{bucket}"}, 422, "invalid_object_name"),
        ({"object": "{bucket}/"}, 422, "invalid_object_name"),
        ({"object": "{bucket}/a//b"}, 422, "invalid_object_name"),
        ({"object": "{bucket}/../x"}, 422, "invalid_object_name"),
        ({"object": "NO/x"}, 422, "invalid_bucket_name"),
        ({"object": "s3://{bucket}/x"}, 422, "invalid_bucket_name"),
        ({"object": None}, 422, "invalid_request"),
        ({"format": "xlsx"}, 422, "invalid_request"),
        ({"format": None}, 422, "invalid_request"),
        ({"unknown": 1}, 422, "invalid_request"),
        ({"sql": "SELEC 1"}, 400, "invalid_sql"),
        ({"sql": "DROP TABLE {table}"}, 403, "statement_not_allowed"),
        ({"sql": "FROM nowhere"}, 400, "invalid_sql"),
        ({"sql": "SELECT ?", "parameters": [1, 2]}, 422, "invalid_parameters"),
        ({"parameters": [1]}, 422, "invalid_parameters"),
    ],
)
def test_what_is_refused(service: Service, change: dict[str, Any], status: int, code: str) -> None:
    table, bucket = service.table("SELECT 1 AS a"), service.bucket()
    body: dict[str, Any] = {"object": f"{bucket}/x.csv", "format": "csv"} | change
    filled = {
        name: value.format(bucket=bucket, table=table) if isinstance(value, str) else value
        for name, value in body.items()
    }
    problem(service.http.post(f"/tables/{table}/export", json=filled), status, code)
    assert service.objects(bucket) == []


def test_a_table_that_is_not_there(service: Service) -> None:
    body = {"object": f"{service.bucket()}/x.csv", "format": "csv"}
    problem(service.http.post("/tables/nowhere/export", json=body), 404, "table_not_found")


def test_a_query_over_objects(service: Service) -> None:
    table, bucket = service.table("SELECT 1 AS a"), service.bucket()
    service.http.put(f"/datasets/{bucket}/in.csv", content=b"a\n1\n2\n")
    body = {
        "sql": f"FROM 's3://{bucket}/in.csv' WHERE a > 1",
        "object": f"{bucket}/out.csv",
        "format": "csv",
    }
    answer = service.http.post(f"/tables/{table}/export", json=body)
    assert answer.status_code == 201, answer.text
    assert content(service, f"{bucket}/out.csv") == b"a\n2\n"
    end = service.events(answer.headers["lineage-run-id"])[-1]
    assert [found["name"] for found in end["inputs"]] == ["in.csv"]


def test_a_client_that_goes_away_stops_its_export(service: Service) -> None:
    table, bucket = service.table("SELECT 1 AS a"), service.bucket()
    sql = f"SELECT sum(hash(i)) AS {table} FROM range(1000000000000) r(i)"
    body = {"sql": sql, "object": f"{bucket}/x.csv", "format": "csv"}
    with pytest.raises(httpx.ReadTimeout):
        service.http.post(f"/tables/{table}/export", json=body, timeout=1)

    eventually(lambda: service.was_aborted(table))
    assert service.objects(bucket) == []
