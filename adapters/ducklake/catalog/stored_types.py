"""Column types as the DuckLake catalog spells them (specification 1.0, "Data Types")."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from domain.column_types import (
    ColumnType,
    DecimalType,
    ListType,
    MapType,
    OpaqueType,
    ScalarKind,
    ScalarType,
    StructField,
    StructType,
    read_column_type,
)
from domain.tables import Column

_SCALARS = {
    "boolean": ScalarKind.BOOLEAN,
    "int8": ScalarKind.TINYINT,
    "int16": ScalarKind.SMALLINT,
    "int32": ScalarKind.INTEGER,
    "int64": ScalarKind.BIGINT,
    "int128": ScalarKind.HUGEINT,
    "uint8": ScalarKind.UTINYINT,
    "uint16": ScalarKind.USMALLINT,
    "uint32": ScalarKind.UINTEGER,
    "uint64": ScalarKind.UBIGINT,
    "uint128": ScalarKind.UHUGEINT,
    "float32": ScalarKind.FLOAT,
    "float64": ScalarKind.DOUBLE,
    "time": ScalarKind.TIME,
    "timetz": ScalarKind.TIMETZ,
    "date": ScalarKind.DATE,
    "timestamp": ScalarKind.TIMESTAMP,
    "timestamp_us": ScalarKind.TIMESTAMP,
    "timestamptz": ScalarKind.TIMESTAMPTZ,
    "timestamp_s": ScalarKind.TIMESTAMP_S,
    "timestamp_ms": ScalarKind.TIMESTAMP_MS,
    "timestamp_ns": ScalarKind.TIMESTAMP_NS,
    "interval": ScalarKind.INTERVAL,
    "varchar": ScalarKind.VARCHAR,
    "blob": ScalarKind.BLOB,
    "json": ScalarKind.JSON,
    "uuid": ScalarKind.UUID,
}


_ALTERED_IN_FILES = {
    # Parquet has no such integers, so DuckDB writes them as doubles; and times with a zone as UTC.
    # Its intervals have milliseconds, 49 days of them at most, and no sign.
    ScalarKind.HUGEINT: "DECIMAL(38,0)",
    ScalarKind.UHUGEINT: "DECIMAL(38,0)",
    ScalarKind.TIMETZ: "TIME or TIMESTAMP WITH TIME ZONE",
    ScalarKind.INTERVAL: "BIGINT, a number of microseconds",
}


def reason_not_kept(column_type: ColumnType) -> str | None:
    """Why the lake would not keep values of a type as they are; None when it does.

    DuckLake takes columns of these types, and keeps their values while they are inlined in the
    catalog; in Parquet files they come out as others, without an error.
    """
    match column_type:
        case ScalarType(kind) if kind in _ALTERED_IN_FILES:
            return (
                f"The lake's files do not keep values of {kind.value} as they are; "
                f"use {_ALTERED_IN_FILES[kind]}."
            )
        case ListType(element):
            return reason_not_kept(element)
        case StructType(fields):
            return next(filter(None, (reason_not_kept(field.type) for field in fields)), None)
        case MapType(key, value):
            return reason_not_kept(key) or reason_not_kept(value)
        case _:
            return None


def is_nested(column_type: ColumnType) -> bool:
    """Whether its values have parts, or may have."""
    return not isinstance(column_type, ScalarType | DecimalType)


@dataclass(frozen=True, slots=True)
class StoredColumn:
    """A row of `ducklake_column`, with its comment. A part of a nested type is a row, too."""

    id: int
    parent: int | None
    name: str
    type: str
    nullable: bool
    comment: str | None


def columns_of(stored: Sequence[StoredColumn]) -> tuple[Column, ...]:
    """The columns of a table from their rows, which are in the order of the columns."""
    parts: dict[int | None, list[StoredColumn]] = {}
    for column in stored:
        parts.setdefault(column.parent, []).append(column)
    return tuple(
        Column(column.name, _type(column, parts), column.nullable, column.comment)
        for column in parts.get(None, [])
    )


def _type(column: StoredColumn, parts: dict[int | None, list[StoredColumn]]) -> ColumnType:
    inner = [(part.name, _type(part, parts)) for part in parts.get(column.id, [])]
    match column.type, inner:
        case "list", [(_, element)]:
            return ListType(element)
        case "struct", [_, *_]:
            return StructType(tuple(StructField(name, part) for name, part in inner))
        case "map", [(_, key), (_, value)]:
            return MapType(key, value)
        case name, _ if name in _SCALARS:
            return ScalarType(_SCALARS[name])
        case name, _ if name.startswith("decimal"):
            return read_column_type(name)
        case name, _:
            return OpaqueType(name.upper())
