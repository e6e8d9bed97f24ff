"""What a commit relies on, looked at where nobody can change it before the commit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import duckdb

from adapters.ducklake.catalog.metadata import Metadata
from adapters.ducklake.engine.lake import Lake
from adapters.ducklake.keys.ledger import KeyLedger
from adapters.ducklake.writes.commit_turns import CommitTurns
from adapters.ducklake.writes.jobs import AnyJob, ReplayedError, Step, StepFailedError
from domain.errors import IdempotencyKeyReusedError, PreconditionFailedError
from domain.tables import TableName


class CommitTerms:
    """Holds jobs to their terms.

    In a catalog of this process alone, the commits of the one writer are all there are. In one
    that others share, a commit waits for its turn, and looks then at what they did: on another
    cursor, since its own transaction sees the lake as it was at its beginning.
    """

    def __init__(self, lake: Lake, ledger: KeyLedger) -> None:
        self._lake = lake
        self._ledger = ledger
        self._turns = CommitTurns(lake)

    @contextmanager
    def holding(self, cursor: duckdb.DuckDBPyConnection, jobs: Sequence[AnyJob]) -> Iterator[None]:
        """While this lasts, the terms of the jobs are kept.

        Raises:
            StepFailedError: When those of one are not.
            ReplayedError: When one was done before, by another process.
        """
        if not self._turns.shared:
            self.check(cursor, jobs)
            yield
            return
        with self._turns.turn():
            keyed = [job for job in jobs if job.terms.request is not None]
            if keyed or any(job.terms.if_match is not None for job in jobs):
                with self._lake.snapshot() as reader:
                    if keyed:
                        self._ledger.catch_up(reader)
                    self.check(reader, jobs)
            for job in keyed:
                self._check_key(job)
            yield

    @staticmethod
    def check(cursor: duckdb.DuckDBPyConnection, jobs: Sequence[AnyJob]) -> None:
        """Check the entity tags that jobs are to match, as the cursor's transaction sees them.

        Raises:
            StepFailedError: When one does not match.
        """
        for job in jobs:
            if job.terms.if_match is None or job.write is None:
                continue
            metadata = Metadata(cursor)
            table = metadata.table(TableName.parse(job.write.table))
            if table is None or not job.terms.match(metadata.last_change(table)):
                error = PreconditionFailedError(
                    f"The table {job.write.table} has changed: its entity tag is another one."
                    if table is not None
                    else f"There is no table {job.write.table} that could match."
                )
                raise StepFailedError(Step.of(job), error)

    def _check_key(self, job: AnyJob) -> None:
        request = job.terms.request
        entry = None if request is None else self._ledger.find(request.key)
        if request is None or entry is None:
            return
        try:
            entry.check(request)
        except IdempotencyKeyReusedError as error:
            raise StepFailedError(Step.of(job), error) from error
        raise ReplayedError(job, entry)
