"""Rows as JSON: written by the engine in one call, or value by value, they say the same."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.ducklake.results.columns import SelectedColumn
from adapters.ducklake.results.json_rows import json_row

PER_VALUE = "1.50::DECIMAL(9,2)"
"""A value of a type that has the whole row put together value by value."""

VALUES = {
    "boolean": "TRUE",
    "tinyint": "(-128)::TINYINT",
    "smallint": "(-32768)::SMALLINT",
    "integer": "(-2147483648)::INTEGER",
    "bigint": f"(-{2**63})::BIGINT",
    "utinyint": "255::UTINYINT",
    "usmallint": "65535::USMALLINT",
    "uinteger": f"{2**32 - 1}::UINTEGER",
    "ubigint": f"{2**64 - 1}::UBIGINT",
    "double": "0.1::DOUBLE",
    "a large double": "1e300::DOUBLE",
    "a small double": "-5e-324::DOUBLE",
    "no number": "'nan'::DOUBLE",
    "infinite": "'-inf'::DOUBLE",
    "text": "'a \"b\" \\ \n\t\x01\x7f / \u00e9 \U0001f600'",
    "empty text": "''",
    "date": "DATE '2020-01-31'",
    "date before our era": "DATE '0044-03-15 (BC)'",
    "infinite date": "'-infinity'::DATE",
    "time": "TIME '12:30:00.000005'",
    "uuid": "'6d9f8c38-3c1c-4a77-9c5f-0b5b1e2f7a11'::UUID",
    "json": """'{"a": 2.50}'::JSON""",
}


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


def written(
    engine: duckdb.DuckDBPyConnection,
    select: str,
    parameters: object = None,
    *,
    wide_as_text: bool = False,
) -> str:
    described = engine.execute(f"SELECT {select} LIMIT 0", parameters).description or []
    columns = [SelectedColumn(name, kind, f"c{n}") for n, (name, kind, *_) in enumerate(described)]
    row = json_row(columns, wide_as_text=wide_as_text)
    sources = ", ".join(column.source for column in columns)
    rows = engine.execute(f"SELECT {row} FROM (SELECT {select}) r({sources})", parameters)
    [(text,)] = rows.fetchall()
    assert text.endswith("\n")
    assert "\n" not in text[:-1]
    return str(text)


@pytest.mark.parametrize("wide_as_text", [False, True])
@pytest.mark.parametrize("null", [False, True])
@pytest.mark.parametrize("name", VALUES)
def test_both_ways_write_the_same(
    engine: duckdb.DuckDBPyConnection, name: str, *, null: bool, wide_as_text: bool
) -> None:
    value = f"nullif({VALUES[name]}, {VALUES[name]})" if null else VALUES[name]
    alone = written(engine, f"{value} AS v", wide_as_text=wide_as_text)
    beside = written(engine, f"{value} AS v, {PER_VALUE} AS d", wide_as_text=wide_as_text)
    tail = ',"d":"1.50"}\n' if wide_as_text else ',"d":1.50}\n'
    assert alone.removesuffix("}\n") == beside.removesuffix(tail)


def test_only_the_row_with_a_bare_number_in_it_is_written_apart(
    engine: duckdb.DuckDBPyConnection,
) -> None:
    columns = [SelectedColumn("d", engine.execute("SELECT 1::DOUBLE").description[0][1], "d")]
    rows = engine.execute(
        f"SELECT {json_row(columns, wide_as_text=False)} "
        "FROM (VALUES (1.5::DOUBLE), ('nan'), ('inf'), (NULL)) r(d)"
    ).fetchall()
    assert [text for (text,) in rows] == [
        '{"d":1.5}\n',
        '{"d":"NaN"}\n',
        '{"d":"Infinity"}\n',
        '{"d":null}\n',
    ]


def test_names_are_escaped(engine: duckdb.DuckDBPyConnection) -> None:
    name = "a \"b\" \\ 'c' \t é"
    for value in ("1", PER_VALUE):
        quoted = name.replace('"', '""')
        assert list(json.loads(written(engine, f'{value} AS "{quoted}"'))) == [name]


@settings(deadline=None, max_examples=60)
@given(
    values=st.fixed_dictionaries(
        {
            "d": st.none() | st.floats(),
            "t": st.none() | st.text(st.characters(exclude_characters="\0", codec="utf-8")),
            "n": st.none() | st.integers(-(2**63), 2**63 - 1),
        }
    )
)
def test_what_is_written_is_read_back(
    engine: duckdb.DuckDBPyConnection, values: Mapping[str, Any]
) -> None:
    select = "$d::DOUBLE AS d, $t::VARCHAR AS t, $n::BIGINT AS n"
    expected = dict(values)
    if isinstance(values["d"], float) and not math.isfinite(values["d"]):
        name = "NaN" if math.isnan(values["d"]) else "Infinity"
        expected["d"] = f"-{name}" if values["d"] < 0 else name
    assert json.loads(written(engine, select, values)) == expected
