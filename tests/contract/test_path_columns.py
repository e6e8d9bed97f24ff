"""The table port: columns that are in the paths of objects, on every lake with its store."""

from __future__ import annotations

import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from application.runs import Tracked
from application.tables.export_partitioned import ExportPartitioned, PartitionedExportCommand
from domain.derived_tables import DerivedTable
from domain.errors import RowsDoNotFitError
from domain.formats import DataFormat
from domain.growth import OnNewColumns
from domain.idempotency import NO_TERMS
from domain.object_rows import ObjectRows
from domain.partitions import PartitionedPlace
from domain.ports.queries import QueryPort
from domain.ports.tables import TablePort
from domain.queries import Query
from domain.tables import AppendOutcome, Column, IfExists, TableName
from tests.contract.held_bucket import HeldBucket
from tests.contract.lakes import OpenedLake, on_lakes_that_run_sql
from tests.contract.query_cases import read
from tests.contract.table_cases import column, create, write
from tests.fakes.lineage import FakeLineage

pytestmark = on_lakes_that_run_sql

TEXTS = ("plain", "a b", "a/b=c", "100%", "%41", "Zoë 🦆", "*?[a]{b}", "'\"", "", "NULL", "\t\n")
KEYS = {
    "k1": ("BIGINT", "-7"),
    "k2": ("BOOLEAN", "true"),
    "k3": ("DECIMAL(9,2)", "1.50"),
    "k4": ("DOUBLE", "'inf'"),
    "k5": ("FLOAT", "0.1"),
    "k6": ("DATE", "'2024-02-29'"),
    "k7": ("TIME", "'03:04:05.5'"),
    "k8": ("TIMESTAMP", "'2024-02-29 03:04:05.12'"),
    "k9": ("TIMESTAMPTZ", "'2024-02-29 03:04:05+02'"),
    "k10": ("UUID", "'87c928b3-0e94-4057-98d0-8e77be20da7d'"),
    "k11": ("SMALLINT", "NULL"),
}
"""Columns that divide, with a value for each."""


def load(
    tables: TablePort,
    name: TableName,
    *objects: str,
    hive_partitioning: bool | None = None,
    on_new_columns: OnNewColumns = OnNewColumns.ERROR,
) -> AppendOutcome:
    rows = ObjectRows.parse(objects, hive_partitioning=hive_partitioning)
    done = tables.load(name, rows, write(name, "load"), NO_TERMS, on_new_columns)
    return done.outcome


def rows_of(queries: QueryPort, name: TableName, order: str) -> list[dict[str, Any]]:
    return read(queries, Query(f"FROM {name} ORDER BY {order}")).rows


def made_of(
    tables: TablePort, name: TableName, place: str, *, hive_partitioning: bool | None = None
) -> tuple[Column, ...]:
    rows = ObjectRows.parse([place], hive_partitioning=hive_partitioning)
    tables.create_from(DerivedTable(name, rows), IfExists.REPLACE, write(name, "create"))
    return tables.columns(name)


@pytest.mark.parametrize("suffix", ["parquet", "csv", "ndjson", "json"])
def test_what_was_exported_comes_back(
    lake: OpenedLake,
    tables: TablePort,
    queries: QueryPort,
    name: TableName,
    held: HeldBucket,
    suffix: str,
) -> None:
    keys = [column(key, type_) for key, (type_, _) in KEYS.items() if lake.holds(type_)]
    create(tables, name, column("n", "INTEGER"), column("Text", "VARCHAR"), *keys)
    given = ", ".join(f"(${n}, {n})" for n in range(1, len(TEXTS) + 1))
    values = ", ".join(f"CAST({KEYS[key.name][1]} AS {key.type}) AS {key.name}" for key in keys)
    query = Query(
        f"SELECT n, v AS text, {values} FROM (VALUES {given}, (NULL, 0)) r(v, n)", name, TEXTS
    )
    expected = read(queries, Query(f"FROM ({query.sql}) ORDER BY n", name, TEXTS)).rows
    place = PartitionedPlace.parse(f"{held.name}/some where/")
    export = Tracked(ExportPartitioned(queries, lake.datasets), FakeLineage())
    divide = ("text", *(key.name for key in keys))
    export(PartitionedExportCommand(query, place, DataFormat(suffix), divide))

    done = load(tables, name, f"{held.name}/some where/**/*.{suffix}")

    assert done.rows_appended == len(TEXTS) + 1
    found = rows_of(queries, name, "n")
    assert [list(row.values()) for row in found] == [list(row.values()) for row in expected]


def test_values_in_paths_are_as_strict(
    tables: TablePort, queries: QueryPort, name: TableName, held: HeldBucket
) -> None:
    made = create(tables, name, column("a", "INTEGER"), column("k", "TINYINT"))
    held.put("p/k=1/x.csv", b"a\n1\n")
    held.put("p/k=300/x.csv", b"a\n2\n")
    with pytest.raises(RowsDoNotFitError) as raised:
        load(tables, name, f"{held.name}/p/**/*.csv")
    (problem,) = raised.value.problems
    assert problem.column == "k"
    assert f"'300' in s3://{held.name}/p/k=300/x.csv" in raised.value.detail
    assert tables.describe(name) == made


def test_which_columns_are_read_from_paths(
    tables: TablePort, queries: QueryPort, name: TableName, held: HeldBucket
) -> None:
    create(tables, name, column("a", "INTEGER"), column("k", "INTEGER"), column("l", "VARCHAR"))
    held.put("p/K=1/other=x/x.csv", b"a,l\n1,own\n")
    held.put("p/other=y/k=2/x.csv", b"a,l\n2,own\n")
    # `other` is no column of the table.
    load(tables, name, f"{held.name}/p/**/*.csv")
    assert [row["k"] for row in rows_of(queries, name, "a")] == [1, 2]

    both = held.put("q/l=path/k=3/x.csv", b"a,l\n3,own\n")
    for asked in (None, False, True):
        load(tables, name, both, hive_partitioning=asked)
    found = sorted((row["l"], row["k"] or 0) for row in rows_of(queries, name, "a")[2:])
    assert found == [("own", 0), ("own", 3), ("path", 3)]

    with pytest.raises(RowsDoNotFitError, match="other"):
        load(tables, name, f"{held.name}/p/**/*.csv", hive_partitioning=True)
    with pytest.raises(RowsDoNotFitError, match="column=value"):
        load(tables, name, held.put("plain.csv", b"a\n1\n"), hive_partitioning=True)


def test_a_column_of_some_paths_is_not_left_out_unasked(
    tables: TablePort, queries: QueryPort, name: TableName, held: HeldBucket
) -> None:
    create(tables, name, column("a", "INTEGER"), column("k", "INTEGER"))
    held.put("p/k=1/x.csv", b"a\n1\n")
    held.put("p/x.csv", b"a\n2\n")
    held.put("q/k=1/k=2/x.csv", b"a\n3\n")
    held.put("r/k=%FF/x.csv", b"a\n4\n")
    for prefix in "pqr":
        for asked in (None, True):
            with pytest.raises(RowsDoNotFitError):
                load(tables, name, f"{held.name}/{prefix}/**/*.csv", hive_partitioning=asked)
        load(tables, name, f"{held.name}/{prefix}/**/*.csv", hive_partitioning=False)
    assert [(row["a"], row["k"]) for row in rows_of(queries, name, "a")] == [
        (n, None) for n in range(1, 5)
    ]


def test_required_columns_may_be_in_paths(
    tables: TablePort, queries: QueryPort, name: TableName, held: HeldBucket
) -> None:
    create(tables, name, column("a", "INTEGER"), column("k", "INTEGER", nullable=False))
    # An object that is named twice is read twice.
    place = held.put("k=1/x.csv", b"a\n1\n")
    assert load(tables, name, place, place).rows_appended == 2
    with pytest.raises(RowsDoNotFitError):
        load(tables, name, held.put("k=__HIVE_DEFAULT_PARTITION__/x.csv", b"a\n1\n"))
    assert rows_of(queries, name, "a") == [{"a": 1, "k": 1}] * 2


@pytest.mark.parametrize("suffix", ["parquet", "csv", "ndjson"])
def test_a_table_grows_by_columns_in_paths(
    tables: TablePort, queries: QueryPort, name: TableName, held: HeldBucket, suffix: str
) -> None:
    sink = io.BytesIO()
    pq.write_table(pa.table({"a": pa.array([1], pa.int32())}), sink)
    content = {"parquet": sink.getvalue(), "csv": b"a\n1\n", "ndjson": b'{"a": 1}\n'}[suffix]
    create(tables, name, column("a", "INTEGER"), column("k", "INTEGER"))
    none = "__HIVE_DEFAULT_PARTITION__"
    place = held.put(f"k=3000000000/day=2024-02-29/none={none}/x.{suffix}", content)

    done = load(tables, name, place, on_new_columns=OnNewColumns.ADD)

    assert done.columns_added == (column("day", "DATE"),)
    assert done.columns_widened == (column("k", "BIGINT"),)
    assert rows_of(queries, name, "a") == [{"a": 1, "k": 3000000000, "day": "2024-02-29"}]


@pytest.mark.parametrize("suffix", ["parquet", "csv", "ndjson"])
def test_a_table_made_of_objects_with_columns_in_paths(
    tables: TablePort, queries: QueryPort, name: TableName, held: HeldBucket, suffix: str
) -> None:
    for number in (1, 2):
        sink = io.BytesIO()
        pq.write_table(pa.table({"a": pa.array([number], pa.int64()), "b": ["own"]}), sink)
        content = {
            "parquet": sink.getvalue(),
            "csv": f"a,b\n{number},own\n".encode(),
            "ndjson": f'{{"a": {number}, "b": "own"}}\n'.encode(),
        }[suffix]
        held.put(f"year={number}/month=0{number}/b=path/x.{suffix}", content)
    place = f"{held.name}/**/*.{suffix}"

    columns = (column("a", "BIGINT"), column("b", "VARCHAR"))
    in_paths = (column("year", "BIGINT"), column("month", "VARCHAR"))
    assert made_of(tables, name, place) == (*columns, *in_paths)
    assert rows_of(queries, name, "a") == [
        {"a": number, "b": "own", "year": number, "month": f"0{number}"} for number in (1, 2)
    ]
    assert made_of(tables, name, place, hive_partitioning=True) == (
        columns[0],
        *in_paths,
        columns[1],
    )
    assert [row["b"] for row in rows_of(queries, name, "a")] == ["path", "path"]
    assert made_of(tables, name, place, hive_partitioning=False) == columns
