"""How wide a column must be for values that it has not the room for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.arrow.evidence import Evidence, Kind
from adapters.arrow.numbers import fits_single
from domain.column_types import (
    INTEGER_BOUNDS,
    ColumnType,
    DecimalType,
    ScalarKind,
    ScalarType,
)
from domain.growth import integer_type, wider_type

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

_INTEGERS: AbstractSet[Kind] = {Kind.INTEGER}
_NUMBERS: AbstractSet[Kind] = {Kind.INTEGER, Kind.FRACTION}


def widens(column_type: ColumnType) -> bool:
    """Whether there are wider types of this kind."""
    match column_type:
        case DecimalType():
            return True
        case ScalarType(kind):
            return kind in INTEGER_BOUNDS or kind is ScalarKind.FLOAT
        case _:
            return False


def needed_type(evidence: Evidence, column_type: ColumnType) -> ColumnType | None:
    """The least type that a column must be widened to for what was seen.

    The type itself when it has the room, and None when no wider type of its kind has it.
    """
    numbers = evidence.numbers
    match column_type:
        case ScalarType(kind) if kind in INTEGER_BOUNDS:
            seen: ColumnType | None = None
            if evidence.kinds <= _INTEGERS and numbers.decimals:
                seen = integer_type(numbers.least, numbers.greatest)
            return None if seen is None else _wide_enough(column_type, seen)
        case ScalarType(ScalarKind.FLOAT) if evidence.kinds <= _NUMBERS | {Kind.NOT_FINITE}:
            return column_type if fits_single(numbers.largest) else ScalarType(ScalarKind.DOUBLE)
        case DecimalType() if evidence.kinds <= _NUMBERS:
            decimal = numbers.decimal()
            return None if decimal is None else wider_type(column_type, decimal)
        case _:
            return None


def _wide_enough(column_type: ScalarType, seen: ColumnType) -> ColumnType | None:
    """The type itself when all that `seen` has is in it; else a wider one."""
    wider = wider_type(column_type, seen)
    if (
        isinstance(wider, ScalarType)
        and INTEGER_BOUNDS[wider.kind] == INTEGER_BOUNDS[column_type.kind]
    ):
        return column_type
    return wider
