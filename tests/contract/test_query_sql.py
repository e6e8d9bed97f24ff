"""The query port: SQL, its parameters, its errors, and stopping it."""

from __future__ import annotations

import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from domain.errors import (
    InvalidParametersError,
    InvalidSqlError,
    InvalidValueError,
    LakehouseError,
    QueryCancelledError,
    TableNotFoundError,
)
from domain.formats import DataFormat
from domain.ports.queries import QueryPort
from domain.ports.tables import TablePort
from domain.queries import Parameters, Query, ResultColumn, ResultEncoding, Value
from domain.tables import TableName
from tests.contract.lakes import OpenedLake, on_lakes_that_run_sql
from tests.contract.query_cases import FORMAT_CASES, FormatCase, ask, read
from tests.contract.table_cases import append, create, some_rows

pytestmark = on_lakes_that_run_sql

NDJSON = ResultEncoding(DataFormat.NDJSON)
ENDLESS = "SELECT sum(hash(i)) AS s FROM range(1000000000000) r(i)"
STOPS_WITHIN_S = 5.0


@pytest.fixture
def filled(tables: TablePort, name: TableName) -> TableName:
    """A table of five rows."""
    create(tables, name)
    append(tables, name, some_rows(5))
    return name


# -- what is asked -------------------------------------------------------------------------


def test_a_question_to_a_table_finds_its_neighbours(
    tables: TablePort, queries: QueryPort, filled: TableName
) -> None:
    other = TableName(filled.namespace, "other")
    create(tables, other)
    append(tables, other, some_rows(3))

    answer = ask(queries, "SELECT count(*) AS n FROM T JOIN other USING (id)", table=filled)

    assert answer.value == 3
    assert set(answer.result.tables) == {filled, other}


def test_a_question_to_the_lake_names_namespaces(queries: QueryPort, filled: TableName) -> None:
    for named in (str(filled), f"lake.{filled}", f'"{filled.namespace.upper()}"."T"'):
        answer = ask(queries, f"SELECT max(id) FROM {named}")
        assert answer.value == 4
        assert answer.result.tables == (filled,)


def test_a_question_to_no_table_at_all(queries: QueryPort) -> None:
    answer = ask(queries, "SELECT 1 + 1 AS two")

    assert answer.rows == [{"two": 2}]
    assert answer.result.columns == (ResultColumn("two", "INTEGER"),)
    assert answer.result.tables == ()


def test_a_table_that_a_question_is_put_to_must_be_there(
    queries: QueryPort, name: TableName
) -> None:
    with pytest.raises(TableNotFoundError):
        ask(queries, "SELECT 1", table=name)


def test_a_result_sees_the_newest_snapshot(
    tables: TablePort, queries: QueryPort, filled: TableName
) -> None:
    for total in (6, 7, 8):
        outcome = append(tables, filled, some_rows(1, first=total))
        answer = ask(queries, "SELECT count(*) FROM t", table=filled)
        assert answer.value == total
        assert answer.result.snapshot_id == outcome.snapshot_id


def test_the_past_of_a_table(tables: TablePort, queries: QueryPort, filled: TableName) -> None:
    before = tables.describe(filled).snapshot_id
    append(tables, filled, some_rows(10))

    sql = f"SELECT count(*) FROM t AT (VERSION => {before})"

    assert ask(queries, sql, table=filled).value == 5


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT id FROM t ORDER BY id DESC;",
        "  select id from t order by id desc  -- a comment",
        "/* a comment */ FROM t SELECT id ORDER BY id DESC",
        "WITH x AS (SELECT * FROM t) SELECT id FROM x ORDER BY id DESC",
        "WITH RECURSIVE x(id) AS (SELECT 4 UNION ALL SELECT id - 1 FROM x WHERE id > 0) FROM x",
        "SELECT id FROM t WHERE id < 0 UNION ALL SELECT id FROM t ORDER BY id DESC",
        "SELECT id FROM (SELECT * FROM t) q WHERE EXISTS (SELECT 1 FROM t) ORDER BY ALL DESC",
        "VALUES (4), (3), (2), (1), (0)",
        "SELECT unnest([4, 3, 2, 1, 0])",
        "SELECT 4 - i FROM range(5) r(i) ORDER BY 1 DESC",
        "SELECT id FROM t QUALIFY row_number() OVER (ORDER BY id) > 0 ORDER BY id DESC",
        "PIVOT (SELECT id, 1 AS k FROM t) ON k IN (1) USING max(id) GROUP BY id ORDER BY id DESC",
    ],
)
def test_selects_of_every_kind(queries: QueryPort, filled: TableName, sql: str) -> None:
    rows = ask(queries, sql, table=filled).rows

    assert [next(iter(row.values())) for row in rows] == [4, 3, 2, 1, 0]


@pytest.mark.parametrize("sql", ["DESCRIBE t", "DESCRIBE SELECT * FROM t", "SUMMARIZE t", "SHOW t"])
def test_describing_is_selecting(queries: QueryPort, filled: TableName, sql: str) -> None:
    rows = ask(queries, sql, table=filled).rows

    assert [row["column_name"] for row in rows] == ["id", "label"]


def test_order_is_kept(queries: QueryPort) -> None:
    sql = "SELECT i FROM range(200000) r(i) ORDER BY i DESC"

    rows = ask(queries, sql).rows

    assert [row["i"] for row in rows] == list(range(200_000))[::-1]


@pytest.mark.parametrize(
    "row_limit, rows, truncated",
    [(None, 3, False), (0, 0, True), (2, 2, True), (3, 3, False), (4, 3, False)],
)
def test_row_limit(queries: QueryPort, row_limit: int | None, rows: int, truncated: bool) -> None:
    answer = ask(queries, "SELECT * FROM range(3)", row_limit=row_limit)

    assert len(answer.rows) == answer.result.row_count == rows
    assert answer.result.truncated is truncated


def test_a_row_limit_ends_an_endless_query(queries: QueryPort) -> None:
    answer = ask(queries, "SELECT i FROM range(1000000000000) r(i)", row_limit=3)

    assert [row["i"] for row in answer.rows] == [0, 1, 2]
    assert answer.result.truncated


@pytest.mark.parametrize("case", FORMAT_CASES, ids=lambda case: case.format)
def test_two_columns_of_one_name(queries: QueryPort, case: FormatCase) -> None:
    query = Query("SELECT 1 AS a, 2 AS a, 3 AS b, 4 AS a")

    answer = read(queries, query, ResultEncoding(case.format))

    assert [column.name for column in answer.result.columns] == ["a", "a_1", "b", "a_2"]
    names, rows = case.read(answer.body)
    assert names == ["a", "a_1", "b", "a_2"]
    assert [[int(value) for value in row] for row in rows] == [[1, 2, 3, 4]]


def test_names_made_unique_meet_no_other_name(queries: QueryPort) -> None:
    answer = ask(queries, 'SELECT 1 AS a, 2 AS a, 3 AS a_1, 4 AS "A", 5 AS a_1')

    names = [column.name for column in answer.result.columns]
    assert len({name.casefold() for name in names}) == 5
    assert [list(row.values()) for row in answer.rows] == [[1, 2, 3, 4, 5]]


def test_columns_of_any_name(queries: QueryPort) -> None:
    names = ["a b", 'q"q', "it's", "雪", "", "x" * 200, "a,b", "l1\nl2", "\\"]
    quoted = ", ".join(
        f'{place} AS "{name.replace(chr(34), chr(34) * 2)}"'
        for place, name in enumerate(names)
        if name
    )

    for case in FORMAT_CASES:
        body = read(queries, Query(f"SELECT {quoted}"), ResultEncoding(case.format)).body
        found, rows = case.read(body)
        assert found == [name for name in names if name]
        assert len(rows) == 1


# -- parameters ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sql, parameters",
    [
        ("SELECT id FROM t WHERE id = ? AND label = ?", (3, "row 3")),
        ("SELECT id FROM t WHERE id = $1 AND label = $2", (3, "row 3")),
        ("SELECT id FROM t WHERE label = $2 AND id = $1", (3, "row 3")),
        ("SELECT id FROM t WHERE id = $1 AND id = $1", (3,)),
        ("SELECT id FROM t WHERE id = $n AND label = $l", {"n": 3, "l": "row 3"}),
        ("SELECT id FROM t WHERE label = $l AND $l = label", {"l": "row 3"}),
        ("SELECT id FROM t ORDER BY id LIMIT ? OFFSET ?", (1, 3)),
        ("SELECT CAST(? AS INTEGER) AS id", ("3",)),
    ],
)
def test_parameters(
    queries: QueryPort, filled: TableName, sql: str, parameters: Parameters
) -> None:
    assert ask(queries, sql, parameters, table=filled).rows == [{"id": 3}]


@pytest.mark.parametrize(
    "value",
    [
        *(True, False, 0, -1, 2**31, 2**63 - 1, -(2**63), 2**64 - 1, 2**100),
        *("", "it's", '"', "雪 🦆", "; DROP TABLE t; --", "$1 ? :x", None),
    ],
)
def test_values_come_back_as_they_are(queries: QueryPort, value: Value) -> None:
    assert ask(queries, "SELECT ? AS v", (value,)).value == value
    assert ask(queries, "SELECT $v AS v", {"v": value}).value == value


@pytest.mark.parametrize("value", [0.1, -1e300, 5e-324])
def test_floats_come_back_as_they_are(queries: QueryPort, value: float) -> None:
    assert float(ask(queries, "SELECT ? AS v", (value,)).value) == value


def test_floats_that_json_has_not(queries: QueryPort) -> None:
    sql = "SELECT ? AS nan, ? AS inf, ? AS minus"

    (row,) = ask(queries, sql, (math.nan, math.inf, -math.inf)).rows

    assert row == {"nan": "NaN", "inf": "Infinity", "minus": "-Infinity"}


@pytest.mark.parametrize(
    "sql, parameters, named",
    [
        ("SELECT ?", (), "1"),
        ("SELECT ?, ?", (1,), "2"),
        ("SELECT ?", (1, 2), "2"),
        ("SELECT 1", (1,), "1"),
        ("SELECT $a", (), "a"),
        ("SELECT $a", {}, "a"),
        ("SELECT $a", {"b": 1}, "a"),
        ("SELECT $a", {"a": 1, "b": 2}, "b"),
        ("SELECT 1", {"a": 1}, "a"),
        ("SELECT ?", {"a": 1}, "1"),
        ("SELECT ?, ?, ?", (), "1"),
        ("SELECT $2", (1,), "2"),
    ],
)
def test_parameters_that_do_not_fit(
    queries: QueryPort, sql: str, parameters: Parameters, named: str
) -> None:
    with pytest.raises(InvalidParametersError, match=rf"\${named}\b") as raised:
        ask(queries, sql, parameters)
    assert raised.value.parameter == named


# -- errors --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sql, at",
    [
        ("SELEC 1", "SELEC"),
        ("SELECT 1 FORM t", "t"),
        ("SELECT nope FROM t", "nope"),
        ("SELECT id,\n  nope\nFROM t", "nope"),
        ("SELECT '雪🦆', nope FROM t", "nope"),
        ("SELECT id FROM nope", "nope"),
        ("SELECT id FROM nope.nope", "nope.nope"),
        ("SELECT nope(id) FROM t", "nope"),
        ("SELECT id FROM t WHERE label = lable", "lable"),
    ],
)
def test_wrong_sql_says_where(queries: QueryPort, filled: TableName, sql: str, at: str) -> None:
    with pytest.raises(InvalidSqlError) as raised:
        ask(queries, sql, table=filled)

    assert raised.value.position == sql.index(at)
    assert "LINE" not in raised.value.detail


@pytest.mark.parametrize("sql", ["SELECT", "SELECT (", "SELECT 'a", "-- nothing", ";", "/* */"])
def test_sql_that_is_cut_off(queries: QueryPort, sql: str) -> None:
    with pytest.raises(InvalidSqlError):
        ask(queries, sql)


def test_a_hint_names_what_may_be_meant(queries: QueryPort, filled: TableName) -> None:
    with pytest.raises(InvalidSqlError, match="label"):
        ask(queries, "SELECT lable FROM t", table=filled)


@pytest.mark.parametrize("sql", ["FROM pg_enums", "FROM ducklake_snapshots", "SELECT versio()"])
def test_no_hint_names_what_is_refused(queries: QueryPort, sql: str) -> None:
    with pytest.raises(InvalidSqlError) as raised:
        ask(queries, sql)
    assert "Did you mean" not in raised.value.detail


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT {}",
        'FROM "{}"',
        "SELECT '{}'::INTEGER",
        "SELECT error('{}')",
        "SELECT strptime('{}', '%Y')",
        "SELECT pg_sleep({})",
        "FROM '{}.csv'",
        "FROM 's3://{}'",
        "SELECT 1 {} FROM",
    ],
)
def test_what_is_told_is_bounded(queries: QueryPort, sql: str) -> None:
    with pytest.raises(LakehouseError) as raised:
        ask(queries, sql.replace("{}", "x" * 100_000))
    assert len(raised.value.detail) < 2_100


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT CAST('x' AS INTEGER)",
        "SELECT CAST(label AS INTEGER) FROM t",
        "SELECT CAST(id + 1000 AS TINYINT) FROM t",
        "SELECT CAST(9223372036854775807 AS BIGINT) + id FROM t",
        "SELECT strptime(label, '%Y') FROM t",
        "SELECT error('stop') FROM t",
    ],
)
def test_values_that_cannot_be_worked_with(queries: QueryPort, filled: TableName, sql: str) -> None:
    with pytest.raises(InvalidValueError):
        ask(queries, sql, table=filled)


def test_an_engine_goes_on_after_errors(queries: QueryPort, filled: TableName) -> None:
    for sql in ("SELEC 1", "SELECT nope", "SELECT CAST(label AS INTEGER) FROM t"):
        with pytest.raises(LakehouseError):
            ask(queries, sql, table=filled)
        assert ask(queries, "SELECT count(*) FROM t", table=filled).value == 5


# -- streaming and stopping ----------------------------------------------------------------


def test_rows_come_while_the_query_runs(queries: QueryPort) -> None:
    sql = "SELECT i, hash(i) AS h FROM range(1000000000000) r(i)"
    with closing(queries.open(Query(sql), NDJSON)) as result:
        first = next(iter(result))

    assert first.startswith(b'{"i":0,')


def test_closing_before_the_end_stops_the_query(queries: QueryPort) -> None:
    for case in FORMAT_CASES:
        query = Query("SELECT i FROM range(1000000000000) r(i)")
        result = queries.open(query, ResultEncoding(case.format))
        chunks = iter(result)
        next(chunks)
        began = time.monotonic()
        result.close()
        assert time.monotonic() - began < STOPS_WITHIN_S
        with pytest.raises(QueryCancelledError):
            list(chunks)


@pytest.mark.parametrize("runs_for_s", [0.0, 0.01, 0.5])
def test_closing_from_another_thread_stops_the_query(queries: QueryPort, runs_for_s: float) -> None:
    result = queries.open(Query(ENDLESS), NDJSON)
    began = threading.Event()

    def reading() -> None:
        began.set()
        list(result)

    with ThreadPoolExecutor(1) as pool:
        reader = pool.submit(reading)
        began.wait()
        # Not for luck: it must stop whether or not it got to work in this time.
        time.sleep(runs_for_s)
        assert not reader.done()
        closing_began = time.monotonic()
        result.close()
        with pytest.raises(QueryCancelledError):
            reader.result(timeout=STOPS_WITHIN_S)
        assert time.monotonic() - closing_began < STOPS_WITHIN_S


def test_closing_from_many_threads_at_once(queries: QueryPort) -> None:
    result = queries.open(Query(ENDLESS), NDJSON)
    with ThreadPoolExecutor(9) as pool:
        reader = pool.submit(lambda: list(result))
        closers = [pool.submit(result.close) for _ in range(8)]
        for closer in closers:
            closer.result(timeout=STOPS_WITHIN_S)
        with pytest.raises(QueryCancelledError):
            reader.result(timeout=STOPS_WITHIN_S)


def test_stopping_one_query_leaves_others_alone(queries: QueryPort, filled: TableName) -> None:
    sql = "SELECT sum(hash(i) % 7) AS s FROM range(20000000) r(i)"
    with ThreadPoolExecutor(2) as pool:
        other = pool.submit(lambda: ask(queries, sql).value)
        stopped = queries.open(Query(ENDLESS), NDJSON)
        reader = pool.submit(lambda: list(stopped))
        stopped.close()
        with pytest.raises(QueryCancelledError):
            reader.result(timeout=STOPS_WITHIN_S)
        assert other.result(timeout=60) > 0


def test_many_questions_at_once_get_their_own_answers(
    queries: QueryPort, filled: TableName
) -> None:
    def work(number: int) -> list[int]:
        sql = "SELECT id + ? AS v FROM t ORDER BY id"
        return [row["v"] for row in ask(queries, sql, (number * 100,), table=filled).rows]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(work, range(64)))

    assert answers == [[number * 100 + i for i in range(5)] for number in range(64)]


# -- views ---------------------------------------------------------------------------------


def test_a_view_of_another_client(lake: OpenedLake, queries: QueryPort, filled: TableName) -> None:
    lake.as_another_client(
        f"CREATE VIEW lake.{filled.namespace}.v AS SELECT id FROM lake.{filled} WHERE id > 2"
    )

    answer = ask(queries, "SELECT count(*) FROM v", table=filled)

    assert answer.value == 2
    assert answer.result.tables == (filled,)
