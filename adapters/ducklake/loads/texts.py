"""Texts of a file as values of a column's type, in SQL: which of them are such values, exactly.

The rules are those of appends (adapters/arrow), so that a file that is loaded and the same file
as a body give the same rows. DuckDB's own casts take more than that, and round in silence.

Functions go by their full names, for some names are those of the macros that check queries.
"""

from __future__ import annotations

from dataclasses import dataclass

from adapters.ducklake.engine.sql import literal, type_name
from domain.column_types import (
    INTEGER_BOUNDS,
    ColumnType,
    DecimalType,
    ScalarKind,
    ScalarType,
)

_DATE = r"[0-9]{4,7}-[0-9]{2}-[0-9]{2}( \(BC\))?"
_ZONE = r"(Z|[+-][0-9]{2}(:?[0-9]{2}(:?[0-9]{2})?)?)"
_FLOAT = r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?"
NOT_FINITE = r"(?i)nan|[+-]?inf(inity)?"
"""Texts of floating-point numbers that are none, as a pattern."""

_UUID = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_DIGITS = {
    ScalarKind.TIMESTAMP_S: 0,
    ScalarKind.TIMESTAMP_MS: 3,
    ScalarKind.TIMESTAMP: 6,
    ScalarKind.TIMESTAMPTZ: 6,
    ScalarKind.TIMESTAMP_NS: 9,
}
_TIME_DIGITS = 6
_FLOATS = frozenset({ScalarKind.FLOAT, ScalarKind.DOUBLE})


@dataclass(frozen=True, slots=True)
class Conversion:
    """How an expression becomes a value of a column.

    Attributes:
        value: The value, in SQL; NULL or anything where the expression does not fit.
        fits: Whether it fits, in SQL, for an expression that is not NULL.
    """

    value: str
    fits: str


def from_text(text: str, column_type: ColumnType) -> Conversion:
    """Read an expression of type VARCHAR as values of a type; nested ones are JSON text."""
    cast = f"TRY_CAST({text} AS {type_name(column_type)})"
    match column_type:
        case DecimalType():
            return Conversion(cast, _all(_decimal(text, column_type), f"{cast} IS NOT NULL"))
        case ScalarType(kind) if kind in _OTHERS:
            return _OTHERS[kind](text)
        case ScalarType(kind):
            conditions = [matches(text, _pattern(kind)), f"{cast} IS NOT NULL"]
            if kind in _FLOATS:
                # What is over the type's range would become infinite.
                conditions.append(f"(isfinite({cast}) OR {matches(text, NOT_FINITE)})")
            return Conversion(cast, _all(*conditions))
        case _:
            return from_json(f"TRY_CAST({text} AS JSON)", column_type)


def from_json(value: str, column_type: ColumnType) -> Conversion:
    """Read an expression of type JSON as nested values: those that come back as they were."""
    cast = f"TRY_CAST({value} AS {type_name(column_type)})"
    return Conversion(
        cast,
        f"coalesce(to_json({cast})::VARCHAR = json({value})::VARCHAR, false)",
    )


def _all(*conditions: str) -> str:
    return f"coalesce({' AND '.join(conditions)}, false)"


def matches(text: str, pattern: str) -> str:
    """Whether all of a text is of a pattern, in SQL."""
    return f"system.main.regexp_full_match({text}, {literal(pattern)})"


def _pattern(kind: ScalarKind) -> str:
    if kind in INTEGER_BOUNDS:
        return r"-?[0-9]+"
    if kind in _FLOATS:
        return f"{_FLOAT}|{NOT_FINITE}"
    if kind is ScalarKind.DATE:
        return f"{_DATE}|-?infinity"
    if kind is ScalarKind.TIME:
        return _clock(_TIME_DIGITS, last_hour="24")
    if kind is ScalarKind.TIMESTAMPTZ:
        return f"{_DATE}[T ]{_clock(_DIGITS[kind])}{_ZONE}|-?infinity"
    return f"{_DATE}([T ]{_clock(_DIGITS[kind])})?|-?infinity"


def _clock(digits: int, last_hour: str = "23") -> str:
    hours = f"([01][0-9]|2[0-{last_hour[1]}])"
    return rf"{hours}:[0-5][0-9](:[0-5][0-9](\.[0-9]{{0,{digits}}}0*)?)?"


def _decimal(text: str, column_type: DecimalType) -> str:
    # Zeros at the end are no digits that would be lost.
    scale = column_type.scale
    fraction = rf"\.[0-9]{{1,{scale}}}0*" if scale else r"\.0+"
    return matches(text, f"-?[0-9]+({fraction})?")


def _boolean(text: str) -> Conversion:
    return Conversion(f"lower({text}) = 'true'", f"lower({text}) IN ('true', 'false')")


def _varchar(text: str) -> Conversion:
    return Conversion(text, f"system.main.strpos({text}, chr(0)) = 0")


def _blob(text: str) -> Conversion:
    bytes_ = f"TRY(from_base64({text}))"
    return Conversion(bytes_, f"coalesce(to_base64({bytes_}) = {text}, false)")


def _uuid(text: str) -> Conversion:
    return Conversion(f"TRY_CAST({text} AS UUID)", matches(text, _UUID))


def _json(text: str) -> Conversion:
    return Conversion(f"TRY_CAST({text} AS JSON)", f"json_valid({text})")


_OTHERS = {
    ScalarKind.BOOLEAN: _boolean,
    ScalarKind.VARCHAR: _varchar,
    ScalarKind.BLOB: _blob,
    ScalarKind.UUID: _uuid,
    ScalarKind.JSON: _json,
}
