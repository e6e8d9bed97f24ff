"""Dates and times as text, in ISO 8601 and as DuckDB writes them.

DuckDB writes years before year 1 as `0044-03-15 (BC)` and years beyond 9999 with more
digits; both are read. So are `infinity` and `-infinity`, which dates and timestamps have.
"""

from __future__ import annotations

import datetime as dt
import re

from adapters.arrow.carriers import TIMESTAMP_UNITS
from adapters.arrow.problems import UnfitValueError, shown
from domain.column_types import ScalarKind, ScalarType

_DATE = r"(?P<year>[0-9]{4,7})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})(?P<bc> \(BC\))?"
_CLOCK = (
    r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})(:(?P<second>[0-9]{2})(\.(?P<fraction>[0-9]{1,30}))?)?"
)
_ZONE = (
    r"(?P<zone>Z|(?P<sign>[+-])(?P<zone_hour>[0-9]{2})"
    r"(:?(?P<zone_minute>[0-9]{2})(:?(?P<zone_second>[0-9]{2}))?)?)"
)
_DATE_TEXT = re.compile(_DATE)
_TIME_TEXT = re.compile(_CLOCK)
_TIMETZ_TEXT = re.compile(_CLOCK + _ZONE)
_TIMESTAMP_TEXT = re.compile(rf"{_DATE}([T ]{_CLOCK})?")
_TIMESTAMPTZ_TEXT = re.compile(rf"{_DATE}[T ]{_CLOCK}{_ZONE}")

_DAYS_OF_400_YEARS = 146_097
_EPOCH_ORDINAL = dt.date(1970, 1, 1).toordinal()
_DAY_SECONDS = 86_400
_SIXTY = 60
_DIGITS = {"s": 0, "ms": 3, "us": 6, "ns": 9}
_MAX_OFFSET_SECONDS = 16 * 3600 - 1

INFINITE_DAYS = 2**31 - 1
"""How DuckDB carries an infinite date; negative for minus infinity."""

INFINITE_TIMESTAMP = 2**63 - 1
"""How DuckDB carries an infinite timestamp; negative for minus infinity."""

DATE_BOUNDS = (-INFINITE_DAYS + 1, INFINITE_DAYS - 1)
"""The first and the last date, in days since 1970-01-01."""

TIMESTAMP_BOUNDS = {
    "s": (-9_223_372_022_400, 9_223_372_036_854),
    "ms": (-9_223_372_022_400_000, 9_223_372_036_854_775),
    "us": (-9_223_372_022_400_000_000, INFINITE_TIMESTAMP - 1),
    "ns": (-9_223_286_400_000_000_000, INFINITE_TIMESTAMP - 1),
}
"""The first and the last timestamp of each unit, in that unit since 1970-01-01."""

TIME_END = 86_400_000_000
"""24:00:00 in microseconds: the last time of a day that DuckDB has."""


def parse_date(text: str) -> int:
    """Read a date as days since 1970-01-01.

    Raises:
        UnfitValueError: When it is none.
    """
    if (infinite := _infinite(text, INFINITE_DAYS)) is not None:
        return infinite
    match = _DATE_TEXT.fullmatch(text)
    days = _days(match) if match else None
    if days is None or not DATE_BOUNDS[0] <= days <= DATE_BOUNDS[1]:
        raise UnfitValueError.expected(shown(text), ScalarType(ScalarKind.DATE))
    return days


def parse_time(text: str) -> int:
    """Read a time of day as microseconds since midnight; 24:00:00 is one too.

    Raises:
        UnfitValueError: When it is none, or has more than 6 digits of a second.
    """
    match = _TIME_TEXT.fullmatch(text)
    time = _time_of_day(match, "us") if match else None
    if time is None:
        raise UnfitValueError.expected(shown(text), ScalarType(ScalarKind.TIME))
    return time


def parse_time_with_zone(text: str) -> str:
    """Read a time of day with its offset, into the form that the engine reads.

    Raises:
        UnfitValueError: When it is none, or has more than 6 digits of a second.
    """
    match = _TIMETZ_TEXT.fullmatch(text)
    time = _time_of_day(match, "us") if match else None
    offset = _offset(match) if match else None
    if time is None or offset is None:
        raise UnfitValueError.expected(shown(text), ScalarType(ScalarKind.TIMETZ))
    seconds, micros = divmod(time, 1_000_000)
    sign = "-" if offset < 0 else "+"
    return f"{_clock(seconds)}.{micros:06}{sign}{_clock(abs(offset))}"


def parse_timestamp(text: str, kind: ScalarKind) -> int:
    """Read a timestamp in the unit of its type since 1970-01-01.

    One with a zone must say its offset, one without must not. A date alone is its midnight
    for types without a zone.

    Raises:
        UnfitValueError: When it is none, out of range, or has digits that would be lost.
    """
    if (infinite := _infinite(text, INFINITE_TIMESTAMP)) is not None:
        return infinite
    unit = TIMESTAMP_UNITS[kind]
    zoned = kind is ScalarKind.TIMESTAMPTZ
    match = (_TIMESTAMPTZ_TEXT if zoned else _TIMESTAMP_TEXT).fullmatch(text)
    if match is not None:
        days = _days(match)
        time = 0 if match["hour"] is None else _time_of_day(match, unit, allow_end=False)
        offset = _offset(match) if zoned else 0
        if days is not None and time is not None and offset is not None:
            value: int = (days * _DAY_SECONDS - offset) * 10 ** _DIGITS[unit] + time
            least, greatest = TIMESTAMP_BOUNDS[unit]
            if least <= value <= greatest:
                return value
    raise UnfitValueError.expected(shown(text), ScalarType(kind))


def _infinite(text: str, value: int) -> int | None:
    return {"infinity": value, "-infinity": -value}.get(text)


def _days(match: re.Match[str]) -> int | None:
    """Days since 1970-01-01 in the proleptic Gregorian calendar, of any year."""
    year = int(match["year"])
    if match["bc"]:
        if year == 0:
            return None
        year = 1 - year
    # The calendar repeats every 400 years, and `date` knows years 1-9999 only.
    cycles, year_of_cycle = divmod(year - 1, 400)
    try:
        date = dt.date(year_of_cycle + 1, int(match["month"]), int(match["day"]))
    except ValueError:
        return None
    return date.toordinal() + cycles * _DAYS_OF_400_YEARS - _EPOCH_ORDINAL


def _time_of_day(match: re.Match[str], unit: str, *, allow_end: bool = True) -> int | None:
    """The time of day in a unit; None when it is no time or has more digits than the unit."""
    hour, minute, second = int(match["hour"]), int(match["minute"]), int(match["second"] or 0)
    fraction = (match["fraction"] or "").rstrip("0")
    digits = _DIGITS[unit]
    if minute >= _SIXTY or second >= _SIXTY or len(fraction) > digits:
        return None
    value = (hour * 3600 + minute * 60 + second) * 10**digits + int(
        fraction.ljust(digits, "0") or 0
    )
    end = _DAY_SECONDS * 10**digits
    return value if value < end or (allow_end and value == end) else None


def _offset(match: re.Match[str]) -> int | None:
    """The offset from UTC in seconds; None when it is more than the engine has."""
    if match["zone"] == "Z":
        return 0
    minute, second = int(match["zone_minute"] or 0), int(match["zone_second"] or 0)
    offset = int(match["zone_hour"]) * 3600 + minute * 60 + second
    if minute >= _SIXTY or second >= _SIXTY or offset > _MAX_OFFSET_SECONDS:
        return None
    return -offset if match["sign"] == "-" else offset


def _clock(seconds: int) -> str:
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
