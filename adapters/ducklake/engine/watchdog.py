"""Stopping queries that run over their time, or outgrow the memory of the process.

DuckDB 1.5 has no timeout for statements. An interrupt that comes while the engine is between
two steps is lost, so one thread for all queries of a lake repeats it until the step has ended.
Nor does its memory limit count all that it takes (decision 0018), so the same thread looks at
what the process has.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import duckdb

from adapters.ducklake.engine.memory import resident_bytes
from domain.errors import QueryTimeoutError, ResourcesExhaustedError

INTERRUPT_EVERY_S = 0.005
ANSWERED_AFTER_S = 0.5
"""How long an interrupt may take to be heeded before its query is answered without it."""

MEMORY_EVERY_S = 0.05
"""How often it is looked how much memory the process has, while a query works."""

GROWN_BYTES = 256 * 1024**2
"""By how much the process must have grown during a step for the step to be stopped for it."""


@dataclass(slots=True, eq=False)
class Step:
    """A step of the engine's work that goes on.

    Attributes:
        ends_at: When its time is over, by `time.monotonic`.
        resident_before: The memory of the process when the step was first looked at, in bytes.
        outgrew_memory: Whether it is stopped since the process has grown too large with it.
    """

    ends_at: float
    resident_before: int | None = None
    outgrew_memory: bool = False


class Watchdog:
    """Interrupts each step of the engine's work that goes on for too long, or grows too large."""

    def __init__(self, resident: Callable[[], int | None] = resident_bytes) -> None:
        """Args: resident: Tells the memory of the process, in bytes; None where nobody can."""
        self._resident = resident
        self._ceiling: int | None = None
        self._changed = threading.Condition()
        self._steps: dict[duckdb.DuckDBPyConnection, Step] = {}
        self._wakes_at = float("inf")
        self._thread: threading.Thread | None = None
        self._closed = False

    def bound_memory(self, ceiling: int | None) -> None:
        """Stop what grows while the process has more than `ceiling` bytes; None for nothing."""
        with self._changed:
            self._ceiling = ceiling

    @contextmanager
    def watching(self, cursor: duckdb.DuckDBPyConnection, ends_at: float) -> Iterator[Step]:
        """While this lasts, work on the cursor goes on that is interrupted from `ends_at` on.

        Args:
            cursor: Only one thread works on it.
            ends_at: By `time.monotonic`.
        """
        step = Step(ends_at)
        with self._changed:
            self._steps[cursor] = step
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
                self._thread.start()
            elif ends_at < self._wakes_at:
                self._changed.notify()
        try:
            yield step
        finally:
            # From here on no interrupt comes that was meant for this step.
            with self._changed:
                del self._steps[cursor]

    def close(self) -> None:
        """End the thread; what runs then is interrupted by nobody."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def _watch(self) -> None:
        looks_at = 0.0
        with self._changed:
            while not self._closed:
                if self._ceiling is not None and time.monotonic() >= looks_at:
                    self._look_at_memory(self._ceiling)
                    looks_at = time.monotonic() + MEMORY_EVERY_S
                self._wakes_at = min(self._interrupted(), default=float("inf"))
                if self._ceiling is not None and self._steps:
                    self._wakes_at = min(self._wakes_at, looks_at)
                left_s = self._wakes_at - time.monotonic()
                self._changed.wait(min(max(0.0, left_s), threading.TIMEOUT_MAX))

    def _look_at_memory(self, ceiling: int) -> None:
        """Find the step that the process has grown most with, once it is too large."""
        resident = self._resident() if self._steps else None
        if resident is None:
            return
        grown = []
        for step in self._steps.values():
            if step.resident_before is None:
                step.resident_before = resident
            grown.append((resident - step.resident_before, step))
        # One after the other: what it gives back may be enough.
        if resident <= ceiling or any(step.outgrew_memory for _, step in grown):
            return
        growth, step = max(grown, key=lambda each: each[0])
        step.outgrew_memory = growth >= GROWN_BYTES

    def _interrupted(self) -> Iterator[float]:
        """Interrupt what is to end; gives when each step is to be looked at again."""
        now = time.monotonic()
        for cursor, step in self._steps.items():
            if step.ends_at > now and not step.outgrew_memory:
                yield step.ends_at
                continue
            # The lake may be closing it.
            with suppress(duckdb.ConnectionException):
                cursor.interrupt()
            yield now + INTERRUPT_EVERY_S


class TimeLimit:
    """How long the service may work for one query, all that it does for it together.

    Time in which the client reads, and the engine waits for it, does not count; what goes on
    at the same time (the engine's next step, and the encoding of the last) counts once.

    Args:
        watchdog: Stops what goes on for too long.
        timeout_s: How long, in seconds; None for as long as it takes.
    """

    def __init__(self, watchdog: Watchdog, timeout_s: float | None) -> None:
        self.timeout_s = timeout_s
        self._watchdog = watchdog
        self._lock = threading.Lock()
        self._at_work = 0
        self._since = 0.0
        self._spent_s = 0.0

    @property
    def _left_s(self) -> float:
        if self.timeout_s is None:
            return float("inf")
        with self._lock:
            running_s = time.monotonic() - self._since if self._at_work else 0.0
            return self.timeout_s - self._spent_s - running_s

    @property
    def over(self) -> bool:
        """Whether the time is up."""
        return self._left_s <= 0

    @property
    def answers_within_s(self) -> float:
        """When a step that heeds no interrupt is waited for no longer."""
        return self._left_s + ANSWERED_AFTER_S

    @contextmanager
    def running(self) -> Iterator[None]:
        """While this lasts, something is done for the query, and its time runs."""
        with self._lock:
            if not self._at_work:
                self._since = time.monotonic()
            self._at_work += 1
        try:
            yield
        finally:
            with self._lock:
                self._at_work -= 1
                if not self._at_work:
                    self._spent_s += time.monotonic() - self._since

    @contextmanager
    def step(self, cursor: duckdb.DuckDBPyConnection) -> Iterator[None]:
        """While this lasts, the engine works for the query, and its time runs.

        Raises:
            QueryTimeoutError: When the time is up before it, or work fails as it runs up.
            ResourcesExhaustedError: When it was stopped since the process grew too large with it.
        """
        with self.running():
            left_s = self._left_s
            if left_s <= 0:
                raise self.error()
            with self._watchdog.watching(cursor, time.monotonic() + left_s) as step:
                try:
                    yield
                except Exception as error:
                    # An interrupt shows as whatever error the engine's caller makes of it.
                    if step.outgrew_memory:
                        raise ResourcesExhaustedError(
                            "The query needs more memory than it may use."
                        ) from error
                    if self.over:
                        raise self.error() from error
                    raise

    def part(self, seconds: float) -> TimeLimit:
        """A limit for work of so long at most, within what is left of this one."""
        return TimeLimit(self._watchdog, min(seconds, max(0.0, self._left_s)))

    def check(self) -> None:
        """Check that there is time left: for work that hears no interrupt.

        Raises:
            QueryTimeoutError: When the time is up.
        """
        if self.over:
            raise self.error()

    def error(self, until_stopped: Callable[[], object] | None = None) -> QueryTimeoutError:
        """What tells that the time is up.

        Args:
            until_stopped: As `QueryTimeoutError.until_stopped`.
        """
        detail = f"The query ran longer than {self.timeout_s or 0:g} s."
        return QueryTimeoutError(detail, until_stopped)
