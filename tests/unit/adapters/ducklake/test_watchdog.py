"""What stops queries: their time, and the memory of the process that they make grow."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing

import duckdb
import pytest

from adapters.ducklake.engine.memory import BESIDE_THE_ENGINE, ceiling_of, resident_bytes
from adapters.ducklake.engine.watchdog import GROWN_BYTES, TimeLimit, Watchdog
from domain.errors import QueryTimeoutError, ResourcesExhaustedError
from tests.eventually import eventually

CEILING = 1_000 * 1024**2
ENDLESS = "SELECT sum(hash(i)) FROM range(1000000000000) r(i)"


class Process:
    """A process whose memory the test decides, and the watchdog that looks at it."""

    def __init__(self) -> None:
        self.resident: int | None = CEILING // 2
        self.looks = 0
        self.watchdog = Watchdog(self._look)
        self.watchdog.bound_memory(CEILING)

    def _look(self) -> int | None:
        self.looks += 1
        return self.resident

    def is_looked_at(self) -> None:
        """Wait until the steps that go on were looked at."""
        looks = self.looks
        eventually(lambda: self.looks > looks + 1, "nobody looks at the memory")


@pytest.fixture
def process() -> Iterator[Process]:
    process = Process()
    with closing(process.watchdog):
        yield process


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


class Endless:
    """A query that ends only when it is interrupted."""

    def __init__(
        self, watchdog: Watchdog, connection: duckdb.DuckDBPyConnection, timeout_s: float | None
    ) -> None:
        self.error: Exception | None = None
        self._cursor = connection.cursor()
        self._limit = TimeLimit(watchdog, timeout_s)
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        try:
            with self._limit.step(self._cursor):
                self._cursor.execute(ENDLESS)
        except Exception as error:  # noqa: BLE001 - the test looks at it
            self.error = error

    def stop(self) -> None:
        """Interrupt it, and wait for its end."""
        while self.thread.is_alive():
            self._cursor.interrupt()
            self.thread.join(0.01)


def test_what_makes_the_process_grow_too_large_is_stopped(
    process: Process, connection: duckdb.DuckDBPyConnection
) -> None:
    query = Endless(process.watchdog, connection, None)
    process.is_looked_at()
    process.resident = CEILING + 1
    query.thread.join(10)
    assert isinstance(query.error, ResourcesExhaustedError)


def test_of_two_the_one_is_stopped_that_was_there_while_it_grew(
    process: Process, connection: duckdb.DuckDBPyConnection
) -> None:
    with ExitStack() as ending:
        large = Endless(process.watchdog, connection, None)
        ending.callback(large.stop)
        process.is_looked_at()
        process.resident = CEILING
        process.is_looked_at()
        small = Endless(process.watchdog, connection, None)
        ending.callback(small.stop)
        process.is_looked_at()
        process.resident = CEILING + 1
        large.thread.join(10)
        assert isinstance(large.error, ResourcesExhaustedError)
        # What the other one keeps, nothing new can give back.
        process.is_looked_at()
        assert small.thread.is_alive()


def test_a_query_that_does_not_grow_runs_in_a_large_process(
    process: Process, connection: duckdb.DuckDBPyConnection
) -> None:
    process.resident = CEILING * 2
    query = Endless(process.watchdog, connection, None)
    process.is_looked_at()
    process.resident += GROWN_BYTES - 1
    process.is_looked_at()
    assert query.thread.is_alive()
    query.stop()


def test_time_is_told_apart_from_memory(
    process: Process, connection: duckdb.DuckDBPyConnection
) -> None:
    query = Endless(process.watchdog, connection, 0.2)
    query.thread.join(10)
    assert isinstance(query.error, QueryTimeoutError)


def test_where_nobody_can_tell_the_memory_time_counts_alone(
    process: Process, connection: duckdb.DuckDBPyConnection
) -> None:
    process.resident = None
    query = Endless(process.watchdog, connection, 0.3)
    query.thread.join(10)
    assert isinstance(query.error, QueryTimeoutError)


def test_nobody_looks_while_nothing_runs(process: Process) -> None:
    with process.watchdog.watching(duckdb.connect(), time.monotonic() + 60):
        process.is_looked_at()
    eventually(lambda: process.watchdog._wakes_at == float("inf"), "it goes on looking")


def test_time_counts_once_while_two_things_are_done(process: Process) -> None:
    limit = TimeLimit(process.watchdog, 60)
    began = time.monotonic()
    with limit.running(), limit.running():
        time.sleep(0.1)
    with limit.running():
        time.sleep(0.1)
    time.sleep(0.2)
    took_s = time.monotonic() - began
    spent_s = 60 - (limit.answers_within_s - 0.5)
    assert 0.2 <= spent_s <= took_s - 0.2


def test_the_memory_of_a_process_is_in_use() -> None:
    before = resident_bytes()
    if before is None:
        pytest.skip("only Linux tells")
    held = bytearray(b"x") * (64 * 1024**2)
    after = resident_bytes()
    assert after is not None
    assert after - before >= len(held) // 2


@pytest.mark.parametrize(
    "limit, process_memory, ceiling",
    [
        ("1000MB", None, 10**9 + BESIDE_THE_ENGINE),
        ("100GB", None, 125 * 10**9),
        ("20GB", 20 * 10**9, 19 * 10**9),
        ("1000MB", 20 * 10**9, 10**9 + BESIDE_THE_ENGINE),
    ],
)
def test_how_much_a_process_may_have(limit: str, process_memory: int | None, ceiling: int) -> None:
    with duckdb.connect(config={"memory_limit": limit}) as connection:
        # The engine tells its limit in tenths of larger units.
        assert ceiling_of(connection, process_memory) == pytest.approx(ceiling, rel=0.01)
