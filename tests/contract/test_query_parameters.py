"""The query port: parameters whose values do not fit are named, and no others."""

from __future__ import annotations

from contextlib import closing

import pytest

from domain.derived_tables import DerivedTable
from domain.errors import InvalidParametersError, InvalidSqlError, InvalidValueError
from domain.formats import DataFormat
from domain.ports.queries import QueryPort
from domain.ports.tables import TablePort
from domain.queries import Parameters, Query, ResultEncoding
from domain.tables import IfExists, TableName
from tests.contract.lakes import on_lakes_that_run_sql
from tests.contract.query_cases import ask
from tests.contract.table_cases import append, column, create, write
from tests.fakes.rows import FakeRows

pytestmark = on_lakes_that_run_sql

COLUMNS = (
    column("id", "INTEGER"),
    column("label", "VARCHAR"),
    column("day", "DATE"),
    column("price", "DECIMAL(9,2)"),
)
NDJSON = ResultEncoding(DataFormat.NDJSON)


@pytest.fixture
def filled(tables: TablePort, name: TableName) -> TableName:
    """A table whose labels are what many a type cannot hold."""
    create(tables, name, *COLUMNS)
    labels = ("zz", "2020-13-13", "1000", "5x", "{", "abc")
    nothing = (None,) * len(labels)
    ids = tuple(range(1, 1 + len(labels)))
    values = {"id": ids, "label": labels, "day": nothing, "price": nothing}
    append(tables, name, FakeRows.of(COLUMNS, values))
    return name


@pytest.mark.parametrize(
    "sql, parameters, named",
    [
        ("FROM t WHERE id = ?", ["zz"], "1"),
        ("FROM t WHERE id = ? AND id = ?", [1, "zz"], "2"),
        ("FROM t WHERE id = $wanted", {"wanted": "zz"}, "wanted"),
        ("FROM t WHERE label = $a AND id = $b", {"a": "zz", "b": "zz"}, "b"),
        ("FROM t WHERE day = ?", ["2020-13-13"], "1"),
        ("FROM t WHERE day < ?", ["31 January"], "1"),
        ("FROM t WHERE price > ?", ["much"], "1"),
        ("FROM t WHERE id BETWEEN ? AND ?", [1, "it's\n\"{'a"], "2"),
        ("FROM t LIMIT ?", ["zz"], "1"),
        ("FROM t OFFSET ?", ["zz"], "1"),
        ("FROM t LIMIT ?", [-1], "1"),
        ("FROM t WHERE ?", ["zz"], "1"),
        ("SELECT id + ? FROM t", ["zz"], "1"),
        ("SELECT id + ?, id + ? FROM t", ["zz", "zz"], "1"),
        ("SELECT label LIKE ? FROM t", [1], "1"),
        ("SELECT upper($a), lower($b)", {"a": "x", "b": 1}, "b"),
        ("SELECT id FROM t WHERE label LIKE ? AND id = ?", ["z%", "zz"], "2"),
        ("SELECT substr(label, ?) FROM t", ["zz"], "1"),
        ("SELECT round(price, ?) FROM t", ["zz"], "1"),
        ("SELECT date_trunc(?, day) FROM t", ["zz"], "1"),
        ("SELECT day = ? FROM t", [5], "1"),
        ("SELECT CAST(? AS DATE)", [5.5], "1"),
        ("SELECT CAST(? AS DATE)", [True], "1"),
        ("SELECT CAST($d AS DATE)", {"d": "31 January"}, "d"),
        ("SELECT CAST(? AS TIMESTAMP)", ["2020-13-13"], "1"),
        ("SELECT CAST(? AS TIME)", ["25:00"], "1"),
        ("SELECT CAST(? AS INTERVAL)", ["zz"], "1"),
        ("SELECT CAST(? AS UUID)", ["zz"], "1"),
        ("SELECT CAST(? AS BLOB)", ["\\xzz"], "1"),
        ("SELECT CAST(? AS JSON)", ["{"], "1"),
        ("SELECT ?::INTEGER FROM t", ["zz"], "1"),
        ("SELECT ?::INTEGER", [2**31], "1"),
        ("SELECT ?::INTEGER", [2**63], "1"),
        ("SELECT ?::INTEGER", [-(2**100)], "1"),
        ("SELECT ?::INTEGER", [2**128 - 1], "1"),
        ("SELECT ?::INTEGER", [1e300], "1"),
        ("SELECT ?::TINYINT", [128], "1"),
        ("SELECT ?::TINYINT", [2**31 - 1], "1"),
        ("SELECT ?::UINTEGER", [-1], "1"),
        ("SELECT ?::DECIMAL(4, 2)", [123456], "1"),
        ("SELECT ?::DECIMAL(4, 2)", [12345.5], "1"),
        ("SELECT ?::DECIMAL(4, 2)", ["12345.5"], "1"),
        ("SELECT ?::INTEGER[]", ["zz"], "1"),
        ("SELECT ?::INTEGER[]", ["[1, zz]"], "1"),
        ("SELECT ?::ENUM('a')", ["zz"], "1"),
        ("SELECT CASE WHEN label = 'zz' THEN ?::INTEGER END FROM t", ["zz"], "1"),
        ("SELECT TRY_CAST(? AS INTEGER), ?::DATE", ["zz", "zz"], "2"),
        ("EXPLAIN SELECT id + ? FROM t", ["zz"], "1"),
        ("FROM range(?)", ["zz"], "1"),
    ],
)
def test_a_value_that_does_not_fit_is_named(
    queries: QueryPort, filled: TableName, sql: str, parameters: Parameters, named: str
) -> None:
    with pytest.raises(InvalidParametersError, match=rf"\${named}\b") as raised:
        ask(queries, sql, parameters, table=filled)
    assert raised.value.parameter == named


@pytest.mark.parametrize(
    "sql, parameters",
    [
        # A row's label is what cannot be cast.
        ("SELECT label::INTEGER FROM t WHERE label = ?", ["zz"]),
        ("SELECT label::INTEGER FROM t WHERE label >= ?", ["zz"]),
        ("SELECT label::INTEGER FROM t WHERE label IN (?, ?)", ["zz", "abc"]),
        ("SELECT label::DATE FROM t WHERE label = ?", ["2020-13-13"]),
        ("SELECT label::TINYINT FROM t WHERE label::VARCHAR = ?", ["1000"]),
        ("SELECT (id * 1000)::TINYINT FROM t WHERE id * 1000 = ?", [1000]),
        ("SELECT (id * 1000)::TINYINT FROM t WHERE id * 1000 >= ?", [1000]),
        ("FROM t WHERE label = ? AND id = label", ["5x"]),
        ("FROM t WHERE id = label AND id = ?", ["5"]),
        ("SELECT label::JSON FROM t WHERE label = ?", ["{"]),
        ("SELECT concat(label, ?)::INTEGER FROM t WHERE label = 'abc'", ["1"]),
        # So is what the statement itself holds.
        ("SELECT 'zz'::INTEGER WHERE 'zz' = ?", ["zz"]),
        ("SELECT CASE WHEN ? = 'zz' THEN 'zz'::INTEGER END FROM t", ["zz"]),
        # Not the value by itself: the sum, or the day.
        ("SELECT 9223372036854775807 + ?", [1]),
        ("SELECT make_date(?, 13, 1)", [2020]),
    ],
)
def test_what_is_not_proven_to_be_a_parameters_is_not_said(
    queries: QueryPort, filled: TableName, sql: str, parameters: Parameters
) -> None:
    with pytest.raises(InvalidValueError) as raised:
        ask(queries, sql, parameters, table=filled)
    assert "$" not in raised.value.detail


@pytest.mark.parametrize(
    "sql, parameters, at",
    [
        ("SELECT nope, ? FROM t", [1], "nope"),
        ("SELECT upper(id), ? FROM t", ["zz"], "upper"),
        ("SELECT id - label, ? FROM t", ["zz"], "-"),
        # Either could be of another type.
        ("SELECT ? + ? FROM t", ["zz", "1"], "+"),
        ("SELECT ? FORM t", [1], "t"),
    ],
)
def test_wrong_sql_is_not_a_parameters_fault(
    queries: QueryPort, filled: TableName, sql: str, parameters: Parameters, at: str
) -> None:
    with pytest.raises(InvalidSqlError) as raised:
        ask(queries, sql, parameters, table=filled)
    assert raised.value.position == sql.index(at)


def test_the_place_in_the_sql_is_told_where_it_is_known(
    queries: QueryPort, filled: TableName
) -> None:
    sql = "SELECT '雪🦆', upper(?) FROM t"
    with pytest.raises(InvalidParametersError) as raised:
        ask(queries, sql, [1], table=filled)
    assert raised.value.position == sql.index("upper")


def test_the_first_of_very_many_is_found(queries: QueryPort, filled: TableName) -> None:
    sql = f"SELECT {', '.join(['lower(?)'] * 200)} FROM t"
    values: list[str | int] = ["x"] * 200
    values[157] = values[180] = 7
    with pytest.raises(InvalidParametersError) as raised:
        ask(queries, sql, values, table=filled)
    assert raised.value.parameter == "158"


def test_it_is_named_also_after_rows_were_answered(queries: QueryPort) -> None:
    sql = "SELECT CASE WHEN i < 100000 THEN i ELSE ?::INTEGER END FROM range(200000) r(i)"
    result = queries.open(Query(sql, parameters=["zz"]), NDJSON)
    with closing(result), pytest.raises(InvalidParametersError) as raised:
        for _ in result:
            pass
    assert raised.value.parameter == "1"


def test_what_takes_long_is_not_run_to_the_end_again(queries: QueryPort) -> None:
    # Half a second each time: it is told, be it with the parameter or without.
    sql = "SELECT sum(hash(i)) > 0 AND ?::INTEGER > 0 FROM range(20000000) r(i)"
    with pytest.raises((InvalidValueError, InvalidParametersError), match="'zz'"):
        ask(queries, sql, ["zz"])


def test_a_plan_names_it(queries: QueryPort, filled: TableName) -> None:
    with pytest.raises(InvalidParametersError) as raised:
        queries.plan(Query("SELECT id + ? FROM t", filled, ["zz"]))
    assert raised.value.parameter == "1"


def test_a_divided_result_names_it(queries: QueryPort) -> None:
    query = Query("SELECT 1 AS n, ?::INTEGER AS k", parameters=["zz"])
    result = queries.open_partitioned(query, NDJSON, ["k"])
    with closing(result), pytest.raises(InvalidParametersError) as raised:
        result.partitions()
    assert raised.value.parameter == "1"


@pytest.mark.parametrize("sql", ["SELECT $n::INTEGER AS n", "SELECT id + $n AS n FROM t"])
def test_a_table_that_is_made_names_it(tables: TablePort, filled: TableName, sql: str) -> None:
    made = TableName(filled.namespace, "made")
    wanted = DerivedTable(made, Query(sql, filled, {"n": "zz"}))
    with pytest.raises(InvalidParametersError) as raised:
        tables.create_from(wanted, IfExists.ERROR, write(made, "create"))
    assert raised.value.parameter == "n"
