"""The query port: what every engine answers, with SQL or without."""

from __future__ import annotations

from contextlib import closing
from decimal import Decimal

import pytest

from domain.errors import TableNotFoundError, UnsupportedOperationError
from domain.formats import DataFormat
from domain.ports.queries import QueryPort
from domain.ports.tables import TablePort
from domain.queries import Query, ResultColumn, ResultEncoding
from domain.tables import IfExists, TableName
from tests.contract.lakes import LAKES, OpenedLake
from tests.contract.query_cases import FORMAT_CASES, FormatCase, read
from tests.contract.table_cases import ID, append, column, create, some_rows
from tests.contract.values import VALUE_CASES, ValueCase
from tests.fakes.rows import FakeRows

NDJSON = ResultEncoding(DataFormat.NDJSON)


@pytest.fixture
def filled(tables: TablePort, name: TableName) -> TableName:
    """A table of five rows."""
    create(tables, name)
    append(tables, name, some_rows(5))
    return name


def test_columns_and_their_types(tables: TablePort, queries: QueryPort, name: TableName) -> None:
    types = ("BIGINT", "DECIMAL(9,2)", "TIMESTAMP WITH TIME ZONE", "STRUCT(a INTEGER)[]", "BLOB")
    create(tables, name, *(column(f"c {type_}", type_) for type_ in types))

    with closing(queries.open(Query(table=name), NDJSON)) as result:
        assert result.columns == tuple(ResultColumn(f"c {type_}", type_) for type_ in types)


def test_a_result_names_its_snapshot_and_its_table(
    tables: TablePort, queries: QueryPort, filled: TableName
) -> None:
    other = create(tables, TableName(filled.namespace, "other"))

    answer = read(queries, Query(table=TableName(filled.namespace.upper(), "T")))

    # The lake's snapshot, which may be newer than the table's.
    assert answer.result.snapshot_id == other.snapshot_id
    assert answer.result.tables == (filled,)
    assert len(answer.rows) == 5


@pytest.mark.parametrize(
    "row_limit, rows, truncated",
    [(None, 5, False), (0, 0, True), (1, 1, True), (4, 4, True), (5, 5, False), (10**9, 5, False)],
)
@pytest.mark.parametrize("case", FORMAT_CASES, ids=lambda case: case.format)
def test_row_limit(
    queries: QueryPort,
    filled: TableName,
    case: FormatCase,
    row_limit: int | None,
    rows: int,
    truncated: bool,
) -> None:
    query = Query(table=filled, row_limit=row_limit)

    answer = read(queries, query, ResultEncoding(case.format))

    assert len(case.read(answer.body)[1]) == rows
    assert answer.result.row_count == rows
    assert answer.result.truncated is truncated


def test_no_row_of_no_row_is_left_out(
    tables: TablePort, queries: QueryPort, name: TableName
) -> None:
    create(tables, name)

    answer = read(queries, Query(table=name, row_limit=0))

    assert not answer.result.truncated


@pytest.mark.parametrize("case", FORMAT_CASES, ids=lambda case: case.format)
def test_every_format_can_be_read_by_others(
    tables: TablePort, queries: QueryPort, name: TableName, case: FormatCase
) -> None:
    columns = (ID, column("label", "VARCHAR"), column("price", "DOUBLE"))
    create(tables, name, *columns)
    labels = ["a", 'b "c"', "d,e\nf"]
    values = {"id": range(3), "label": labels, "price": (0.5, 1.25, None)}
    append(tables, name, FakeRows.of(columns, values))

    names, rows = case.read(read(queries, Query(table=name), ResultEncoding(case.format)).body)

    assert names == ["id", "label", "price"]
    if case.has_types:
        assert rows == [[0, labels[0], 0.5], [1, labels[1], 1.25], [2, labels[2], None]]
    else:
        assert rows == [["0", labels[0], "0.5"], ["1", labels[1], "1.25"], ["2", labels[2], ""]]


@pytest.mark.parametrize("case", FORMAT_CASES, ids=lambda case: case.format)
def test_a_table_without_rows(
    tables: TablePort, queries: QueryPort, name: TableName, case: FormatCase
) -> None:
    create(tables, name)

    answer = read(queries, Query(table=name), ResultEncoding(case.format))

    names, rows = case.read(answer.body)
    assert rows == []
    assert names in (None, ["id", "label"])
    assert answer.result.row_count == 0


@pytest.mark.parametrize(
    "case", [case for case in VALUE_CASES if case.wide], ids=lambda case: case.type
)
def test_wide_numbers_are_text_where_that_is_asked_for(
    lake: OpenedLake, tables: TablePort, queries: QueryPort, name: TableName, case: ValueCase
) -> None:
    if not lake.holds(case.type):
        return
    create(tables, name, case.column)
    append(tables, name, FakeRows.of((case.column,), {"c": case.carried}))
    encoding = ResultEncoding(DataFormat.NDJSON, wide_numbers_as_text=True)

    answer = read(queries, Query(table=name), encoding)

    assert [row["c"] for row in answer.rows] == [as_text(value) for value in case.written]


def as_text(value: object) -> object:
    """The value with all exact numbers in it as text."""
    if isinstance(value, list):
        return [as_text(each) for each in value]
    if isinstance(value, dict):
        return {key: each if key == "n" else as_text(each) for key, each in value.items()}
    return (
        value if value is None else format(value, "f") if isinstance(value, Decimal) else str(value)
    )


def test_narrow_numbers_stay_numbers(
    tables: TablePort, queries: QueryPort, name: TableName
) -> None:
    types = ("INTEGER", "UINTEGER", "DOUBLE", "FLOAT")
    columns = tuple(column(type_, type_) for type_ in types)
    create(tables, name, *columns)
    append(tables, name, FakeRows.of(columns, dict.fromkeys(types, (1,))))
    encoding = ResultEncoding(DataFormat.NDJSON, wide_numbers_as_text=True)

    (row,) = read(queries, Query(table=name), encoding).rows

    assert row == {"INTEGER": 1, "UINTEGER": 1, "DOUBLE": 1, "FLOAT": 1}


def test_a_table_that_is_not_there(queries: QueryPort, name: TableName) -> None:
    with pytest.raises(TableNotFoundError):
        queries.open(Query(table=name), NDJSON)


def test_a_result_sees_the_snapshot_at_which_it_was_opened(
    tables: TablePort, queries: QueryPort, filled: TableName
) -> None:
    with closing(queries.open(Query(table=filled), NDJSON)) as result:
        append(tables, filled, some_rows(200))
        create(tables, filled, column("other", "DATE"), if_exists=IfExists.REPLACE)
        body = b"".join(result)

    assert len(body.splitlines()) == 5


def test_closing_twice_and_before_reading(queries: QueryPort, filled: TableName) -> None:
    result = queries.open(Query(table=filled), NDJSON)
    result.close()
    result.close()

    assert len(read(queries, Query(table=filled)).rows) == 5


def test_closing_in_the_middle(queries: QueryPort, filled: TableName) -> None:
    for _ in range(20):
        result = queries.open(Query(table=filled), NDJSON)
        next(iter(result))
        result.close()

    assert len(read(queries, Query(table=filled)).rows) == 5


@pytest.mark.parametrize(
    "lake",
    [
        pytest.param(opener, id=opener.name, marks=opener.marks)
        for opener in LAKES
        if not opener.runs_sql
    ],
    indirect=True,
)
def test_an_engine_that_runs_no_sql_says_so(lake: OpenedLake, queries: QueryPort) -> None:
    with pytest.raises(UnsupportedOperationError):
        queries.open(Query("SELECT 1"), NDJSON)
