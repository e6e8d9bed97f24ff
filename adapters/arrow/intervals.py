"""Intervals as text: ISO 8601 durations, and the form that DuckDB writes."""

from __future__ import annotations

import re

from adapters.arrow.problems import UnfitValueError, shown
from domain.column_types import ScalarKind, ScalarType

_N = r"[+-]?[0-9]{1,10}"
_SECONDS = r"[+-]?[0-9]{1,13}(\.[0-9]{1,30})?"

# ISO 8601-1:2019, 5.5.2, with a sign before each number as ISO 8601-2 has it.
_ISO = re.compile(
    rf"(?P<sign>[+-])?P((?P<years>{_N})Y)?((?P<months>{_N})M)?((?P<weeks>{_N})W)?((?P<days>{_N})D)?"
    rf"(?P<time>T((?P<hours>{_N})H)?((?P<minutes>{_N})M)?((?P<seconds>{_SECONDS})S)?)?"
)
_DUCKDB = re.compile(
    rf"((?P<years>{_N}) years? ?)?((?P<months>{_N}) months? ?)?((?P<days>{_N}) days? ?)?"
    r"((?P<sign>-)?(?P<hours>[0-9]{2,10}):(?P<minutes>[0-5][0-9]):"
    r"(?P<seconds>[0-5][0-9](\.[0-9]{1,6})?))?"
)

_INT32 = 2**31
_MICRO_DIGITS = 6
_MAX_MICROS = 2**63 - 1


def parse_interval(text: str) -> str:
    """Read an interval into the form that the engine reads: months, days and microseconds.

    Raises:
        UnfitValueError: When it is none, out of range, or finer than a microsecond.
    """
    parsed = _parse_iso(text) or _parse_duckdb(text)
    if parsed is not None:
        months, days, micros = parsed
        if fits_interval(months, days, micros):
            return interval_text(months, days, micros)
    raise UnfitValueError.expected(shown(text), ScalarType(ScalarKind.INTERVAL))


def interval_text(months: int, days: int, micros: int) -> str:
    """The form of an interval that DuckDB reads back exactly, whatever the numbers' signs."""
    return f"{months} months {days} days {micros} microseconds"


def fits_interval(months: int, days: int, micros: int) -> bool:
    """Whether DuckDB has an interval of these numbers."""
    return -_INT32 <= months < _INT32 and -_INT32 <= days < _INT32 and abs(micros) <= _MAX_MICROS


def _parse_iso(text: str) -> tuple[int, int, int] | None:
    match = _ISO.fullmatch(text)
    if match is None or text[-1] in "PT":
        return None
    seconds = _micros(match["seconds"])
    if seconds is None:
        return None
    sign = -1 if match["sign"] == "-" else 1
    minutes = _int(match["hours"]) * 60 + _int(match["minutes"])
    return (
        sign * (_int(match["years"]) * 12 + _int(match["months"])),
        sign * (_int(match["weeks"]) * 7 + _int(match["days"])),
        sign * (minutes * 60_000_000 + seconds),
    )


def _parse_duckdb(text: str) -> tuple[int, int, int] | None:
    match = _DUCKDB.fullmatch(text)
    if match is None or not text or text.endswith(" "):
        return None
    micros = (_int(match["hours"]) * 60 + _int(match["minutes"])) * 60_000_000
    micros += _micros(match["seconds"]) or 0
    return (
        _int(match["years"]) * 12 + _int(match["months"]),
        _int(match["days"]),
        -micros if match["sign"] else micros,
    )


def _int(text: str | None) -> int:
    return int(text) if text else 0


def _micros(text: str | None) -> int | None:
    """Seconds as microseconds; None when they have finer digits."""
    if not text:
        return 0
    whole, _, fraction = text.partition(".")
    fraction = fraction.rstrip("0")
    if len(fraction) > _MICRO_DIGITS:
        return None
    micros = abs(int(whole)) * 1_000_000 + int(fraction.ljust(_MICRO_DIGITS, "0"))
    return -micros if text.startswith("-") else micros
