"""The query port: some columns of a table, and rows by a condition."""

from __future__ import annotations

import pytest

from domain.errors import InvalidColumnError, InvalidSqlError, LakehouseError
from domain.formats import DataFormat
from domain.ports.queries import QueryPort
from domain.ports.tables import TablePort
from domain.queries import Query, ResultEncoding
from domain.tables import TableName
from tests.contract.lakes import on_lakes_that_run_sql
from tests.contract.query_cases import ask, read
from tests.contract.table_cases import append, column, create, some_rows

NDJSON = ResultEncoding(DataFormat.NDJSON)


@pytest.fixture
def filled(tables: TablePort, name: TableName) -> TableName:
    """A table of five rows."""
    create(tables, name)
    append(tables, name, some_rows(5))
    return name


def test_some_columns(queries: QueryPort, filled: TableName) -> None:
    answer = read(queries, Query(table=filled, columns=("LABEL", "id")))

    assert [column.name for column in answer.result.columns] == ["label", "id"]
    assert len(answer.rows) == 5
    assert answer.result.tables == (filled,)


def test_a_column_that_is_not_there(queries: QueryPort, filled: TableName) -> None:
    with pytest.raises(InvalidColumnError, match="Did you mean 'label'"):
        queries.open(Query(table=filled, columns=("id", "labell")), NDJSON)


def test_columns_whose_names_need_quotes(
    tables: TablePort, queries: QueryPort, name: TableName
) -> None:
    create(tables, name, column('a "b", c', "INTEGER"), column("select", "INTEGER"))

    answer = read(queries, Query(table=name, columns=('A "B", c', "SELECT")))

    assert [column.name for column in answer.result.columns] == ['a "b", c', "select"]


def test_a_version_is_that_of_the_lake(
    tables: TablePort, queries: QueryPort, filled: TableName
) -> None:
    version = read(queries, Query(table=filled)).result.version
    assert version == read(queries, Query(table=filled, row_limit=1)).result.version is not None

    append(tables, filled, some_rows(1))

    assert read(queries, Query(table=filled)).result.version not in {None, version}


@on_lakes_that_run_sql
@pytest.mark.parametrize(
    "where, ids",
    [
        ("id < 2", [0, 1]),
        ("id >= 3 -- the last ones", [3, 4]),
        ("id = 1 OR id = 2", [1, 2]),
        ("id = 1) OR (id = 2", [1, 2]),
        ("/* all */ TRUE", [0, 1, 2, 3, 4]),
        ("NULL", []),
        ("id IN (SELECT max(id) FROM T)", [4]),
        ("CASE WHEN id > 3 THEN TRUE END", [4]),
        ("label LIKE '%' AND id BETWEEN 1 AND 2", [1, 2]),
    ],
)
def test_conditions(queries: QueryPort, filled: TableName, where: str, ids: list[int]) -> None:
    answer = read(queries, Query(table=filled, columns=("id",), where=where))

    assert sorted(row["id"] for row in answer.rows) == ids


@on_lakes_that_run_sql
@pytest.mark.parametrize(
    "where",
    [
        "1=1) UNION ALL SELECT 1, 'x' FROM t WHERE (1=1",
        "1=1) UNION ALL (SELECT 1, 'x'",
        "1=1) GROUP BY ALL HAVING (TRUE",
        "1=1) ORDER BY (id",
        "1=1) LIMIT (1",
        "1=1) QUALIFY (row_number() OVER () = 1",
        "1=1) USING SAMPLE (1",
        "1=1); SELECT (1",
        "1=1); DROP TABLE t; SELECT (1",
        "1=1); DROP TABLE t --",
        "1=1;",
        ";",
        "id =",
        "(id = 1",
        "id = 1)",
        "/* id = 1",
        "'id",
        "id = 1 ORDER BY id",
        "--",
    ],
)
def test_what_is_no_condition(queries: QueryPort, filled: TableName, where: str) -> None:
    with pytest.raises(InvalidSqlError) as raised:
        read(queries, Query(table=filled, where=where))

    position = raised.value.position
    assert position is None or 0 <= position <= len(where) + 2
    assert len(read(queries, Query(table=filled)).rows) == 5


@on_lakes_that_run_sql
@pytest.mark.parametrize(
    "where",
    [
        "getenv('HOME') = ''",
        "id IN (SELECT 1 FROM read_csv('/etc/passwd'))",
        "EXISTS (FROM duckdb_secrets())",
        "filename = ''",
        "write_log('x') IS NULL",
    ],
)
def test_the_gate_judges_conditions(queries: QueryPort, filled: TableName, where: str) -> None:
    with pytest.raises(LakehouseError) as raised:
        read(queries, Query(table=filled, where=where))

    assert raised.value.code == "statement_not_allowed"


@on_lakes_that_run_sql
@pytest.mark.parametrize(
    "where, position",
    [
        ("nothing = 1", 0),
        ("'ä' = label AND idd = 1", 16),
        ("id = = 1", 5),
        ("id + 1 = nope(id)", 9),
    ],
)
def test_positions_are_those_in_the_condition(
    queries: QueryPort, filled: TableName, where: str, position: int
) -> None:
    with pytest.raises(InvalidSqlError) as raised:
        read(queries, Query(table=filled, where=where))

    assert raised.value.position == position


@on_lakes_that_run_sql
@pytest.mark.parametrize(
    "sql, fixed",
    [
        ("FROM t", True),
        ("SELECT count(*) FROM t JOIN t u USING (id) WHERE t.id > ?", True),
        ("SELECT 1 AS n", True),
        ("FROM range(3)", True),
        ("PIVOT t ON label USING sum(id)", True),
        ("SELECT now() AS n FROM t", False),
        ("SELECT * FROM t WHERE current_date > DATE '2020-01-01'", False),
        ("SELECT current_timestamp AS n", False),
        ("SELECT random() AS n", False),
        ("SELECT uuid() AS n", False),
        ("SELECT age(TIMESTAMP '2020-01-01') AS n", False),
        ("SELECT id FROM t WHERE id IN (SELECT id FROM t ORDER BY random())", False),
        ("FROM t USING SAMPLE 2", False),
        ("FROM t TABLESAMPLE 50%", False),
        ("FROM lake.snapshots()", False),
        ("EXPLAIN FROM t", False),
    ],
)
def test_what_more_than_the_lake_decides_has_no_version(
    queries: QueryPort, filled: TableName, sql: str, fixed: bool
) -> None:
    parameters = (1,) if "?" in sql else ()

    answer = ask(queries, sql, parameters, table=filled)

    assert (answer.result.version is not None) is fixed
