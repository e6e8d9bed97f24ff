"""Appending rows: one INSERT for many small appends to the same table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

import duckdb

from adapters.ducklake.errors import EngineMessage
from adapters.ducklake.inlining import keep_out_of_the_catalog
from adapters.ducklake.schemas import Schemas
from adapters.ducklake.sql import identifier, qualified, type_name
from adapters.ducklake.stored_types import is_nested, reason_not_kept
from adapters.ducklake.writer import Applied, Job, Step, Transaction
from domain.commits import Write
from domain.errors import RowProblem, RowsDoNotFitError, TableNotFoundError
from domain.rows import ArrowStream, Rows
from domain.tables import TableName

MERGED_ROWS = 1_000
"""Appends of at most so many rows are put together in memory, to be inserted at once."""

_INCOMING = "incoming_rows"


class AppendJob(Job[int]):
    """An append that waits to be committed; it gives the number of its rows."""

    def __init__(self, name: TableName, rows: Rows, write: Write, schemas: Schemas) -> None:
        super().__init__(
            lambda transaction: Applied(insert(transaction, schemas, name, rows.columns, rows)),
            write,
            alone=False,
        )
        self.name = name
        self.rows = rows
        self.schemas = schemas


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
        # Imported late: it costs a tenth of a second of the service's start.
        import pyarrow as pa  # noqa: PLC0415

        rows = pa.concat_tables([pa.table(append.rows) for append in appends])
        insert(transaction, first.schemas, first.name, first.rows.columns, rows)
        return [Applied(append.rows.row_count) for append in appends]

    return Step(appends, apply)


def insert(
    transaction: Transaction,
    schemas: Schemas,
    name: TableName,
    columns: Sequence[str],
    rows: ArrowStream,
) -> int:
    """Insert rows; how many they were.

    Raises:
        TableNotFoundError: When the table is not there any more.
        RowsDoNotFitError: When they do not fit it any more.
    """
    cursor = transaction.cursor
    types = {column.name: column.type for column in schemas.columns(cursor, name)}
    if not set(columns) <= set(types):
        raise RowsDoNotFitError(
            RowProblem(None, None, f"The table {name} has changed; its columns are others now.")
        )
    for column in columns:
        reason = reason_not_kept(types[column])
        if reason is not None:
            raise RowsDoNotFitError(RowProblem(None, column, reason))
    target = ", ".join(map(identifier, columns))
    source = ", ".join(
        f"CAST({identifier(column)} AS {type_name(types[column])})" for column in columns
    )
    if not schemas.catalog_keeps_nested and any(map(is_nested, types.values())):
        keep_out_of_the_catalog(transaction, name)
    cursor.register(_INCOMING, rows)
    try:
        with transaction.clock.stopped():
            inserted = cursor.execute(
                f"INSERT INTO {qualified(name)} ({target}) SELECT {source} FROM {_INCOMING}"
            ).fetchone()
    except duckdb.CatalogException as error:
        raise TableNotFoundError(f"There is no table {name} any more.") from error
    except (duckdb.ConstraintException, duckdb.ConversionException) as error:
        raise RowsDoNotFitError(RowProblem(None, None, EngineMessage.of(error).text)) from error
    finally:
        cursor.unregister(_INCOMING)
    return 0 if inserted is None else int(inserted[0])
