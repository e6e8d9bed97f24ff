"""What a load takes of a text, an append takes too, as the same value."""

from __future__ import annotations

import math
from base64 import b64encode
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from adapters.arrow.problems import UnfitValueError
from adapters.arrow.text_values import text_parser
from adapters.ducklake.loads.texts import from_text
from domain.column_types import DecimalType, ScalarType, parse_column_type

_CONNECTION = duckdb.connect(config={"threads": "1"})
_CONNECTION.execute("SET TimeZone = 'UTC'")

# How a value is fetched in the form that appends carry it.
_CARRIED = {
    "DATE": "CAST(value - DATE '1970-01-01' AS BIGINT)",
    "TIME": "epoch_us(value)",
    "TIMESTAMP": "epoch_us(value)",
    "TIMESTAMP_S": "epoch_us(value) // 1000000",
    "TIMESTAMP_MS": "epoch_us(value) // 1000",
    "TIMESTAMP_NS": "epoch_ns(value)",
    "TIMESTAMP WITH TIME ZONE": "epoch_us(value)",
    "UUID": "CAST(value AS VARCHAR)",
}
TYPES = (
    *("BOOLEAN", "TINYINT", "BIGINT", "UBIGINT", "FLOAT", "DOUBLE", "DECIMAL(9,2)"),
    *("DECIMAL(38,38)", "VARCHAR", "BLOB", *_CARRIED),
)

_numbers = st.one_of(
    st.integers().map(str),
    st.floats().map(repr),
    st.decimals(allow_nan=False, allow_infinity=False).map(str),
    st.from_regex(r"[-+]?[0-9]{0,25}\.?[0-9]{0,5}([eE][-+]?[0-9]{1,3})?", fullmatch=True),
)
_times = st.from_regex(
    r"[0-9]{4}-[01][0-9]-[0-3][0-9]([T ][0-2][0-9]:[0-6][0-9](:[0-6][0-9](\.[0-9]{1,12})?)?)?"
    r"(Z|[-+][01][0-9](:?[0-6][0-9])?)?( \(BC\))?",
    fullmatch=True,
)
_clocks = st.from_regex(r"[0-2][0-9]:[0-6][0-9](:[0-6][0-9](\.[0-9]{1,9})?)?", fullmatch=True)
_texts = st.one_of(
    _numbers,
    _times,
    _clocks,
    st.uuids().map(str),
    st.binary(max_size=8).map(lambda content: b64encode(content).decode()),
    st.sampled_from(["true", "TRUE", "f", "inf", "-Infinity", "NaN", "infinity", "-infinity", ""]),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12),
)


def loaded(text: str, type_: str) -> tuple[bool, Any]:
    """Whether a load takes a text, and its value."""
    conversion = from_text("text", parse_column_type(type_))
    carried = _CARRIED.get(type_, "value")
    row = _CONNECTION.execute(
        f"SELECT fits, CASE WHEN fits AND finite THEN {carried} END FROM (SELECT "
        f"{conversion.fits} AS fits, {conversion.value} AS value, "
        "NOT regexp_matches(lower(text), 'inf') AS finite "
        "FROM (SELECT CAST(? AS VARCHAR) AS text))",
        [text],
    ).fetchone()
    assert row is not None
    return row


@pytest.mark.parametrize("type_", TYPES)
@settings(deadline=None, max_examples=60)
@given(text=_texts)
@example(text="1.005")
@example(text="2020-01-01T24:00:00")
@example(text="1e400")
def test_loads_are_as_strict_as_appends(type_: str, text: str) -> None:
    fits, value = loaded(text, type_)
    if not fits:
        return
    column_type = parse_column_type(type_)
    assert isinstance(column_type, ScalarType | DecimalType)
    try:
        expected = text_parser(column_type)(text)
    except UnfitValueError:
        pytest.fail(f"a load takes {text!r} for {type_}, and an append does not")
    if value is None:
        return
    if isinstance(expected, float):
        # The nearest single is what a column of type FLOAT keeps of it.
        assert math.isnan(value) == math.isnan(expected)
        assert math.isnan(value) or math.isclose(value, expected, rel_tol=1e-6, abs_tol=1e-44)
    else:
        assert (Decimal(value) if isinstance(expected, Decimal) else value) == expected


@pytest.mark.parametrize(
    "type_, text",
    [
        ("BOOLEAN", "True"),
        ("TINYINT", "-128"),
        ("UBIGINT", "18446744073709551615"),
        ("DOUBLE", "-1.5e-300"),
        ("FLOAT", "NaN"),
        ("DECIMAL(9,2)", "-1234567.8900"),
        ("DECIMAL(38,38)", "0." + "1" * 38),
        ("BLOB", "YWI="),
        ("UUID", "550E8400-e29b-41d4-a716-446655440000"),
        ("DATE", "0044-03-15 (BC)"),
        ("DATE", "infinity"),
        ("TIME", "24:00:00"),
        ("TIMESTAMP", "2020-02-29"),
        ("TIMESTAMP_NS", "2020-02-29T12:30:00.123456789"),
        ("TIMESTAMP_S", "2020-02-29 12:30:00.000"),
        ("TIMESTAMP WITH TIME ZONE", "2020-02-29T12:30:00.5+01:00"),
    ],
)
def test_texts_that_are_values(type_: str, text: str) -> None:
    assert loaded(text, type_)[0]
