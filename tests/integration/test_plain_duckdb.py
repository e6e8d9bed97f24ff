"""What the service wrote is an open lake: a DuckDB that knows nothing of it reads all of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from adapters.ducklake import DuckLakeTables, Lake
from domain.column_types import parse_column_type
from domain.commits import Write
from domain.lineage import new_run_id
from domain.tables import Column, IfExists, PartitionKey, TableDefinition, TableName
from tests.extensions import extension_file
from tests.fakes.rows import FakeRows
from tests.local_lake import local_lake

NAME = TableName("sales", "Orders")
COLUMNS = (
    Column("id", parse_column_type("BIGINT"), nullable=False, comment="The order's number"),
    Column("at", parse_column_type("TIMESTAMP")),
    Column("tags", parse_column_type("STRUCT(k VARCHAR, v INTEGER)[]")),
)
MANY = 1000

Runs = dict[str, str]


def lake_in(home: Path) -> Lake:
    return Lake(local_lake(home))


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    """A lake that was written to and closed: the run of each write, by what it did."""
    runs = {did: new_run_id() for did in ("create", "append", "append many", "drop")}
    lake = lake_in(tmp_path)
    tables = DuckLakeTables(lake)
    try:
        definition = TableDefinition(
            NAME,
            COLUMNS,
            comment="What was ordered",
            partition_by=(PartitionKey.parse("year(at)"),),
        )
        tables.create(definition, IfExists.ERROR, Write(str(NAME), "create", runs["create"]))
        few = FakeRows.of(COLUMNS, {"id": (-1,), "tags": ([{"k": "a", "v": 1}],)})
        tables.append(NAME, few, Write(str(NAME), "append", runs["append"], 1, author="ann"))
        many = FakeRows.of(COLUMNS, {"id": range(MANY)})
        tables.append(NAME, many, Write(str(NAME), "append", runs["append many"], MANY))
        gone = TableName("sales", "gone")
        tables.create(
            TableDefinition(gone, COLUMNS),
            IfExists.ERROR,
            Write(str(gone), "create", new_run_id()),
        )
        tables.drop(gone, Write(str(gone), "drop", runs["drop"]))
    finally:
        lake.close()
    return runs


@pytest.fixture
def plain(tmp_path: Path, runs: Runs) -> Iterator[duckdb.DuckDBPyConnection]:
    """A bare connection, with the lake attached as its documentation says."""
    with duckdb.connect() as connection:
        connection.execute(f"LOAD '{extension_file('ducklake')}'")
        connection.execute(f"ATTACH 'ducklake:{tmp_path / 'catalog.ducklake'}' AS theirs")
        yield connection


def test_rows(plain: duckdb.DuckDBPyConnection) -> None:
    rows = plain.execute("SELECT * FROM theirs.sales.Orders ORDER BY id").fetchall()

    assert rows[0] == (-1, None, [{"k": "a", "v": 1}])
    assert [row[0] for row in rows[1:]] == list(range(MANY))


def test_schema_and_comments(plain: duckdb.DuckDBPyConnection) -> None:
    columns = plain.execute(
        """
        SELECT column_name, data_type, is_nullable, comment FROM duckdb_columns()
        WHERE database_name = 'theirs' AND schema_name = 'sales' AND table_name = 'Orders'
        ORDER BY column_index
        """
    ).fetchall()
    comments = plain.execute(
        "SELECT table_name, comment FROM duckdb_tables() WHERE database_name = 'theirs'"
    ).fetchall()

    assert columns == [
        ("id", "BIGINT", False, "The order's number"),
        ("at", "TIMESTAMP", True, None),
        ("tags", "STRUCT(k VARCHAR, v INTEGER)[]", True, None),
    ]
    assert comments == [("Orders", "What was ordered")]


def test_snapshots_say_which_run_wrote_them(plain: duckdb.DuckDBPyConnection, runs: Runs) -> None:
    snapshots = plain.execute(
        "SELECT author, commit_message FROM theirs.snapshots() "
        "WHERE commit_message IS NOT NULL ORDER BY snapshot_id"
    ).fetchall()

    messages = [json.loads(message) for _, message in snapshots]
    assert all(message["v"] == 1 for message in messages)
    assert [message["writes"] for message in messages if "gone" not in str(message)] == [
        [{"table": "sales.Orders", "operation": "create", "run_id": runs["create"]}],
        [
            {
                "table": "sales.Orders",
                "operation": "append",
                "run_id": runs["append"],
                "rows": 1,
                "author": "ann",
            }
        ],
        [
            {
                "table": "sales.Orders",
                "operation": "append",
                "run_id": runs["append many"],
                "rows": MANY,
            }
        ],
    ]
    assert messages[-1]["writes"][0]["run_id"] == runs["drop"]
    assert "ann" in [author for author, _ in snapshots]


def test_the_past(plain: duckdb.DuckDBPyConnection) -> None:
    counts = [
        plain.execute(
            f"SELECT count(*) FROM theirs.sales.Orders AT (VERSION => {snapshot})"
        ).fetchone()
        for (snapshot,) in plain.execute(
            "SELECT snapshot_id FROM theirs.snapshots() "
            "WHERE commit_message LIKE '%sales.Orders%' ORDER BY snapshot_id"
        ).fetchall()
    ]

    assert counts == [(0,), (1,), (1 + MANY,)]


def test_data_files_are_parquet_under_the_data_path(
    plain: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    files = [str(file) for file in (tmp_path / "data").rglob("*.parquet")]

    assert files
    assert plain.execute("SELECT count(*) FROM read_parquet($1)", [files]).fetchone() == (MANY,)


def test_it_can_write_and_the_service_reads_on(
    plain: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    plain.execute("INSERT INTO theirs.sales.Orders BY NAME SELECT 7777 AS id")
    plain.execute("CREATE TABLE theirs.main.foreign_one AS SELECT 1 AS one")
    plain.close()

    lake = lake_in(tmp_path)
    try:
        tables = DuckLakeTables(lake)
        assert tables.describe(NAME).row_count == 2 + MANY
        assert tables.describe(TableName.parse("foreign_one")).row_count == 1
        assert [t.name for t in tables.list_tables(None, None, 10).tables] == [
            "foreign_one",
            "Orders",
        ]
    finally:
        lake.close()
