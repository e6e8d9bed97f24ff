"""What is remembered of statements: never used where another answer would be right."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from adapters.ducklake import (
    DuckLakeQueries,
    Lake,
    ObjectSources,
)
from adapters.ducklake.bindings import Asked, Bindings, Columns
from adapters.ducklake.catalog.metadata import Metadata
from adapters.ducklake.catalog.names import Names
from adapters.ducklake.gate.gate import Gate, Passed
from adapters.ducklake.results.columns import SelectedColumn
from adapters.filesystem.datasets import FilesystemDatasets
from domain.datasets import BucketName
from domain.errors import LakehouseError
from domain.formats import DataFormat
from domain.queries import Parameters, Query, ResultEncoding
from domain.tables import AtVersion, TableName
from tests.contract.dataset_cases import put
from tests.local_lake import local_lake


@pytest.fixture
def datasets(tmp_path: Path) -> FilesystemDatasets:
    return FilesystemDatasets(tmp_path / "datasets")


@pytest.fixture
def lake(tmp_path: Path, datasets: FilesystemDatasets) -> Iterator[Lake]:
    opened = Lake(local_lake(tmp_path, datasets, threads=2))
    yield opened
    opened.close()


def run(lake: Lake, *statements: str) -> None:
    with lake.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def told(queries: DuckLakeQueries, query: Query) -> object:
    """Columns and rows, or the code of the refusal."""
    try:
        with closing(queries.open(query, ResultEncoding(DataFormat.NDJSON))) as result:
            columns = [(column.name, column.type) for column in result.columns]
            lines = b"".join(result).splitlines()
            # Members of the same name count each.
            return columns, [json.loads(line, object_pairs_hook=list) for line in lines]
    except LakehouseError as error:
        return error.code, str(error)


MADE = (
    "CREATE TABLE lake.t AS SELECT 1 AS a, 'x' AS b",
    "CREATE TABLE lake.other AS SELECT 7 AS z",
)
CHANGED = {
    "rows": ("FROM t", ["INSERT INTO lake.t VALUES (2, 'y')"]),
    "a table that is gone": ("FROM t", ["DROP TABLE lake.t"]),
    "another table of that name": (
        "FROM t",
        ["DROP TABLE lake.t", "CREATE TABLE lake.t AS SELECT DATE '2020-01-01' AS b, 5 AS a"],
    ),
    "names that change places": (
        "FROM t",
        [
            "ALTER TABLE lake.t RENAME a TO c",
            "ALTER TABLE lake.t RENAME b TO a",
            "ALTER TABLE lake.t RENAME c TO b",
        ],
    ),
    "a column more": ("FROM t", ["ALTER TABLE lake.t ADD COLUMN c DOUBLE"]),
    "a wider column": ("SELECT a FROM t", ["ALTER TABLE lake.t ALTER a SET DATA TYPE BIGINT"]),
    "a view in the table's place": (
        "FROM t",
        ["DROP TABLE lake.t", "CREATE VIEW lake.t AS FROM duckdb_settings()"],
    ),
    "a view that says something else": (
        "FROM v",
        ["CREATE OR REPLACE VIEW lake.v AS SELECT z FROM lake.other"],
    ),
    "a view that reads what is not allowed": (
        "FROM v",
        ["CREATE OR REPLACE VIEW lake.v AS FROM duckdb_settings()"],
    ),
    "a macro of a function's name": (
        "SELECT upper(b) AS b FROM t",
        ["CREATE MACRO lake.main.upper(x) AS 'shadowed'"],
    ),
    "columns that come from rows": (
        "PIVOT t ON b USING sum(a)",
        ["INSERT INTO lake.t VALUES (2, 'y')"],
    ),
}


@pytest.mark.parametrize("case", CHANGED)
def test_a_change_of_the_lake_is_seen(case: str, lake: Lake) -> None:
    sql, changes = CHANGED[case]
    run(lake, *MADE, "CREATE VIEW lake.v AS SELECT a FROM lake.t")
    queries = DuckLakeQueries(lake)
    before = told(queries, Query(sql))
    assert told(queries, Query(sql)) == before

    run(lake, *changes)

    after = told(queries, Query(sql))
    assert after == told(DuckLakeQueries(lake), Query(sql))
    assert after != before


def test_each_namespace_has_its_own_names(lake: Lake) -> None:
    run(lake, *MADE, "CREATE SCHEMA lake.s", "CREATE TABLE lake.s.t AS SELECT 'else' AS c")
    queries = DuckLakeQueries(lake)
    whole = told(queries, Query("FROM t"))

    assert told(queries, Query("FROM t", table=TableName("s", "t"))) == (
        [("c", "VARCHAR")],
        [[("c", "else")]],
    )
    assert told(queries, Query("FROM t")) == whole


def test_the_past_and_the_present_are_two(lake: Lake) -> None:
    run(lake, *MADE)
    queries = DuckLakeQueries(lake)
    with closing(queries.open(Query("FROM t"), ResultEncoding(DataFormat.NDJSON))) as result:
        past = result.snapshot_id
    then = told(queries, Query("FROM t"))
    run(lake, "ALTER TABLE lake.t RENAME a TO c")
    now = told(queries, Query("FROM t"))

    assert then != now
    for _ in range(2):
        assert told(queries, Query("FROM t", at=AtVersion(past))) == then
        assert told(queries, Query("FROM t")) == now


def test_the_past_of_a_moment_may_change_without_a_new_snapshot(lake: Lake) -> None:
    run(lake, *MADE, "ALTER TABLE lake.t RENAME a TO c")
    with lake.cursor() as cursor:
        row = cursor.execute("SELECT max(snapshot_id) FROM lake.snapshots()").fetchone()
        assert row is not None
        version = row[0]
        row = cursor.execute(
            "SELECT CAST(snapshot_time AS VARCHAR) FROM lake.snapshots() WHERE snapshot_id = ?",
            [version],
        ).fetchone()
        assert row is not None
    run(lake, "CREATE TABLE lake.later AS SELECT 1 AS a")
    query = Query(f"FROM t AT (TIMESTAMP => TIMESTAMPTZ '{row[0]}')")
    queries = DuckLakeQueries(lake)
    before = told(queries, query)

    run(lake, f"CALL ducklake_expire_snapshots('lake', versions => [{version}])")

    after = told(queries, query)
    assert after == told(DuckLakeQueries(lake), query)
    assert after != before


@pytest.mark.parametrize(
    "sql, parameters",
    [
        ("SELECT round(12.3456, ?) AS x", ([1], [3])),
        ("SELECT $x AS x", ({"x": 1}, {"x": 1.0}, {"x": True}, {"x": "1"}, {"x": 2**40})),
        ("SELECT json_extract('[1]', ?) AS x", (["$[0]"], ["$[*]"])),
    ],
)
def test_other_parameters_are_another_question(
    sql: str, parameters: tuple[Parameters, ...], lake: Lake
) -> None:
    run(lake, *MADE)
    queries = DuckLakeQueries(lake)

    answers = [told(queries, Query(sql, parameters=each)) for each in parameters]

    assert answers == [
        told(DuckLakeQueries(lake), Query(sql, parameters=each)) for each in parameters
    ]
    assert len({str(answer) for answer in answers}) == len(parameters)


def test_objects_are_looked_at_each_time(lake: Lake, datasets: FilesystemDatasets) -> None:
    bucket = BucketName("gate")
    datasets.create_bucket(bucket)
    queries = DuckLakeQueries(lake, ObjectSources(lake, datasets))

    answers = []
    for content in (b"a\n1\n", b"b,c\nx,2\n"):
        put(datasets, bucket, "made.csv", content)
        answers.append(told(queries, Query("FROM 's3://gate/made.csv'")))

    assert answers == [
        ([("a", "BIGINT")], [[("a", 1)]]),
        ([("b", "VARCHAR"), ("c", "BIGINT")], [[("b", "x"), ("c", 2)]]),
    ]


@pytest.mark.parametrize(
    "sql, judged, bound",
    [
        ("FROM t WHERE a = ?", 1, 1),
        ("SELECT a, now() FROM t WHERE a = ?", 1, 3),
        ("FROM t AT (VERSION => 1) WHERE a = ?", 1, 3),
        ("FROM t WHERE a = ? --" + "-" * 10_000, 3, 3),
    ],
)
def test_what_is_remembered_is_not_found_out_again(
    sql: str, judged: int, bound: int, lake: Lake
) -> None:
    run(lake, *MADE)
    bindings, asked = Bindings(), Asked(sql, "main", 2)
    count = {"judged": 0, "bound": 0}
    with lake.snapshot() as cursor:

        def judge() -> Passed:
            count["judged"] += 1
            return Gate(cursor, Metadata(cursor), Names(), "main").pass_through(sql)

        def bind() -> Columns:
            count["bound"] += 1
            return [SelectedColumn("a", duckdb.sqltypes.INTEGER, "column_0")]

        for _ in range(3):
            passed = bindings.passed(asked, judge)
            columns = bindings.columns(asked, passed, [1], bind)
            assert [column.name for column in columns] == ["a"]

    assert count == {"judged": judged, "bound": bound}
