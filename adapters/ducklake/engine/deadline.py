"""Answering in time when the catalog does not.

A thread that waits for a PostgreSQL that hangs sits in libpq, and nothing frees it until the
server goes on: no timeout of DuckDB's, and no interrupt. So what talks to such a catalog runs
in a thread of its own, and who waits for it gives up in time. The thread is left behind, and
ends when the server goes on or its connection breaks; while too many are left behind, nobody
has to wait any more.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import contextmanager
from typing import Any, TypeVar

from domain.errors import UnavailableError, UpstreamTimeoutError

MAX_THREADS = 64
MAX_LEFT_BEHIND = 16
LOOK_EVERY_S = 1.0

T = TypeVar("T")


class Clock:
    """Counts how long one call has waited for the catalog."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._ends_at: float | None = time.monotonic() + timeout_s
        self._given_up = threading.Event()

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """While this lasts, work goes on that may take its time; then the clock begins anew."""
        self._ends_at = None
        try:
            yield
        finally:
            self._ends_at = time.monotonic() + self._timeout_s

    def give_up(self) -> None:
        """Nobody waits for the call any more."""
        self._given_up.set()

    def check(self) -> None:
        """Check that somebody waits: to be asked before what cannot be undone.

        Raises:
            UpstreamTimeoutError: When the call was answered already, as failed.
        """
        if self._given_up.is_set():
            raise UpstreamTimeoutError("It came too late.")

    def left_s(self) -> float:
        """How long the call may go on; more than a moment while the clock is stopped."""
        ends_at = self._ends_at
        return LOOK_EVERY_S if ends_at is None else ends_at - time.monotonic()


class Deadline:
    """Runs calls that talk to the catalog, each no longer than it may take.

    Args:
        timeout_s: How long the catalog may take; None trusts it, as a file can be trusted, and
            runs each call where it is made.
        prepare: Called before each call whose time counts: what takes long the first time and
            is not the catalog's doing.
        threads: How many calls may run at the same time.
    """

    def __init__(
        self,
        timeout_s: float | None,
        prepare: Callable[[], object] = lambda: None,
        threads: int = MAX_THREADS,
    ) -> None:
        self._timeout_s = timeout_s
        self._threads = threads
        self._prepare = prepare
        self._pool: ThreadPoolExecutor | None = None
        self._left_behind: set[Future[Any]] = set()
        self._lock = threading.Lock()

    def run(
        self,
        call: Callable[[Clock], T],
        discard: Callable[[T], object] | None = None,
        at_most_s: float = math.inf,
    ) -> T:
        """Run a call; its clock runs unless it stops it.

        Args:
            call: What to do.
            discard: Gives back what the call gave, when that comes too late.
            at_most_s: How long it is waited for, should the catalog be allowed to take longer.

        Raises:
            UpstreamTimeoutError: When it takes too long. What it was doing may still happen.
            UnavailableError: When too many calls before it have not come back.
            Exception: What the call raises.
        """
        if self._timeout_s is None:
            return call(Clock(float("inf")))
        self._prepare()
        clock = Clock(min(self._timeout_s, at_most_s))
        future = self._submitted(lambda: call(clock))
        while True:
            try:
                return future.result(timeout=min(LOOK_EVERY_S, max(0.0, clock.left_s())))
            except FutureTimeoutError:
                # The call itself may have raised a timeout of its own.
                if future.done():
                    return future.result()
                if clock.left_s() <= 0:
                    clock.give_up()
                    self._leave_behind(future, discard)
                    raise UpstreamTimeoutError(
                        f"The lake's catalog did not answer within {self._timeout_s:g} s."
                    ) from None

    def close(self) -> None:
        """Let no call in any more; waits for none."""
        with self._lock:
            if self._pool is not None:
                self._pool.shutdown(wait=False, cancel_futures=True)

    def _submitted(self, call: Callable[[], T]) -> Future[T]:
        with self._lock:
            if len(self._left_behind) >= MAX_LEFT_BEHIND:
                raise UnavailableError("The lake's catalog does not answer.")
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="catalog")
            try:
                return self._pool.submit(call)
            except RuntimeError as error:
                raise UnavailableError("The lake is closed.") from error

    def _leave_behind(self, future: Future[Any], discard: Callable[[Any], object] | None) -> None:
        def came_back(future: Future[Any]) -> None:
            with self._lock:
                self._left_behind.discard(future)
            if discard is not None and not future.cancelled() and future.exception() is None:
                discard(future.result())

        with self._lock:
            self._left_behind.add(future)
        future.add_done_callback(came_back)
