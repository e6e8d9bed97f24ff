"""Values of a Parquet file as values of a column's type, in SQL: those that lose nothing.

Which types go into which is as in appends (adapters/arrow). Whether a value loses something is
found by casting it back.
"""

from __future__ import annotations

from adapters.ducklake.engine.sql import type_name
from adapters.ducklake.loads.texts import Conversion, from_text
from domain.column_types import (
    INTEGER_BOUNDS,
    ColumnType,
    DecimalType,
    ListType,
    MapType,
    ScalarKind,
    ScalarType,
    StructType,
)

_INTEGERS = frozenset(INTEGER_BOUNDS)
_FLOATS = frozenset({ScalarKind.FLOAT, ScalarKind.DOUBLE})
_TIMESTAMPS = frozenset(
    {
        ScalarKind.TIMESTAMP,
        ScalarKind.TIMESTAMP_S,
        ScalarKind.TIMESTAMP_MS,
        ScalarKind.TIMESTAMP_NS,
    }
)
_FROM_TEXT = frozenset({ScalarKind.VARCHAR, ScalarKind.JSON, ScalarKind.UUID})
_TEXTS = frozenset({ScalarKind.VARCHAR, ScalarKind.JSON})


def from_value(value: str, source: ColumnType, target: ColumnType) -> Conversion | None:
    """Read an expression of one type as values of another; None when none of them is one."""
    if source == target:
        return Conversion(value, "true")
    match source, target:
        case ScalarType(said), ScalarType(wanted) if said in _TEXTS and wanted in _FROM_TEXT:
            return from_text(f"CAST({value} AS VARCHAR)", target)
    if not _goes_into(source, target):
        return None
    cast = f"TRY_CAST({value} AS {type_name(target)})"
    back = f"TRY_CAST({cast} AS {type_name(source)})"
    return Conversion(cast, f"coalesce({back} IS NOT DISTINCT FROM {value}, false)")


def _goes_into(source: ColumnType, target: ColumnType) -> bool:
    match source, target:
        case ListType(inner), ListType(wanted):
            return _goes_into(inner, wanted)
        case MapType(key, value), MapType(wanted_key, wanted_value):
            return _goes_into(key, wanted_key) and _goes_into(value, wanted_value)
        case StructType(fields), StructType(wanted_fields):
            wanted_types = {field.name.casefold(): field.type for field in wanted_fields}
            names = [field.name.casefold() for field in fields]
            return sorted(names) == sorted(wanted_types) and all(
                _goes_into(field.type, wanted_types[field.name.casefold()]) for field in fields
            )
        case (DecimalType() | ScalarType(), DecimalType() | ScalarType()):
            return _plain_goes_into(source, target)
        case _:
            return False


def _plain_goes_into(source: ColumnType, target: ColumnType) -> bool:
    match source, target:
        case ScalarType(said), ScalarType(wanted):
            return said == wanted or _scalar_goes_into(said, wanted)
        case DecimalType(), ScalarType(kind):
            return kind in _INTEGERS | _FLOATS
        case ScalarType(kind), DecimalType():
            return kind in _INTEGERS
        case _:
            return True


def _scalar_goes_into(source: ScalarKind, target: ScalarKind) -> bool:
    numbers = _INTEGERS | _FLOATS
    if source in numbers:
        return target in numbers
    if source in _TIMESTAMPS:
        return target in _TIMESTAMPS | {ScalarKind.DATE}
    return source is ScalarKind.DATE and target in _TIMESTAMPS
