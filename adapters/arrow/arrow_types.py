"""The column type for values of each Arrow type: the one that takes all of them exactly."""

from __future__ import annotations

import pyarrow as pa

from domain.column_types import (
    MAX_TYPE_DEPTH,
    ColumnType,
    DecimalType,
    ListType,
    MapType,
    ScalarKind,
    ScalarType,
    StructField,
    StructType,
)
from domain.errors import InvalidColumnError

_SCALARS = {
    pa.bool_(): ScalarKind.BOOLEAN,
    pa.int8(): ScalarKind.TINYINT,
    pa.int16(): ScalarKind.SMALLINT,
    pa.int32(): ScalarKind.INTEGER,
    pa.int64(): ScalarKind.BIGINT,
    pa.uint8(): ScalarKind.UTINYINT,
    pa.uint16(): ScalarKind.USMALLINT,
    pa.uint32(): ScalarKind.UINTEGER,
    pa.uint64(): ScalarKind.UBIGINT,
    pa.float16(): ScalarKind.FLOAT,
    pa.float32(): ScalarKind.FLOAT,
    pa.float64(): ScalarKind.DOUBLE,
    pa.string(): ScalarKind.VARCHAR,
    pa.large_string(): ScalarKind.VARCHAR,
    pa.string_view(): ScalarKind.VARCHAR,
    pa.binary(): ScalarKind.BLOB,
    pa.large_binary(): ScalarKind.BLOB,
    pa.binary_view(): ScalarKind.BLOB,
    pa.date32(): ScalarKind.DATE,
    pa.date64(): ScalarKind.DATE,
    pa.month_day_nano_interval(): ScalarKind.INTERVAL,
}
_EXTENSIONS = {"arrow.uuid": ScalarKind.UUID, "arrow.json": ScalarKind.JSON}


def column_type_of(arrow_type: pa.DataType, depth: int = MAX_TYPE_DEPTH) -> ColumnType | None:
    """The type of a new column for values of an Arrow type; None for the type of NULLs alone.

    Timestamps in seconds, milliseconds and microseconds become TIMESTAMP, those in nanoseconds
    TIMESTAMP_NS, and those with a zone TIMESTAMP WITH TIME ZONE.

    Raises:
        InvalidColumnError: When no column holds such values.
    """
    if pa.types.is_null(arrow_type):
        return None
    if depth < 0:
        raise InvalidColumnError(f"A type is nested at most {MAX_TYPE_DEPTH} deep.")
    if isinstance(arrow_type, pa.BaseExtensionType):
        named = _EXTENSIONS.get(arrow_type.extension_name)
        return ScalarType(named) if named else column_type_of(arrow_type.storage_type, depth)
    if pa.types.is_dictionary(arrow_type):
        return column_type_of(arrow_type.value_type, depth)
    kind = _SCALARS.get(arrow_type) or _scalar_kind(arrow_type)
    return _parts_type(arrow_type, depth) if kind is None else ScalarType(kind)


def _scalar_kind(arrow_type: pa.DataType) -> ScalarKind | None:
    kinds = pa.types
    if kinds.is_timestamp(arrow_type):
        if arrow_type.tz is not None:
            return ScalarKind.TIMESTAMPTZ
        return ScalarKind.TIMESTAMP_NS if arrow_type.unit == "ns" else ScalarKind.TIMESTAMP
    if kinds.is_time(arrow_type):
        return ScalarKind.TIME
    if kinds.is_duration(arrow_type):
        return ScalarKind.INTERVAL
    return ScalarKind.BLOB if kinds.is_fixed_size_binary(arrow_type) else None


def _parts_type(arrow_type: pa.DataType, depth: int) -> ColumnType:
    kinds = pa.types
    if kinds.is_decimal(arrow_type):
        # A negative scale stands for zeros before the point.
        scale = max(0, arrow_type.scale)
        return DecimalType(max(arrow_type.precision - min(0, arrow_type.scale), scale), scale)
    if (
        kinds.is_list(arrow_type)
        or kinds.is_large_list(arrow_type)
        or kinds.is_fixed_size_list(arrow_type)
    ):
        return ListType(_part(arrow_type.value_type, depth))
    if kinds.is_struct(arrow_type):
        return StructType(
            tuple(StructField(field.name, _part(field.type, depth)) for field in arrow_type)
        )
    if kinds.is_map(arrow_type):
        return MapType(_part(arrow_type.key_type, depth), _part(arrow_type.item_type, depth))
    raise InvalidColumnError(f"No column holds values of the Arrow type {str(arrow_type)[:100]}.")


def _part(arrow_type: pa.DataType, depth: int) -> ColumnType:
    found = column_type_of(arrow_type, depth - 1)
    if found is None:
        raise InvalidColumnError(
            "The type of a new column cannot be told from parts that are NULL alone; "
            "add the column to the table first."
        )
    return found
