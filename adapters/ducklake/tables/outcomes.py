"""What came of a write: what was committed, or what is kept of it when it was done before."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from adapters.ducklake.keys.entries import KeyEntry
from adapters.ducklake.keys.keyed_writer import KeyedWriter
from adapters.ducklake.tables.descriptions import Descriptions
from adapters.ducklake.writes.answers import outcome_of
from adapters.ducklake.writes.jobs import Committed, Job
from domain.errors import IdempotencyKeyReusedError, UnavailableError
from domain.idempotency import Digest, IdempotencyKey, WriteTerms
from domain.tables import AppendOutcome, CreateOutcome, DropOutcome, WriteOutcome

T = TypeVar("T")
OutcomeT = TypeVar("OutcomeT", CreateOutcome, AppendOutcome, DropOutcome)


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
        done = self._writer.commit(job)
        return self._replayed(done, kind) if isinstance(done, KeyEntry) else made(done)

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
