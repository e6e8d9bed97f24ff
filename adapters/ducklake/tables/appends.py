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
from adapters.ducklake.writes.parquet_files import fits
from domain.commits import Write
from domain.idempotency import NO_TERMS, WriteTerms
from domain.rows import ParquetFile, Rows
from domain.settling import Pending
from domain.tables import AppendOutcome, TableName


class TableAppends:
    """Appends rows."""

    def __init__(self, lake: Lake, schemas: Schemas, outcomes: Outcomes) -> None:
        self._lake = lake
        self._schemas = schemas
        self._outcomes = outcomes

    def submit(
        self, name: TableName, rows: Rows, write: Write, terms: WriteTerms = NO_TERMS
    ) -> Pending[AppendOutcome]:
        """As `TablePort.submit`."""
        if rows.row_count == 0:
            return self._submit_nothing(name, write, terms)
        file = rows.parquet
        if file is not None and not self._fits(name, file):
            file.read()
            file = None
        job = AppendJob(name, rows, write, self._schemas, terms, file)

        def made(done: Committed[int]) -> AppendOutcome:
            return AppendOutcome(
                done.value,
                snapshot_of(done),
                columns_added=job.grown.added,
                columns_widened=job.grown.widened,
            )

        return self._outcomes.submit(job, AppendOutcome, made)

    def _fits(self, name: TableName, file: ParquetFile) -> bool:
        """Whether the engine may read the file as rows of the table, by itself."""
        types = {column.name: column.type for column in self._schemas.now(name)}
        with self._lake.cursor() as cursor:
            return fits(cursor, file, types)

    def append_nothing(self, name: TableName, write: Write, terms: WriteTerms) -> AppendOutcome:
        """Append no rows: the table has to be there, and a key is kept all the same."""
        return self._submit_nothing(name, write, terms).result()

    def _submit_nothing(
        self, name: TableName, write: Write, terms: WriteTerms
    ) -> Pending[AppendOutcome]:
        def work(transaction: Transaction) -> Applied[int]:
            return Applied(last_change(transaction.cursor, name), changed=False)

        def answer(changed_at: int) -> Answer:
            return appended(0, snapshot_id=changed_at)

        def made(done: Committed[int]) -> AppendOutcome:
            return AppendOutcome(0, done.value)

        job = Job(work, write, terms=terms, answer=answer)
        return self._outcomes.submit(job, AppendOutcome, made)
