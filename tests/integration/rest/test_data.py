"""A table's data under a URL, entity tags of results, and the method QUERY, on fakes."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from domain.formats import DataFormat
from domain.lineage import RunState
from tests.integration.rest.conftest import Api, problem

JSON = {"content-type": "application/json"}


@pytest.fixture
def table(api: Api) -> str:
    name = api.table({"a": "INTEGER", "b, c": "VARCHAR"})
    rows = [{"a": 1, "b, c": "x"}, {"a": 2, "b, c": None}]
    assert api.http.put(f"/tables/{name}", json=rows).status_code == 200
    return name


@pytest.mark.parametrize(
    "columns, names",
    [
        (None, ["a", "b, c"]),
        ("a", ["a"]),
        ('"B, C",A', ["b, c", "a"]),
    ],
)
def test_columns(api: Api, table: str, columns: str | None, names: list[str]) -> None:
    parameters = {"format": "csv"} | ({"columns": columns} if columns is not None else {})
    answer = api.http.get(f"/tables/{table}/data", params=parameters)
    assert answer.status_code == 200
    assert next(csv.reader(io.StringIO(answer.text))) == names


@pytest.mark.parametrize(
    "columns", ["d", "", "a,a", "a,A", "a,", '"a', 'a"b"', "a\nb", "a" * 1000, "a;b"]
)
def test_wrong_columns(api: Api, table: str, columns: str) -> None:
    answer = api.http.get(f"/tables/{table}/data", params={"columns": columns})
    (error,) = problem(answer, 422, "invalid_column")["errors"]
    assert (error["in"], error["name"]) == ("query", "columns")


def test_a_column_is_hinted_at(api: Api, table: str) -> None:
    answer = api.http.get(f"/tables/{table}/data?columns=bc")
    assert "'b, c'" in problem(answer, 422, "invalid_column")["detail"]


@pytest.mark.parametrize(
    "parameters, status, code",
    [
        ("where=", 400, "invalid_sql"),
        ("where=%00", 400, "invalid_sql"),
        ("row_limit=-1", 422, "invalid_request"),
        ("row_limit=1.5", 422, "invalid_request"),
        ("timeout_s=0", 422, "invalid_request"),
        ("timeout_s=nan", 422, "invalid_request"),
        ("timeout_s=1e9", 422, "invalid_parameters"),
        ("column=a", 422, "invalid_request"),
        ("format=xml", 406, "not_acceptable"),
        ("at_version=-1", 422, "invalid_request"),
        ("at_version=999999", 404, "snapshot_not_found"),
        ("at_timestamp=1999-01-01T00:00:00Z", 404, "snapshot_not_found"),
        ("at_timestamp=yesterday", 422, "invalid_request"),
        ("at_version=1&at_timestamp=2026-01-01T00:00:00Z", 422, "invalid_request"),
    ],
)
def test_bad_requests(api: Api, table: str, parameters: str, status: int, code: str) -> None:
    problem(api.http.get(f"/tables/{table}/data?{parameters}"), status, code)


def test_data_of_the_past(api: Api, table: str) -> None:
    then = api.http.get(f"/tables/{table}").json()["snapshot_id"]
    assert api.http.put(f"/tables/{table}", json=[{"a": 3}]).status_code == 200
    past = api.http.get(f"/tables/{table}/data?format=json&at_version={then}").json()
    assert (past["row_count"], past["snapshot_id"]) == (2, then)
    assert api.http.get(f"/tables/{table}/data?format=json").json()["row_count"] == 3
    asked = api.http.post(f"/tables/{table}/query", json={"at_version": then}).json()
    assert (asked["row_count"], asked["snapshot_id"]) == (2, then)


def test_a_table_that_is_not_there(api: Api) -> None:
    problem(api.http.get("/tables/nowhere/data"), 404, "table_not_found")
    assert api.http.head("/tables/nowhere/data").status_code == 404


@pytest.mark.parametrize("data_format", list(DataFormat))
def test_a_head_tells_all_but_the_rows(api: Api, table: str, data_format: DataFormat) -> None:
    target = f"/tables/{table}/data?format={data_format}"
    head, got = api.http.head(target), api.http.get(target)
    assert head.status_code == got.status_code == 200
    assert head.content == b""
    assert got.content
    for name in ("content-type", "etag", "cache-control", "vary"):
        assert head.headers[name] == got.headers[name]
    assert "content-length" not in head.headers
    run_id = head.headers["lineage-run-id"]
    assert api.lineage.states(run_id) == (RunState.START, RunState.COMPLETE)


def test_a_range_is_answered_whole(api: Api, table: str) -> None:
    target = f"/tables/{table}/data?format=csv"
    answer = api.http.get(target, headers={"range": "bytes=0-0"})
    assert answer.status_code == 200
    assert answer.content == api.http.get(target).content


def ask(api: Api, method: str, target: str, **more: Any) -> Any:
    return api.http.request(method, target, json=None if method == "GET" else {}, **more)


@pytest.mark.parametrize("method", ["GET", "QUERY"])
def test_an_answer_that_the_caller_has(api: Api, table: str, method: str) -> None:
    target = f"/tables/{table}/{'data' if method == 'GET' else 'query'}"
    first = ask(api, method, target)
    tag = first.headers["etag"]
    assert tag.startswith('W/"')
    assert first.headers["cache-control"] == "private, no-cache"
    for known in (tag, tag.removeprefix("W/"), f'"x", {tag}', "*"):
        again = ask(api, method, target, headers={"if-none-match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tag
        assert "content-length" not in again.headers
        run_id = again.headers["lineage-run-id"]
        assert api.lineage.states(run_id) == (RunState.START, RunState.COMPLETE)
    other = ask(api, method, target, headers={"if-none-match": '"x"'})
    assert other.status_code == 200
    assert api.http.put(f"/tables/{table}", json=[{"a": 3}]).status_code == 200
    changed = ask(api, method, target, headers={"if-none-match": tag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != tag


@pytest.mark.parametrize("condition", ["*", "a b", "the tag"])
def test_a_post_ignores_conditions(api: Api, table: str, condition: str) -> None:
    target = f"/tables/{table}/query"
    first = ask(api, "POST", target)
    known = first.headers["etag"] if condition == "the tag" else condition
    again = ask(api, "POST", target, headers={"if-none-match": known, "if-match": '"x"'})
    assert again.status_code == 200
    assert again.json()["rows"] == first.json()["rows"]
    # What POST was told, QUERY can ask with.
    assert (
        ask(api, "QUERY", target, headers={"if-none-match": first.headers["etag"]}).status_code
        == 304
    )


def test_what_is_asked_for_and_how_it_is_written_have_tags_of_their_own(
    api: Api, table: str
) -> None:
    targets = [
        "data",
        "data?format=ndjson",
        "data?format=csv",
        "data?numbers=string",
        "data?columns=a",
        "data?row_limit=1",
    ]
    tags = {api.http.get(f"/tables/{table}/{target}").headers["etag"] for target in targets}
    assert len(tags) == len(targets)
    one = api.http.get(f"/tables/{table}/data?timeout_s=5").headers["etag"]
    assert one in tags


def test_what_has_no_version_has_no_tag(api: Api, table: str) -> None:
    target = f"/tables/{table}/data"
    tag = api.http.get(target).headers["etag"]
    malformed = api.http.get(target, headers={"if-none-match": "a b"})
    problem(malformed, 400, "malformed_request")
    assert api.http.get(target, headers={"if-none-match": tag[:-2] + '"'}).status_code == 200


# -- the method QUERY (RFC 10008) ------------------------------------------------------------


@pytest.mark.parametrize("path", ["/query", "/tables/{table}/query"])
def test_query_is_told_of(api: Api, table: str, path: str) -> None:
    target = path.format(table=table)
    answer = api.http.put(target, json={})
    problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "POST, QUERY"
    assert answer.headers["accept-query"] == "application/json"


def test_query_does_what_post_does(api: Api, table: str) -> None:
    target = f"/tables/{table}/query?format=csv"
    posted = api.http.post(target, json={"row_limit": 1})
    queried = api.http.request("QUERY", target, json={"row_limit": 1})
    assert queried.status_code == 200
    assert queried.content == posted.content
    assert queried.headers["etag"] == posted.headers["etag"]
    assert queried.headers["accept-query"] == "application/json"


def test_query_says_what_it_sends(api: Api, table: str) -> None:
    target = f"/tables/{table}/query"
    silent = api.http.request("QUERY", target, content=b"{}")
    problem(silent, 400, "malformed_request")
    text = api.http.request("QUERY", target, content=b"{}", headers={"content-type": "text/x"})
    problem(text, 415, "unsupported_media_type")
    assert text.headers["accept-query"] == "application/json"
    nothing = api.http.request("QUERY", target, headers=JSON)
    problem(nothing, 400, "empty_body")
