"""Tables made of what a query answers, over HTTP."""

import uuid
from typing import Any

import pytest

from tests.integration.rest.conftest import problem
from tests.integration.transfers.conftest import Service


def fresh() -> str:
    return f"t_{uuid.uuid4().hex}"


def test_the_answer_tells_the_columns_that_were_found(service: Service) -> None:
    name = f"ns.{fresh()}"
    body = {
        "name": name,
        "from": {
            "query": "SELECT i AS id, DATE '2020-01-01' + i::INTEGER AS day, [i] AS l "
            "FROM range(?) AS r(i)",
            "parameters": [100],
        },
        "comment": "Made",
        "partition_by": ["month(day)"],
    }

    answer = service.http.post("/tables", json=body)

    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"/tables/{name}"
    assert answer.headers["lineage-run-id"]
    told = answer.json()
    assert [(column["name"], column["type"]) for column in told["columns"]] == [
        ("id", "BIGINT"),
        ("day", "DATE"),
        ("l", "BIGINT[]"),
    ]
    assert (told["row_count"], told["comment"]) == (100, "Made")
    assert told["partition_by"] == ["month(day)"]
    assert service.query(f"SELECT max(id) AS m FROM {name}")["rows"] == [{"m": 99}]


def test_if_exists_says_what_to_do(service: Service) -> None:
    name = service.table("SELECT 1 AS a")
    body: dict[str, Any] = {"name": name, "from": {"query": f"SELECT a + 1 AS a FROM {name}"}}

    problem(service.http.post("/tables", json=body), 409, "table_exists")
    assert service.http.post("/tables", json=body | {"if_exists": "ignore"}).status_code == 200
    assert service.query(f"FROM {name}")["rows"] == [{"a": 1}]
    assert service.http.post("/tables", json=body | {"if_exists": "replace"}).status_code == 201
    assert service.query(f"FROM {name}")["rows"] == [{"a": 2}]


@pytest.mark.parametrize(
    "change, status, code",
    [
        ({"from": {"query": "SELECT sum(1) AS s"}}, 422, "invalid_column"),
        ({"from": {"query": "SELECT 1 AS rowid"}}, 422, "invalid_column"),
        ({"from": {"query": "DROP TABLE x"}}, 403, "statement_not_allowed"),
        ({"from": {"query": "FROM nowhere"}}, 400, "invalid_sql"),
        ({"from": {"query": ""}}, 400, "invalid_sql"),
        ({"from": {"query": "SELECT 'x'::INTEGER AS a"}}, 422, "invalid_value"),
        ({"from": {"query": "SELECT ? AS a"}}, 422, "invalid_parameters"),
        ({"from": {}}, 422, "invalid_request"),
        ({"from": {"query": 1}}, 422, "invalid_request"),
        ({"from": "SELECT 1"}, 422, "invalid_request"),
        ({"from": None}, 422, "invalid_request"),
        ({"columns": [{"name": "a", "type": "INTEGER"}]}, 422, "invalid_request"),
        ({"name": "a.b.c"}, 422, "invalid_table_name"),
        ({"comment": "\x00"}, 422, "invalid_column"),
        ({"partition_by": ["b"]}, 422, "invalid_partition"),
        ({"partition_by": ["year(a)"]}, 422, "invalid_partition"),
    ],
)
def test_what_is_refused(service: Service, change: dict[str, Any], status: int, code: str) -> None:
    name = fresh()
    body = {"name": name, "from": {"query": "SELECT 1 AS a"}} | change
    problem(service.http.post("/tables", json=body), status, code)
    problem(service.http.get(f"/tables/{name}"), 404, "table_not_found")


def test_runs_tell_what_was_read(service: Service) -> None:
    source, name = service.table("SELECT 1 AS a"), fresh()
    body = {"name": name, "from": {"query": f"FROM {source}"}}
    answer = service.http.post("/tables", json=body)
    assert answer.status_code == 201
    events = service.events(answer.headers["lineage-run-id"])
    assert [event["eventType"] for event in events] == ["START", "COMPLETE"]
    assert [found["name"] for found in events[-1]["inputs"]] == [f"lake.main.{source}"]
    assert [found["name"] for found in events[-1]["outputs"]] == [f"lake.main.{name}"]


def test_runs_tell_the_objects_that_were_read(service: Service) -> None:
    bucket, name = service.bucket(), fresh()
    service.http.put(f"/datasets/{bucket}/in/x.csv", content=b"a\n1\n2\n")
    body = {"name": name, "from": {"query": f"SELECT max(a) AS m FROM 's3://{bucket}/in/*.csv'"}}
    answer = service.http.post("/tables", json=body)
    assert answer.status_code == 201, answer.text
    assert service.query(f"FROM {name}")["rows"] == [{"m": 2}]
    end = service.events(answer.headers["lineage-run-id"])[-1]
    assert [found["name"] for found in end["inputs"]] == ["in/x.csv"]
