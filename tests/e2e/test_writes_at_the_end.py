"""Writes that were accepted before SIGTERM are answered, and are there once."""

from __future__ import annotations

import json
import signal
import socket
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import duckdb
import httpx
import pytest

from adapters.ducklake.writes.commit_turns import LOCK_ID
from tests.e2e.served import Stack
from tests.e2e.service import ServiceProcess
from tests.eventually import eventually

WRITES = 12
PATIENCE_S = 60


def body(number: int) -> bytes:
    return json.dumps([{"id": number}]).encode()


def headers(number: int) -> dict[str, str]:
    return {"Idempotency-Key": f"write-{number}", "Content-Type": "application/json"}


def accepted(url: httpx.URL, number: int) -> socket.socket:
    """A connection whose append the service has begun: it has asked for the body."""
    connection = socket.create_connection((url.host, url.port or 80), timeout=PATIENCE_S)
    fields = headers(number) | {
        "Host": "x",
        "Content-Length": str(len(body(number))),
        "Expect": "100-continue",
    }
    head = "".join(f"{name}: {text}\r\n" for name, text in fields.items())
    connection.sendall(f"PUT /tables/t HTTP/1.1\r\n{head}\r\n".encode())
    assert connection.recv(1024).startswith(b"HTTP/1.1 100")
    return connection


def rest_of(connection: socket.socket) -> tuple[int, str]:
    """Status and text of what is answered, until the service ends the connection."""
    received = b""
    while piece := connection.recv(65536):
        received += piece
    head, _, text = received.partition(b"\r\n\r\n")
    return int(head.split()[1]), text.decode()


def wait_until_nobody_listens(url: httpx.URL) -> None:
    ends_at = time.monotonic() + PATIENCE_S
    while time.monotonic() < ends_at:
        try:
            socket.create_connection((url.host, url.port or 80), timeout=1).close()
        except ConnectionError:
            return
        time.sleep(0.01)
    raise AssertionError("it listens still")


def end_with_writes_under_way(home: Path, settings: Mapping[str, str]) -> None:
    service = ServiceProcess(home, settings)
    service.start()
    try:
        with service.client() as client:
            columns = [{"name": "id", "type": "BIGINT"}]
            client.post("/tables", json={"name": "t", "columns": columns}).raise_for_status()
        url = httpx.URL(service.url)
        with ExitStack() as cleanup:
            connections = [cleanup.enter_context(accepted(url, each)) for each in range(WRITES)]
            service.process.send_signal(signal.SIGTERM)
            wait_until_nobody_listens(url)
            for number, connection in enumerate(connections):
                connection.sendall(body(number))
            answers = [rest_of(connection) for connection in connections]
        assert [status for status, _ in answers] == [200] * WRITES, answers
        assert service.ended() == 0, service.output[-3000:]

        service.start()
        with service.client() as client:
            for number, (_, text) in enumerate(answers):
                again = client.put("/tables/t", content=body(number), headers=headers(number))
                assert again.headers["idempotent-replayed"] == "true"
                assert again.json() == json.loads(text)
            rows = client.post("/query", json={"sql": "SELECT id FROM t ORDER BY id"}).json()
        assert [row["id"] for row in rows["rows"]] == list(range(WRITES))
        assert service.stop() == 0
    finally:
        if service.is_running:
            service.kill()


def test_writes_at_the_end_of_the_embedded_service(tmp_path: Path) -> None:
    end_with_writes_under_way(tmp_path / "home", {})


@pytest.mark.servers
@pytest.mark.slow
def test_writes_at_the_end_of_a_served_one(tmp_path: Path, stack: Stack) -> None:
    end_with_writes_under_way(tmp_path / "home", stack.settings())


CATALOG = "__ducklake_metadata_lake"
WAITING_COMMITS = """
    SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database
    WHERE locktype = 'advisory' AND NOT granted AND datname = current_database()
"""


@contextmanager
def turn_of_another_writer(plain: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """While this lasts, no commit of the service has its turn."""
    taken = f"SELECT pg_advisory_xact_lock({LOCK_ID})"
    plain.execute("BEGIN")
    plain.execute(f"CALL postgres_execute('{CATALOG}', '{taken}')")
    try:
        yield
    finally:
        plain.execute("ROLLBACK")


def commits_wait(plain: duckdb.DuckDBPyConnection) -> bool:
    return plain.execute(f"FROM postgres_query('{CATALOG}', $${WAITING_COMMITS}$$)").fetchone() != (
        0,
    )


@pytest.mark.servers
@pytest.mark.slow
@pytest.mark.parametrize("goes_on", [True, False])
def test_a_write_that_outlives_the_grace_period(
    tmp_path: Path, stack: Stack, *, goes_on: bool
) -> None:
    """Nobody is told that it was done, and a retry has it done once, whatever became of it.

    Args:
        goes_on: Whether it gets its turn after its client was sent away, or the process ends.
    """
    service = ServiceProcess(
        tmp_path / "home", stack.settings(shutdown_grace_s="1", store_timeout_s="10")
    )
    service.start()
    try:
        with service.client() as client:
            columns = [{"name": "id", "type": "BIGINT"}]
            client.post("/tables", json={"name": "t", "columns": columns}).raise_for_status()
        with (
            stack.plain_duckdb() as other,
            stack.plain_duckdb() as watching,
            ThreadPoolExecutor(1) as pool,
            service.client() as client,
        ):
            with turn_of_another_writer(other):
                write = pool.submit(client.put, "/tables/t", content=body(7), headers=headers(7))
                eventually(lambda: commits_wait(watching), "the commit does not wait")
                service.process.send_signal(signal.SIGTERM)
                try:
                    answer = write.result(PATIENCE_S)
                except httpx.TransportError:
                    pass
                else:
                    assert answer.is_server_error, answer.text
                if not goes_on:
                    assert service.ended() == 0, service.output[-3000:]
            assert service.ended() == 0, service.output[-3000:]

        service.start()
        with service.client() as client:
            again = client.put("/tables/t", content=body(7), headers=headers(7))
            assert again.is_success, again.text
            rows = client.post("/query", json={"sql": "SELECT id FROM t"}).json()["rows"]
        assert rows == [{"id": 7}]
        assert service.stop() == 0
    finally:
        if service.is_running:
            service.kill()
