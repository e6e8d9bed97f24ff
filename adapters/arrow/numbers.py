"""Numbers as text: what is a number of a column's type, exactly."""

from __future__ import annotations

import decimal
import math
import re
from decimal import Decimal

from adapters.arrow.problems import UnfitValueError, shown
from domain.column_types import INTEGER_BOUNDS, DecimalType, ScalarKind, ScalarType
from domain.value_kinds import fits_single

_INTEGER = re.compile(r"-?[0-9]{1,100}")
_DECIMAL = re.compile(r"-?[0-9]{1,1000}(\.[0-9]{1,1000})?([eE][+-]?[0-9]{1,4})?")
_FLOAT = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_NOT_FINITE = {
    "nan": math.nan,
    "inf": math.inf,
    "infinity": math.inf,
    "+inf": math.inf,
    "+infinity": math.inf,
    "-inf": -math.inf,
    "-infinity": -math.inf,
}

_EXACT = decimal.Context(
    prec=4000,
    Emax=decimal.MAX_EMAX,
    Emin=decimal.MIN_EMIN,
    traps=[decimal.Inexact, decimal.InvalidOperation],
)


def parse_integer(text: str, kind: ScalarKind) -> int:
    """Read digits with an optional minus, and nothing else.

    Raises:
        UnfitValueError: When it is no whole number in the type's range.
    """
    if _INTEGER.fullmatch(text):
        value = int(text)
        least, greatest = INTEGER_BOUNDS[kind]
        if least <= value <= greatest:
            return value
    raise UnfitValueError.expected(shown(text), ScalarType(kind))


def parse_float(text: str, kind: ScalarKind) -> float:
    """Read a decimal number, rounded to the nearest one that the type has, or NaN or Infinity.

    NaN and Infinity are read in any case, and as `inf` too.

    Raises:
        UnfitValueError: When it is no number, or over the type's range.
    """
    if _FLOAT.fullmatch(text):
        value = float(text)
        if math.isfinite(value) and (kind is ScalarKind.DOUBLE or fits_single(value)):
            return value
    elif (named := parse_not_finite(text)) is not None:
        return named
    raise UnfitValueError.expected(shown(text), ScalarType(kind))


def parse_not_finite(text: str) -> float | None:
    """NaN or an infinity by its name; None for any other text."""
    return _NOT_FINITE.get(text.lower())


def parse_decimal(text: str, column_type: DecimalType) -> Decimal:
    """Read a decimal number, with an exponent or without.

    Raises:
        UnfitValueError: When it is no number, or has digits that the type cannot hold. Zeros at
            the end are no such digits.
    """
    if _DECIMAL.fullmatch(text):
        try:
            value = _EXACT.quantize(Decimal(text), Decimal(1).scaleb(-column_type.scale))
        except decimal.DecimalException:
            pass
        else:
            if len(value.as_tuple().digits) <= column_type.precision:
                return value
    raise UnfitValueError.expected(shown(text), column_type)
