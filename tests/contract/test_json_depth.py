"""How deep JSON may be nested: what is taken is given back whole, and ends no process."""

from __future__ import annotations

import io
from collections.abc import Callable

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from domain.derived_tables import DerivedTable
from domain.errors import InvalidValueError, TooLargeError
from domain.formats import DataFormat
from domain.json_depth import MAX_JSON_DEPTH
from domain.object_rows import ObjectRows
from domain.ports.queries import QueryPort
from domain.ports.tables import TablePort
from domain.queries import Query, ResultEncoding
from domain.tables import IfExists, TableName
from tests.contract.held_bucket import HeldBucket
from tests.contract.lakes import on_lakes_that_run_sql
from tests.contract.query_cases import FORMAT_CASES, FormatCase, ask, read
from tests.contract.table_cases import append, column, create, write
from tests.fakes.rows import FakeRows

pytestmark = on_lakes_that_run_sql

COLUMNS = (column("j", "JSON"),)
VERY_DEEP = 50_000
"""So deep that the engine's own json_structure would end the process."""

OPENINGS = {"[": "]", '{"a":': "}", '[{"a":': "}]"}
each_opening = pytest.mark.parametrize("opening", OPENINGS)


def nested(opening: str, depth: int) -> str:
    count = depth // sum(map(opening.count, "[{"))
    return opening * count + "1" + OPENINGS[opening] * count


def parquet(value: str) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table({"j": [value]}), sink)
    return sink.getvalue()


def csv(value: str) -> bytes:
    quoted = value.replace('"', '""')
    return f'j\n"{quoted}"\n'.encode()


def ndjson(value: str) -> bytes:
    return f'{{"j": {value}}}\n'.encode()


def array(value: str) -> bytes:
    return f'[{{"j": {value}}}]'.encode()


OBJECTS: dict[str, Callable[[str], bytes]] = {
    "x.parquet": parquet,
    "x.csv": csv,
    "x.ndjson": ndjson,
    "x.json": array,
}


def load(tables: TablePort, name: TableName, place: str) -> int:
    return tables.load(name, ObjectRows.parse([place]), write(name, "load")).outcome.rows_appended


def made(tables: TablePort, name: TableName, value: str) -> None:
    """A table of one value that a statement casts."""
    query = Query("SELECT CAST(? AS JSON) AS j", parameters=[value])
    tables.create_from(DerivedTable(name, query), IfExists.ERROR, write(name, "create"))


# -- what is taken everywhere --------------------------------------------------------------


@each_opening
def test_what_every_way_in_takes_comes_back_whole(
    tables: TablePort, queries: QueryPort, name: TableName, held: HeldBucket, opening: str
) -> None:
    value = nested(opening, MAX_JSON_DEPTH)
    made(tables, name, value)
    append(tables, name, FakeRows.of(COLUMNS, {"j": [value]}))
    for file, content in OBJECTS.items():
        assert load(tables, name, held.put(file, content(value))) == 1

    told = read(queries, Query(table=name)).body.decode().splitlines()

    assert told == [f'{{"j":{value}}}'] * 6


@each_opening
@pytest.mark.parametrize("file", ["x.ndjson", "x.json"])
def test_what_is_read_level_by_level_is_refused_beyond_it(
    tables: TablePort,
    queries: QueryPort,
    name: TableName,
    held: HeldBucket,
    file: str,
    opening: str,
) -> None:
    create(tables, name, *COLUMNS)
    for depth in (2 * MAX_JSON_DEPTH + 10, VERY_DEEP):
        place = held.put(file, OBJECTS[file](nested(opening, depth)))
        for read_it in (
            lambda place=place: load(tables, name, place),
            lambda place=place: ask(queries, f"SELECT * FROM 's3://{place}'"),
        ):
            with pytest.raises(TooLargeError, match="A JSON value is nested at most 500 deep"):
                read_it()


# -- what no recursion is needed for -------------------------------------------------------


@each_opening
@pytest.mark.parametrize("file", ["x.parquet", "x.csv"])
@pytest.mark.parametrize("depth", [600, 1_000, 5_000, VERY_DEEP])
def test_text_has_no_bound(
    tables: TablePort,
    queries: QueryPort,
    name: TableName,
    held: HeldBucket,
    file: str,
    depth: int,
    opening: str,
) -> None:
    value = nested(opening, depth)
    create(tables, name, *COLUMNS)
    assert load(tables, name, held.put(file, OBJECTS[file](value))) == 1
    assert read(queries, Query(table=name)).body.decode() == f'{{"j":{value}}}\n'


@each_opening
@pytest.mark.parametrize("case", FORMAT_CASES, ids=lambda case: case.format.value)
def test_very_deep_values_are_written_in_every_format(
    tables: TablePort, queries: QueryPort, name: TableName, case: FormatCase, opening: str
) -> None:
    value = nested(opening, VERY_DEEP)
    made(tables, name, value)

    body = read(queries, Query(table=name), ResultEncoding(case.format)).body

    if case.format is DataFormat.CSV:
        assert body.decode().replace('""', '"').strip('j\r\n"') == value.strip('"')
    elif case.format in {DataFormat.JSON, DataFormat.NDJSON}:
        assert body.decode() == f'{{"j":{value}}}\n'
    else:
        assert case.read(body)[1] == [[value]]


@each_opening
@pytest.mark.parametrize(
    "call",
    [
        *("json_extract(j, '$.a')", "j->'a'", "j->>'a'", "json_extract(j, '$[*]')", "json_keys(j)"),
        *("json_valid(j)", "json_type(j)", "json_array_length(j)", "json_value(j, '$.a')"),
        *("json_exists(j, '$.a')", "json_quote(j)", "to_json(j)", "json_array(j)"),
        *("json_object('a', j)", "json_group_array(j)", "json_group_object('a', j)", "j = j"),
        *("CAST(j AS VARCHAR)", "TRY_CAST(j AS JSON[])", "TRY_CAST(j AS STRUCT(a JSON))"),
        *("TRY_CAST(j AS MAP(VARCHAR, JSON))", "TRY_CAST(j AS INTEGER[])", "TRY_CAST(j AS BIGINT)"),
        *("from_json(j, '[\"JSON\"]')", 'json_transform(j, \'{"a": "VARCHAR"}\')'),
        *("TRY_CAST(CAST(j AS VARCHAR) AS VARCHAR[])", "TRY_CAST(j AS VARCHAR[][][])"),
        *("TRY_CAST(CAST(j AS VARCHAR) AS STRUCT(a VARCHAR))", "min(j)", "hash(j)", "json(j)"),
        "(SELECT count(*) FROM json_each(j))",
    ],
)
def test_no_function_goes_down_into_very_deep_values(
    tables: TablePort, queries: QueryPort, name: TableName, opening: str, call: str
) -> None:
    made(tables, name, nested(opening, VERY_DEEP))
    assert ask(queries, f"SELECT ({call}) IS NULL AS n FROM (FROM {name})").rows


@each_opening
@pytest.mark.parametrize(
    "call",
    [
        *("json_structure(j)", "json_contains(j, '1')", "json_contains('1', j)"),
        *("json_merge_patch(j, j)", "json_merge_patch('{\"a\": 1}', j)"),
    ],
)
def test_functions_that_would_are_refused_them(
    tables: TablePort, queries: QueryPort, name: TableName, opening: str, call: str
) -> None:
    made(tables, name, nested(opening, VERY_DEEP))
    with pytest.raises(InvalidValueError, match="takes JSON of at most"):
        ask(queries, f"SELECT {call} FROM {name}")


@each_opening
@pytest.mark.parametrize("depth", [MAX_JSON_DEPTH, 1_000])
def test_and_take_what_every_way_in_takes(
    tables: TablePort, queries: QueryPort, name: TableName, opening: str, depth: int
) -> None:
    made(tables, name, nested(opening, depth))
    calls = "json_structure(j) IS NOT NULL, json_contains(j, '1'), json_merge_patch(j, j) = j"
    (row,) = ask(queries, f"SELECT {calls} FROM {name}").rows
    assert list(row.values()) == [True, True, True]
