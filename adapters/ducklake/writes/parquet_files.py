"""Rows that the engine reads from the Parquet file that was sent."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb

from adapters.ducklake.engine.sql import identifier, literal
from domain.column_types import ColumnType, ScalarKind, ScalarType, read_column_type
from domain.rows import ParquetFile

_FIRST_DAY, _LAST_DAY = "DATE '5877642-06-25 (BC)'", "DATE '5881580-07-10'"
_FIRST_STAMP, _LAST_STAMP = "290309-12-22 (BC) 00:00:00", "294247-01-10 04:00:54.775806"

_BOUNDS = {
    ScalarKind.DATE: (_FIRST_DAY, _LAST_DAY),
    ScalarKind.TIMESTAMP: (f"TIMESTAMP '{_FIRST_STAMP}'", f"TIMESTAMP '{_LAST_STAMP}'"),
    ScalarKind.TIMESTAMPTZ: (f"TIMESTAMPTZ '{_FIRST_STAMP}+00'", f"TIMESTAMPTZ '{_LAST_STAMP}+00'"),
}
"""A file may hold others, which the engine would keep and could never show again."""


def relation(file: ParquetFile) -> str:
    """What stands behind FROM to read it."""
    return f"read_parquet({literal(str(file.path))}, hive_partitioning = false)"


def fits(
    cursor: duckdb.DuckDBPyConnection, file: ParquetFile, types: Mapping[str, ColumnType]
) -> bool:
    """Whether the engine reads it as rows of a table, so far as that is seen without reading all.

    Args:
        cursor: Reads it.
        file: The file.
        types: The types of the table's columns.
    """
    try:
        return _types_fit(cursor, file, types) and _values_fit(cursor, file, types)
    except duckdb.InterruptException:
        raise
    except duckdb.Error:
        # Reading it value by value tells what is wrong with it.
        return False


def _types_fit(
    cursor: duckdb.DuckDBPyConnection, file: ParquetFile, types: Mapping[str, ColumnType]
) -> bool:
    described = cursor.execute(f"SELECT * FROM {relation(file)} LIMIT 0").description or []
    found = {str(name): read_column_type(str(kind)) for name, kind, *_ in described}
    return all(found.get(name) == types.get(ours) for ours, name in file.names.items())


def _values_fit(
    cursor: duckdb.DuckDBPyConnection, file: ParquetFile, types: Mapping[str, ColumnType]
) -> bool:
    checks = []
    for ours, name in file.names.items():
        value = identifier(name)
        if ours in file.required:
            checks.append(f"count(*) = count({value})")
        match types[ours]:
            case ScalarType(ScalarKind.VARCHAR):
                # One entry of a dictionary may stand in any number of rows.
                checks.append(f"coalesce(sum(strlen({value})), 0) <= {file.bytes}")
                checks.append(f"coalesce(max(strlen({value})), 0) <= {file.value_bytes}")
            case ScalarType(kind) if kind in _BOUNDS:
                first, last = _BOUNDS[kind]
                # Each value, where a filter or a minimum would believe the file's statistics.
                within = f"CASE WHEN {value} < {first} OR {value} > {last} THEN 1 ELSE 0 END"
                checks.append(f"coalesce(sum({within}), 0) = 0")
    if not checks:
        return True
    row = cursor.execute(f"SELECT {' AND '.join(checks)} FROM {relation(file)}").fetchone()
    return row is not None and bool(row[0])
