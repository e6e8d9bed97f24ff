"""Runs the statements that were submitted to this process, and watches over all others."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress

from application.statements.job import StatementJob
from application.statements.rules import StatementParts
from application.statements.sweeper import Sweeper
from domain.errors import BusyError, LakehouseError, QueryCancelledError, UnavailableError
from domain.queries import Query, SpoolEncoding
from domain.statements import Failure, Statement, StatementId

_SERVICE_STOPPED = Failure(
    QueryCancelledError.code,
    "The service was stopped before the statement had ended; submit it again.",
)
_BEATS_PER_LEASE = 5
_SWEEPS_PER_LEASE = 3


class StatementRunner:
    """A bounded number of statements that run, and a bounded number that wait.

    While it has statements it gives signs of life, and once a second tells how far they are. It
    sweeps away what has expired and ends what died with its process: of any process, since
    that cannot do it itself.
    """

    def __init__(self, parts: StatementParts) -> None:
        self.id = uuid.uuid4().hex
        self._parts = parts
        self._sweeper = Sweeper(self.id, parts)
        self._pool = ThreadPoolExecutor(parts.rules.workers, thread_name_prefix="statement")
        self._limit = parts.rules.workers + parts.rules.waiting
        self._jobs: dict[StatementId, StatementJob | None] = {}
        self._futures: dict[StatementId, Future[None]] = {}
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._beaten_at = float("-inf")
        self._threads = [
            threading.Thread(target=work, name=name, daemon=True)
            for name, work in (("statement-ticks", self._tick), ("statement-sweeps", self._sweep))
        ]

    def start(self) -> None:
        """Begin to watch over statements."""
        for thread in self._threads:
            thread.start()

    def submit(self, query: Query) -> Statement:
        """Take a statement that may run; it runs when there is room for it.

        Raises:
            BusyError: When too many wait already.
            UnavailableError: When the service is being stopped, or the store does not serve.
            LakehouseError: What `RunQuery` raises of a query that cannot begin.
        """
        statement_id = StatementId.new()
        self._enter(statement_id)
        try:
            self._parts.run_query.check(query, SpoolEncoding())
            return self._taken(statement_id, query)
        except BaseException:
            self._leave(statement_id)
            raise

    def stop(self, statement_id: StatementId) -> None:
        """Stop a statement that somebody has ended, if it runs here."""
        with self._lock:
            job = self._jobs.get(statement_id)
        if job is not None:
            job.stop()

    def close(self, timeout_s: float) -> None:
        """Cancel all statements and tell so, as far as time lets it; take no more."""
        ends_at = time.monotonic() + timeout_s
        self._closing.set()
        self._pool.shutdown(wait=False)
        with self._lock:
            jobs = [job for job in self._jobs.values() if job is not None]
            futures = list(self._futures.values())
        for job in jobs:
            job.stop(_SERVICE_STOPPED)
        # Those that wait run now, which is to be told that they are stopped.
        wait(futures, max(0.0, ends_at - time.monotonic()))
        for thread in self._threads:
            if thread.is_alive():
                thread.join(max(0.0, ends_at - time.monotonic()))
        if self._beaten_at > 0:
            with suppress(LakehouseError):
                self._parts.statements.stop_beating(self.id)

    def _taken(self, statement_id: StatementId, query: Query) -> Statement:
        # Before anybody can see the statement, so that none takes its process for gone.
        self._beat()
        statement = Statement(
            id=statement_id,
            runner=self.id,
            submitted_at=self._parts.now(),
            sql=query.sql,
            table=query.table,
            row_limit=query.row_limit,
        )
        job = StatementJob(self._parts.statements.create(statement), query, self._parts)
        with self._lock:
            self._jobs[statement_id] = job
        try:
            future = self._pool.submit(job.run)
        except RuntimeError as error:
            job.give_up(_SERVICE_STOPPED)
            raise UnavailableError("The service is being stopped.") from error
        with self._lock:
            self._futures[statement_id] = future
        future.add_done_callback(lambda _: self._leave(statement_id))
        return statement

    def _enter(self, statement_id: StatementId) -> None:
        with self._lock:
            if self._closing.is_set():
                raise UnavailableError("The service is being stopped.")
            if len(self._jobs) >= self._limit:
                raise BusyError("Too many statements wait already; try again later.")
            self._jobs[statement_id] = None

    def _leave(self, statement_id: StatementId) -> None:
        with self._lock:
            self._jobs.pop(statement_id, None)
            self._futures.pop(statement_id, None)

    def _is_here(self, statement_id: StatementId) -> bool:
        with self._lock:
            return statement_id in self._jobs

    def _beat(self) -> None:
        self._parts.statements.beat(self.id)
        self._beaten_at = time.monotonic()

    def _tick(self) -> None:
        every_s = self._parts.rules.lease_s / _BEATS_PER_LEASE
        while not self._closing.wait(self._parts.rules.tick_s):
            with self._lock:
                jobs = [job for job in self._jobs.values() if job is not None]
            for job in jobs:
                if time.monotonic() >= self._beaten_at + every_s:
                    self._try("A sign of life could not be given.", self._beat)
                self._try("The progress of a statement could not be stored.", job.tick)

    def _sweep(self) -> None:
        every_s = self._parts.rules.lease_s / _SWEEPS_PER_LEASE
        while not self._closing.is_set():
            self._try(
                "Statements could not be looked through.",
                lambda: self._sweeper.sweep(self._is_here),
            )
            self._closing.wait(every_s)

    def _try(self, failed: str, work: Callable[[], object]) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - it is tried again
            self._parts.report(failed, error)
