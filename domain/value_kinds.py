"""What type the values of a column need, by what kinds of values they are.

What reads values, of a body or of objects, says of each which kind it is and what its numbers
have in common; which types follow from that is said here, once.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

from domain.column_types import (
    INTEGER_BOUNDS,
    MAX_DECIMAL_DIGITS,
    ColumnType,
    DecimalType,
    ScalarKind,
    ScalarType,
)
from domain.growth import integer_type, wider_type


class Kind(Enum):
    """A kind of value; a column of one kind has a type of its own."""

    BOOLEAN = auto()
    INTEGER = auto()
    FRACTION = auto()
    NOT_FINITE = auto()
    DATE = auto()
    TIMESTAMP = auto()
    TIMESTAMPTZ = auto()
    TEXT = auto()
    LIST = auto()
    OTHER = auto()


NUMBERS: AbstractSet[Kind] = {Kind.INTEGER, Kind.FRACTION}
TEXTS: AbstractSet[Kind] = {
    Kind.NOT_FINITE,
    Kind.DATE,
    Kind.TIMESTAMP,
    Kind.TIMESTAMPTZ,
    Kind.TEXT,
}
_OF_ONE_KIND = {
    Kind.BOOLEAN: ScalarKind.BOOLEAN,
    Kind.DATE: ScalarKind.DATE,
    Kind.TIMESTAMP: ScalarKind.TIMESTAMP,
    Kind.TIMESTAMPTZ: ScalarKind.TIMESTAMPTZ,
}


class NumberFacts(Protocol):
    """What the numbers of a column have in common."""

    @property
    def least(self) -> int:
        """The least whole number, or 0."""
        ...

    @property
    def greatest(self) -> int:
        """The greatest whole number, or 0."""
        ...

    @property
    def largest(self) -> float:
        """The greatest absolute value, as a double."""
        ...

    @property
    def before(self) -> int:
        """The most digits before the point."""
        ...

    @property
    def behind(self) -> int:
        """The most digits behind it."""
        ...

    @property
    def doubles(self) -> bool:
        """Whether the shortest text of each one's double has its very digits."""
        ...

    @property
    def decimals(self) -> bool:
        """Whether each has digits that a DECIMAL could have."""
        ...


@dataclass(frozen=True, slots=True)
class CountedNumbers(NumberFacts):
    """Facts that were found all at once."""

    least: int = 0
    greatest: int = 0
    largest: float = 0.0
    before: int = 0
    behind: int = 0
    doubles: bool = True
    decimals: bool = True


def plain_type(kinds: AbstractSet[Kind], numbers: NumberFacts) -> ColumnType | None:
    """The type of values that are all of one kind, or all numbers; None when none keeps them."""
    if len(kinds) == 1 and (kind := next(iter(kinds))) in _OF_ONE_KIND:
        return ScalarType(_OF_ONE_KIND[kind])
    if not kinds & NUMBERS or kinds - NUMBERS - {Kind.NOT_FINITE}:
        return None
    if kinds == {Kind.INTEGER} and (found := _integer_type(numbers)) is not None:
        return found
    if kinds != {Kind.INTEGER} and numbers.doubles:
        return ScalarType(ScalarKind.DOUBLE)
    return None if Kind.NOT_FINITE in kinds else decimal_of(numbers)


def _integer_type(numbers: NumberFacts) -> ColumnType | None:
    least, greatest = INTEGER_BOUNDS[ScalarKind.BIGINT]
    if not numbers.decimals:
        return None
    if least <= numbers.least and numbers.greatest <= greatest:
        return ScalarType(ScalarKind.BIGINT)
    if numbers.before <= MAX_DECIMAL_DIGITS:
        return DecimalType(MAX_DECIMAL_DIGITS, 0)
    return None


def decimal_of(numbers: NumberFacts) -> DecimalType | None:
    """The DECIMAL that holds them all; None when there is none."""
    precision = max(1, numbers.before + numbers.behind)
    if not numbers.decimals or precision > MAX_DECIMAL_DIGITS:
        return None
    return DecimalType(precision, numbers.behind)


def widens(column_type: ColumnType) -> bool:
    """Whether there are wider types of this kind."""
    match column_type:
        case DecimalType():
            return True
        case ScalarType(kind):
            return kind in INTEGER_BOUNDS or kind is ScalarKind.FLOAT
        case _:
            return False


def needed_type(
    kinds: AbstractSet[Kind], numbers: NumberFacts, column_type: ColumnType
) -> ColumnType | None:
    """The least type that a column must be widened to for what was seen.

    The type itself when it has the room, and None when no wider type of its kind has it.
    """
    match column_type:
        case ScalarType(kind) if kind in INTEGER_BOUNDS:
            seen: ColumnType | None = None
            if kinds <= {Kind.INTEGER} and numbers.decimals:
                seen = integer_type(numbers.least, numbers.greatest)
            return None if seen is None else _wide_enough(column_type, seen)
        case ScalarType(ScalarKind.FLOAT) if kinds <= NUMBERS | {Kind.NOT_FINITE}:
            return column_type if fits_single(numbers.largest) else ScalarType(ScalarKind.DOUBLE)
        case DecimalType() if kinds <= NUMBERS:
            decimal = decimal_of(numbers)
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


def fits_single(value: float) -> bool:
    """Whether a number has a nearest one in single precision, infinities aside."""
    if math.isinf(value):
        return False
    try:
        struct.pack("<f", value)
    except OverflowError:
        return False
    return True
