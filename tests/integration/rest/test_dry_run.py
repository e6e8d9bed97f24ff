"""Plans over HTTP, on fakes."""

from __future__ import annotations

import pytest

from tests.integration.rest.conftest import Api, problem


@pytest.fixture
def table(api: Api) -> str:
    name = api.table({"a": "INTEGER", "b": "VARCHAR"})
    assert api.http.put(f"/tables/{name}", json=[{"a": 1, "b": "x"}]).status_code == 200
    return name


@pytest.mark.parametrize("method", ["POST", "QUERY"])
def test_a_plan(api: Api, table: str, method: str) -> None:
    before = len(api.lineage.events)
    answer = api.http.request(method, f"/tables/{table}/query?dry_run=true", json={})
    assert answer.status_code == 200
    told = answer.json()
    assert told["columns"] == [{"name": "a", "type": "INTEGER"}, {"name": "b", "type": "VARCHAR"}]
    (read,) = told["tables"]
    assert read["columns"] == ["a", "b"]
    assert read["table"].endswith(table.rpartition(".")[2])
    assert read["estimated_bytes"] == told["estimated_bytes"] > 0
    assert told["objects"] == []
    assert told["plan"].startswith("SCAN")
    assert answer.headers["cache-control"] == "no-store"
    # It read nothing.
    assert "lineage-run-id" not in answer.headers
    assert len(api.lineage.events) == before


def test_no_plan(api: Api, table: str) -> None:
    target = f"/tables/{table}/query"
    assert "rows" in api.http.post(f"{target}?dry_run=false", json={}).json()
    problem(api.http.post(f"{target}?dry_run=perhaps", json={}), 422, "invalid_request")
    problem(api.http.post(f"{target}?dry_run=true&format=csv", json={}), 406, "not_acceptable")
    problem(api.http.post("/tables/nowhere/query?dry_run=true", json={}), 404, "table_not_found")
    problem(
        api.http.post(f"{target}?dry_run=true", json={"timeout_s": 1e6}), 422, "invalid_parameters"
    )


def test_a_plan_is_told_at_once_whatever_is_preferred(api: Api, table: str) -> None:
    target = f"/tables/{table}/query?dry_run=true"
    answer = api.http.post(target, json={}, headers={"prefer": "respond-async"})
    assert answer.status_code == 200
    # A preference may be ignored, and then is not told to be applied (RFC 7240, section 3).
    assert "preference-applied" not in answer.headers
