"""Rows in memory, and the Arrow types that carry each column type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from domain.column_types import (
    ColumnType,
    DecimalType,
    ListType,
    MapType,
    ScalarKind,
    ScalarType,
    StructType,
)
from domain.growth import NO_GROWTH, Growth
from domain.rows import Rows
from domain.tables import Column

_CARRIERS = {
    ScalarKind.BOOLEAN: pa.bool_(),
    ScalarKind.TINYINT: pa.int8(),
    ScalarKind.SMALLINT: pa.int16(),
    ScalarKind.INTEGER: pa.int32(),
    ScalarKind.BIGINT: pa.int64(),
    ScalarKind.UTINYINT: pa.uint8(),
    ScalarKind.USMALLINT: pa.uint16(),
    ScalarKind.UINTEGER: pa.uint32(),
    ScalarKind.UBIGINT: pa.uint64(),
    ScalarKind.FLOAT: pa.float32(),
    ScalarKind.DOUBLE: pa.float64(),
    ScalarKind.BLOB: pa.binary(),
    ScalarKind.DATE: pa.date32(),
    ScalarKind.TIME: pa.time64("us"),
    ScalarKind.TIMESTAMP: pa.timestamp("us"),
    ScalarKind.TIMESTAMP_S: pa.timestamp("s"),
    ScalarKind.TIMESTAMP_MS: pa.timestamp("ms"),
    ScalarKind.TIMESTAMP_NS: pa.timestamp("ns"),
    ScalarKind.TIMESTAMPTZ: pa.timestamp("us", "UTC"),
}


def carrier_type(column_type: ColumnType) -> pa.DataType:
    """The Arrow type that carries a column's values; text where none does exactly."""
    match column_type:
        case ScalarType(kind):
            return _CARRIERS.get(kind, pa.string())
        case DecimalType(precision, scale):
            return pa.decimal128(precision, scale)
        case ListType(element):
            return pa.list_(carrier_type(element))
        case StructType(fields):
            return pa.struct([pa.field(f.name, carrier_type(f.type)) for f in fields])
        case MapType(key, value):
            return pa.map_(carrier_type(key), carrier_type(value))
        case _:
            return pa.string()


class FakeRows(Rows):
    """Rows that somebody has read already.

    Attributes:
        closed: Whether `close` was called.
    """

    def __init__(self, table: pa.Table, growth: Growth = NO_GROWTH) -> None:
        self.table = table
        self._growth = growth
        self.closed = False

    @classmethod
    def of(
        cls,
        columns: Sequence[Column],
        values: Mapping[str, Sequence[Any]] | None = None,
        growth: Growth = NO_GROWTH,
    ) -> FakeRows:
        """Rows of some of a table's columns, as Python values; none at all by default."""
        values = {column.name: () for column in columns} if values is None else values
        arrays = {
            column.name: pa.array(values[column.name], carrier_type(column.type))
            for column in columns
            if column.name in values
        }
        return cls(pa.table(arrays), growth)

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(self.table.column_names)

    @property
    def growth(self) -> Growth:
        return self._growth

    @property
    def row_count(self) -> int:
        return int(self.table.num_rows)

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)

    def close(self) -> None:
        self.closed = True
