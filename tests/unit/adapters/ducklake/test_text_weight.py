"""Nested values as text: the engine's work with them is bounded."""

import time
from collections.abc import Iterator

import duckdb
import pytest

from adapters.ducklake.results.columns import SelectedColumn
from adapters.ducklake.results.encoders import encoder_for
from domain.errors import TooLargeError
from domain.formats import DataFormat
from domain.queries import ResultEncoding

TEXTS = [DataFormat.JSON, DataFormat.NDJSON, DataFormat.CSV]
AT_MOST_S = 15.0

LISTS = ("[", "]")
STRUCTS = ("{'a':", "}")
MAPS = ("MAP {'a':", "}")
BOTH = ("[{'a':", "}]")


@pytest.fixture
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as connection:
        yield connection


def nested(marks: tuple[str, str], levels: int) -> str:
    return marks[0] * levels + "1" + marks[1] * levels


def columns_of(engine: duckdb.DuckDBPyConnection, values: list[str]) -> list[SelectedColumn]:
    engine.execute(f"SELECT {', '.join(values)}")
    return [
        SelectedColumn(f"c{number}", column[1], f"column_{number}")
        for number, column in enumerate(engine.description or [])
    ]


@pytest.mark.parametrize("data_format", TEXTS)
@pytest.mark.parametrize(
    "value", [nested(LISTS, 12), nested(MAPS, 12), nested(BOTH, 12), nested(STRUCTS, 31)]
)
def test_what_is_let_through_is_written_soon(
    engine: duckdb.DuckDBPyConnection, value: str, data_format: DataFormat
) -> None:
    columns = columns_of(engine, [value])
    selected = encoder_for(ResultEncoding(data_format), columns).select_list()
    began = time.monotonic()

    (row,) = engine.execute(f"SELECT {selected} FROM (SELECT {value}) r(column_0)").fetchall()

    assert time.monotonic() - began < AT_MOST_S
    assert row[0].count("1") == 1


@pytest.mark.parametrize("data_format", TEXTS)
@pytest.mark.parametrize(
    "values",
    [
        [nested(LISTS, 20)],
        [nested(MAPS, 20)],
        [nested(BOTH, 20)],
        [nested(STRUCTS, 40)],
        [nested(LISTS, 12)] * 20,
    ],
)
def test_deeper_is_refused(
    engine: duckdb.DuckDBPyConnection, values: list[str], data_format: DataFormat
) -> None:
    columns = columns_of(engine, values)

    with pytest.raises(TooLargeError, match="too deep to be written as JSON or CSV"):
        encoder_for(ResultEncoding(data_format), columns)


@pytest.mark.parametrize("data_format", [DataFormat.ARROW, DataFormat.PARQUET])
def test_arrow_and_parquet_carry_it(
    engine: duckdb.DuckDBPyConnection, data_format: DataFormat
) -> None:
    columns = columns_of(engine, [nested(LISTS, 20), nested(STRUCTS, 40)])

    assert encoder_for(ResultEncoding(data_format), columns).select_list()


def test_many_plain_columns_are_no_weight(engine: duckdb.DuckDBPyConnection) -> None:
    (column,) = columns_of(engine, ["1"])

    assert encoder_for(ResultEncoding(DataFormat.JSON), [column] * 10_000).select_list()


def test_lists_of_nothing(engine: duckdb.DuckDBPyConnection) -> None:
    value = "[[], NULL, [NULL], [1, NULL, 2]]"
    columns = columns_of(
        engine, [value, "NULL::INTEGER[]", "MAP {}", "NULL::MAP(INTEGER, INTEGER)"]
    )
    selected = encoder_for(ResultEncoding(DataFormat.NDJSON), columns).select_list()
    source = f"SELECT {value}, NULL::INTEGER[], MAP {{}}, NULL::MAP(INTEGER, INTEGER)"

    (row,) = engine.execute(
        f"SELECT {selected} FROM ({source}) r(column_0, column_1, column_2, column_3)"
    ).fetchall()

    assert row[0] == '{"c0":[[],null,[null],[1,null,2]],"c1":null,"c2":{},"c3":null}\n'
