import csv
import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.ipc
import pytest
from dependency_injector import providers

from domain.errors import (
    InvalidParametersError,
    InvalidSqlError,
    LakehouseError,
    QueryCancelledError,
    QueryTimeoutError,
    ResourcesExhaustedError,
    StatementNotAllowedError,
)
from domain.formats import DataFormat
from domain.lineage import RunState
from domain.queries import Query
from domain.sql.limits import MAX_SQL_LENGTH
from entrypoints.rest.app import create_app
from tests.integration.rest.conftest import Api, Fakes, problem
from tests.integration.rest.scripted import ScriptedQueries, ScriptedResult
from tests.integration.rest.serving import served

Chunks = Iterator[bytes]


@pytest.fixture
def table(api: Api) -> str:
    name = api.table({"a": "INTEGER", "b": "BIGINT"})
    rows = [{"a": 1, "b": 2**60}, {"a": 2, "b": None}]
    assert api.http.put(f"/tables/{name}", json=rows).status_code == 200
    return name


def test_json_has_the_rows_and_what_is_known_of_them(api: Api, table: str) -> None:
    answer = api.http.post(f"/tables/{table}/query", json={})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["vary"] == "Accept, Accept-Encoding"
    told = answer.json()
    assert list(told) == [
        "columns",
        "rows",
        "row_count",
        "truncated",
        "query_id",
        "run_id",
        "snapshot_id",
        "elapsed_ms",
    ]
    assert told["columns"] == [{"name": "a", "type": "INTEGER"}, {"name": "b", "type": "BIGINT"}]
    assert told["rows"] == [{"a": 1, "b": 2**60}, {"a": 2, "b": None}]
    assert told["row_count"] == 2
    assert told["truncated"] is False
    assert told["run_id"] == answer.headers["lineage-run-id"] != told["query_id"]
    assert told["elapsed_ms"] > 0
    assert api.lineage.states(told["run_id"]) == (RunState.START, RunState.COMPLETE)


def test_a_row_limit_truncates(api: Api, table: str) -> None:
    told = api.http.post(f"/tables/{table}/query", json={"row_limit": 1}).json()
    assert (len(told["rows"]), told["row_count"], told["truncated"]) == (1, 1, True)
    none = api.http.post(f"/tables/{table}/query", json={"row_limit": 0}).json()
    assert (none["rows"], none["truncated"]) == ([], True)


def test_wide_numbers_as_strings(api: Api, table: str) -> None:
    told = api.http.post(f"/tables/{table}/query?numbers=string", json={"row_limit": 1}).json()
    assert told["rows"] == [{"a": 1, "b": str(2**60)}]
    wrong = api.http.post(f"/tables/{table}/query?numbers=words", json={})
    problem(wrong, 422, "invalid_request")


@pytest.mark.parametrize("by", ["accept", "parameter"])
@pytest.mark.parametrize("data_format", list(DataFormat))
def test_formats(api: Api, table: str, data_format: DataFormat, by: str) -> None:
    asked: dict[str, Any] = (
        {"headers": {"accept": data_format.media_type}}
        if by == "accept"
        else {"params": {"format": data_format.value}, "headers": {"accept": "text/html"}}
    )
    answer = api.http.post(f"/tables/{table}/query", json={}, **asked)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(data_format.media_type)
    match data_format:
        case DataFormat.JSON:
            assert len(answer.json()["rows"]) == 2
        case DataFormat.NDJSON:
            assert [json.loads(line)["a"] for line in answer.text.splitlines()] == [1, 2]
        case DataFormat.CSV:
            assert answer.headers["content-type"] == "text/csv; charset=utf-8; header=present"
            assert next(csv.reader(io.StringIO(answer.text))) == ["a", "b"]
        case DataFormat.ARROW:
            assert pa.ipc.open_stream(answer.content).read_all().num_rows == 2
        case DataFormat.PARQUET:
            assert answer.content.startswith(b"PAR1")


@pytest.mark.parametrize(
    "accept", ["text/html", "application/xml", "application/json;q=0", "nonsense", "image/*"]
)
def test_formats_that_are_not_offered_are_406(api: Api, table: str, accept: str) -> None:
    answer = api.http.post(f"/tables/{table}/query", json={}, headers={"accept": accept})
    problem(answer, 406, "not_acceptable")
    problem(api.http.post(f"/tables/{table}/query?format=xml", json={}), 406, "not_acceptable")


@pytest.mark.parametrize(
    "body, status, code",
    [
        ({"sql": ""}, 400, "invalid_sql"),
        ({"sql": " "}, 400, "invalid_sql"),
        ({"sql": "select '\x00'"}, 400, "invalid_sql"),
        ({"sql": "x" * (MAX_SQL_LENGTH + 1)}, 413, "too_large"),
        ({"sql": 1}, 422, "invalid_request"),
        ({}, 422, "invalid_request"),
        ({"sql": "select 1", "row_limit": -1}, 422, "invalid_request"),
        ({"sql": "select 1", "row_limit": True}, 422, "invalid_request"),
        ({"sql": "select 1", "row_limit": 1.5}, 422, "invalid_request"),
        ({"sql": "select 1", "row_limit": "1"}, 422, "invalid_request"),
        ({"sql": "select 1", "row_limit": 2**64}, 422, "invalid_request"),
        ({"sql": "select 1", "parameters": 1}, 422, "invalid_request"),
        ({"sql": "select 1", "parameters": [[1]]}, 422, "invalid_request"),
        ({"sql": "select 1", "parameters": [1] * 10_001}, 422, "invalid_request"),
        ({"sql": "select 1", "limit": 1}, 422, "invalid_request"),
        ({"sql": "select 1", "timeout_s": 0}, 422, "invalid_request"),
        ({"sql": "select 1", "timeout_s": -1}, 422, "invalid_request"),
        ({"sql": "select 1", "timeout_s": "1"}, 422, "invalid_request"),
        ({"sql": "select 1", "timeout_s": True}, 422, "invalid_request"),
        ({"sql": "select 1", "timeout_s": 3601}, 422, "invalid_parameters"),
        ({"sql": "select 1", "at_version": -1}, 422, "invalid_request"),
        ({"sql": "select 1", "at_version": "1"}, 422, "invalid_request"),
        ({"sql": "select 1", "at_timestamp": "today"}, 422, "invalid_request"),
        ({"sql": "select 1", "at_timestamp": "2026-01-01T00:00:00"}, 422, "invalid_request"),
        (
            {"sql": "select 1", "at_version": 1, "at_timestamp": "2026-01-01T00:00:00Z"},
            422,
            "invalid_request",
        ),
    ],
)
def test_bad_questions(api: Api, body: dict[str, Any], status: int, code: str) -> None:
    problem(api.http.post("/query", json=body), status, code)


@pytest.mark.parametrize("parameters", [1, [1, [2]], {"a": {}}, [1] * 10_001])
def test_wrong_parameters_are_found_by_their_pointer(api: Api, parameters: object) -> None:
    body = {"sql": "select 1", "parameters": parameters}
    told = problem(api.http.post("/query", json=body), 422, "invalid_request")

    assert [(error["in"], error["pointer"]) for error in told["errors"]] == [
        ("body", "/parameters")
    ]


@pytest.mark.parametrize(
    "parameters, pointer",
    [
        ([1, 10**40], "/parameters/1"),
        ({"a": 1, "b": -(10**40)}, "/parameters/b"),
        ({"a/b~c": 10**40}, "/parameters/a~1b~0c"),
    ],
)
def test_a_parameter_that_no_type_can_hold_is_found(
    api: Api, parameters: object, pointer: str
) -> None:
    body = {"sql": "select $1", "parameters": parameters}
    told = problem(api.http.post("/query", json=body), 422, "invalid_parameters")
    assert [(each["in"], each["pointer"]) for each in told["errors"]] == [("body", pointer)]


def test_parameters_without_sql_are_422(api: Api, table: str) -> None:
    answer = api.http.post(f"/tables/{table}/query", json={"parameters": [1]})
    problem(answer, 422, "invalid_parameters")


def test_a_table_that_is_not_there_is_404(api: Api) -> None:
    problem(api.http.post("/tables/nowhere/query", json={}), 404, "table_not_found")


@pytest.mark.parametrize(
    "error, status",
    [
        (InvalidSqlError("No column 'x'.", 7), 400),
        (StatementNotAllowedError("Only SELECT is allowed."), 403),
        (InvalidParametersError("One is missing."), 422),
        (QueryTimeoutError("It ran too long."), 504),
        (QueryCancelledError("It was stopped."), 503),
        (ResourcesExhaustedError("It needs too much memory."), 507),
    ],
)
@pytest.mark.parametrize("when", ["open", "first"])
def test_what_fails_before_the_first_chunk_has_its_status(
    fakes: Fakes, tmp_path: Path, error: LakehouseError, status: int, when: str
) -> None:
    def fail(closed: threading.Event) -> Chunks:
        yield from ()
        raise error

    queries = ScriptedQueries(lambda _: error if when == "open" else ScriptedResult(fail))
    with scripted(fakes, tmp_path, queries) as url:
        for data_format in DataFormat:
            answer = httpx.post(
                f"{url}/query?format={data_format}", json={"sql": "select x"}, timeout=60
            )
            members = problem(answer, status, error.code)
            assert members["run_id"]
            if status == 400:
                assert members["position"] == 7
            if status == 503:
                assert answer.headers["retry-after"]
    assert all(result.closed.is_set() for result in queries.opened)


@pytest.mark.parametrize("when", ["open", "first"])
@pytest.mark.parametrize(
    "parameter, position, pointer",
    [("2", 7, "/parameters/1"), ("a/b", None, "/parameters/a~1b")],
)
def test_a_parameter_that_does_not_fit_is_found(
    fakes: Fakes, tmp_path: Path, when: str, parameter: str, position: int | None, pointer: str
) -> None:
    error = InvalidParametersError("It does not fit: zz", parameter, position)

    def fail(closed: threading.Event) -> Chunks:
        yield from ()
        raise error

    queries = ScriptedQueries(lambda _: error if when == "open" else ScriptedResult(fail))
    with scripted(fakes, tmp_path, queries) as url:
        answer = httpx.post(f"{url}/query", json={"sql": "select x"}, timeout=60)
    told = problem(answer, 422, "invalid_parameters")
    assert told["errors"] == [{"in": "body", "pointer": pointer, "detail": "It does not fit: zz"}]
    assert told.get("position") == position


@pytest.mark.parametrize(
    "error, status",
    [
        (ResourcesExhaustedError("It needs too much memory."), 507),
        (QueryTimeoutError("It ran too long."), 504),
    ],
)
@pytest.mark.parametrize("data_format", list(DataFormat))
def test_what_fails_midway_cuts_the_connection(
    fakes: Fakes, tmp_path: Path, data_format: DataFormat, error: LakehouseError, status: int
) -> None:
    def fail(closed: threading.Event) -> Chunks:
        yield b'{"n":1}\n{"n":'
        raise error

    queries = ScriptedQueries(lambda _: ScriptedResult(fail))
    chunks: list[bytes] = []
    with scripted(fakes, tmp_path, queries) as url:
        target = f"{url}/query?format={data_format}"
        plain = {"accept-encoding": "identity"}
        with httpx.stream("POST", target, json={"sql": "x"}, headers=plain) as answer:
            assert answer.status_code == 200
            run_id = answer.headers["lineage-run-id"]
            with pytest.raises(httpx.RemoteProtocolError, match="incomplete chunked read"):
                chunks.extend(answer.iter_raw())
        # The server goes on.
        assert httpx.get(f"{url}/healthz", timeout=60).status_code == 200
    content = b"".join(chunks)
    if data_format is DataFormat.NDJSON:
        last = json.loads(content.splitlines()[-1])
        assert last["error"]["code"] == error.code
        assert last["error"]["status"] == status
    else:
        assert b"error" not in content
    assert queries.opened[0].closed.is_set()
    assert fakes.lineage.states(run_id)[-1] is RunState.FAIL


def test_an_unexpected_error_tells_nothing(fakes: Fakes, tmp_path: Path) -> None:
    queries = ScriptedQueries(lambda _: ValueError("/secret/path"))
    with scripted(fakes, tmp_path, queries) as url:
        answer = httpx.post(f"{url}/query", json={"sql": "select 1"}, timeout=60)
    problem(answer, 500, "internal_error")
    assert "secret" not in answer.text


def test_the_domain_sees_sql_parameters_and_encoding(fakes: Fakes, tmp_path: Path) -> None:
    queries = ScriptedQueries(lambda _: ScriptedResult(lambda _: iter([b'{"n":1}\n']), 1))
    body = {"sql": "select $a", "parameters": {"a": 2**70, "b": None, "c": False, "d": 0.5}}
    with scripted(fakes, tmp_path, queries) as url:
        answer = httpx.post(f"{url}/query?numbers=string", json=body | {"row_limit": 3}, timeout=60)
        assert answer.json()["rows"] == [{"n": 1}]
    (query, encoding) = queries.seen[0]
    assert query == Query("select $a", None, body["parameters"], 3, 300)  # type: ignore[arg-type]
    assert [type(value) for value in dict(query.parameters).values()] == [  # type: ignore[arg-type]
        int,
        type(None),
        bool,
        float,
    ]
    assert encoding.wide_numbers_as_text


def test_timeouts(fakes: Fakes, tmp_path: Path) -> None:
    queries = ScriptedQueries(lambda _: ScriptedResult(lambda _: iter([b'{"n":1}\n']), 1))
    settings = {"query_timeout_s": 7, "query_max_timeout_s": 9}
    with scripted(fakes, tmp_path, queries, **settings) as url:
        for body in ({}, {"timeout_s": 0.25}, {"timeout_s": 9}, {"timeout_s": None}):
            assert httpx.post(f"{url}/query", json={"sql": "x"} | body).status_code == 200
        refused = httpx.post(f"{url}/query", json={"sql": "x", "timeout_s": 9.5})
        assert "at most 9" in problem(refused, 422, "invalid_parameters")["detail"]
    assert [query.timeout_s for query, _ in queries.seen] == [7, 0.25, 9, 7]


@contextmanager
def scripted(
    fakes: Fakes, tmp_path: Path, queries: ScriptedQueries, **settings: object
) -> Iterator[str]:
    """The API with scripted queries, behind a server of its own."""
    container = fakes.container(tmp_path, **settings)
    container.queries.override(providers.Object(queries))
    with served(create_app(container)) as url:
        yield url
