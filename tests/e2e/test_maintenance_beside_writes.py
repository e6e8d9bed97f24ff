"""Checks, repairs and clean-ups beside a service that is being written to."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from entrypoints.cli.exit_codes import ExitCode
from tests.e2e.served import Stack
from tests.e2e.service import DUCKLAKE, ServiceProcess, clean_environment, running_service

BATCH = 200
"""Rows that make a file."""
WRITERS = 2


def command(
    home: Path, *options: str, settings: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [DUCKLAKE, "check", "--format", "json", *options],
        env=clean_environment() | {"DUCKLAKE_HOME": str(home), **(settings or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


@contextmanager
def writing(service: ServiceProcess) -> Iterator[None]:
    """While it lasts, files are written; then they are all there."""
    stopped, written = threading.Event(), threading.Barrier(WRITERS + 1)
    with service.client() as client:
        columns = [{"name": "id", "type": "BIGINT"}]
        assert client.post("/tables", json={"name": "t", "columns": columns}).status_code == 201

    def append(number: int) -> int:
        count = 0
        with service.client() as client:
            while not stopped.is_set():
                first = number * 10**9 + count
                rows = [{"id": row} for row in range(first, first + BATCH)]
                answer = client.put("/tables/t", json=rows)
                assert answer.status_code == 200, answer.text
                if count == 0:
                    written.wait(60)
                count += BATCH
        return count

    with ThreadPoolExecutor(WRITERS) as pool:
        writers = [pool.submit(append, number) for number in range(WRITERS)]
        try:
            written.wait(60)
            yield
        finally:
            stopped.set()
        count = sum(writer.result() for writer in writers)
    with service.client() as client:
        sql = "SELECT count(DISTINCT id) AS n FROM t"
        assert client.post("/query", json={"sql": sql}).json()["rows"] == [{"n": count}]


def test_the_embedded_lake_is_checked_by_its_service(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with running_service(home) as service, writing(service), service.client() as client:
        for _ in range(5):
            report = client.get("/maintenance/check").json()
            assert report["status"] == "ok"
            assert report["orphans"] == report["recent"] == {"files": 0, "bytes": 0}
        refused = command(home, "--repair", "--delete-orphans")
        assert refused.returncode == ExitCode.LOCKED
        assert refused.stdout == ""
        assert str(service.process.pid) in refused.stderr
        assert "GET /maintenance/check" in refused.stderr


@pytest.mark.servers
@pytest.mark.slow
def test_a_shared_lake_is_checked_by_anybody(stack: Stack, tmp_path: Path) -> None:
    settings = stack.settings()
    with running_service(tmp_path / "one", settings) as service, writing(service):
        done = command(tmp_path / "two", "--repair", "--delete-orphans", settings=settings)
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        assert (told["status"], told["orphan_files"], told["orphans_deleted"]) == ("ok", 0, 0)
        assert told["files_checked"] >= WRITERS
        with service.client() as client:
            report = client.get("/maintenance/check").json()
        assert (report["status"], report["orphans"]["files"]) == ("ok", 0)
