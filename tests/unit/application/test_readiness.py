import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from application.readiness import CheckReadiness
from domain.health import Health, HealthCheck


class Part(HealthCheck):
    def __init__(self, *, ok: bool) -> None:
        self.ok = ok

    def check(self) -> Health:
        return Health(ok=self.ok)


class Hanging(HealthCheck):
    def __init__(self) -> None:
        self.go_on = threading.Event()

    def check(self) -> Health:
        self.go_on.wait()
        return Health(ok=True)


@pytest.fixture
def probes() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


def test_it_is_ready_when_all_parts_work(probes: ThreadPoolExecutor) -> None:
    check = CheckReadiness({"a": Part(ok=True), "b": Part(ok=True)}, probes, 10)
    assert check().ready


def test_it_is_not_ready_when_a_part_does_not_work(probes: ThreadPoolExecutor) -> None:
    readiness = CheckReadiness({"a": Part(ok=True), "b": Part(ok=False)}, probes, 10)()
    assert not readiness.ready
    assert not readiness.checks["b"].ok


def test_a_part_that_is_only_advisory_does_not_count(probes: ThreadPoolExecutor) -> None:
    check = CheckReadiness({"a": Part(ok=True), "b": Part(ok=False)}, probes, 10, frozenset({"b"}))
    readiness = check()
    assert readiness.ready
    assert not readiness.checks["b"].ok


def test_a_part_that_hangs_is_not_waited_for(probes: ThreadPoolExecutor) -> None:
    hanging = Hanging()
    try:
        readiness = CheckReadiness({"a": Part(ok=True), "b": hanging}, probes, 0.05)()
        assert readiness.checks["a"].ok
        assert not readiness.checks["b"].ok
        assert "0.05 s" in (readiness.checks["b"].detail or "")
    finally:
        hanging.go_on.set()
