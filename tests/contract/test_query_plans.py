"""The query port: what a query would do, without its being run."""

from __future__ import annotations

import pytest

from domain.errors import InvalidSqlError, StatementNotAllowedError, TableNotFoundError
from domain.ports.queries import QueryPort
from domain.ports.tables import TablePort
from domain.queries import Query, ResultColumn
from domain.tables import TableName
from tests.contract.lakes import OpenedLake, on_lakes_that_run_sql
from tests.contract.table_cases import append, create, some_rows

ROWS = 2000


@pytest.fixture
def filled(tables: TablePort, name: TableName) -> TableName:
    """A table whose rows are in files."""
    create(tables, name)
    append(tables, name, some_rows(ROWS))
    return name


def test_a_table_itself(tables: TablePort, queries: QueryPort, filled: TableName) -> None:
    plan = queries.plan(Query(table=filled))

    assert plan.columns == (ResultColumn("id", "BIGINT"), ResultColumn("label", "VARCHAR"))
    (read,) = plan.reads
    assert (read.table, read.columns, read.file_count) == (filled, ("id", "label"), 1)
    assert 0 < read.estimated_bytes == plan.estimated_bytes
    described = tables.describe(filled)
    assert described.size_bytes is not None
    assert plan.estimated_bytes <= described.size_bytes
    assert plan.snapshot_id >= described.snapshot_id
    assert plan.text


def test_some_columns_are_less(queries: QueryPort, filled: TableName) -> None:
    whole = queries.plan(Query(table=filled))
    one = queries.plan(Query(table=filled, columns=("ID",)))

    assert one.reads[0].columns == ("id",)
    assert 0 < one.estimated_bytes < whole.estimated_bytes


def test_a_table_that_is_not_there(queries: QueryPort, name: TableName) -> None:
    with pytest.raises(TableNotFoundError):
        queries.plan(Query(table=name))


@on_lakes_that_run_sql
def test_what_a_statement_reads(tables: TablePort, queries: QueryPort, filled: TableName) -> None:
    other = TableName(filled.namespace, "other")
    create(tables, other)
    append(tables, other, some_rows(ROWS))
    sql = "SELECT t.label FROM t JOIN other USING (id) WHERE other.label <> $a ORDER BY 1"

    plan = queries.plan(Query(sql, filled, {"a": ""}, row_limit=3))

    reads = {read.table: read for read in plan.reads}
    assert reads.keys() == {filled, other}
    assert set(reads[filled].columns) == {"id", "label"}
    assert set(reads[other].columns) == {"id", "label"}
    assert [column.name for column in plan.columns] == ["label"]
    assert "DUCKLAKE_SCAN" in plan.text
    only = queries.plan(Query("SELECT sum(id) AS s FROM t", filled))
    assert only.reads[0].columns == ("id",)


@on_lakes_that_run_sql
def test_what_needs_no_rows_reads_none(queries: QueryPort, filled: TableName) -> None:
    plan = queries.plan(Query("SELECT * FROM t WHERE FALSE", filled))

    assert [read.table for read in plan.reads] == [filled]
    assert plan.estimated_bytes == 0


@on_lakes_that_run_sql
def test_a_plan_is_made_in_no_time(queries: QueryPort, filled: TableName) -> None:
    endless = "SELECT sum(hash(i)) AS s FROM range(1000000000000) r(i)"

    plan = queries.plan(Query(endless, timeout_s=10))

    assert plan.reads == ()
    assert plan.estimated_bytes == 0


@on_lakes_that_run_sql
def test_nested_columns_count_with_all_their_parts(
    lake: OpenedLake, queries: QueryPort, namespace: str
) -> None:
    lake.as_another_client(
        f"CREATE SCHEMA lake.{namespace}; CREATE TABLE lake.{namespace}.n AS SELECT i, "
        f"{{'a': [i, i + 1], 'b': 'text ' || i}} AS s FROM range({ROWS}) r(i)"
    )
    table = TableName(namespace, "n")

    plain = queries.plan(Query("SELECT i FROM n", table))
    nested = queries.plan(Query("SELECT s.b FROM n WHERE s.a[1] > 3", table))

    assert nested.reads[0].columns == ("s",)
    assert nested.estimated_bytes > plain.estimated_bytes > 0


@on_lakes_that_run_sql
def test_nothing_of_the_server_is_told(
    queries: QueryPort, filled: TableName, tmp_path_factory: pytest.TempPathFactory
) -> None:
    plan = queries.plan(Query("SELECT count(DISTINCT label) FROM t", filled))

    assert str(tmp_path_factory.getbasetemp()) not in plan.text
    assert ".parquet" not in plan.text


@on_lakes_that_run_sql
def test_what_may_not_run_is_not_planned(queries: QueryPort, filled: TableName) -> None:
    with pytest.raises(StatementNotAllowedError):
        queries.plan(Query("DROP TABLE t", filled))
    with pytest.raises(StatementNotAllowedError):
        queries.plan(Query("FROM duckdb_secrets()", filled))
    with pytest.raises(InvalidSqlError) as raised:
        queries.plan(Query("SELECT idd FROM t", filled))
    assert raised.value.position == 7
