"""A column of texts, read as a column's type: whole columns at once where that is exact.

A column whose every text has the plain form of its type is cast by Arrow. Arrow's casts take
more than they should (`0x1F`, `1e400`), so a pattern admits only texts that they read as
`text_values` does; all other columns are read by that, value by value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from adapters.arrow.carriers import carrier_of
from adapters.arrow.limits import MAX_PROBLEMS
from adapters.arrow.problems import UnfitColumnError, UnfitValueError
from adapters.arrow.temporal import TIMESTAMP_BOUNDS
from adapters.arrow.text_values import text_parser
from domain.column_types import INTEGER_BOUNDS, ColumnType, DecimalType, ScalarKind, ScalarType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_ZONE = r"(Z|[+-](0[0-9]|1[0-5])(:?[0-5][0-9])?)"
_FLOAT = r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?"


def _clock(digits: int) -> str:
    fraction = rf"(\.[0-9]{{1,{digits}}})?" if digits else ""
    return rf"[0-9]{{2}}:[0-9]{{2}}(:[0-9]{{2}}{fraction})?"


_PATTERNS = {
    ScalarKind.BOOLEAN: r"true|false|True|False|TRUE|FALSE",
    # Up to 38 digits are within 128 bits; longer ones are looked at one by one.
    ScalarKind.HUGEINT: r"0|-?[1-9][0-9]{0,37}",
    ScalarKind.UHUGEINT: r"0|[1-9][0-9]{0,37}",
    ScalarKind.FLOAT: _FLOAT,
    ScalarKind.DOUBLE: _FLOAT,
    ScalarKind.UUID: r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    ScalarKind.DATE: _DATE,
    ScalarKind.TIME: _clock(6),
    ScalarKind.TIMESTAMP: rf"{_DATE}([T ]{_clock(6)})?",
    ScalarKind.TIMESTAMP_S: rf"{_DATE}([T ]{_clock(0)})?",
    ScalarKind.TIMESTAMP_MS: rf"{_DATE}([T ]{_clock(3)})?",
    ScalarKind.TIMESTAMP_NS: rf"{_DATE}([T ]{_clock(9)})?",
    ScalarKind.TIMESTAMPTZ: rf"{_DATE}[T ]{_clock(6)}{_ZONE}",
} | {kind: r"-?[0-9]{1,20}" for kind in INTEGER_BOUNDS if "HUGE" not in kind}
_FEW_BYTES = 64 * 1024
_FIRST_NANOSECOND = pa.scalar(TIMESTAMP_BOUNDS["ns"][0], pa.timestamp("ns"))
_DECIMAL_PATTERN = r"-?[0-9]{1,38}(\.[0-9]{1,38})?"


def column_from_texts(texts: pa.StringArray, column_type: ScalarType | DecimalType) -> pa.Array:
    """Read a column of texts, NULL staying NULL, into the type's carrier.

    Raises:
        UnfitColumnError: When a text is none of that type.
    """
    if column_type == ScalarType(ScalarKind.VARCHAR):
        if not _has_zero(texts):
            return texts
    elif _is_plain(texts, column_type):
        try:
            return _cast(texts, column_type)
        except pa.ArrowInvalid:
            pass  # out of range, most often: below it is said where
    return column_from_values(texts.to_pylist(), text_parser(column_type), column_type)


def column_from_values(
    values: Iterable[Any], parse: Callable[[Any], Any], column_type: ColumnType
) -> pa.Array:
    """Read a column value by value, None staying NULL, into the type's carrier.

    Raises:
        UnfitColumnError: When `parse` finds that a value does not fit.
    """
    parsed: list[Any] = []
    problems: list[tuple[int, str]] = []
    for index, value in enumerate(values):
        try:
            parsed.append(None if value is None else parse(value))
        except UnfitValueError as error:
            problems.append((index, str(error)))
            if len(problems) == MAX_PROBLEMS:
                break
    if problems:
        raise UnfitColumnError(problems)
    return pa.array(parsed, carrier_of(column_type))


def _has_zero(texts: pa.StringArray) -> bool:
    """Whether a text holds the character U+0000."""
    data = texts.buffers()[2]
    # Arrow's functions take longer to be called than all of a few texts to be looked at.
    if data is None or (data.size <= _FEW_BYTES and b"\0" not in data.to_pybytes()):
        return False
    return bool(pc.any(pc.match_substring(texts, "\0")).as_py())


def _is_plain(texts: pa.StringArray, column_type: ScalarType | DecimalType) -> bool:
    if isinstance(column_type, DecimalType):
        pattern: str | None = _DECIMAL_PATTERN
    else:
        pattern = _PATTERNS.get(column_type.kind)
    if pattern is None:
        return False
    matches = pc.match_substring_regex(texts, rf"\A(?:{pattern})\z")
    return bool(pc.all(matches, min_count=0).as_py())


def _cast(texts: pa.StringArray, column_type: ScalarType | DecimalType) -> pa.Array:
    carrier = carrier_of(column_type)
    if column_type == ScalarType(ScalarKind.TIME):
        # Arrow casts no text to a time of day, but to a timestamp on the first day.
        stamps = pc.binary_join_element_wise("1970-01-01T", texts, "")
        return stamps.cast(pa.timestamp("us")).cast(carrier)
    if carrier == pa.float32():
        # By way of a double, as every other path does: the two roundings then always agree.
        column = texts.cast(pa.float64()).cast(carrier)
    else:
        column = texts.cast(carrier)
    if pa.types.is_floating(carrier) and pc.any(pc.is_inf(column)).as_py():
        raise pa.ArrowInvalid("A finite number became infinite.")
    if carrier == pa.timestamp("ns") and pc.any(pc.less(column, _FIRST_NANOSECOND)).as_py():
        raise pa.ArrowInvalid("The engine's first day begins after Arrow's.")
    return column
