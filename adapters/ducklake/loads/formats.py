"""Objects of each format as columns that are to be loaded."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import duckdb

from adapters.ducklake.engine.sql import identifier
from adapters.ducklake.loads.columns import OBJECT, OBJECT_OPTION, Loaded, LoadedColumn
from adapters.ducklake.loads.json_records import json_columns
from adapters.ducklake.loads.path_columns import PathColumns
from adapters.ducklake.loads.texts import from_text
from adapters.ducklake.loads.values import from_value
from adapters.ducklake.objects.parquet_schemas import one_of_each_schema
from adapters.ducklake.objects.sources import ObjectSource
from domain.column_types import ColumnType, read_column_type
from domain.errors import RowProblem, RowsDoNotFitError
from domain.formats import DataFormat
from domain.tables import Column

_CSV_OPTIONS = (
    "header = true",
    "quote = '\"'",
    "escape = '\"'",
    "nullstr = ''",
    "allow_quoted_nulls = false",
    "union_by_name = true",
    "strict_mode = true",
    "skip = 0",
    "comment = ''",
    "hive_partitioning = false",
)


def loaded(
    cursor: duckdb.DuckDBPyConnection,
    source: ObjectSource,
    columns: Sequence[Column],
    paths: PathColumns,
    left_out: Collection[str] = (),
) -> Loaded:
    """What is to be selected from objects to fit a table's columns.

    Args:
        cursor: Reads them.
        source: The objects.
        columns: The table's columns.
        paths: The columns in the objects' paths.
        left_out: Columns of the objects, or in their paths, that are not loaded.

    Raises:
        RowsDoNotFitError: When the columns of the objects do not go into the table's.
        duckdb.Error: When they cannot be read.
    """
    match source.format.format:
        case DataFormat.PARQUET:
            return _parquet(cursor, source, columns, paths, left_out)
        case DataFormat.CSV:
            return _csv(cursor, source, columns, paths, left_out)
        case _:
            return json_columns(cursor, source, columns, paths, left_out)


def _parquet(
    cursor: duckdb.DuckDBPyConnection,
    source: ObjectSource,
    columns: Sequence[Column],
    paths: PathColumns,
    left_out: Collection[str],
) -> Loaded:
    relation = source.relation([OBJECT_OPTION, "union_by_name = true", "hive_partitioning = false"])
    types = types_in_all(cursor, source)
    found: list[LoadedColumn] = []
    problems: list[RowProblem] = []
    own, in_paths = paths.matched(list(types), columns, left_out)
    for name, column in own.items():
        value = identifier(name)
        conversion = from_value(value, types[name], column.type)
        if conversion is None:
            problems.append(
                RowProblem(
                    None,
                    column.name,
                    f"values of the type {str(types[name])[:80]} do not fit "
                    f"{str(column.type)[:80]}.",
                )
            )
        else:
            found.append(LoadedColumn(column, value, conversion))
    if problems:
        raise RowsDoNotFitError(*problems)
    return paths.loaded(found, relation, in_paths)


def types_in_all(
    cursor: duckdb.DuckDBPyConnection, source: ObjectSource
) -> Mapping[str, ColumnType]:
    """The columns of Parquet objects, each of the same type wherever it is.

    The engine would cast the values of one object to the type of another, and round.
    """
    types: dict[str, tuple[str, ColumnType, str]] = {}
    for sample in one_of_each_schema(cursor, source):
        described = cursor.execute(
            f"SELECT * FROM {sample.relation(['hive_partitioning = false'])} LIMIT 0"
        ).description
        for name, text, *_ in described or []:
            column_type = read_column_type(str(text))
            place = sample.objects[0].shown
            first = types.setdefault(name.casefold(), (name, column_type, place))
            if first[1] != column_type:
                message = f"it is {first[1]} in {first[2]}, and {column_type} in {place}"
                raise RowsDoNotFitError(
                    RowProblem(None, name, f"{message}: load these objects one by one.")
                )
    return {name: column_type for name, column_type, _ in types.values()}


def _csv(
    cursor: duckdb.DuckDBPyConnection,
    source: ObjectSource,
    columns: Sequence[Column],
    paths: PathColumns,
    left_out: Collection[str],
) -> Loaded:
    own, in_paths = paths.matched(csv_names(cursor, source), columns, left_out)
    return paths.loaded(loaded_texts(own), csv_texts(source), in_paths)


def csv_names(cursor: duckdb.DuckDBPyConnection, source: ObjectSource) -> list[str]:
    """The columns that the headers name."""
    described = cursor.execute(f"SELECT * FROM {csv_texts(source)} LIMIT 0").description or []
    return [name for name, *_ in described if name != OBJECT]


def csv_dialect(source: ObjectSource) -> list[str]:
    """How CSV is read: not as the engine would guess, which may skip records in silence."""
    tabs = all(".tsv" in str(each.found.ref.name).lower() for each in source.objects)
    delimiter = "'\\t'" if tabs else "','"
    return [OBJECT_OPTION, f"delim = {delimiter}", *_CSV_OPTIONS]


def csv_texts(source: ObjectSource) -> str:
    """What stands behind FROM to read CSV as texts."""
    return source.relation([*csv_dialect(source), "all_varchar = true"])


def loaded_texts(columns: Mapping[str, Column]) -> list[LoadedColumn]:
    """The columns for texts that are read by these names."""
    return [
        LoadedColumn(column, identifier(name), from_text(identifier(name), column.type))
        for name, column in columns.items()
    ]
