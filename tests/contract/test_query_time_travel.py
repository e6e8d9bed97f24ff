"""Statements over a past snapshot: all their tables move, and nothing else does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from domain.errors import (
    InvalidSqlError,
    SnapshotNotFoundError,
    TableNotFoundError,
)
from domain.queries import Query
from domain.tables import AtTimestamp, AtVersion, PointInTime, TableName
from tests.contract.lakes import OpenedLake, on_lakes_that_run_sql
from tests.contract.query_cases import Answer, read
from tests.contract.table_cases import column, create

pytestmark = on_lakes_that_run_sql


@dataclass(frozen=True, slots=True)
class Past:
    """A lake whose table `t` had the rows 1 and 2 at `then`, and has 10 and 20 more now."""

    lake: OpenedLake
    table: TableName
    then: int

    def ask(self, sql: str | None, at: PointInTime | None = None) -> Answer:
        return read(self.lake.queries, Query(sql, self.table, at=at or AtVersion(self.then)))

    def values(self, sql: str) -> list[object]:
        return sorted(next(iter(row.values())) for row in self.ask(sql).rows)


@pytest.fixture
def past(lake: OpenedLake, name: TableName) -> Past:
    create(lake.tables, name, column("a", "BIGINT"))
    lake.as_another_client(f"INSERT INTO lake.{name} VALUES (1), (2)")
    then = lake.tables.describe(name).snapshot_id
    lake.as_another_client(f"INSERT INTO lake.{name} VALUES (10), (20)")
    return Past(lake, name, then)


@pytest.mark.parametrize(
    "sql",
    [
        *("FROM t", "SELECT a FROM t x", "SELECT y FROM t AS x(y)", "TABLE t", "FROM {}"),
        *("FROM lake.{} AS x", 'SELECT "t".a FROM "t" -- t', "SELECT a/*t*/FROM t/*t*/x/*t*/"),
        *("FROM (FROM t)", "WITH t AS (SELECT a FROM t) FROM t", "WITH x AS (FROM t) FROM x"),
        *("SELECT x.a FROM t x JOIN t y USING (a)", "SELECT a FROM t NATURAL JOIN {} y"),
        *("SELECT a FROM t WHERE a IN (SELECT a FROM t)", "FROM t UNION FROM t", "(FROM t);"),
        *("SELECT x.a FROM t x, LATERAL (SELECT max(a) FROM t y WHERE y.a >= x.a)", "FROM t x;"),
        *("FROM t TABLESAMPLE 100%", "SELECT 'é', t.a AS t FROM t", "FROM t x TABLESAMPLE 100%"),
    ],
)
def test_each_table_moves(past: Past, sql: str) -> None:
    rows = past.ask(sql.replace("{}", str(past.table))).rows
    assert {row.get("a", row.get("y", row.get("t"))) for row in rows} == {1, 2}


@pytest.mark.parametrize(
    "sql, expected",
    [
        ("SELECT count(*) FROM t WHERE a > (SELECT min(a) FROM t)", 1),
        ("SELECT count(*) FROM (PIVOT t ON a USING count(*))", 1),
        ("SELECT count(*) FROM t, t x, {} y", 8),
        ("SELECT count FROM (SUMMARIZE t)", 2),
        ("SELECT count FROM (SUMMARIZE FROM t)", 2),
        ("SELECT count(*) FROM t, t y AT (VERSION => {now})", 8),
        (
            """WITH RECURSIVE r(a) AS (SELECT min(a) FROM t UNION SELECT a + 1 FROM r WHERE a < 5)
            SELECT count(*) FROM r, t""",
            10,
        ),
    ],
)
def test_tables_move_wherever_they_stand(past: Past, sql: str, expected: int) -> None:
    now = str(past.lake.tables.describe(past.table).snapshot_id)
    sql = sql.replace("{}", str(past.table)).replace("{now}", now)
    assert past.ask(sql).value == expected


@pytest.mark.parametrize("sql", ["PIVOT t ON a USING count(*)", "DESCRIBE t", "EXPLAIN FROM t"])
def test_statements_of_other_forms_move(past: Past, sql: str) -> None:
    assert past.ask(sql).rows


def test_a_pivot_makes_its_columns_of_the_past(past: Past) -> None:
    assert list(past.ask("PIVOT t ON a USING count(*)").rows[0]) == ["1", "2"]


def test_the_table_itself_moves(past: Past) -> None:
    answer = past.ask(None)
    assert answer.rows == [{"a": 1}, {"a": 2}]
    assert answer.result.snapshot_id == past.then


def test_a_time_names_the_newest_snapshot_before_it(past: Past) -> None:
    later = AtTimestamp(datetime.now(UTC) + timedelta(days=1))
    assert len(past.ask("FROM t", later).rows) == 4
    with pytest.raises(SnapshotNotFoundError):
        past.ask("FROM t", AtTimestamp(datetime(2000, 1, 1, tzinfo=UTC)))


def test_a_version_that_is_not_there_is_told(past: Past) -> None:
    for sql in ("FROM t", "SELECT 1"):
        with pytest.raises(SnapshotNotFoundError):
            past.ask(sql, AtVersion(10**9))


def test_a_table_that_was_not_there_is_told(past: Past) -> None:
    other = TableName(past.table.namespace, "newer")
    create(past.lake.tables, other, column("a", "BIGINT"))
    with pytest.raises(InvalidSqlError, match="newer") as raised:
        past.ask("SELECT 'é' FROM newer")
    assert raised.value.position == len("SELECT 'é' FROM ")
    with pytest.raises(TableNotFoundError):
        read(past.lake.queries, Query("FROM t", other, at=AtVersion(past.then)))


def test_errors_keep_their_places(past: Past) -> None:
    before = "SELECT 'é', (SELECT max(a) FROM t x), "
    with pytest.raises(InvalidSqlError) as raised:
        past.ask(f"{before}nosuch FROM t")
    assert raised.value.position == len(before)
    with pytest.raises(InvalidSqlError) as raised:
        past.ask("SELECT x.a FROM t x JOIN t y ON x.a = y.nosuch")
    assert raised.value.position == len("SELECT x.a FROM t x JOIN t y ON x.a = ")
