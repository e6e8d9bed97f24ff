"""Pieces of work that the writer commits."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Self, TypeVar

import duckdb

from adapters.ducklake.engine.deadline import Clock
from adapters.ducklake.keys.entries import Answer, KeyEntry
from domain.commits import Write
from domain.errors import LakehouseError
from domain.idempotency import NO_TERMS, IdempotencyKey, WriteTerms

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
    """What a piece of work gave.

    Attributes:
        value: What it gave.
        snapshot_id: The snapshot that holds it; None when nothing changed.
    """

    value: T
    snapshot_id: int | None


def _nothing() -> None:
    pass


def _no_answer(_: object) -> Answer:
    raise AssertionError("a job with a key says what is kept of it")


class Job(Generic[T]):
    """A piece of work that waits to be committed, and what became of it.

    Attributes:
        work: Does it in a transaction; again when that had to be rolled back.
        write: What the commit says of it; None for the service's own housekeeping.
        terms: On what terms it is asked for.
        answer: What is kept of its value when it has a key.
        after: Called when it is known what became of it, before any later job begins.
        alone: Whether it needs a transaction of its own: what changes a table's shape cannot
            be seen by other work of the same transaction.
    """

    def __init__(
        self,
        work: Callable[[Transaction], Applied[T]],
        write: Write | None,
        *,
        terms: WriteTerms = NO_TERMS,
        answer: Callable[[T], Answer] = _no_answer,
        after: Callable[[], None] = _nothing,
        alone: bool = True,
    ) -> None:
        self.work = work
        self.write = write
        self.terms = terms
        self.answer = answer
        self.after = after
        self.alone = alone
        self._settled = False
        self._waiting: list[Callable[[], None]] = []
        self._changing = threading.Lock()
        self._outcome: Committed[T] | None = None
        self._error: BaseException | None = None
        self._done_before: KeyEntry | None = None

    @property
    def key(self) -> IdempotencyKey | None:
        """The key that it is asked for under."""
        return None if self.terms.request is None else self.terms.request.key

    @property
    def known(self) -> bool:
        """Whether it is known what becomes of it."""
        return (self._outcome or self._error or self._done_before) is not None

    @property
    def settled(self) -> bool:
        """Whether those who wait for it were told."""
        return self._settled

    @property
    def failed(self) -> bool:
        """Whether `result` raises, once it is settled."""
        return self._settled and self._outcome is None and self._done_before is None

    def settle(self) -> None:
        """Tell those who wait that it is known what became of it."""
        with self._changing:
            self._settled = True
            waiting, self._waiting = self._waiting, []
        for call in waiting:
            call()

    def when_settled(self, call: Callable[[], None]) -> None:
        """Have something called as it is settled, in the order of these calls."""
        with self._changing:
            if not self._settled:
                self._waiting.append(call)
                return
        call()

    def wait(self) -> None:
        """Wait until it is settled."""
        if self._settled:
            return
        woken = threading.Event()
        self.when_settled(woken.set)
        woken.wait()

    def succeed(self, applied: Applied[T], snapshot_id: int | None) -> None:
        """It was committed."""
        self._outcome = Committed(applied.value, snapshot_id if applied.changed else None)

    def entry(self, value: T, now: datetime) -> KeyEntry | None:
        """What is kept of it; None when it has no key."""
        request = self.terms.request
        if request is None or self.write is None:
            return None
        digest = request.digest.hex()
        return KeyEntry(request.key, digest, self.write.run_id, self.answer(value), now)

    def replay(self, entry: KeyEntry) -> None:
        """It was done before, under the same key."""
        self._done_before = entry

    def fail(self, error: BaseException) -> None:
        """It was not."""
        self._error = error

    def result(self) -> Committed[T] | KeyEntry:
        """What became of it, or had before; raises what kept it from being committed."""
        if self._done_before is not None:
            return self._done_before
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


class StepFailedError(Exception):
    """A step failed, and the others need not."""

    def __init__(self, step: Step, cause: LakehouseError) -> None:
        super().__init__(cause)
        self.step = step
        self.cause = cause


class ReplayedError(Exception):
    """A job was done before, by another process."""

    def __init__(self, job: AnyJob, entry: KeyEntry) -> None:
        super().__init__("done before")
        self.job = job
        self.entry = entry
