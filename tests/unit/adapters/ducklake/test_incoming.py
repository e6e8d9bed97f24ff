"""Rows that are handed over as lists of values are the ones that Arrow would hand over."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.ducklake.writes import incoming
from adapters.ducklake.writes.incoming import (
    FEW_BYTES,
    FEW_CELLS,
    MANY_CELLS,
    handed_over,
    together,
)
from domain.column_types import parse_column_type
from tests.fakes.rows import FakeRows

AS_VALUES = (
    ("BOOLEAN", pa.bool_(), st.booleans()),
    ("TINYINT", pa.int8(), st.integers(-(2**7), 2**7 - 1)),
    ("BIGINT", pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    ("UBIGINT", pa.uint64(), st.integers(0, 2**64 - 1)),
    ("HUGEINT", pa.string(), st.integers(-(2**127), 2**127 - 1).map(str)),
    ("FLOAT", pa.float32(), st.floats(width=32, allow_nan=False)),
    ("DOUBLE", pa.float64(), st.floats(allow_nan=False)),
    ("VARCHAR", pa.string(), st.text()),
    ("BLOB", pa.binary(), st.binary()),
    ("UUID", pa.string(), st.uuids().map(str)),
    ("JSON", pa.string(), st.sampled_from(['{"a": [1]}', "null", '"x"', "1.50"])),
    ("DATE", pa.date32(), st.dates(max_value=date(9998, 12, 31))),
    ("TIMESTAMP", pa.timestamp("us"), st.datetimes().filter(lambda moment: moment.year < 9999)),
    (
        "TIMESTAMP WITH TIME ZONE",
        pa.timestamp("us", "UTC"),
        st.datetimes(timezones=st.just(UTC)).filter(lambda moment: moment.year < 9999),
    ),
    ("INTERVAL", pa.string(), st.just("14 months -3 days 5 microseconds")),
    (
        "DECIMAL(38,10)",
        pa.decimal128(38, 10),
        st.integers(-(10**38) + 1, 10**38 - 1).map(lambda digits: Decimal(f"{digits}E-10")),
    ),
)
AS_ARROW: tuple[tuple[str, pa.DataType, list[Any]], ...] = (
    ("DOUBLE", pa.float64(), [float("nan"), 1.0]),
    ("DATE", pa.date32(), [date.max]),
    ("DATE", pa.date32(), [2**31 - 1]),
    ("TIMESTAMP", pa.timestamp("us"), [datetime.fromisoformat("9999-12-31T23:59:59.999999")]),
    ("TIMESTAMP", pa.timestamp("us"), [2**63 - 1]),
    ("TIMESTAMP_NS", pa.timestamp("ns"), [1]),
    ("INTEGER[]", pa.list_(pa.int32()), [[1], None]),
    ("BIGINT", pa.int64(), list(range(FEW_CELLS + 1))),
    ("VARCHAR", pa.string(), ["x" * (FEW_BYTES + 1)]),
)


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        opened.execute("SET TimeZone='UTC'")
        yield opened


def read(
    connection: duckdb.DuckDBPyConnection, text: str, table: pa.Table
) -> tuple[bool, list[Any]]:
    """Whether the rows went as values, and what the engine has of them."""
    with handed_over(connection, table, {"a b": parse_column_type(text)}) as (query, values):
        rows = connection.execute(
            f"SELECT typeof(x), x::VARCHAR, x IS NULL FROM ({query}) q(x)", values
        ).fetchall()
    return bool(values), rows


@pytest.mark.parametrize("text, carrier, values", AS_VALUES, ids=[each[0] for each in AS_VALUES])
@given(data=st.data())
def test_values(
    connection: duckdb.DuckDBPyConnection,
    text: str,
    carrier: pa.DataType,
    values: st.SearchStrategy[Any],
    data: st.DataObject,
) -> None:
    rows = data.draw(st.lists(st.none() | values, min_size=1, max_size=5))
    table = pa.table({"a b": pa.array(rows, carrier)})
    by_values, handed = read(connection, text, table)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(incoming, "FEW_CELLS", 0)
        by_arrow, expected = read(connection, text, table)
    assert (by_values, by_arrow) == (True, False)
    assert handed == expected


@pytest.mark.parametrize("text, carrier, rows", AS_ARROW, ids=[each[0] for each in AS_ARROW])
def test_what_values_cannot_say_goes_as_arrow(
    connection: duckdb.DuckDBPyConnection, text: str, carrier: pa.DataType, rows: list[Any]
) -> None:
    by_values, handed = read(connection, text, pa.table({"a b": pa.array(rows, carrier)}))
    assert not by_values
    assert len(handed) == len(rows)
    assert not any(is_null for (_, _, is_null), row in zip(handed, rows, strict=True) if row)


TYPES = {"a": parse_column_type("BIGINT"), "b": parse_column_type("VARCHAR")}


def by_arrow(first: int, count: int) -> FakeRows:
    values = [*range(first, first + count)]
    return FakeRows(pa.table({"a": values, "b": [str(value) for value in values]}))


class ByValues(FakeRows):
    """Rows that are there as values too."""

    @property
    def values(self) -> list[list[Any]]:
        return [column.to_pylist() for column in self.table.columns]


@pytest.mark.parametrize("count", [1, MANY_CELLS // 6, MANY_CELLS])
@pytest.mark.parametrize("kinds", ["vv", "va", "av", "aa", "vvv"])
def test_several_appends_together(
    connection: duckdb.DuckDBPyConnection, kinds: str, count: int
) -> None:
    appends = [by_arrow(number * count, count) for number in range(len(kinds))]
    rows = [
        ByValues(each.table) if kind == "v" else each
        for each, kind in zip(appends, kinds, strict=True)
    ]
    joined = together([(each, incoming.incoming(each)) for each in rows])
    with handed_over(connection, joined, TYPES) as (query, values):
        found = connection.execute(f"SELECT a, b FROM ({query}) q(a, b)", values).fetchall()
    assert found == [(value, str(value)) for value in range(len(kinds) * count)]
    few = len(kinds) * count * 2 <= MANY_CELLS
    assert isinstance(joined, list) == ("a" not in kinds and few)
