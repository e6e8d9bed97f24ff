"""Rows that are sent, appended to a table."""

from __future__ import annotations

from adapters.ducklake.catalog.schemas import Schemas
from adapters.ducklake.engine.lake import Lake
from adapters.ducklake.keys.entries import Answer
from adapters.ducklake.tables.descriptions import last_change
from adapters.ducklake.tables.outcomes import Outcomes, snapshot_of
from adapters.ducklake.writes.answers import appended
from adapters.ducklake.writes.appends import AppendJob
from adapters.ducklake.writes.jobs import Applied, Committed, Job, Transaction
from domain.commits import Write
from domain.idempotency import NO_TERMS, WriteTerms
from domain.rows import Rows
from domain.tables import AppendOutcome, TableName


class TableAppends:
    """Appends rows."""

    def __init__(self, lake: Lake, schemas: Schemas, outcomes: Outcomes) -> None:
        self._lake = lake
        self._schemas = schemas
        self._outcomes = outcomes

    def append(
        self, name: TableName, rows: Rows, write: Write, terms: WriteTerms = NO_TERMS
    ) -> AppendOutcome:
        """As `TablePort.append`."""
        if rows.row_count == 0:
            return self.append_nothing(name, write, terms)
        job = AppendJob(name, rows, write, self._schemas, terms)

        def made(done: Committed[int]) -> AppendOutcome:
            return AppendOutcome(
                done.value,
                snapshot_of(done),
                columns_added=job.grown.added,
                columns_widened=job.grown.widened,
            )

        return self._outcomes.of(job, AppendOutcome, made)

    def append_nothing(self, name: TableName, write: Write, terms: WriteTerms) -> AppendOutcome:
        """Append no rows: the table has to be there, and a key is kept all the same."""
        if terms == NO_TERMS:
            return AppendOutcome(0, self._lake.read(lambda cursor: last_change(cursor, name)))

        def work(transaction: Transaction) -> Applied[int]:
            return Applied(last_change(transaction.cursor, name), changed=False)

        def answer(changed_at: int) -> Answer:
            return appended(0, snapshot_id=changed_at)

        job = Job(work, write, terms=terms, answer=answer)
        return self._outcomes.of(job, AppendOutcome, lambda done: AppendOutcome(0, done.value))
