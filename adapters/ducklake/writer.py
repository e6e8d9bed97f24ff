"""The one writer of the lake in this process: group commit.

Concurrent commits of one process only collide (16 threads were slower than one), so one thread
at a time commits, and takes with it all that waits: the first of those that wait leads, the
others sleep until it has committed for them. A lone writer waits for nobody.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Self, TypeVar

import duckdb

from adapters.ducklake.deadline import Clock
from adapters.ducklake.errors import translated
from adapters.ducklake.lake import Lake
from adapters.ducklake.sql import LAKE
from domain.commits import CommitMessage, Write
from domain.errors import LakehouseError, UnavailableError, UpstreamTimeoutError, WriteConflictError

AUTHOR = "ducklake-backend"
"""The author of a commit of which nobody said who made it."""

MAX_ATTEMPTS = 5
MAX_GROUP = 1_000

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Transaction:
    """A transaction that jobs are applied in.

    Attributes:
        cursor: Its cursor.
        clock: Counts how long the catalog takes; to be stopped while data is written.
    """

    cursor: duckdb.DuckDBPyConnection
    clock: Clock


@dataclass(frozen=True, slots=True)
class Applied(Generic[T]):
    """What a piece of work gave, and whether it changed the lake."""

    value: T
    changed: bool = True


@dataclass(frozen=True, slots=True)
class Committed(Generic[T]):
    """What a piece of work gave, and the snapshot that holds it; None when nothing changed."""

    value: T
    snapshot_id: int | None


def _nothing() -> None:
    pass


class Job(Generic[T]):
    """A piece of work that waits to be committed, and what became of it.

    Attributes:
        work: Does it in a transaction; again when that had to be rolled back.
        write: What the commit says of it.
        after: Called when it was settled, before any later job begins.
        alone: Whether it needs a transaction of its own: what changes a table's shape cannot
            be seen by other work of the same transaction.
    """

    def __init__(
        self,
        work: Callable[[Transaction], Applied[T]],
        write: Write,
        *,
        after: Callable[[], None] = _nothing,
        alone: bool = True,
    ) -> None:
        self.work = work
        self.write = write
        self.after = after
        self.alone = alone
        self.woken = threading.Event()
        self._outcome: Committed[T] | None = None
        self._error: BaseException | None = None

    @property
    def settled(self) -> bool:
        """Whether it was committed, or has failed."""
        return self._outcome is not None or self._error is not None

    def succeed(self, applied: Applied[T], snapshot_id: int | None) -> None:
        """It was committed."""
        self._outcome = Committed(applied.value, snapshot_id if applied.changed else None)

    def fail(self, error: BaseException) -> None:
        """It was not."""
        self._error = error

    def result(self) -> Committed[T]:
        """What became of it; raises what kept it from being committed."""
        if self._outcome is None:
            raise self._error or RuntimeError("The job was not settled.")
        return self._outcome


AnyJob = Job[Any]


@dataclass(frozen=True, slots=True)
class Step:
    """Jobs that are applied at once; most often one job."""

    jobs: Sequence[AnyJob]
    apply: Callable[[Transaction], Sequence[Applied[Any]]]

    @classmethod
    def of(cls, job: AnyJob) -> Self:
        """A job by itself."""
        return cls((job,), lambda transaction: (job.work(transaction),))


Merge = Callable[[Sequence[AnyJob]], Iterable[Step]]
"""Says which jobs of a group are applied at once, in their order."""


class _StepFailedError(Exception):
    def __init__(self, step: Step, cause: LakehouseError) -> None:
        super().__init__(cause)
        self.step = step
        self.cause = cause


def one_by_one(jobs: Sequence[AnyJob]) -> Iterable[Step]:
    """Each job as a step of its own."""
    return map(Step.of, jobs)


class Writer:
    """Commits jobs in the order in which they came, as many at once as are waiting."""

    def __init__(self, lake: Lake, merge: Merge = one_by_one) -> None:
        self._lake = lake
        self._merge = merge
        self._waiting: deque[AnyJob] = deque()
        self._committing = False
        self._lock = threading.Lock()

    def commit(self, job: Job[T]) -> Committed[T]:
        """Commit a job, durably, or not at all; returns when it is settled.

        Raises:
            WriteConflictError: When it conflicts with other writers again and again.
            LakehouseError: Whatever the job's work raises, and what keeps it from being committed.
        """
        with self._lock:
            self._waiting.append(job)
            leads = not self._committing
            self._committing = True
        if not leads:
            job.woken.wait()
        if not job.settled:
            self._lead()
        return job.result()

    def _lead(self) -> None:
        """Commit what waits, whose first job is the caller's, then let the next one lead."""
        with self._lock:
            group = self._take_group()
        try:
            self._settle(group)
        finally:
            for job in group:
                if not job.settled:
                    job.fail(UnavailableError("The commit was broken off."))
                job.after()
            with self._lock:
                if self._waiting:
                    self._waiting[0].woken.set()
                else:
                    self._committing = False
            for job in group:
                job.woken.set()

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
            except _StepFailedError as failure:
                if len(failure.step.jobs) > 1:
                    # One of several that were applied at once: apply each by itself to find it.
                    merge = one_by_one
                else:
                    failure.step.jobs[0].fail(failure.cause)
                    remaining.remove(failure.step.jobs[0])
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
            before = _last_committed(cursor)
            cursor.execute("BEGIN TRANSACTION")
            transaction = Transaction(cursor, clock)
            applied = [
                (job, outcome)
                for step in steps
                for job, outcome in zip(step.jobs, self._applied(step, transaction), strict=True)
            ]
            changes = [job.write for job, outcome in applied if outcome.changed]
            if not changes:
                return applied, before
            _set_message(cursor, changes)
            clock.check()
            with clock.stopped():
                durability.before_commit()
            cursor.execute("COMMIT")
            durability.after_commit()
            after = _last_committed(cursor)
            if after == before:
                raise UnavailableError("The lake did not keep the commit; nothing was written.")
            return applied, after

    def _applied(self, step: Step, transaction: Transaction) -> Sequence[Applied[Any]]:
        try:
            return step.apply(transaction)
        except (UnavailableError, UpstreamTimeoutError, WriteConflictError):
            raise
        except LakehouseError as error:
            raise _StepFailedError(step, error) from error
        except duckdb.Error as error:
            known = translated(error, self._lake.redact)
            if known is None or isinstance(known, UnavailableError | WriteConflictError):
                raise
            raise _StepFailedError(step, known) from error


def _set_message(cursor: duckdb.DuckDBPyConnection, writes: Sequence[Write]) -> None:
    authors = {write.author for write in writes if write.author}
    cursor.execute(
        f"CALL {LAKE}.set_commit_message($author, $message)",
        {
            "author": authors.pop() if len(authors) == 1 else AUTHOR,
            "message": CommitMessage(tuple(writes)).to_json(),
        },
    )


def _last_committed(cursor: duckdb.DuckDBPyConnection) -> int | None:
    row = cursor.execute(f"FROM {LAKE}.last_committed_snapshot()").fetchone()
    return None if row is None else row[0]
