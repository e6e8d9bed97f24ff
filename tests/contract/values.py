"""Values of each column type, as rows carry them and as the API's contract writes them in JSON."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from domain.tables import Column
from tests.contract.table_cases import column

_ZONE = dt.UTC


def _same(written: Any) -> Any:
    return written


def _float(written: Any) -> Any:
    """A whole number may be written as 1 or as 1.0."""
    return float(written) if isinstance(written, Decimal | int) else written


def _moment(written: str | None) -> dt.datetime | None:
    """A moment has several right spellings: `Z` or `+00:00`, a zero fraction or none."""
    return None if written is None else dt.datetime.fromisoformat(written)


def _time(written: str | None) -> dt.time | None:
    return None if written is None else dt.time.fromisoformat(written)


@dataclass(frozen=True, slots=True)
class ValueCase:
    """Values of one type.

    Attributes:
        type: The column's type.
        carried: The values as rows carry them (`domain.rows`).
        written: The values as JSON has them, read with `parse_float=Decimal` and `read`.
        read: Makes one of several right spellings of a JSON value.
        wide: Whether `wide_numbers_as_text` makes strings of them.
    """

    type: str
    carried: tuple[Any, ...]
    written: tuple[Any, ...]
    read: Callable[[Any], Any] = _same
    wide: bool = False

    @property
    def column(self) -> Column:
        return column("c", self.type)


def _plain(type_: str, *values: Any, wide: bool = False) -> ValueCase:
    return ValueCase(type_, (*values, None), (*values, None), wide=wide)


def _integers(type_: str, bits: int, *, signed: bool) -> ValueCase:
    least, greatest = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    values = (least, greatest, 0, 1)
    # Arrow has no integers over 64 bits: they come as text.
    carried = tuple(map(str, values)) if bits > 64 else values
    return ValueCase(type_, (*carried, None), (*values, None), wide=bits >= 64)


def _decimals(type_: str, *texts: str) -> ValueCase:
    values = tuple(map(Decimal, texts))
    return ValueCase(type_, (*values, None), (*values, None), wide=True)


_NOON = dt.datetime.fromisoformat("2013-01-01T12:00:00")
_OLD = dt.datetime.fromisoformat("0001-01-01T00:00:00")
_MICRO = dt.datetime.fromisoformat("2262-12-31T23:59:59.999999")

VALUE_CASES = (
    _plain("BOOLEAN", True, False),
    _integers("TINYINT", 8, signed=True),
    _integers("SMALLINT", 16, signed=True),
    _integers("INTEGER", 32, signed=True),
    _integers("BIGINT", 64, signed=True),
    _integers("HUGEINT", 128, signed=True),
    _integers("UTINYINT", 8, signed=False),
    _integers("USMALLINT", 16, signed=False),
    _integers("UINTEGER", 32, signed=False),
    _integers("UBIGINT", 64, signed=False),
    _integers("UHUGEINT", 128, signed=False),
    ValueCase(
        "FLOAT",
        (1.5, -0.25, 16777216.0, float("nan"), float("inf"), float("-inf"), None),
        (1.5, -0.25, 16777216.0, "NaN", "Infinity", "-Infinity", None),
        read=_float,
    ),
    ValueCase(
        "DOUBLE",
        (0.1, -1e300, 5e-324, 123456789.123, float("nan"), float("inf"), float("-inf"), None),
        (0.1, -1e300, 5e-324, 123456789.123, "NaN", "Infinity", "-Infinity", None),
        read=_float,
    ),
    _decimals("DECIMAL(9,2)", "2.50", "-1234567.89", "0.00", "0.01"),
    _decimals("DECIMAL(18,0)", "999999999999999999", "-1"),
    _decimals("DECIMAL(38,10)", "9999999999999999999999999999.9999999999", "0.0000000001"),
    _decimals("DECIMAL(38,38)", "0." + "1234567890" * 3 + "12345678"),
    _plain("VARCHAR", "", "a", 'q"\\\n\t', "雪 🦆", "NULL", "null", " 1 ", "a,b;'c'", "x" * 5000),
    ValueCase("BLOB", (b"", b"\x00\xff", b"hello", None), ("", "AP8=", "aGVsbG8=", None)),
    _plain("UUID", "00000000-0000-0000-0000-000000000000", "ffffffff-0123-4567-89ab-cdefffffffff"),
    ValueCase(
        "DATE",
        (dt.date(2013, 1, 31), dt.date(1, 1, 1), dt.date(9999, 12, 31), None),
        ("2013-01-31", "0001-01-01", "9999-12-31", None),
    ),
    ValueCase(
        "TIME",
        (dt.time(0, 0), dt.time(23, 59, 59, 999999), dt.time(12, 30, 1), None),
        (dt.time(0, 0), dt.time(23, 59, 59, 999999), dt.time(12, 30, 1), None),
        read=_time,
    ),
    ValueCase(
        "TIME WITH TIME ZONE",
        ("12:30:01.5+05:30", "00:00:00+00", "23:59:59.999999-08", None),
        (
            dt.time.fromisoformat("12:30:01.500000+05:30"),
            dt.time.fromisoformat("00:00:00+00:00"),
            dt.time.fromisoformat("23:59:59.999999-08:00"),
            None,
        ),
        read=_time,
    ),
    ValueCase("TIMESTAMP", (_NOON, _OLD, _MICRO, None), (_NOON, _OLD, _MICRO, None), read=_moment),
    ValueCase("TIMESTAMP_S", (_NOON, _OLD, None), (_NOON, _OLD, None), read=_moment),
    ValueCase(
        "TIMESTAMP_MS",
        (_NOON.replace(microsecond=123000), _OLD, None),
        (_NOON.replace(microsecond=123000), _OLD, None),
        read=_moment,
    ),
    ValueCase(
        "TIMESTAMP_NS",
        (1_356_998_400_000_000_001, -1, None),
        ("2013-01-01T00:00:00.000000001", "1969-12-31T23:59:59.999999999", None),
    ),
    ValueCase(
        "TIMESTAMP WITH TIME ZONE",
        (_NOON.replace(tzinfo=_ZONE), _MICRO.replace(tzinfo=_ZONE), None),
        (_NOON.replace(tzinfo=_ZONE), _MICRO.replace(tzinfo=_ZONE), None),
        read=_moment,
    ),
    ValueCase(
        "JSON",
        ('{"a": [1, 2.50, null]}', '"text"', "[]", None),
        ({"a": [1, Decimal("2.50"), None]}, "text", [], None),
    ),
    ValueCase("INTEGER[]", ([1, None, -2], [], None), ([1, None, -2], [], None)),
    ValueCase("VARCHAR[][]", ([["a"], [], None], None), ([["a"], [], None], None)),
    ValueCase(
        'STRUCT(a INTEGER, "b c" DATE)',
        ({"a": 1, "b c": dt.date(2013, 1, 31)}, {"a": None, "b c": None}, None),
        ({"a": 1, "b c": "2013-01-31"}, {"a": None, "b c": None}, None),
    ),
    ValueCase(
        "STRUCT(a VARCHAR)[]",
        ([{"a": 'it\'s "x", {y}'}, {"a": "NULL"}, {"a": None}, None], [{"a": "b'c\\"}], None),
        ([{"a": 'it\'s "x", {y}'}, {"a": "NULL"}, {"a": None}, None], [{"a": "b'c\\"}], None),
    ),
    ValueCase(
        "MAP(VARCHAR, DECIMAL(5,1))",
        ([("x", Decimal("1.0")), ("y", None)], [], None),
        ({"x": Decimal("1.0"), "y": None}, {}, None),
        wide=True,
    ),
    ValueCase(
        "STRUCT(d DECIMAL(38,0), n DOUBLE[])[]",
        ([{"d": Decimal(10**38 - 1), "n": [0.5]}], None),
        ([{"d": 10**38 - 1, "n": [Decimal("0.5")]}], None),
        wide=True,
    ),
    ValueCase(
        "STRUCT(h HUGEINT, n DOUBLE[])[]",
        ([{"h": str(2**127 - 1), "n": [0.5]}], None),
        ([{"h": 2**127 - 1, "n": [Decimal("0.5")]}], None),
        wide=True,
    ),
)
