"""Appending rows: one INSERT for many small appends to the same table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

import duckdb

from adapters.ducklake.catalog.schemas import Schemas
from adapters.ducklake.catalog.stored_types import is_nested, reason_not_kept
from adapters.ducklake.engine.errors import EngineMessage
from adapters.ducklake.engine.sql import identifier, qualified
from adapters.ducklake.writes.answers import appended
from adapters.ducklake.writes.growth import grow
from adapters.ducklake.writes.incoming import Source, handed_over, incoming, together
from adapters.ducklake.writes.inlining import keep_out_of_the_catalog
from adapters.ducklake.writes.jobs import Applied, Job, Step, Transaction
from domain.commits import Write
from domain.errors import (
    RowProblem,
    RowsDoNotFitError,
    TableChangedError,
    TableNotFoundError,
    WriteConflictError,
)
from domain.growth import NO_GROWTH
from domain.idempotency import WriteTerms
from domain.rows import ParquetFile, Rows
from domain.tables import Column, TableName

MERGED_ROWS = 1_000
"""Appends of at most so many rows are put together in memory, to be inserted at once."""


class AppendJob(Job[int]):
    """An append that waits to be committed; it gives the number of its rows.

    Attributes:
        source: The rows; few are in memory by now.
        grown: What the table grew by when it was applied last.
    """

    def __init__(
        self,
        name: TableName,
        rows: Rows,
        write: Write,
        schemas: Schemas,
        terms: WriteTerms,
        file: ParquetFile | None = None,
    ) -> None:
        """Args: file: The rows' file, if the engine is to read it."""
        super().__init__(
            self._apply,
            write,
            terms=terms,
            answer=lambda count: appended(count, self.grown),
            after=lambda: schemas.forget(name) if rows.growth else None,
            # Appends of one transaction would not see each other's change of the entity tag.
            alone=bool(rows.growth) or terms.if_match is not None,
        )
        self.name = name
        self.rows = rows
        self.source: Source = file or (incoming(rows) if rows.row_count <= MERGED_ROWS else rows)
        self.schemas = schemas
        self.grown = NO_GROWTH

    def _apply(self, transaction: Transaction) -> Applied[int]:
        table = self.schemas.columns(transaction.cursor, self.name)
        if self.rows.growth:
            self.grown = grow(transaction, self.name, table, self.rows.growth)
            # The transaction's own metadata does not tell of it before the commit.
            table = self.grown.applied_to(table)
        columns, source = self.rows.columns, self.source
        try:
            return Applied(insert(transaction, self.schemas, self.name, columns, source, table))
        except (duckdb.InterruptException, duckdb.TransactionException):
            raise
        except (duckdb.Error, RowsDoNotFitError) as error:
            if not isinstance(source, ParquetFile):
                raise
            # Reading it value by value tells what is wrong with it, if it is the file.
            with transaction.clock.stopped():
                self.source = source.read()
            raise WriteConflictError("The rows are read in another way; try again.") from error


def merged(jobs: Sequence[Job[Any]]) -> Iterable[Step]:
    """Put neighbouring small appends to the same columns of a table into one step."""
    for key, neighbours in groupby(jobs, key=_merges_with):
        together = list(neighbours)
        if key is not None and len(together) > 1:
            yield _step_of(together)
        else:
            for job in together:
                yield Step.of(job)


def _merges_with(job: Job[Any]) -> tuple[TableName, tuple[str, ...]] | None:
    if isinstance(job, AppendJob) and job.rows.row_count <= MERGED_ROWS:
        return job.name, job.rows.columns
    return None


def _step_of(appends: Sequence[Any]) -> Step:
    first: AppendJob = appends[0]

    def apply(transaction: Transaction) -> Sequence[Applied[int]]:
        rows = together([(append.rows, append.source) for append in appends])
        insert(transaction, first.schemas, first.name, first.rows.columns, rows)
        return [Applied(append.rows.row_count) for append in appends]

    return Step(appends, apply)


def insert(
    transaction: Transaction,
    schemas: Schemas,
    name: TableName,
    columns: Sequence[str],
    rows: Source,
    table: Sequence[Column] | None = None,
) -> int:
    """Insert rows; how many they were.

    Args:
        transaction: What it is done in.
        schemas: Knows the columns of tables.
        name: The table.
        columns: The columns that the rows have.
        rows: The rows.
        table: The table's columns, when this transaction has changed them.

    Raises:
        TableNotFoundError: When the table is not there any more.
        TableChangedError: When it has not all of their columns any more.
        RowsDoNotFitError: When they do not fit it any more.
    """
    cursor = transaction.cursor
    known = schemas.columns(cursor, name) if table is None else table
    types = {column.name: column.type for column in known}
    if not set(columns) <= set(types):
        raise TableChangedError(
            RowProblem(None, None, f"The table {name} has changed; its columns are others now.")
        )
    for column in columns:
        reason = reason_not_kept(types[column])
        if reason is not None:
            raise RowsDoNotFitError(RowProblem(None, column, reason))
    target = ", ".join(map(identifier, columns))
    if not schemas.catalog_keeps_nested and any(map(is_nested, types.values())):
        keep_out_of_the_catalog(transaction, name)
    try:
        with (
            handed_over(cursor, rows, {column: types[column] for column in columns}) as (
                query,
                values,
            ),
            transaction.clock.stopped(),
        ):
            inserted = cursor.execute(
                f"INSERT INTO {qualified(name)} ({target}) {query}", values
            ).fetchone()
    except duckdb.CatalogException as error:
        raise TableNotFoundError(f"There is no table {name} any more.") from error
    except (duckdb.ConstraintException, duckdb.ConversionException) as error:
        raise RowsDoNotFitError(RowProblem(None, None, EngineMessage.of(error).text)) from error
    return 0 if inserted is None else int(inserted[0])
