"""Rows of objects, made fit for a table in a stage outside of the writer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from adapters.ducklake.catalog.schemas import Schemas
from adapters.ducklake.catalog.stored_types import is_nested
from adapters.ducklake.engine.errors import EngineMessage, Redact, translated
from adapters.ducklake.engine.sql import identifier, qualified
from adapters.ducklake.loads.columns import LoadedColumn, problem_of, select
from adapters.ducklake.loads.formats import loaded
from adapters.ducklake.loads.growing import NOTHING_NEEDED, needed_growth
from adapters.ducklake.loads.path_columns import PathColumns
from adapters.ducklake.loads.staging import Stage
from adapters.ducklake.objects.sources import ObjectSource
from adapters.ducklake.writes.growth import grow
from adapters.ducklake.writes.inlining import keep_out_of_the_catalog
from adapters.ducklake.writes.jobs import Transaction
from domain.column_types import ColumnType
from domain.errors import (
    LakehouseError,
    MalformedObjectError,
    RowProblem,
    RowsDoNotFitError,
    TableChangedError,
    TableNotFoundError,
)
from domain.growth import NO_GROWTH, Growth, OnNewColumns, wider_type
from domain.located_objects import FoundObject
from domain.tables import Column, TableName

_OUTAGE = re.compile(r"[Tt]imeout|HTTP|Could not (connect|establish|resolve)|No space left|quota")

_NO_DIALECT = "Error when sniffing file"


@dataclass(frozen=True, slots=True)
class StagedLoad:
    """Rows that wait to be inserted.

    Attributes:
        rows: What they are selected from.
        columns: The table's columns that they have, in their order.
        row_count: How many they are.
        objects: The objects that they were read from.
        growth: What the table must have before they fit it.
    """

    rows: str
    columns: tuple[Column, ...]
    row_count: int
    objects: tuple[FoundObject, ...]
    growth: Growth = NO_GROWTH


def stage_objects(
    stage: Stage,
    source: ObjectSource,
    columns: Sequence[Column],
    redact: Redact,
    on_new_columns: OnNewColumns,
    hive_partitioning: bool | None = None,
) -> StagedLoad:
    """Read objects into a stage, strictly.

    Args:
        stage: Where the rows wait.
        source: The objects.
        columns: The table's columns.
        redact: Keeps what is not to be shown out of messages.
        on_new_columns: What to do with columns that the table lacks.
        hive_partitioning: As `ObjectRows.hive_partitioning`.

    Raises:
        InvalidColumnError: When the table cannot have a column that is to be added.
        RowsDoNotFitError: When something in them does not fit the columns.
        MalformedObjectError: When one cannot be read as what it is said to be.
    """
    found: list[LoadedColumn] = []
    paths = PathColumns.of(source, hive_partitioning)
    try:
        growth, empty = NOTHING_NEEDED
        if on_new_columns is OnNewColumns.ADD:
            growth, empty = needed_growth(stage.cursor, source, columns, paths)
        grown = growth.applied_to(columns)
        found, relation = loaded(stage.cursor, source, grown, paths, empty)
        count = stage.fill(select(found, relation))
    except duckdb.Error as error:
        raise failure(error, source, found, redact) or error from error
    objects = tuple(each.found for each in source.objects)
    loads = tuple(each.column for each in found)
    return StagedLoad(stage.table, loads, count, objects, growth)


def failure(
    error: duckdb.Error, source: ObjectSource, columns: Sequence[LoadedColumn], redact: Redact
) -> LakehouseError | None:
    """What kept objects from being read, in the domain's words."""
    text = EngineMessage.of(error).text
    problem = problem_of(text, columns, source.shown)
    if problem is not None:
        return RowsDoNotFitError(problem)
    unreadable = isinstance(
        error,
        duckdb.InvalidInputException
        | duckdb.ConversionException
        | duckdb.OutOfRangeException
        | duckdb.SerializationException
        | duckdb.IOException
        | duckdb.BinderException
        | duckdb.NotImplementedException,
    )
    if unreadable and not isinstance(error, duckdb.HTTPException) and not _OUTAGE.search(text):
        # Behind the first line stands what a user of the engine could set.
        told = redact(source.shown(text)).split("\n")[0][:500]
        if _NO_DIALECT in text:
            told = "The records of CSV have as many fields as its header, divided by commas."
        names = ", ".join(each.shown for each in source.objects[:3])
        return MalformedObjectError(f"What lies in {names} cannot be read: {told}")
    return translated(error, redact)


def _has_room(column_type: ColumnType | None, column: Column) -> bool:
    """Whether values that are fit for a column go into the type that it has by now."""
    return column_type is not None and wider_type(column_type, column.type) == column_type


def insert_loaded(
    transaction: Transaction, schemas: Schemas, name: TableName, load: StagedLoad
) -> Growth:
    """Insert rows that wait; what the table grew by. One that has grown meanwhile takes them.

    Raises:
        TableNotFoundError: When the table is not there any more.
        TableChangedError: When it has changed since they were made fit for it.
        InvalidColumnError: When the lake cannot hold a column that is to be added.
    """
    cursor = transaction.cursor
    columns = schemas.columns(cursor, name)
    grown = NO_GROWTH
    if load.growth:
        grown = grow(transaction, name, columns, load.growth)
        # The transaction's own metadata does not tell of it before the commit.
        columns = grown.applied_to(columns)
    types = {column.name: column.type for column in columns}
    if not all(_has_room(types.get(column.name), column) for column in load.columns):
        raise TableChangedError(
            RowProblem(None, None, f"The table {name} has changed; its columns are others now.")
        )
    if not schemas.catalog_keeps_nested and any(is_nested(column.type) for column in columns):
        keep_out_of_the_catalog(transaction, name)
    target = ", ".join(identifier(column.name) for column in load.columns)
    try:
        with transaction.clock.stopped():
            cursor.execute(f"INSERT INTO {qualified(name)} ({target}) FROM {load.rows}")
    except duckdb.CatalogException as error:
        raise TableNotFoundError(f"There is no table {name} any more.") from error
    except duckdb.ConstraintException as error:
        raise RowsDoNotFitError(RowProblem(None, None, EngineMessage.of(error).text)) from error
    return grown
