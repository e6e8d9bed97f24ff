"""Asynchronous statements of whole services: restarts, kills, replicas."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.e2e.served import Stack
from tests.e2e.service import ServiceProcess, running_service

ENDS = {"succeeded", "failed", "cancelled"}
READERS: dict[str, Callable[[bytes], Any]] = {
    "arrow": lambda body: pa.ipc.open_stream(body).read_all(),
    "parquet": lambda body: pq.read_table(pa.BufferReader(body)),
}
ENDLESS = "SELECT count(*) FROM range(1000000) a, range(1000000) b, range(1000000) c"

# Some values of every kind, over several batches.
VALUES = """
    SELECT i, i::HUGEINT * 170141183460469231731687303715884 AS h, (i / 7)::DECIMAL(20, 5) AS d,
        CASE WHEN i % 3 = 0 THEN NULL ELSE 'row ' || i END AS t, [i, NULL] AS l,
        {'a': i, 'b': DATE '2020-01-01' + i::INTEGER} AS s, to_days(i::INTEGER) AS v,
        TIMESTAMPTZ '2020-01-01 00:00:00+00' + to_seconds(i) AS z, md5(i::VARCHAR)::BLOB AS x
    FROM range(40000) r(i) ORDER BY i DESC
"""


def submit(client: httpx.Client, sql: str, **more: object) -> str:
    answer = client.post("/query", json={"sql": sql, **more}, headers={"prefer": "respond-async"})
    assert answer.status_code == 202, answer.text
    path: str = answer.headers["location"]
    return path


def state(client: httpx.Client, path: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get(path).raise_for_status().json()
    return found


def wait_for(
    client: httpx.Client, path: str, states: set[str], within_s: float = 30
) -> dict[str, Any]:
    ends_at = time.monotonic() + within_s
    while (found := state(client, path))["state"] not in states:
        assert time.monotonic() < ends_at, found
        time.sleep(0.05)
    return found


def is_idle(service: ServiceProcess, within_s: float = 5) -> bool:
    """Whether the process comes to use no processor."""
    stat = Path(f"/proc/{service.process.pid}/stat")

    def used() -> int:
        fields = stat.read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    ends_at = time.monotonic() + within_s
    while time.monotonic() < ends_at:
        before = used()
        time.sleep(0.5)
        # In hundredths of a second.
        if used() - before < 15:
            return True
    return False


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    home = tmp_path_factory.mktemp("embedded") / "home"
    with running_service(home, {"DUCKLAKE_STATEMENT_MAX_RESULT": "10000000"}) as service:
        yield service


@pytest.mark.parametrize("numbers", ["", "&numbers=string"])
@pytest.mark.parametrize("data_format", ["json", "ndjson", "csv", "arrow", "parquet"])
def test_results_are_what_the_query_answers(
    embedded: ServiceProcess, data_format: str, numbers: str
) -> None:
    asked = f"?format={data_format}{numbers}"
    with embedded.client() as client:
        answer = client.post(f"/query{asked}", json={"sql": VALUES}).raise_for_status()
        told = wait_for(client, submit(client, VALUES), ENDS)

        result = client.get(told["result"] + asked).raise_for_status()

    assert told["row_count"] == 40_000
    if data_format == "json":
        assert result.text.partition('"row_count"')[0] == answer.text.partition('"row_count"')[0]
    elif data_format in READERS:
        # Not by bytes: where a value is NULL, they may be any.
        read = READERS[data_format]
        assert read(result.content).equals(read(answer.content))
    else:
        assert result.content == answer.content


def test_the_example_of_the_documentation(
    embedded: ServiceProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    page = Path(__file__).parents[2] / "docs/how-to/run-long-queries.md"
    example = page.read_text().partition("```python\n")[2].partition("```")[0]

    exec(example.replace("http://localhost:8000", embedded.url), {})

    assert "a: [[42]]" in capsys.readouterr().out


@pytest.mark.parametrize(
    "sql, status, code",
    [
        ("SELECT * FROM no_such_table", 400, "invalid_sql"),
        ("SELECT FROM WHERE", 400, "invalid_sql"),
        ("DROP TABLE t", 403, "statement_not_allowed"),
        ("SELECT * FROM read_csv('/etc/passwd')", 403, "statement_not_allowed"),
        ("SELECT ?", 422, "invalid_parameters"),
        ("SELECT row(1, 2)", 406, "not_acceptable"),
    ],
)
def test_what_is_wrong_is_told_at_once(
    embedded: ServiceProcess, sql: str, status: int, code: str
) -> None:
    with embedded.client() as client:
        answer = client.post("/query", json={"sql": sql}, headers={"prefer": "respond-async"})
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize(
    "sql, more, code, status",
    [
        ("SELECT error('no') FROM range(3)", {}, "invalid_value", 422),
        ("SELECT CAST('x' || i AS INTEGER) FROM range(3) r(i)", {}, "invalid_value", 422),
        (ENDLESS, {"timeout_s": 0.5}, "query_timeout", 504),
        ("SELECT md5(i::VARCHAR) FROM range(10000000) r(i)", {}, "result_too_large", 413),
    ],
)
def test_failures(
    embedded: ServiceProcess, sql: str, more: dict[str, object], code: str, status: int
) -> None:
    with embedded.client() as client:
        told = wait_for(client, submit(client, sql, **more), ENDS)
        result = client.get(f"/queries/{told['query_id']}/result")

    assert told["state"] == "failed"
    assert (told["error"]["code"], told["error"]["status"]) == (code, status)
    assert told["error"]["instance"] == f"/queries/{told['query_id']}"
    assert (result.status_code, result.json()["code"]) == (409, "no_result")
    assert told["error"]["detail"] in result.json()["detail"]
    assert is_idle(embedded)


def test_cancelling_frees_the_core(embedded: ServiceProcess) -> None:
    with embedded.client() as client:
        path = submit(client, ENDLESS)
        wait_for(client, path, {"running"})
        early = client.get(f"{path}/result")
        assert (early.status_code, early.json()["code"]) == (409, "statement_not_ended")
        assert early.headers["retry-after"] == "1"

        assert client.delete(path).status_code == 204

        told = state(client, path)
        assert told["state"] == "cancelled"
        assert told["error"]["code"] == "query_cancelled"
        assert is_idle(embedded)
        assert client.get(f"{path}/result").json()["code"] == "no_result"
        assert client.delete(path).status_code == 204
        assert client.get(path).status_code == 404


def test_the_client_need_not_stay_and_neither_starves_the_other(
    embedded: ServiceProcess,
) -> None:
    with embedded.client() as client:
        paths = [submit(client, ENDLESS) for _ in range(4)]
        wait_for(client, paths[1], {"running"})
    with embedded.client(timeout_s=10) as another:
        # Two run, two wait; others' queries go on.
        assert [state(another, path)["state"] for path in paths].count("running") == 2
        assert another.post("/query", json={"sql": "SELECT 1 AS a"}).json()["rows"] == [{"a": 1}]
        assert another.get("/healthz").status_code == 200
        for path in paths:
            assert another.delete(path).status_code == 204
        done = wait_for(another, submit(another, "SELECT 42 AS a"), ENDS)
        assert another.get(done["result"]).json()["rows"] == [{"a": 42}]


def test_a_restart_leaves_none_in_limbo(tmp_path: Path) -> None:
    service = ServiceProcess(tmp_path / "home")
    service.start()
    with service.client() as client:
        finished = wait_for(client, submit(client, VALUES), ENDS)
        csv = client.get(f"{finished['result']}?format=csv").content
        paths = [submit(client, ENDLESS) for _ in range(3)]
        wait_for(client, paths[1], {"running"})
    assert service.stop() == 0

    service.start()
    with service.client() as client:
        for path in paths:
            told = state(client, path)
            assert told["state"] == "cancelled", told
            assert "stopped" in told["error"]["detail"]
        assert client.get(f"{finished['result']}?format=csv").content == csv
        paths = [submit(client, ENDLESS) for _ in range(3)]
        wait_for(client, paths[1], {"running"})
    service.kill()

    service.start()
    with service.client() as client:
        for path in paths:
            told = wait_for(client, path, ENDS)
            assert told["state"] == "failed", told
            assert (told["error"]["code"], told["error"]["status"]) == ("statement_lost", 503)
        assert client.get(f"{finished['result']}?format=csv").content == csv
    assert service.stop() == 0
    kept = {path.name for path in (tmp_path / "home/service/statements").rglob("*.arrow")}
    assert kept == {f"{finished['query_id']}.arrow"}


@pytest.mark.servers
@pytest.mark.timeout(600)
def test_replicas_share_statements(stack: Stack, tmp_path: Path) -> None:
    settings = stack.settings(statement_lease_s="3")
    one = ServiceProcess(tmp_path / "one", settings)
    two = ServiceProcess(tmp_path / "two", settings)
    one.start()
    two.start()
    try:
        with one.client() as first, two.client() as second:
            # Any replica tells of a statement and gives its result.
            path = submit(first, VALUES)
            told = wait_for(second, path, ENDS)
            assert told["state"] == "succeeded"
            results = [c.get(f"{path}/result?format=arrow").content for c in (first, second)]
            assert results[0] == results[1]
            assert len(results[0]) > 100_000
            listed = second.get("/queries").raise_for_status().json()["queries"]
            assert [each["query_id"] for each in listed] == [told["query_id"]]

            # Any replica cancels it, and who runs it stops.
            path = submit(first, ENDLESS)
            wait_for(second, path, {"running"})
            assert second.delete(path).status_code == 204
            assert state(first, path)["state"] == "cancelled"
            assert is_idle(one)

            # A replica that dies leaves its statements failed once its lease has run out.
            lost = [submit(first, ENDLESS) for _ in range(3)]
            mine = submit(second, ENDLESS)
            wait_for(second, lost[1], {"running"})
            one.kill()
            for each in lost:
                told = wait_for(second, each, ENDS)
                assert (told["state"], told["error"]["code"]) == ("failed", "statement_lost")
            assert state(second, mine)["state"] == "running"
            assert second.delete(mine).status_code == 204
            assert second.get(f"/queries/{listed[0]['query_id']}/result").status_code == 200
    finally:
        for service in (one, two):
            if service.process.poll() is None:
                service.stop()


@pytest.mark.servers
def test_a_replica_that_hangs_does_not_bring_back_what_it_lost(
    stack: Stack, tmp_path: Path
) -> None:
    settings = stack.settings(statement_lease_s="2")
    with (
        running_service(tmp_path / "one", settings) as one,
        running_service(tmp_path / "two", settings) as two,
        one.client() as first,
        two.client() as second,
    ):
        path = submit(first, "SELECT count(*) FROM range(100000) a, range(20000) b")
        wait_for(second, path, {"running"})
        one.process.send_signal(signal.SIGSTOP)
        try:
            told = wait_for(second, path, ENDS)
        finally:
            one.process.send_signal(signal.SIGCONT)
        assert told["error"]["code"] == "statement_lost"
        assert is_idle(one, within_s=20)
        assert state(first, path) | {"error": None} == told | {"error": None}
