"""The rows of objects, as those of a new table."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from adapters.ducklake.catalog.metadata import Metadata
from adapters.ducklake.engine.errors import Redact
from adapters.ducklake.engine.sql import identifier, literal, type_name
from adapters.ducklake.loads.columns import (
    OBJECT,
    OBJECT_OPTION,
    Loaded,
    LoadedColumn,
    check_spelling,
    select,
)
from adapters.ducklake.loads.derived_columns import derived_columns
from adapters.ducklake.loads.formats import csv_dialect, csv_texts, loaded_texts, types_in_all
from adapters.ducklake.loads.growing import types_in_paths
from adapters.ducklake.loads.guesses import has_zones, types_of_json, types_of_texts
from adapters.ducklake.loads.json_records import json_records, names_in_json, string_in_json
from adapters.ducklake.loads.loading import failure
from adapters.ducklake.loads.path_columns import PathColumns, without
from adapters.ducklake.loads.query_source import StagedTable
from adapters.ducklake.loads.staging import Stage
from adapters.ducklake.loads.texts import Conversion
from adapters.ducklake.objects.sources import ObjectSource
from domain.column_types import ColumnType, ScalarKind, ScalarType, read_column_type
from domain.derived_tables import DerivedTable, SourceRead
from domain.errors import RowProblem, RowsDoNotFitError
from domain.formats import DataFormat
from domain.tables import Column

# All of a text is looked at, so that no row behind a sample is of another type than its column.
_WHOLE_TEXT = "sample_size = -1"
_BY_NAME = ["union_by_name = true", "hive_partitioning = false"]
_ZONELESS = "timestampformat = '%Y-%m-%dT%H:%M:%S'"
"""Keeps the engine from turning times with a zone to UTC and forgetting the zone."""


def stage_object_table(
    stage: Stage,
    wanted: DerivedTable,
    source: ObjectSource,
    redact: Redact,
    hive_partitioning: bool | None = None,
) -> StagedTable:
    """Read objects into a stage; their columns are found in Parquet, and in text are guessed.

    Args:
        stage: Where the rows wait.
        wanted: The table that is to be made.
        source: The objects.
        redact: Keeps what is not to be shown out of messages.
        hive_partitioning: As `ObjectRows.hive_partitioning`.

    Raises:
        MalformedObjectError: When an object cannot be read as what it is said to be.
        RowsDoNotFitError: When a column is of one type in an object and of another elsewhere,
            or has numbers that no type keeps, or one in the objects' paths is unclear.
        InvalidColumnError: When the lake cannot keep a column.
        InvalidPartitionError: When a partition key names no column.
    """
    cursor = stage.cursor
    snapshot_id = Metadata(cursor).snapshot_id
    loaded: list[LoadedColumn] = []
    paths = PathColumns.of(source, hive_partitioning)
    try:
        own, relation = _own_columns(cursor, source)
        names = [each.column.name for each in own]
        in_paths = _in_paths(cursor, paths, paths.beside(names, None))
        left = without(names, list(in_paths))
        own = [each for each in own if each.column.name in left]
        loaded, relation = paths.loaded(own, relation, in_paths)
        definition = wanted.with_columns(tuple(each.column for each in loaded))
        count = stage.fill(select(loaded, relation))
    except duckdb.Error as error:
        raise failure(error, source, loaded, redact) or error from error
    found = tuple(each.found for each in source.objects)
    return StagedTable(definition, stage.table, SourceRead((), snapshot_id, count, found))


def _own_columns(cursor: duckdb.DuckDBPyConnection, source: ObjectSource) -> Loaded:
    """The columns that the objects have themselves, and what they are selected from."""
    match source.format.format:
        case DataFormat.PARQUET:
            types_in_all(cursor, source)
            relation = source.relation([OBJECT_OPTION, *_BY_NAME])
        case DataFormat.CSV:
            columns = _csv_columns(cursor, source)
            return loaded_texts({each.name: each for each in columns}), csv_texts(source)
        case _:
            relation = _json_relation(cursor, source)
    found = []
    for column in _described(cursor, relation):
        value = identifier(column.name)
        found.append(LoadedColumn(column, value, Conversion(value, "true")))
    return found, relation


def _in_paths(
    cursor: duckdb.DuckDBPyConnection, paths: PathColumns, names: Sequence[str]
) -> dict[str, Column]:
    """Columns for the values in paths; of nothing but NULLs it is a text, as of CSV."""
    types = types_in_paths(cursor, paths, names)
    text = ScalarType(ScalarKind.VARCHAR)
    return {name: Column(name, each or text) for name, each in types.items()}


def _described(cursor: duckdb.DuckDBPyConnection, relation: str) -> tuple[Column, ...]:
    described = cursor.execute(f"SELECT * FROM {relation} LIMIT 0").description or []
    return derived_columns(
        [(name, column_type) for name, column_type, *_ in described if name != OBJECT]
    )


def _csv_columns(cursor: duckdb.DuckDBPyConnection, source: ObjectSource) -> tuple[Column, ...]:
    guessing = source.relation([*csv_dialect(source), _WHOLE_TEXT])
    types = types_of_texts(cursor, csv_texts(source), _guessed(cursor, guessing))
    return tuple(Column(name, column_type) for name, column_type in types.items())


def _json_relation(cursor: duckdb.DuckDBPyConnection, source: ObjectSource) -> str:
    """What stands behind FROM to read JSON with types that change nothing."""
    records = json_records(source)
    names = names_in_json(cursor, records)
    _check_names(names)
    options = [OBJECT_OPTION, _WHOLE_TEXT, *_BY_NAME]
    if source.format.format is DataFormat.NDJSON:
        options.append("format = 'newline_delimited'")
    if has_zones(cursor, records):
        options.append(_ZONELESS)
    types = _guessed(cursor, source.relation(options))
    if not set(names) <= set(types):
        # The engine takes records of many members, most of them missing, for a single map.
        options += ["map_inference_threshold = -1", "field_appearance_threshold = 0"]
        types = _guessed(cursor, source.relation(options))
    others = types_of_json(
        cursor, records, {name: (string_in_json(name), types[name]) for name in names}
    )
    if not others:
        return source.relation(options)
    columns = (types | others).items()
    given = ", ".join(f"{literal(name)}: {literal(type_name(each))}" for name, each in columns)
    return source.relation([*options, f"columns = {{{given}}}"])


def _guessed(cursor: duckdb.DuckDBPyConnection, relation: str) -> dict[str, ColumnType]:
    described = cursor.execute(f"SELECT * FROM {relation} LIMIT 0").description or []
    return {
        name: read_column_type(str(column_type))
        for name, column_type, *_ in described
        if name != OBJECT
    }


def _check_names(names: Sequence[str]) -> None:
    """Check that records of these names have columns.

    Raises:
        RowsDoNotFitError: When there are none, or two that are the same but for case.
    """
    if not names:
        raise RowsDoNotFitError(RowProblem(None, None, "No row has a value: there are no columns."))
    check_spelling(names)
