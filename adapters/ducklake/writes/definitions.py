"""The SQL that makes a table."""

from __future__ import annotations

import duckdb

from adapters.ducklake.catalog.stored_types import reason_not_kept
from adapters.ducklake.engine.errors import EngineMessage
from adapters.ducklake.engine.sql import LAKE, identifier, literal, qualified, type_name
from domain.column_types import parse_column_type
from domain.errors import InvalidColumnError, InvalidPartitionError
from domain.tables import Column, PartitionKey, TableDefinition, Transform


def create_table(cursor: duckdb.DuckDBPyConnection, definition: TableDefinition) -> None:
    """Make a table, its comments and its partitions, in the cursor's transaction.

    Raises:
        InvalidColumnError: When DuckLake cannot hold a column.
        InvalidPartitionError: When a partition key does not fit its column.
    """
    name = qualified(definition.name)
    columns = ", ".join(column_definition(column) for column in definition.columns)
    cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {LAKE}.{identifier(definition.name.namespace)}")
    try:
        cursor.execute(f"CREATE TABLE {name} ({columns})")
    except (duckdb.InvalidInputException, duckdb.NotImplementedException) as error:
        raise InvalidColumnError(EngineMessage.of(error).text) from error
    if definition.comment is not None:
        cursor.execute(f"COMMENT ON TABLE {name} IS {literal(definition.comment)}")
    for column in definition.columns:
        if column.comment is not None:
            cursor.execute(
                f"COMMENT ON COLUMN {name}.{identifier(column.name)} IS {literal(column.comment)}"
            )
    if definition.partition_by:
        _partition(cursor, definition)


def column_definition(column: Column) -> str:
    """A column as CREATE TABLE and ADD COLUMN take it.

    Raises:
        InvalidColumnError: When DuckLake cannot hold it.
    """
    not_null = "" if column.nullable else " NOT NULL"
    # Read anew, so that what is not a type of ours is refused and never gets into the SQL.
    column_type = parse_column_type(str(column.type))
    reason = reason_not_kept(column_type)
    if reason is not None:
        raise InvalidColumnError(f"The column {column.name!r}: {reason}")
    return f"{identifier(column.name)} {type_name(column_type)}{not_null}"


def _partition(cursor: duckdb.DuckDBPyConnection, definition: TableDefinition) -> None:
    name = qualified(definition.name)
    keys = ", ".join(map(_expression, definition.partition_by))
    bound = ", ".join(map(_bound_expression, definition.partition_by))
    try:
        # DuckLake takes any transform of any column, and only the first insert would fail.
        cursor.execute(f"SELECT {bound} FROM {name} LIMIT 0")
        cursor.execute(f"ALTER TABLE {name} SET PARTITIONED BY ({keys})")
    except (
        duckdb.BinderException,
        duckdb.CatalogException,
        duckdb.NotImplementedException,
        duckdb.InvalidInputException,
    ) as error:
        raise InvalidPartitionError(EngineMessage.of(error).text) from error


def _bound_expression(key: PartitionKey) -> str:
    # A bucket, which is no function of the engine, can be made of a column of any type.
    return identifier(key.column) if key.transform is Transform.BUCKET else _expression(key)


def _expression(key: PartitionKey) -> str:
    column = identifier(key.column)
    match key.transform:
        case Transform.IDENTITY:
            return column
        case Transform.BUCKET:
            return f"bucket({key.buckets}, {column})"
        case transform:
            return f"{transform.value}({column})"
