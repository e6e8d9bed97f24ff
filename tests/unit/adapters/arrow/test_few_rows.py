"""Rows of small bodies, which are kept as Python's own values: the same as those of any body."""

from __future__ import annotations

import json
import re
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.arrow.few_rows import FEW_BYTES
from domain.errors import LakehouseError
from domain.formats import DataFormat
from tests.unit.adapters.arrow.bodies import Bench

COLUMNS = "id BIGINT!; x VARCHAR; b BOOLEAN; d DOUBLE; t TINYINT; u UBIGINT"
PLAIN = {"u": 1, "id": 1, "x": "é", "b": True, "d": 1.5, "t": -1}
LINES_OF = {DataFormat.JSON: ("[", ",", "]"), DataFormat.NDJSON: ("", "\n", "\n")}
FORMATS = pytest.mark.parametrize("data_format", LINES_OF)

WRONG = st.sampled_from(
    [None, "1", 1, 1.0, 1.5, True, "a\0b", "NaN", [1], {"a": 1}, 2**63, 2**64, -129, 10**400, ""]
)
RIGHT: dict[str, st.SearchStrategy[Any]] = {
    "u": st.integers(0, 2**64 - 1),
    "id": st.integers(-(2**63), 2**63 - 1),
    "x": st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5),
    "b": st.booleans(),
    "d": st.floats(allow_nan=False, allow_infinity=False),
    "t": st.integers(-128, 127),
}
ROWS = st.lists(
    st.fixed_dictionaries(
        {name: values | (st.none() if name != "id" else values) for name, values in RIGHT.items()}
    ),
    min_size=1,
    max_size=4,
)


def body_of(rows: list[str], data_format: DataFormat) -> str:
    before, between, behind = LINES_OF[data_format]
    return before + between.join(rows) + behind


def learn(bench: Bench, data_format: DataFormat) -> None:
    """Have the reader know the shape of the rows."""
    bench.read(body_of([json.dumps(PLAIN)], data_format), data_format, COLUMNS).close()


def outcome(bench: Bench, body: str, data_format: DataFormat) -> object:
    try:
        return bench.table(body, data_format, COLUMNS)
    except LakehouseError as error:
        # The body's end is at another place.
        return type(error), re.sub(r"at byte \d+", "", str(error))


def as_any_other(body: str, data_format: DataFormat) -> str:
    """The same rows in a body that is not small."""
    return body + (" " if data_format is DataFormat.JSON else "\n") * FEW_BYTES


@FORMATS
@given(rows=ROWS)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_they_are_as_any_others(
    bench: Bench, data_format: DataFormat, rows: list[dict[str, Any]]
) -> None:
    learn(bench, data_format)
    body = body_of([json.dumps(row, ensure_ascii=False) for row in rows], data_format)
    few = bench.read(body, data_format, COLUMNS)
    assert few.values is not None
    ordinary = bench.read(as_any_other(body, data_format), data_format, COLUMNS)
    assert ordinary.values is None
    assert pa.table(few).equals(pa.table(ordinary))


@FORMATS
@given(row=st.sampled_from(list(PLAIN)), wrong=WRONG, behind=st.booleans())
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_wrong_is_told_as_of_any_others(
    bench: Bench, data_format: DataFormat, row: str, wrong: Any, *, behind: bool
) -> None:
    learn(bench, data_format)
    rows = [json.dumps(PLAIN)] * behind + [json.dumps(PLAIN | {row: wrong})]
    body = body_of(rows, data_format)
    assert outcome(bench, body, data_format) == outcome(
        bench, as_any_other(body, data_format), data_format
    )


@FORMATS
@pytest.mark.parametrize(
    "row",
    [
        '{"u":1,"id":1,"x":"a","x":"b","b":true,"d":1.5,"t":1}',
        '{"u":1,"id":1,"x":"a","X":"b","b":true,"d":1.5,"t":1}',
        '{"u":1,"id":1,"x":"a","b":true,"d":1.5}',
        '{"u":1,"x":"a","b":true,"d":1.5,"t":1}',
        '{"u":1,"id":1,"x":"a","b":true,"d":1.5,"t":1,"z":1}',
        '{"u":1,"id":1,"x":"a:b\\":","b":true,"d":-0.0,"t":1}',
        '{"u" :1,"id" : 1,"x"\t:"\\ud83d\\ude00","b":true,"d":1e308,"t":1}',
        '{"u":1,"id":1,"x":"\\ud800","b":true,"d":1.5,"t":1}',
        '{"u":1,"id":1,"x":"a","b":true,"d":1e999,"t":1}',
        '{"u":1.0,"id":1e2,"x":"a","b":true,"d":1,"t":1}',
        "{}",
        "[1]",
        "null",
    ],
)
def test_odd_rows(bench: Bench, data_format: DataFormat, row: str) -> None:
    learn(bench, data_format)
    body = body_of([row], data_format)
    assert outcome(bench, body, data_format) == outcome(
        bench, as_any_other(body, data_format), data_format
    )


@pytest.mark.parametrize(
    "body",
    ['{"rows":[%s]}', " [ %s ] ", "[%s]]", "[%s", "[%s,]", '{"rows":[%s]', "[%s] x", "%s", "[]"],
)
def test_odd_bodies(bench: Bench, body: str) -> None:
    learn(bench, DataFormat.JSON)
    body = body.replace("%s", json.dumps(PLAIN))
    padded = " " * FEW_BYTES + body
    assert outcome(bench, body, DataFormat.JSON) == outcome(bench, padded, DataFormat.JSON)


def test_columns_are_in_the_order_of_the_table(bench: Bench) -> None:
    learn(bench, DataFormat.JSON)
    rows = bench.read(json.dumps([PLAIN, PLAIN]), DataFormat.JSON, COLUMNS)
    assert rows.columns == ("id", "x", "b", "d", "t", "u")
    assert rows.values == [[1, 1], ["é"] * 2, [True] * 2, [1.5] * 2, [-1, -1], [1, 1]]
    assert rows.row_count == 2


@pytest.mark.parametrize("columns", ["id BIGINT; d DATE", "id BIGINT; f FLOAT", "id JSON; x UUID"])
def test_other_types_are_read_as_ever(bench: Bench, columns: str) -> None:
    values = {"d": "2020-01-01", "f": 0.1, "x": "5b8f2c0e-0000-4000-8000-000000000000"}
    name = columns.split("; ")[1].split(maxsplit=1)[0]
    body = json.dumps([{"id": 1, name: values[name]}])
    for _ in range(2):
        rows = bench.read(body, DataFormat.JSON, columns)
        assert rows.values is None
        assert rows.row_count == 1


def test_a_body_in_pieces_is_read_as_ever(bench: Bench) -> None:
    learn(bench, DataFormat.JSON)
    body = json.dumps([PLAIN]).encode()
    rows = bench.read([body[:10], body[10:]], DataFormat.JSON, COLUMNS)
    assert rows.values is None
    assert rows.row_count == 1
