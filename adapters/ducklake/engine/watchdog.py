"""Stopping queries that run over their time.

DuckDB 1.5 has no timeout for statements. An interrupt that comes while the engine is between
two steps is lost, so one thread for all queries of a lake repeats it until the step has ended.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import duckdb

from domain.errors import QueryTimeoutError

INTERRUPT_EVERY_S = 0.005
ANSWERED_AFTER_S = 0.5
"""How long an interrupt may take to be heeded before its query is answered without it."""


class Watchdog:
    """Interrupts each step of the engine's work that goes on for too long."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        # The cursor of each step that goes on, and when its time is over.
        self._steps: dict[duckdb.DuckDBPyConnection, float] = {}
        self._wakes_at = float("inf")
        self._thread: threading.Thread | None = None
        self._closed = False

    @contextmanager
    def watching(self, cursor: duckdb.DuckDBPyConnection, ends_at: float) -> Iterator[None]:
        """While this lasts, work on the cursor goes on that is interrupted from `ends_at` on.

        Args:
            cursor: Only one thread works on it.
            ends_at: By `time.monotonic`.
        """
        with self._changed:
            self._steps[cursor] = ends_at
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
                self._thread.start()
            elif ends_at < self._wakes_at:
                self._changed.notify()
        try:
            yield
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
        with self._changed:
            while not self._closed:
                self._wakes_at = min(self._interrupted(), default=float("inf"))
                left_s = self._wakes_at - time.monotonic()
                self._changed.wait(min(max(0.0, left_s), threading.TIMEOUT_MAX))

    def _interrupted(self) -> Iterator[float]:
        """Interrupt what is over its time; gives when each step is to be looked at again."""
        now = time.monotonic()
        for cursor, ends_at in self._steps.items():
            if ends_at > now:
                yield ends_at
                continue
            # The lake may be closing it.
            with suppress(duckdb.ConnectionException):
                cursor.interrupt()
            yield now + INTERRUPT_EVERY_S


class TimeLimit:
    """How long the service may work for one query, all its steps together.

    Time in which the client reads, and the engine waits for it, does not count.

    Args:
        watchdog: Stops what goes on for too long.
        timeout_s: How long, in seconds; None for as long as it takes.
    """

    def __init__(self, watchdog: Watchdog, timeout_s: float | None) -> None:
        self.timeout_s = timeout_s
        self._watchdog = watchdog
        self._ends_at = float("inf")
        self.spent_s = 0.0
        """How long it took so far; what was not a step of the engine's is added to it."""

    @property
    def _left_s(self) -> float:
        return float("inf") if self.timeout_s is None else self.timeout_s - self.spent_s

    @property
    def over(self) -> bool:
        """Whether the time is up."""
        return self._left_s <= 0 or time.monotonic() >= self._ends_at

    @property
    def answers_within_s(self) -> float:
        """When a step that heeds no interrupt is waited for no longer."""
        return self._left_s + ANSWERED_AFTER_S

    @contextmanager
    def step(self, cursor: duckdb.DuckDBPyConnection) -> Iterator[None]:
        """While this lasts, the engine works for the query, and its time runs.

        Raises:
            QueryTimeoutError: When the time is up before it, or work fails as it runs up.
        """
        if self._left_s <= 0:
            raise self.error()
        began = time.monotonic()
        self._ends_at = began + self._left_s
        try:
            with self._watchdog.watching(cursor, self._ends_at):
                yield
        except Exception as error:
            # An interrupt shows as whatever error the engine's caller makes of it.
            if self.over:
                raise self.error() from error
            raise
        finally:
            self.spent_s += time.monotonic() - began
            self._ends_at = float("inf")

    def part(self, seconds: float) -> TimeLimit:
        """A limit for work of so long at most, within what is left of this one."""
        left_s = min(self._left_s, self._ends_at - time.monotonic())
        return TimeLimit(self._watchdog, min(seconds, max(0.0, left_s)))

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
