"""No query takes the service down with its memory."""

import sys
from pathlib import Path

import pytest

from tests.e2e.service import ServiceProcess, running_service

GIB = 1024**3
LONG_TEXTS = """
    WITH long AS (SELECT string_agg(md5(i::VARCHAR), '') AS text FROM range(150000) r(i))
    SELECT max(length(text || i::VARCHAR)) FROM long, range(3000) r(i)
"""
"""One step of it, over a vector of rows, needs 10 GB; the engine's limit does not count them."""

GROWING = "SELECT median(i) FROM range(2000000000) r(i)"
"""It keeps every value, 16 GB of them, of which the engine's limit counts none."""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the limit is one of Linux")
def test_a_query_that_outgrows_the_process_fails_alone(tmp_path: Path) -> None:
    settings = {"DUCKLAKE_MEMORY_LIMIT": "500MB", "DUCKLAKE_PROCESS_MEMORY": str(2 * GIB)}
    with (
        running_service(tmp_path / "home", settings) as service,
        service.client(timeout_s=240) as client,
    ):
        for _ in range(2):
            answer = client.post("/query", json={"sql": LONG_TEXTS})

            assert answer.status_code == 507, answer.text
            assert answer.json()["code"] == "resources_exhausted"
            table = {"name": "t", "columns": [{"name": "a", "type": "BIGINT"}]}
            client.post("/tables", json=table | {"if_exists": "replace"}).raise_for_status()
            client.put("/tables/t", json=[{"a": 1}]).raise_for_status()
            sum_of_many = "SELECT sum(a) FROM (SELECT DISTINCT i AS a FROM range(3000000) r(i))"
            assert client.post("/query", json={"sql": sum_of_many}).is_success
        assert peak_bytes(service) < 2.5 * GIB


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process's memory")
def test_a_query_that_grows_beyond_the_engines_limit_is_stopped(tmp_path: Path) -> None:
    settings = {"DUCKLAKE_MEMORY_LIMIT": "500MB", "DUCKLAKE_PROCESS_MEMORY": str(8 * GIB)}
    with (
        running_service(tmp_path / "home", settings) as service,
        service.client(timeout_s=240) as client,
    ):
        answer = client.post("/query", json={"sql": GROWING})

        assert answer.status_code == 507, answer.text
        assert answer.json()["code"] == "resources_exhausted"
        assert client.post("/query", json={"sql": "SELECT 1"}).is_success
        # Of the 1.5 GB that are allowed some more come about until it heeds the interrupt.
        assert peak_bytes(service) < 3 * GIB


def peak_bytes(service: ServiceProcess) -> int:
    """The greatest memory that a service ever had."""
    status = Path(f"/proc/{service.process.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024
