"""The one writer of the lake in this process: group commit.

Concurrent commits of one process only collide (16 threads were slower than one), so one thread
commits, and takes with it all that waits. Who submits a job needs no thread to wait for it: it
is told when the job is settled. A lone writer waits for nobody.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar

import duckdb

from adapters.ducklake.engine.deadline import Clock
from adapters.ducklake.engine.errors import tells_of_garbled_commit, translated
from adapters.ducklake.engine.lake import Lake
from adapters.ducklake.engine.sql import LAKE, literal
from adapters.ducklake.keys import table as key_table
from adapters.ducklake.keys.entries import KeyEntry, to_extra_info
from adapters.ducklake.keys.ledger import KeyLedger
from adapters.ducklake.writes.commit_terms import CommitTerms
from adapters.ducklake.writes.jobs import (
    AnyJob,
    Applied,
    Committed,
    Job,
    ReplayedError,
    Step,
    StepFailedError,
    Transaction,
)
from adapters.ducklake.writes.leftovers import remove_leftovers
from domain.commits import CommitMessage, Write
from domain.errors import LakehouseError, UnavailableError, UpstreamTimeoutError, WriteConflictError

AUTHOR = "ducklake-backend"
"""The author of a commit of which nobody said who made it."""

MAX_ATTEMPTS = 5
MAX_GROUP = 1_000
IDLE_S = 5.0
"""So long the thread waits for more; the next job starts another one."""

_logger = logging.getLogger(__name__)

T = TypeVar("T")

Merge = Callable[[Sequence[AnyJob]], Iterable[Step]]
"""Says which jobs of a group are applied at once, in their order."""


def one_by_one(jobs: Sequence[AnyJob]) -> Iterable[Step]:
    """Each job as a step of its own."""
    return map(Step.of, jobs)


class Writer:
    """Commits jobs in the order in which they came, as many at once as are waiting."""

    def __init__(self, lake: Lake, ledger: KeyLedger, merge: Merge = one_by_one) -> None:
        self._lake = lake
        self._ledger = ledger
        self._terms = CommitTerms(lake, ledger)
        self._merge = merge
        self._waiting: deque[AnyJob] = deque()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._came = threading.Condition()
        self._last: int | None = None

    def submit(self, job: AnyJob) -> None:
        """Have a job committed, durably, or not at all; returns before that.

        Raises:
            UnavailableError: When the writer is closed.
        """
        with self._came:
            if self._closed:
                raise UnavailableError("The lake is closed.")
            self._waiting.append(job)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
                self._thread.start()
            elif len(self._waiting) == 1:
                self._came.notify_all()

    def commit(self, job: Job[T]) -> Committed[T] | KeyEntry:
        """Submit a job and wait until it is settled.

        What another process did before under its key is returned in its place.

        Raises:
            WriteConflictError: When it conflicts with other writers again and again.
            LakehouseError: Whatever the job's work raises, and what keeps it from being committed.
        """
        self.submit(job)
        job.wait()
        return job.result()

    def close(self, timeout_s: float) -> None:
        """Take no more jobs, and wait for those that came before."""
        ends_at = time.monotonic() + timeout_s
        with self._came:
            self._closed = True
            self._came.notify_all()
            while self._thread is not None and time.monotonic() < ends_at:
                self._came.wait(ends_at - time.monotonic())

    def _run(self) -> None:
        while group := self._next_group():
            try:
                self._settle(group)
            except BaseException:
                _logger.exception("A commit was broken off.")
            finally:
                self._end(group)

    @staticmethod
    def _end(group: Sequence[AnyJob]) -> None:
        for job in group:
            if not job.known:
                job.fail(UnavailableError("The commit was broken off."))
            job.after()
        for job in group:
            job.settle()

    def _next_group(self) -> Sequence[AnyJob]:
        """The jobs to be committed next; none when the thread is to end."""
        with self._came:
            while not self._waiting:
                if self._closed or not self._came.wait_for(self._is_called, IDLE_S):
                    self._thread = None
                    self._came.notify_all()
                    return ()
            return self._take_group()

    def _is_called(self) -> bool:
        return self._closed or bool(self._waiting)

    def _take_group(self) -> list[AnyJob]:
        group = [self._waiting.popleft()]
        if not group[0].alone:
            while self._waiting and not self._waiting[0].alone and len(group) < MAX_GROUP:
                group.append(self._waiting.popleft())
        return group

    def _settle(self, jobs: Sequence[AnyJob]) -> None:
        """Commit jobs together; those that fail alone do not harm the others."""
        remaining = list(jobs)
        merge = self._merge
        attempts = 0
        while remaining:
            try:
                self._commit_together(list(merge(remaining)))
            except (StepFailedError, ReplayedError) as error:
                if isinstance(error, StepFailedError) and len(error.step.jobs) > 1:
                    # One of several that were applied at once: apply each by itself to find it.
                    merge = one_by_one
                else:
                    remaining.remove(_settled_by(error))
            except WriteConflictError as error:
                attempts += 1
                if attempts == MAX_ATTEMPTS:
                    self._settle_apart(remaining, error)
                    return
            except (UnavailableError, UpstreamTimeoutError) as error:
                for job in remaining:
                    job.fail(error)
                return
            except Exception as error:  # noqa: BLE001 - it goes to the jobs' callers
                self._settle_apart(remaining, error)
                return
            else:
                return

    def _settle_apart(self, jobs: Sequence[AnyJob], error: Exception) -> None:
        if len(jobs) == 1:
            jobs[0].fail(error)
            return
        for job in jobs:
            self._settle([job])

    def _commit_together(self, steps: Sequence[Step]) -> None:
        """Commit in one transaction, or raise."""
        try:
            self._commit_at_once(steps)
        except Exception:
            remove_leftovers(self._lake)
            raise

    def _commit_at_once(self, steps: Sequence[Step]) -> None:
        applied, snapshot_id = self._lake.deadline.run(lambda clock: self._transact(steps, clock))
        for job, outcome in applied:
            job.succeed(outcome, snapshot_id)

    def _transact(
        self, steps: Sequence[Step], clock: Clock
    ) -> tuple[Sequence[tuple[AnyJob, Applied[Any]]], int | None]:
        """One transaction. What fails in it is rolled back as the cursor is given back.

        There are no savepoints, and the COMMIT of a transaction in which a statement failed
        would succeed and drop everything in silence: so it is never reached, and the snapshot
        must have moved on after it.
        """
        durability = self._lake.durability
        with self._lake.cursor() as cursor:
            with clock.stopped():
                durability.begin()
            # Asking takes a tenth of a lone commit; nobody but this writer commits by this engine.
            before = _last_committed(cursor) if self._last is None else self._last
            cursor.execute("BEGIN TRANSACTION")
            transaction = Transaction(cursor, clock)
            applied = [
                (job, outcome)
                for step in steps
                for job, outcome in zip(step.jobs, self._applied(step, transaction), strict=True)
            ]
            now = datetime.now(UTC)
            entries = [kept for job, outcome in applied if (kept := job.entry(outcome.value, now))]
            changed = any(outcome.changed for _, outcome in applied)
            if not changed:
                if not entries:
                    # What the jobs rely on was seen in this very transaction.
                    self._terms.check(cursor, [job for job, _ in applied])
                    # One that only took its turn may have committed by a cursor of its own.
                    self._last = None
                    return applied, before
                # A transaction that changes nothing makes no snapshot that could tell of them.
                key_table.store(cursor, entries)
            writes = [job.write for job, outcome in applied if job.write and outcome.changed]
            _set_message(cursor, writes, entries)
            with clock.stopped():
                durability.before_commit()
            with self._terms.holding(cursor, [job for job, _ in applied]):
                clock.check()
                after = self._commit(cursor, before)
            durability.after_commit()
            self._ledger.committed([replace(each, snapshot_id=after) for each in entries], after)
            return applied, after

    def _commit(self, cursor: duckdb.DuckDBPyConnection, before: int | None) -> int:
        """Commit, and give the snapshot."""
        self._last = None
        try:
            self._lake.commit(cursor)
            after = _last_committed(cursor)
        except BaseException as error:
            self._ledger.doubt()
            if tells_of_garbled_commit(error):
                raise WriteConflictError("The catalog refused the commit; try again.") from error
            raise
        if after is None or after == before:
            raise UnavailableError("The lake did not keep the commit; nothing was written.")
        self._lake.has_committed(cursor)
        self._last = after
        return after

    def _applied(self, step: Step, transaction: Transaction) -> Sequence[Applied[Any]]:
        try:
            return step.apply(transaction)
        except (UnavailableError, UpstreamTimeoutError, WriteConflictError):
            raise
        except LakehouseError as error:
            raise StepFailedError(step, error) from error
        except duckdb.Error as error:
            known = translated(error, self._lake.redact)
            if known is None or isinstance(known, UnavailableError | WriteConflictError):
                raise
            raise StepFailedError(step, known) from error


def _settled_by(error: StepFailedError | ReplayedError) -> AnyJob:
    """The one job that needs not be tried again, told what became of it."""
    if isinstance(error, ReplayedError):
        error.job.replay(error.entry)
        return error.job
    (job,) = error.step.jobs
    job.fail(error.cause)
    return job


def _set_message(
    cursor: duckdb.DuckDBPyConnection, writes: Sequence[Write], keys: Sequence[KeyEntry]
) -> None:
    authors = {write.author for write in writes if write.author}
    cursor.execute(
        f"CALL {LAKE}.set_commit_message($author, $message, extra_info => $keys)",
        {
            "author": authors.pop() if len(authors) == 1 else AUTHOR,
            "message": CommitMessage(tuple(writes)).to_json(),
            "keys": to_extra_info(keys),
        },
    )


def _last_committed(cursor: duckdb.DuckDBPyConnection) -> int | None:
    # As `lake.last_committed_snapshot()`, for which the engine looks through the catalog.
    row = cursor.execute(f"FROM ducklake_last_committed_snapshot({literal(LAKE)})").fetchone()
    return None if row is None else row[0]
