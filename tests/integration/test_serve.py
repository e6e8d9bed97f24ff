"""The service as a process: its start, its end, and what it keeps."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

PROGRAM = """
import sys
from domain.errors import LakehouseError
from entrypoints.rest.server import serve
from entrypoints.settings import load_settings
try:
    serve(load_settings())
except LakehouseError as error:
    print(f"{type(error).__name__}: {error.detail}", file=sys.stderr)
    sys.exit(7)
"""
FLIGHTS = {"name": "flights", "columns": [{"name": "n", "type": "INTEGER"}]}


@dataclass
class Process:
    """A service that runs."""

    process: subprocess.Popen[str]
    url: str

    def stop(self, how: signal.Signals = signal.SIGTERM) -> str:
        """Stop it; gives what it logged."""
        self.process.send_signal(how)
        _, log = self.process.communicate(timeout=60)
        return log


def environment(home: Path, **more: str) -> dict[str, str]:
    kept = {name: text for name, text in os.environ.items() if not name.startswith("DUCKLAKE_")}
    return kept | {"DUCKLAKE_HOME": str(home), "DUCKLAKE_PORT": "0"} | more


def start(home: Path, **more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(home, **more),
    )


@contextmanager
def running(home: Path, **more: str) -> Iterator[Process]:
    process = start(home, **more)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        match = re.search(r"http://\S+", line)
        if match is None:
            pytest.fail(f"it did not start: {line!r} {process.communicate(timeout=10)[1]}")
        yield Process(process, match.group())
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_it_says_where_it_is_ready_and_stops_when_told(tmp_path: Path) -> None:
    with running(tmp_path, DUCKLAKE_LOG_FORMAT="json") as service:
        assert httpx.get(f"{service.url}/readyz", timeout=60).json()["status"] == "ready"
        log = service.stop()
        assert service.process.returncode == 0, log
    assert '"path": "/readyz"' in log
    assert "Traceback" not in log


def test_a_keyboard_interrupt_is_an_end_too(tmp_path: Path) -> None:
    with running(tmp_path) as service:
        assert "Traceback" not in service.stop(signal.SIGINT)
        assert service.process.returncode == 0


def test_one_lake_has_one_service(tmp_path: Path) -> None:
    with running(tmp_path) as service:
        second = start(tmp_path)
        out, log = second.communicate(timeout=60)
        assert second.returncode == 7
        assert out == ""
        assert log == (
            f"LakeLockedError: The lake in {tmp_path} is held by process {service.process.pid}.\n"
        )
        service.stop()
    with running(tmp_path):
        pass


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = start(tmp_path, DUCKLAKE_PORT=str(port))
        _, log = process.communicate(timeout=60)
    assert process.returncode == 7
    assert log == (
        f"ConfigurationError: DUCKLAKE_PORT: 127.0.0.1 port {port} cannot be listened on: "
        "address already in use.\n"
    )


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_what_was_acknowledged_is_there_after_the_end(tmp_path: Path, how: signal.Signals) -> None:
    acknowledged = 0
    with running(tmp_path) as service, httpx.Client(base_url=service.url, timeout=60) as client:
        client.post("/tables", json=FLIGHTS).raise_for_status()
        client.post("/datasets/raw").raise_for_status()

        def append() -> None:
            nonlocal acknowledged
            with suppress(httpx.HTTPError):
                while True:
                    answer = client.put("/tables/flights", json=[{"n": acknowledged}])
                    if answer.status_code != 200:
                        return
                    acknowledged += 1
                    client.put(f"/datasets/raw/{acknowledged}", content=b"x" * acknowledged)

        appending = threading.Thread(target=append)
        appending.start()
        while acknowledged < 10:
            assert appending.is_alive()
            time.sleep(0.01)
        service.stop(how)
        appending.join(60)
    with running(tmp_path) as service, httpx.Client(base_url=service.url, timeout=60) as client:
        answer = client.post("/tables/flights/query", json={"sql": "SELECT n FROM flights"})
        rows = sorted(row["n"] for row in answer.json()["rows"])
        # One append may have landed without its acknowledgement.
        assert rows[:acknowledged] == list(range(acknowledged))
        assert len(rows) <= acknowledged + 1
        objects = client.get("/datasets/raw").json()["objects"]
        assert all(found["size"] == int(found["name"]) for found in objects)
        assert len(objects) >= acknowledged - 1


def test_work_in_flight_ends_within_the_grace_period(tmp_path: Path) -> None:
    with running(tmp_path) as service:
        url = httpx.URL(service.url)
        httpx.post(f"{service.url}/datasets/raw", timeout=60).raise_for_status()
        with socket.create_connection((url.host, url.port or 80), timeout=30) as connection:
            connection.sendall(
                b"PUT /datasets/raw/x HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\n"
            )
            connection.sendall(b"abc")
            time.sleep(0.2)
            service.process.send_signal(signal.SIGTERM)
            time.sleep(0.5)
            assert service.process.poll() is None
            connection.sendall(b"def")
            assert connection.recv(65536).startswith(b"HTTP/1.1 201")
        service.process.communicate(timeout=60)
        assert service.process.returncode == 0
    assert (tmp_path / "datasets" / "raw" / "x").read_bytes() == b"abcdef"


def test_what_does_not_end_is_stopped_after_the_grace_period(tmp_path: Path) -> None:
    endless = {"sql": "SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000000) b"}
    with running(tmp_path, DUCKLAKE_SHUTDOWN_GRACE_S="1") as service:
        asked = threading.Thread(target=_ask, args=(f"{service.url}/query", endless))
        asked.start()
        time.sleep(1)
        began = time.monotonic()
        log = service.stop()
        assert time.monotonic() - began < 30
        assert service.process.returncode == 0, log
        asked.join(30)


def test_a_kill_is_no_end_of_an_answer(tmp_path: Path) -> None:
    """An answer to a client of HTTP/1.0 ends with its connection: that one must end by a reset."""
    body = b'{"sql": "SELECT * FROM range(1000000000)"}'
    head = f"POST /query?format=csv HTTP/1.0\r\nContent-Length: {len(body)}\r\n\r\n"
    with running(tmp_path) as service:
        url = httpx.URL(service.url)
        with socket.create_connection((url.host, url.port), timeout=60) as connection:
            connection.sendall(head.encode() + body)
            assert connection.recv(1000).startswith(b"HTTP/1.1 200")
            service.process.kill()
            with pytest.raises(ConnectionResetError):
                _take_all(connection)


def _take_all(connection: socket.socket) -> None:
    while connection.recv(1024 * 1024):
        pass


def _ask(url: str, body: dict[str, str]) -> None:
    with suppress(httpx.HTTPError):
        httpx.post(url, json=body, timeout=60)
