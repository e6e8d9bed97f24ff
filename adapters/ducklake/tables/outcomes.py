"""What came of a write: what was committed, or what is kept of it when it was done before."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from adapters.ducklake.keys.entries import KeyEntry
from adapters.ducklake.keys.keyed_writer import KeyedWriter
from adapters.ducklake.tables.descriptions import Descriptions
from adapters.ducklake.writes.answers import outcome_of
from adapters.ducklake.writes.jobs import AnyJob, Committed, Job
from domain.errors import IdempotencyKeyReusedError, UnavailableError
from domain.idempotency import Digest, IdempotencyKey, WriteTerms
from domain.settling import Pending
from domain.tables import AppendOutcome, CreateOutcome, DropOutcome, WriteOutcome

T = TypeVar("T")
OutcomeT = TypeVar("OutcomeT", CreateOutcome, AppendOutcome, DropOutcome)


class PendingOutcome(Pending[T]):
    """What comes of a job that was submitted."""

    def __init__(self, job: AnyJob, outcome: Callable[[], T]) -> None:
        """Args: outcome: What came of the job, once it is settled."""
        self._job = job
        self._outcome = outcome

    @property
    def settled(self) -> bool:
        """As `Pending.settled`."""
        return self._job.settled

    @property
    def failed(self) -> bool:
        """As `Pending.failed`."""
        return self._job.failed

    def when_settled(self, call: Callable[[], None]) -> None:
        """As `Pending.when_settled`."""
        self._job.when_settled(call)

    def result(self) -> T:
        """As `Pending.result`."""
        self._job.wait()
        return self._outcome()


class Outcomes:
    """Has the writer commit jobs, and says what came of them.

    Args:
        writer: Commits them.
        tables: Describes a table that a write made before.
    """

    def __init__(self, writer: KeyedWriter, tables: Descriptions) -> None:
        self._writer = writer
        self._tables = tables

    def of(
        self, job: Job[T], kind: type[OutcomeT], made: Callable[[Committed[T]], OutcomeT]
    ) -> OutcomeT:
        """Commit a job.

        Args:
            job: The job.
            kind: What comes of such a job.
            made: Says what came of it when it was committed now.

        Raises:
            IdempotencyKeyReusedError: When its key was used for another request.
            LakehouseError: Whatever keeps it from being committed.
        """
        return self._outcome(self._writer.commit(job), kind, made)

    def submit(
        self, job: Job[T], kind: type[OutcomeT], made: Callable[[Committed[T]], OutcomeT]
    ) -> PendingOutcome[OutcomeT]:
        """Have a job committed: as `of`, without waiting for it.

        Raises:
            UnavailableError: When the lake is closed.
        """
        self._writer.submit(job)
        return PendingOutcome(job, lambda: self._outcome(job.result(), kind, made))

    def may_wait(self, key: IdempotencyKey | None) -> bool:
        """Whether `submit` or `recall` may have to wait for anything, with this key."""
        return self._writer.may_wait(key)

    def kept(self, terms: WriteTerms, kind: type[OutcomeT]) -> OutcomeT | None:
        """What came of a write on these terms before, as far as this process knows.

        Raises:
            IdempotencyKeyReusedError: When its key was used for another request.
        """
        entry = self._writer.kept(terms)
        return None if entry is None else self._replayed(entry, kind)

    def recall(
        self, key: IdempotencyKey, digest: Digest, *, thorough: bool = False
    ) -> WriteOutcome | None:
        """As `TablePort.recall`."""
        entry = self._writer.recall(key, digest, thorough=thorough)
        return None if entry is None else outcome_of(entry, self._tables.at)

    def _outcome(
        self,
        done: Committed[T] | KeyEntry,
        kind: type[OutcomeT],
        made: Callable[[Committed[T]], OutcomeT],
    ) -> OutcomeT:
        return self._replayed(done, kind) if isinstance(done, KeyEntry) else made(done)

    def _replayed(self, entry: KeyEntry, kind: type[OutcomeT]) -> OutcomeT:
        outcome = outcome_of(entry, self._tables.at)
        if not isinstance(outcome, kind):
            raise IdempotencyKeyReusedError(
                f"The idempotency key {entry.key.value!r} was used for another request."
            )
        return outcome


def snapshot_of(done: Committed[T]) -> int:
    """The snapshot that holds what a job changed.

    Raises:
        UnavailableError: When there is none.
    """
    if done.snapshot_id is None:
        raise UnavailableError("The lake did not keep the commit; nothing was written.")
    return done.snapshot_id
