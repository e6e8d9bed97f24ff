"""Answering in time when the catalog, or the engine, does not.

A thread that waits for a PostgreSQL that hangs sits in libpq, and nothing frees it until the
server goes on: no timeout of DuckDB's, and no interrupt. Nor does the engine hear an interrupt
while it finds out how an object of text is written. So such calls run in threads of their own,
and who waits for one gives up in time. The thread is left behind, and ends when the server goes
on, its connection breaks, or the engine is done; while too many are left behind, nobody has to
wait any more.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import contextmanager
from typing import Any, TypeVar

from domain.errors import UnavailableError, UpstreamTimeoutError

MAX_THREADS = 64
MAX_LEFT_BEHIND = 16
LOOK_EVERY_S = 1.0

T = TypeVar("T")


class Clock:
    """Counts how long one call has waited for the catalog.

    Args:
        timeout_s: How long the catalog may take.
        at_most_s: How long the call may take in all, whether the clock is stopped or not.
    """

    def __init__(self, timeout_s: float, at_most_s: float = math.inf) -> None:
        self._timeout_s = timeout_s
        now = time.monotonic()
        self._ends_at: float | None = now + timeout_s
        self._ends_at_last = now + at_most_s
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
        now, ends_at = time.monotonic(), self._ends_at
        left_s = LOOK_EVERY_S if ends_at is None else ends_at - now
        return min(left_s, self._ends_at_last - now)


class Deadline:
    """Runs calls that talk to the catalog, each no longer than it may take.

    Args:
        timeout_s: How long the catalog may take; None trusts it, as a file can be trusted, and
            runs each call where it is made.
        prepare: Called before each call whose time counts: what takes long the first time and
            is not the catalog's doing.
        threads: How many calls may run at the same time.
        left_behind: How many may be left behind before no more are made.
    """

    def __init__(
        self,
        timeout_s: float | None,
        prepare: Callable[[], object] = lambda: None,
        threads: int = MAX_THREADS,
        left_behind: int = MAX_LEFT_BEHIND,
    ) -> None:
        self._timeout_s = timeout_s
        self._threads = threads
        self._most_left_behind = left_behind
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
            at_most_s: How long it is waited for in all, its stopped clock or not, should the
                catalog be allowed to take longer.

        Raises:
            UpstreamTimeoutError: When it takes too long, with `until_back`. What it was doing may
                still happen.
            UnavailableError: When too many calls before it have not come back.
            Exception: What the call raises.
        """
        if self._timeout_s is None:
            return call(Clock(float("inf")))
        return self.begin(call, discard, at_most_s)()

    def begin(
        self,
        call: Callable[[Clock], T],
        discard: Callable[[T], object] | None = None,
        at_most_s: float = math.inf,
    ) -> Callable[[], T]:
        """Begin a call in a thread of its own; as `run`, but what waits for it is given back.

        Returns:
            What waits for the call, and gives and raises what `run` does.

        Raises:
            UnavailableError: As `run`.
        """
        self._prepare()
        timeout_s = math.inf if self._timeout_s is None else self._timeout_s
        clock = Clock(timeout_s, at_most_s)
        future = self._submitted(lambda: call(clock))
        return lambda: self._waited_for(future, clock, timeout_s, discard)

    def come_back(self, within_s: float) -> bool:
        """Wait for all that was left behind; False when some of it goes on."""
        with self._lock:
            left = set(self._left_behind)
        return not wait(left, within_s).not_done

    def close(self) -> None:
        """Let no call in any more; waits for none."""
        with self._lock:
            if self._pool is not None:
                self._pool.shutdown(wait=False, cancel_futures=True)

    def _waited_for(
        self,
        future: Future[T],
        clock: Clock,
        timeout_s: float,
        discard: Callable[[T], object] | None,
    ) -> T:
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
                        f"The lake's catalog did not answer within {timeout_s:g} s.",
                        until_back=lambda: wait([future]),
                    ) from None

    def _submitted(self, call: Callable[[], T]) -> Future[T]:
        with self._lock:
            if len(self._left_behind) >= self._most_left_behind:
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
