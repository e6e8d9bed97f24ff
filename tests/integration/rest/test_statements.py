"""Asynchronous statements over HTTP."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest

from domain.formats import DataFormat
from domain.statements import StatementId
from tests.integration.rest.conftest import Api, problem

ASYNC = {"Prefer": "respond-async"}
UNKNOWN = "01990f3e-6c20-7a51-8f0e-5b8a7d6e4c3f"
ENDS = {"succeeded", "failed", "cancelled"}


def submit(api: Api, path: str, **question: object) -> str:
    """Submit a statement; its path."""
    answer = api.http.post(path, json=question, headers=ASYNC)
    assert answer.status_code == 202, answer.text
    return answer.headers["location"]


def ended(http: httpx.Client, path: str, within_s: float = 20) -> dict[str, Any]:
    """Wait until a statement has ended; what it is then."""
    ends_at = time.monotonic() + within_s
    while True:
        found: dict[str, Any] = http.get(path).raise_for_status().json()
        if found["state"] in ENDS:
            return found
        assert time.monotonic() < ends_at, found
        time.sleep(0.02)


@pytest.fixture
def table(api: Api) -> str:
    name = api.table({"a": "INTEGER", "b": "DECIMAL(9,2)"})
    rows = [{"a": 1, "b": 2.5}, {"a": 2, "b": None}]
    assert api.http.put(f"/tables/{name}", json=rows).status_code == 200
    return f"/tables/{name}/query"


def test_a_statement_is_accepted(api: Api, table: str) -> None:
    answer = api.http.post(table, json={"row_limit": 1}, headers=ASYNC)

    assert answer.status_code == 202
    assert answer.headers["preference-applied"] == "respond-async"
    assert answer.headers["retry-after"] == "1"
    told = answer.json()
    assert answer.headers["location"] == f"/queries/{told['query_id']}"
    assert told["state"] == "queued"
    assert told["row_limit"] == 1
    assert told["error"] is None
    assert told["result"] is None
    assert ended(api.http, answer.headers["location"])["row_count"] == 1


def test_a_statement_that_succeeded(api: Api, table: str) -> None:
    path = submit(api, table, row_limit=1)

    told = ended(api.http, path)

    assert told["state"] == "succeeded"
    assert told["columns"] == [
        {"name": "a", "type": "INTEGER"},
        {"name": "b", "type": "DECIMAL(9,2)"},
    ]
    assert (told["row_count"], told["truncated"], told["progress"]) == (1, True, 1.0)
    assert told["result"] == f"{path}/result"
    assert told["submitted_at"] <= told["started_at"] <= told["ended_at"] < told["expires_at"]
    assert told["elapsed_ms"] >= 0
    assert told["size_bytes"] > 0
    assert api.http.get(path).headers["lineage-run-id"] == told["run_id"]


@pytest.mark.parametrize("numbers", ["", "&numbers=string"])
@pytest.mark.parametrize("data_format", DataFormat)
def test_results_are_what_the_query_answers(
    api: Api, table: str, data_format: str, numbers: str
) -> None:
    told = ended(api.http, submit(api, table))
    asked = f"?format={data_format}{numbers}"

    result = api.http.get(told["result"] + asked)
    answer = api.http.post(table + asked, json={})

    assert result.status_code == 200
    assert result.headers["content-type"] == answer.headers["content-type"]
    assert result.headers["lineage-run-id"] == told["run_id"]
    if data_format == "json":
        members = result.json()
        assert members.keys() == answer.json().keys()
        for same in ("columns", "rows", "row_count", "truncated", "snapshot_id"):
            assert members[same] == answer.json()[same], same
        assert members["query_id"] == told["query_id"]
        assert members["run_id"] == told["run_id"]
        assert members["elapsed_ms"] == told["elapsed_ms"]
    else:
        assert result.content == answer.content


def test_a_result_goes_by_accept(api: Api, table: str) -> None:
    result = ended(api.http, submit(api, table))["result"]

    csv = api.http.get(result, headers={"accept": "text/csv"})

    assert csv.headers["content-type"].startswith("text/csv")
    problem(api.http.get(result, headers={"accept": "image/png"}), 406, "not_acceptable")
    assert api.http.head(result).headers["content-type"] == "application/json"


def test_what_is_wrong_is_told_at_once(api: Api, table: str) -> None:
    unknown = api.http.post("/tables/no_such/query", json={}, headers=ASYNC)
    problem(unknown, 404, "table_not_found")
    problem(api.http.post(table, json={"x": 1}, headers=ASYNC), 422, "invalid_request")
    problem(api.http.post(table, json={"row_limit": -1}, headers=ASYNC), 422, "invalid_request")
    too_long = api.http.post(table, json={"timeout_s": 1e9}, headers=ASYNC)
    problem(too_long, 422, "invalid_parameters")


@pytest.mark.parametrize("parameter", ["format=csv", "numbers=string"])
def test_the_format_is_said_with_the_result(api: Api, table: str, parameter: str) -> None:
    answer = api.http.post(f"{table}?{parameter}", json={}, headers=ASYNC)

    members = problem(answer, 422, "invalid_request")
    assert members["errors"][0]["name"] == parameter.partition("=")[0]


@pytest.mark.parametrize(
    "prefer",
    ["respond-async, wait=10", "handling=strict; x=y,  RESPOND-ASYNC", 'respond-async="";a=b'],
)
def test_the_preference_beside_others(api: Api, table: str, prefer: str) -> None:
    answer = api.http.post(table, json={}, headers={"prefer": prefer})
    assert answer.status_code == 202
    ended(api.http, answer.headers["location"])


def test_deleting_forgets_what_has_ended(api: Api, table: str) -> None:
    path = submit(api, table)
    ended(api.http, path)

    assert api.http.delete(path).status_code == 204

    for gone in (path, f"{path}/result"):
        problem(api.http.get(gone), 404, "statement_not_found")
    problem(api.http.delete(path), 404, "statement_not_found")


def test_a_result_that_the_store_lost(api: Api, table: str) -> None:
    path = submit(api, table)
    ended(api.http, path)
    api.statements.delete_result(StatementId(path.removeprefix("/queries/")))

    problem(api.http.get(f"{path}/result"), 502, "result_lost")
    assert api.http.delete(path).status_code == 204


@pytest.mark.parametrize("query_id", ["x", "%00", "%C3%BC", UNKNOWN, "..", "a" * 500])
@pytest.mark.parametrize("method, suffix", [("GET", ""), ("GET", "/result"), ("DELETE", "")])
def test_unknown_statements(api: Api, method: str, suffix: str, query_id: str) -> None:
    answer = api.http.request(method, f"/queries/{query_id}{suffix}")
    assert answer.status_code == 404
    assert answer.json()["code"] in {"statement_not_found", "not_found"}


def test_listing(api: Api, table: str) -> None:
    submitted = [submit(api, table) for _ in range(5)]
    for path in submitted:
        ended(api.http, path)

    found: list[str] = []
    target = "/queries?page_size=2"
    while True:
        page = api.http.get(target).raise_for_status()
        told = page.json()
        assert len(told["queries"]) <= 2
        found.extend(f"/queries/{each['query_id']}" for each in told["queries"])
        if told["next_page_token"] is None:
            assert "link" not in page.headers
            break
        target = f"/queries?page_size=2&page_token={told['next_page_token']}"
        assert page.headers["link"] == f'<{target}>; rel="next"'

    assert [path for path in found if path in submitted] == submitted
    assert found == sorted(found)
    for token in ("x", "WyJ4Il0"):
        problem(api.http.get(f"/queries?page_token={token}"), 422, "invalid_page_token")


def test_a_statement_is_one_run(api: Api, table: str) -> None:
    told = ended(api.http, submit(api, table))

    events = [event for event in api.lineage.events if event.run_id == told["run_id"]]

    assert [event.state for event in events] == ["START", "COMPLETE"]
    (read,) = events[-1].inputs
    assert read.version == str(told["snapshot_id"])
