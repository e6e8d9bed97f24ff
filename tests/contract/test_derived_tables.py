"""The table port: making tables of rows that are there."""

from __future__ import annotations

import pytest

from domain.commits import Write
from domain.derived_tables import DerivedOutcome, DerivedTable
from domain.errors import (
    InvalidColumnError,
    InvalidParametersError,
    InvalidPartitionError,
    InvalidSqlError,
    InvalidValueError,
    StatementNotAllowedError,
    TableExistsError,
    TableNotFoundError,
)
from domain.ports.queries import QueryPort
from domain.ports.tables import TablePort
from domain.queries import Parameters, Query
from domain.tables import AtVersion, IfExists, PartitionKey, TableName
from tests.contract.lakes import OpenedLake, on_lakes_that_run_sql
from tests.contract.query_cases import ask, read
from tests.contract.table_cases import append, column, create, some_rows, write
from tests.contract.values import VALUE_CASES, ValueCase
from tests.fakes.rows import FakeRows


@pytest.fixture
def source(namespace: str) -> TableName:
    """The name of another table that is not there yet."""
    return TableName(namespace, "source")


def make(
    tables: TablePort,
    name: TableName,
    query: Query | str,
    *,
    parameters: Parameters = (),
    if_exists: IfExists = IfExists.ERROR,
    partition_by: tuple[str, ...] = (),
    comment: str | None = None,
    by: Write | None = None,
) -> DerivedOutcome:
    asked = Query(query, parameters=parameters) if isinstance(query, str) else query
    keys = tuple(map(PartitionKey.parse, partition_by))
    wanted = DerivedTable(name, asked, comment, keys)
    return tables.create_from(wanted, if_exists, by or write(name, "create"))


# -- on every lake: a table made of another ------------------------------------------------


def test_a_table_made_of_another(
    tables: TablePort, queries: QueryPort, name: TableName, source: TableName
) -> None:
    create(tables, source)
    append(tables, source, some_rows(3))

    outcome = make(tables, name, Query(table=source), comment="A copy")

    assert outcome.outcome.created
    assert outcome.read is not None
    assert outcome.read.tables == (source,)
    assert outcome.read.row_count == 3
    assert outcome.outcome.description == tables.describe(name)
    assert outcome.outcome.description.comment == "A copy"
    assert outcome.outcome.description.row_count == 3
    # Whether a value must be there is nothing that an answer says.
    assert tables.columns(name) == (
        column("id", "BIGINT"),
        column("label", "VARCHAR"),
    )
    assert read(queries, Query(table=name)).rows == read(queries, Query(table=source)).rows


def test_table_and_rows_are_one_commit(
    lake: OpenedLake, tables: TablePort, name: TableName, source: TableName
) -> None:
    create(tables, source)
    before = append(tables, source, some_rows(3)).snapshot_id
    by = write(name, "create")

    outcome = make(tables, name, Query(table=source), by=by)

    said = [done for done in lake.writes() if done.run_id == by.run_id]
    assert [(done.operation, done.rows) for done in said] == [("create", 3)]
    made = outcome.outcome.description.snapshot_id
    assert outcome.read is not None
    assert outcome.read.snapshot_id >= before
    with pytest.raises(TableNotFoundError):
        tables.describe(name, AtVersion(made - 1))
    assert tables.describe(name, AtVersion(made)).row_count == 3


def test_a_table_made_of_no_rows_is_empty(
    tables: TablePort, name: TableName, source: TableName
) -> None:
    create(tables, source)
    made = make(tables, name, Query(table=source)).outcome.description
    assert (made.row_count, made.file_count) == (0, 0)
    assert [each.name for each in made.columns] == ["id", "label"]
    assert append(tables, name, some_rows(1)).rows_appended == 1


def test_what_to_do_where_a_table_is(tables: TablePort, name: TableName, source: TableName) -> None:
    create(tables, source)
    append(tables, source, some_rows(2))
    old = create(tables, name, column("old", "DATE"))

    with pytest.raises(TableExistsError):
        make(tables, name, Query(table=source))
    ignored = make(tables, name, Query(table=source), if_exists=IfExists.IGNORE)
    assert not ignored.outcome.created
    assert ignored.read is None
    assert ignored.outcome.description == old
    replaced = make(tables, name, Query(table=source), if_exists=IfExists.REPLACE)
    assert replaced.outcome.created
    assert replaced.outcome.description.row_count == 2


def test_a_source_that_is_not_there(tables: TablePort, name: TableName, source: TableName) -> None:
    with pytest.raises(TableNotFoundError):
        make(tables, name, Query(table=source))
    with pytest.raises(TableNotFoundError):
        tables.describe(name)


def test_partitions_of_the_sources_columns(
    tables: TablePort, name: TableName, source: TableName
) -> None:
    create(tables, source)
    append(tables, source, some_rows(400))
    made = make(tables, name, Query(table=source), partition_by=("bucket(4, label)",))
    assert made.outcome.description.partition_by == ("bucket(4, label)",)
    assert made.outcome.description.row_count == 400
    with pytest.raises(InvalidPartitionError):
        make(
            tables,
            name,
            Query(table=source),
            partition_by=("nothing",),
            if_exists=IfExists.REPLACE,
        )
    assert tables.describe(name) == made.outcome.description


@pytest.mark.parametrize("case", VALUE_CASES, ids=lambda case: case.type)
def test_values_stay_as_they_are(
    lake: OpenedLake,
    tables: TablePort,
    queries: QueryPort,
    name: TableName,
    source: TableName,
    case: ValueCase,
) -> None:
    if not lake.holds(case.type):
        return
    create(tables, source, case.column)
    append(tables, source, FakeRows.of((case.column,), {"c": case.carried}))

    made = make(tables, name, Query(table=source)).outcome.description

    assert made.columns == (case.column,)
    assert read(queries, Query(table=name)).body == read(queries, Query(table=source)).body


# -- on lakes that run SQL -----------------------------------------------------------------


@on_lakes_that_run_sql
def test_a_query_with_parameters(tables: TablePort, queries: QueryPort, name: TableName) -> None:
    sql = "SELECT i AS number, $word || i AS text FROM range($count) AS r(i)"
    made = make(tables, name, sql, parameters={"word": "n", "count": 3}).outcome.description
    assert made.columns == (column("number", "BIGINT"), column("text", "VARCHAR"))
    assert read(queries, Query(table=name)).rows == [
        {"number": number, "text": f"n{number}"} for number in range(3)
    ]


@on_lakes_that_run_sql
def test_names_are_looked_for_in_main(
    tables: TablePort, name: TableName, source: TableName
) -> None:
    create(tables, source)
    make(tables, name, f"FROM {source}")
    with pytest.raises(InvalidSqlError):
        make(tables, name, f"FROM {name.name}", if_exists=IfExists.REPLACE)


@on_lakes_that_run_sql
def test_a_replaced_table_may_be_its_own_source(
    tables: TablePort, queries: QueryPort, name: TableName
) -> None:
    make(tables, name, "SELECT i FROM range(10) AS r(i)")
    make(tables, name, f"SELECT i + 1 AS i FROM {name} WHERE i > 7", if_exists=IfExists.REPLACE)
    assert ask(queries, f"SELECT list(i ORDER BY i) AS all FROM {name}").value == [9, 10]


@on_lakes_that_run_sql
@pytest.mark.parametrize(
    "value, told",
    [
        ("1::HUGEINT", "DECIMAL(38,0)"),
        ("sum(1)", "DECIMAL(38,0)"),
        ("TIMETZ '12:00:00+01'", "TIME"),
        ("INTERVAL 1 DAY", "BIGINT"),
        ("'a'::ENUM('a', 'b')", "VARCHAR"),
        ("union_value(a := 1)", "VARCHAR"),
        ("'101'::BIT", "VARCHAR"),
        ("[1, 2]::INTEGER[2]", "INTEGER[]"),
        ("1::BIGNUM", "DECIMAL(38,0)"),
        ("row(1, 2)", "STRUCT"),
        ("[{'a': 1::HUGEINT}]", "DECIMAL(38,0)"),
        ("{'a': ['a'::ENUM('a')]}", "VARCHAR"),
    ],
)
def test_types_that_the_lake_cannot_keep(
    tables: TablePort, name: TableName, value: str, told: str
) -> None:
    with pytest.raises(InvalidColumnError) as raised:
        make(tables, name, f"SELECT 1 AS good, {value} AS odd")
    assert "'odd'" in raised.value.detail
    assert told in raised.value.detail
    with pytest.raises(TableNotFoundError):
        tables.describe(name)


@on_lakes_that_run_sql
@pytest.mark.parametrize(
    "sql, error",
    [
        ("SELECT 1 AS rowid", InvalidColumnError),
        ('SELECT 1 AS "a\tb"', InvalidColumnError),
        (f'SELECT 1 AS "{"n" * 129}"', InvalidColumnError),
        ("SELECT CAST('x' AS INTEGER) AS a", InvalidValueError),
        ("SELECT error('no') AS a FROM range(10)", InvalidValueError),
        ("SELEC 1", InvalidSqlError),
        ("SELECT 1; SELECT 2", InvalidSqlError),
        ("FROM nowhere", InvalidSqlError),
        ("SELECT ?", InvalidParametersError),
        ("EXPLAIN SELECT 1", StatementNotAllowedError),
        ("DROP TABLE t", StatementNotAllowedError),
        ("FROM read_text('/etc/passwd')", StatementNotAllowedError),
        ("FROM memory.staging.rows", StatementNotAllowedError),
        ("FROM duckdb_tables()", StatementNotAllowedError),
    ],
)
def test_queries_that_make_no_table(
    tables: TablePort, name: TableName, sql: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        make(tables, name, sql)
    with pytest.raises(TableNotFoundError):
        tables.describe(name)


@on_lakes_that_run_sql
def test_a_wrong_name_is_told_by_its_place(tables: TablePort, name: TableName) -> None:
    sql = "SELECT 'ü' AS a, nothing FROM range(3)"
    with pytest.raises(InvalidSqlError) as raised:
        make(tables, name, sql)
    assert raised.value.position == sql.index("nothing")


@on_lakes_that_run_sql
def test_columns_of_one_name_and_pivots(
    tables: TablePort, queries: QueryPort, name: TableName, source: TableName
) -> None:
    made = make(tables, source, "SELECT 1 AS a, 2 AS a, 3 AS A").outcome.description
    assert [each.name for each in made.columns] == ["a", "a_1", "A_2"]
    make(
        tables,
        name,
        "PIVOT (SELECT i % 3 AS k, i AS v FROM range(9) AS r(i)) ON k USING max(v)",
    )
    assert read(queries, Query(table=name)).rows == [{"0": 6, "1": 7, "2": 8}]


@on_lakes_that_run_sql
def test_many_rows_go_to_files(tables: TablePort, queries: QueryPort, name: TableName) -> None:
    made = make(tables, name, "SELECT i, i / 3 FROM range(200000) AS r(i)").outcome.description
    assert made.row_count == 200_000
    assert made.file_count >= 1
    assert ask(queries, f"SELECT sum(i)::BIGINT AS s FROM {name}").value == 19_999_900_000
