"""Threads for blocking work: some for each kind of it, so that no kind waits for another."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any, TypeVar

from domain.errors import BusyError, QueryTimeoutError

T = TypeVar("T")


class WorkerPool:
    """A bounded number of threads, and a bounded number of requests that wait for them.

    Args:
        name: What the threads are called.
        threads: How many there are.
        waiting: How many requests may wait while all threads are busy.
    """

    def __init__(self, name: str, threads: int, waiting: int) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._limit = threads + waiting
        self._admitted = 0
        self._lock = threading.Lock()
        self._jobs: set[Future[Any]] = set()

    def enter(self) -> None:
        """Let a request in, until it calls `leave`.

        Raises:
            BusyError: When too many are in already.
        """
        with self._lock:
            if self._admitted >= self._limit:
                raise BusyError("The service has too much to do right now; try again soon.")
            self._admitted += 1

    def leave(self) -> None:
        """End what `enter` began."""
        with self._lock:
            self._admitted -= 1

    async def run(self, call: Callable[[], T]) -> T:
        """Let a request in, do a piece of work for it, and wait for that.

        The work goes on when the wait is cancelled, and the request is in until its end.

        Raises:
            BusyError: When too many are in already.
            Exception: What `call` raises.
        """
        self.enter()
        job = self.submit(call)
        job.add_done_callback(lambda _: self.leave())
        return await asyncio.wrap_future(job)

    async def wait(self, call: Callable[[], T], *, discard: Callable[[T], object]) -> T:
        """Do a piece of work for a request that was let in, and wait for it.

        Args:
            call: The work. It goes on when the wait is cancelled.
            discard: Called with what `call` gave when nobody waits for it any more.
        """
        job = self.submit(call)
        try:
            return await asyncio.wrap_future(job)
        except asyncio.CancelledError:
            job.add_done_callback(lambda done: _discard(done, discard))
            raise

    def submit(self, call: Callable[[], T]) -> Future[T]:
        """Do a piece of work for a request that was let in.

        What it gives or raises is there before its thread is free again (see `linger`).
        """
        # Log lines of the work then name the request.
        context = contextvars.copy_context()
        answer: Future[T] = Future()
        job = self._executor.submit(context.run, self._work, call, answer)
        # A thread that lingers has answered: who closes the pool need not wait for it.
        with self._lock:
            self._jobs.add(answer)
        answer.add_done_callback(self._forget)
        job.add_done_callback(lambda done: answer.cancel() if done.cancelled() else None)
        return answer

    def linger(self, error: BaseException) -> None:
        """Hold the thread, and a place, while the engine works on what was answered as failed.

        To be called by work, in its thread, once its error is told.
        """
        if not isinstance(error, QueryTimeoutError) or error.until_stopped is None:
            return
        with self._lock:
            self._admitted += 1
        try:
            error.until_stopped()
        finally:
            self.leave()

    def _work(self, call: Callable[[], T], answer: Future[T]) -> None:
        if not answer.set_running_or_notify_cancel():
            return
        try:
            result = call()
        except BaseException as error:  # noqa: BLE001 - it is raised where the answer is awaited
            answer.set_exception(error)
            self.linger(error)
        else:
            answer.set_result(result)

    def close(self, timeout_s: float) -> bool:
        """Take no more work, drop what waits, and wait for what runs; False if it goes on."""
        self._executor.shutdown(wait=False, cancel_futures=True)
        with self._lock:
            jobs = set(self._jobs)
        return not wait(jobs, timeout_s).not_done

    def _forget(self, job: Future[T]) -> None:
        with self._lock:
            self._jobs.discard(job)


def _discard(job: Future[T], discard: Callable[[T], object]) -> None:
    if not job.cancelled() and job.exception() is None:
        discard(job.result())


@dataclass(frozen=True, slots=True)
class Workers:
    """The pools.

    Attributes:
        writes: Changes of tables; each holds its thread while its body comes in.
        reads: Looks at tables.
        queries: Queries, and results of statements.
        statements: Submitting statements. Apart, since it must not wait behind queries.
        uploads: Uploads of objects; each holds its thread while its body comes in.
        objects: All other work on buckets and objects.
        transfers: Loads, exports and tables made from data. Apart, since they may take long and
            queries must not wait for them; few, since each keeps the engine busy.
        closing: Closing of streams. Apart, since what stops a query must not wait behind it.
    """

    writes: WorkerPool
    reads: WorkerPool
    queries: WorkerPool
    statements: WorkerPool
    uploads: WorkerPool
    objects: WorkerPool
    transfers: WorkerPool
    closing: WorkerPool

    @classmethod
    def start(cls, query_workers: int, query_queue: int) -> Workers:
        """The pools in the sizes that serve one machine.

        Args:
            query_workers: How many queries run at the same time.
            query_queue: How many more may be open: waiting to run, or for their client.
        """
        return cls(
            # They mostly sleep until the lake's one writer has committed for them, and only
            # what is in them can be committed together.
            writes=WorkerPool("write", 256, 512),
            reads=WorkerPool("read", 8, 512),
            queries=WorkerPool("query", query_workers, query_queue),
            statements=WorkerPool("submit", 4, 64),
            uploads=WorkerPool("upload", 32, 256),
            objects=WorkerPool("object", 16, 512),
            transfers=WorkerPool("transfer", 4, 64),
            closing=WorkerPool("close", 4, 0),
        )

    def close(self, timeout_s: float) -> bool:
        """Close all pools; False when work still goes on after `timeout_s`."""
        deadline = time.monotonic() + timeout_s
        pools = (
            self.writes,
            self.reads,
            self.queries,
            self.statements,
            self.uploads,
            self.objects,
            self.transfers,
            self.closing,
        )
        ended = [pool.close(max(0, deadline - time.monotonic())) for pool in pools]
        return all(ended)
