"""The Arrow types that carry the values of each column type to the engine.

| column type                          | carrier                                         |
|--------------------------------------|-------------------------------------------------|
| BOOLEAN, integers of up to 64 bits   | Arrow's own                                     |
| FLOAT, DOUBLE                        | float32, float64                                |
| DECIMAL(p,s)                         | decimal128(p, s)                                |
| VARCHAR, BLOB                        | string, binary                                  |
| DATE, TIME                           | date32, time64[us]                              |
| TIMESTAMP and its _S, _MS, _NS       | timestamp without zone, in us, s, ms, ns        |
| TIMESTAMP WITH TIME ZONE             | timestamp[us, UTC]                              |
| HUGEINT, UHUGEINT                    | string: the digits                              |
| UUID                                 | string: 8-4-4-4-12 hexadecimal digits           |
| JSON                                 | string: the value's JSON text                   |
| INTERVAL                             | string: months, days, microseconds, see below   |
| TIME WITH TIME ZONE                  | string: HH:MM:SS.ffffff+HH:MM:SS                |
| LIST, STRUCT, MAP                    | list, struct, map of their parts' carriers      |

Every text is in a form that DuckDB's cast to the column's type reads back exactly. An
interval is written as `14 months 3 days 5 microseconds`, the three numbers that it is made
of. Infinite dates and timestamps are the numbers by which DuckDB itself carries them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from domain.column_types import (
    ColumnType,
    DecimalType,
    ListType,
    MapType,
    OpaqueType,
    ScalarKind,
    ScalarType,
    StructType,
)
from domain.errors import InvalidColumnError

if TYPE_CHECKING:
    from collections.abc import Iterator

TIMESTAMP_UNITS = {
    ScalarKind.TIMESTAMP: "us",
    ScalarKind.TIMESTAMP_S: "s",
    ScalarKind.TIMESTAMP_MS: "ms",
    ScalarKind.TIMESTAMP_NS: "ns",
    ScalarKind.TIMESTAMPTZ: "us",
}
"""The unit in which each timestamp type counts."""

_SCALARS = {
    ScalarKind.BOOLEAN: pa.bool_(),
    ScalarKind.TINYINT: pa.int8(),
    ScalarKind.SMALLINT: pa.int16(),
    ScalarKind.INTEGER: pa.int32(),
    ScalarKind.BIGINT: pa.int64(),
    ScalarKind.HUGEINT: pa.string(),
    ScalarKind.UTINYINT: pa.uint8(),
    ScalarKind.USMALLINT: pa.uint16(),
    ScalarKind.UINTEGER: pa.uint32(),
    ScalarKind.UBIGINT: pa.uint64(),
    ScalarKind.UHUGEINT: pa.string(),
    ScalarKind.FLOAT: pa.float32(),
    ScalarKind.DOUBLE: pa.float64(),
    ScalarKind.VARCHAR: pa.string(),
    ScalarKind.BLOB: pa.binary(),
    ScalarKind.UUID: pa.string(),
    ScalarKind.JSON: pa.string(),
    ScalarKind.DATE: pa.date32(),
    ScalarKind.TIME: pa.time64("us"),
    ScalarKind.TIMETZ: pa.string(),
    ScalarKind.TIMESTAMP: pa.timestamp("us"),
    ScalarKind.TIMESTAMP_S: pa.timestamp("s"),
    ScalarKind.TIMESTAMP_MS: pa.timestamp("ms"),
    ScalarKind.TIMESTAMP_NS: pa.timestamp("ns"),
    ScalarKind.TIMESTAMPTZ: pa.timestamp("us", "UTC"),
    ScalarKind.INTERVAL: pa.string(),
}


def carrier_of(column_type: ColumnType) -> pa.DataType:
    """The Arrow type that carries the values of a column type.

    Raises:
        InvalidColumnError: Of a type that the service does not write.
    """
    match column_type:
        case ScalarType(kind):
            return _SCALARS[kind]
        case DecimalType(precision, scale):
            return pa.decimal128(precision, scale)
        case ListType(element):
            return pa.list_(carrier_of(element))
        case StructType(fields):
            return pa.struct([(field.name, carrier_of(field.type)) for field in fields])
        case MapType(key, value):
            return pa.map_(carrier_of(key), carrier_of(value))
        case OpaqueType(text):
            raise InvalidColumnError(f"The service does not write values of the type {text}.")


def is_writable(column_type: ColumnType) -> bool:
    """Whether the service can write values of this type."""
    return not any(isinstance(part, OpaqueType) for part in _parts(column_type))


def _parts(column_type: ColumnType) -> Iterator[ColumnType]:
    yield column_type
    match column_type:
        case ListType(element):
            yield from _parts(element)
        case StructType(fields):
            for field in fields:
                yield from _parts(field.type)
        case MapType(key, value):
            yield from _parts(key)
            yield from _parts(value)
        case _:
            pass
