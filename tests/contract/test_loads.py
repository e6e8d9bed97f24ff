"""The table port: rows of objects, on every lake with the store that its engine reads."""

from __future__ import annotations

import gzip
import io
import time
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from domain.derived_tables import DerivedTable
from domain.errors import (
    BucketNotFoundError,
    LakehouseError,
    MalformedObjectError,
    ObjectNotFoundError,
    QueryTimeoutError,
    RowsDoNotFitError,
    TableNotFoundError,
)
from domain.growth import OnNewColumns
from domain.idempotency import IdempotencyKey, KeyedRequest, WriteTerms
from domain.object_rows import LoadOutcome, ObjectRows
from domain.ports.queries import QueryPort
from domain.ports.tables import TablePort
from domain.queries import Query
from domain.tables import IfExists, TableName
from tests.contract.held_bucket import HeldBucket
from tests.contract.lakes import OpenedLake, on_lakes_that_run_sql
from tests.contract.query_cases import read
from tests.contract.table_cases import column, create, write

pytestmark = on_lakes_that_run_sql

COLUMNS = (column("a", "INTEGER"), column("b", "VARCHAR"), column("c", "STRUCT(d DATE)"))
ODD = "in/a b+c%20#?ü'\"[1]*.csv"


def parquet(**columns: pa.Array) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


def load(
    tables: TablePort, name: TableName, *objects: str, terms: WriteTerms | None = None
) -> LoadOutcome:
    rows = ObjectRows.parse(objects)
    return tables.load(name, rows, write(name, "load"), terms or WriteTerms())


def test_a_load_is_one_commit(
    lake: OpenedLake, tables: TablePort, queries: QueryPort, name: TableName, held: HeldBucket
) -> None:
    create(tables, name, *COLUMNS)
    held.put("in/1.parquet", parquet(a=pa.array([1, 2], pa.int64())))
    held.put("in/2.parquet", parquet(B=pa.array(["x"]), a=pa.array([3], pa.int64())))

    done = load(tables, name, f"{held.name}/in/*.parquet")

    assert done.outcome.rows_appended == 3
    assert [str(found.ref.name) for found in done.objects] == ["in/1.parquet", "in/2.parquet"]
    assert tables.describe(name).snapshot_id == done.outcome.snapshot_id
    said = [each for each in lake.writes() if each.table == str(name) and each.operation == "load"]
    assert [each.rows for each in said] == [3]
    found = sorted(read(queries, Query(table=name)).rows, key=lambda row: int(row["a"]))
    assert [(row["a"], row["b"]) for row in found] == [(1, None), (2, None), (3, "x")]


def test_few_nested_rows_stay_as_they_are(
    tables: TablePort, queries: QueryPort, name: TableName, held: HeldBucket
) -> None:
    create(tables, name, *COLUMNS)
    line = b'{"a": 1, "b": "it\'s \\"x\\"", "c": {"d": "2020-02-29"}}\n'
    assert load(tables, name, held.put("x.ndjson", line)).outcome.rows_appended == 1
    (row,) = read(queries, Query(table=name)).rows
    assert row == {"a": 1, "b": 'it\'s "x"', "c": {"d": "2020-02-29"}}


def test_a_table_grows_for_a_load_in_its_commit(
    lake: OpenedLake, tables: TablePort, queries: QueryPort, name: TableName, held: HeldBucket
) -> None:
    made = create(tables, name, *COLUMNS)
    place = held.put("x.ndjson", b'{"a": 3000000000, "new": 1.5}\n{"a": 1, "gone": null}\n')

    rows = ObjectRows.parse([place])
    done = tables.load(name, rows, write(name, "load"), WriteTerms(), OnNewColumns.ADD)

    assert done.outcome.columns_added == (column("new", "DOUBLE"),)
    assert done.outcome.columns_widened == (column("a", "BIGINT"),)
    assert done.outcome.snapshot_id > made.snapshot_id
    after = tables.describe(name)
    assert after.snapshot_id == done.outcome.snapshot_id
    assert next(str(each.type) for each in after.columns) == "BIGINT"
    assert tables.columns(name) == after.columns
    found = sorted(read(queries, Query(table=name)).rows, key=lambda row: int(row["a"]))
    assert [(row["a"], row["new"]) for row in found] == [(1, None), (3000000000, Decimal("1.5"))]


def test_names_of_every_kind(tables: TablePort, name: TableName, held: HeldBucket) -> None:
    create(tables, name, *COLUMNS)
    held.put("in/other.csv", b"a\n9\n")
    assert load(tables, name, held.put(ODD, b"a\n1\n2\n")).outcome.rows_appended == 2


@pytest.mark.parametrize(
    "file, content",
    [
        ("array.json", '[{"a": 1, "b": "x"}, {"a": 2}]'),
        ("spread.json", '\n [ {"a": 1,\n "b": "x"} ,\n{"a": 2}\n]\n'),
        ("lines.json", '{"a": 1, "b": "x"}\n{"a": 2}\n'),
        ("objects.json", '{"a": 1,\n"b": "x"}\n\n{"a":\n2}'),
        ("lines.ndjson", '{"a": 1, "b": "x"}\r\n{"a": 2}'),
        ("lines.jsonl", '{"b": "x", "a": 1}\n\n{"b": null, "a": 2}\n\n'),
    ],
)
def test_json_of_each_shape(
    tables: TablePort,
    queries: QueryPort,
    name: TableName,
    held: HeldBucket,
    file: str,
    content: str,
) -> None:
    create(tables, name, *COLUMNS)
    assert load(tables, name, held.put(file, content.encode())).outcome.rows_appended == 2
    assert [
        (row["a"], row["b"]) for row in read(queries, Query(f"FROM {name} ORDER BY a")).rows
    ] == [
        (1, "x"),
        (2, None),
    ]


def test_a_single_json_object_is_a_row(
    tables: TablePort, queries: QueryPort, name: TableName, held: HeldBucket
) -> None:
    create(tables, name, *COLUMNS)
    for number, suffix in enumerate(("json", "ndjson")):
        load(tables, name, held.put(f"x.{suffix}", b'{"a": %d}' % number))
    held.put("in/1.json", b'[{"a": 2}]')
    held.put("in/2.json", b'{"a": 3}\n{"a": 4}')
    held.put("in/3.json", b'{"a": 5}')
    load(tables, name, f"{held.name}/in/*.json")
    assert [row["a"] for row in read(queries, Query(f"FROM {name} ORDER BY a")).rows] == [*range(6)]


@pytest.mark.parametrize(
    "file, content",
    [
        ("x.json", '[{"a": 1}, 2]'),
        ("x.json", '{"a": 1}\n[{"a": 2}]'),
        ("x.json", '[{"a": 1}]\n{"a": 2}'),
        ("x.json", '[[{"a": 1}]]'),
        ("x.json", '"a"'),
        ("x.ndjson", '{"a": 1}\nnull\n'),
        ("x.ndjson", '[{"a": 1}]\n'),
        ("x.ndjson", '{"a": 1}\n{"a": 1, "a": 2}\n'),
        ("x.ndjson", '{"a": 1, "a": 2}\n'),
        ("x.ndjson", '{"a": 1}\n{"a": 2, "\\u0000": 3}\n'),
        ("x.ndjson", '{"\\u0000": 1}\n'),
        ("x.ndjson", '{"a": 1}\n{"z": 1}\n'),
    ],
)
def test_json_of_no_shape_loads_nothing(
    tables: TablePort, name: TableName, held: HeldBucket, file: str, content: str
) -> None:
    made = create(tables, name, *COLUMNS)
    with pytest.raises((RowsDoNotFitError, MalformedObjectError)):
        load(tables, name, held.put(file, content.encode()))
    assert tables.describe(name) == made


def test_what_does_not_fit_loads_nothing(
    tables: TablePort, name: TableName, held: HeldBucket
) -> None:
    made = create(tables, name, *COLUMNS)
    held.put("1.csv", b"a\n1\n")
    held.put("2.csv", b"a\n1.5\n")
    with pytest.raises(RowsDoNotFitError) as raised:
        load(tables, name, f"{held.name}/*.csv")
    assert f"s3://{held.name}/2.csv" in raised.value.detail
    assert "1.5" in raised.value.detail
    with pytest.raises(MalformedObjectError):
        load(tables, name, held.put("x.parquet", b"<html></html>"))
    assert tables.describe(name) == made


def test_what_is_not_there(tables: TablePort, name: TableName, held: HeldBucket) -> None:
    with pytest.raises(TableNotFoundError):
        load(tables, name, held.put("x.csv", b"a\n1\n"))
    create(tables, name, *COLUMNS)
    with pytest.raises(ObjectNotFoundError):
        load(tables, name, f"{held.name}/*.parquet")
    with pytest.raises(BucketNotFoundError):
        load(tables, name, "no-such-bucket-here/x.csv")


def test_a_load_under_a_key_is_done_once(
    tables: TablePort, name: TableName, held: HeldBucket
) -> None:
    create(tables, name, *COLUMNS)
    key = IdempotencyKey(f"load-{name.namespace}")
    terms = WriteTerms(request=KeyedRequest(key, b"d" * 32))
    place = held.put("x.csv", b"a\n1\n")
    first = load(tables, name, place, terms=terms)
    again = load(tables, name, place, terms=terms)
    assert again.outcome.replay_of is not None
    assert again.objects == ()
    assert again.outcome.snapshot_id == first.outcome.snapshot_id
    assert tables.describe(name).row_count == 1


def test_a_table_made_of_objects(
    tables: TablePort, queries: QueryPort, name: TableName, held: HeldBucket
) -> None:
    held.put("x.csv", b"a,b\n1,2020-01-01\n2,\n")
    rows = ObjectRows.parse([f"{held.name}/x.csv"])
    made = tables.create_from(DerivedTable(name, rows), IfExists.ERROR, write(name, "create"))
    assert made.read is not None
    assert [str(found.ref) for found in made.read.objects] == [f"{held.name}/x.csv"]
    assert tables.columns(name) == (column("a", "BIGINT"), column("b", "DATE"))
    assert made.outcome.description.row_count == 2
    assert read(queries, Query(table=name)).rows == [
        {"a": 1, "b": "2020-01-01"},
        {"a": 2, "b": None},
    ]


@pytest.mark.parametrize(
    "file, content, expected",
    [
        ("x.csv", "a,b\n007,1\n", {"a": ("VARCHAR", "007"), "b": ("BIGINT", 1)}),
        ("x.csv", "a,b\n1;2,+1\n", {"a": ("VARCHAR", "1;2"), "b": ("VARCHAR", "+1")}),
        ("x.csv", "a\n0.12345678901234568\n", {"a": ("DOUBLE", Decimal("0.12345678901234568"))}),
        ("x.csv", "a\n18446744073709551617\n", {"a": ("DECIMAL(38,0)", 18446744073709551617)}),
        (
            "x.csv",
            "a\n0.1234567890123456789\n",
            {"a": ("DECIMAL(20,19)", Decimal("0.1234567890123456789"))},
        ),
        (
            "x.csv",
            "a,b\n2013-01-01T10:00:00Z,2013-01-01T10:00:00+02:00\n",
            {
                "a": ("TIMESTAMP WITH TIME ZONE", "2013-01-01T10:00:00Z"),
                "b": ("VARCHAR", "2013-01-01T10:00:00+02:00"),
            },
        ),
        ("x.csv", "a,b\n13/02/2013,t\n", {"a": ("VARCHAR", "13/02/2013"), "b": ("VARCHAR", "t")}),
        (
            "x.ndjson",
            '{"a": 12345678901234567890123, "b": "2013-01-01T10:00:00+02:00"}\n',
            {
                "a": ("DECIMAL(38,0)", 12345678901234567890123),
                "b": ("VARCHAR", "2013-01-01T10:00:00+02:00"),
            },
        ),
        (
            "x.json",
            '[{"a": "2013-01-01T10:00:00.5Z", "b": {"t": "2013-01-01T10:00:00+02"}}]',
            {
                "a": ("TIMESTAMP WITH TIME ZONE", "2013-01-01T10:00:00.5Z"),
                "b": ("STRUCT(t VARCHAR)", {"t": "2013-01-01T10:00:00+02"}),
            },
        ),
    ],
)
def test_guessed_types_lose_nothing(
    tables: TablePort,
    queries: QueryPort,
    name: TableName,
    held: HeldBucket,
    file: str,
    content: str,
    expected: Mapping[str, tuple[str, object]],
) -> None:
    rows = ObjectRows.parse([held.put(file, content.encode())])
    tables.create_from(DerivedTable(name, rows), IfExists.ERROR, write(name, "create"))
    types = {each.name: str(each.type) for each in tables.columns(name)}
    assert types == {column: found for column, (found, _) in expected.items()}
    (row,) = read(queries, Query(table=name)).rows
    assert row == {column: value for column, (_, value) in expected.items()}


def test_sparse_records_are_no_map(tables: TablePort, name: TableName, held: HeldBucket) -> None:
    lines = "".join(f'{{"c{number}": 1}}\n' for number in range(30))
    rows = ObjectRows.parse([held.put("x.ndjson", lines.encode())])
    tables.create_from(DerivedTable(name, rows), IfExists.ERROR, write(name, "create"))
    assert {each.name for each in tables.columns(name)} == {f"c{number}" for number in range(30)}


@pytest.mark.parametrize(
    "file, content, error",
    [
        ("x.csv", "a,b\n1,x\n2\n", MalformedObjectError),
        ("x.csv", "a,b\n1,x\n2,y,z\n", MalformedObjectError),
        ("x.json", "[]", RowsDoNotFitError),
        ("x.json", "[1, 2]", RowsDoNotFitError),
        ("x.json", "[{}]", RowsDoNotFitError),
        ("x.json", '[{"a": 1, "A": 2}]', RowsDoNotFitError),
        ("x.ndjson", '{"a": 12345678901234567890123}\n{"a": 1.5}\n', RowsDoNotFitError),
    ],
)
def test_text_that_makes_no_table(
    tables: TablePort,
    name: TableName,
    held: HeldBucket,
    file: str,
    content: str,
    error: type[LakehouseError],
) -> None:
    rows = ObjectRows.parse([held.put(file, content.encode())])
    with pytest.raises(error):
        tables.create_from(DerivedTable(name, rows), IfExists.ERROR, write(name, "create"))
    with pytest.raises(TableNotFoundError):
        tables.describe(name)


def test_a_table_made_of_a_query_over_objects(
    tables: TablePort, queries: QueryPort, name: TableName, held: HeldBucket
) -> None:
    held.put("x.csv", b"a,b\n1,2020-01-01\n2,\n")
    held.put("1.ndjson", b'{"a": 2, "c": "x"}\n')
    sql = (
        f"SELECT x.a, y.c FROM 's3://{held.name}/x.csv' x "
        f"JOIN read_json('s3://{held.name}/*.ndjson') y USING (a)"
    )
    made = tables.create_from(DerivedTable(name, Query(sql)), IfExists.ERROR, write(name, "create"))
    assert made.read is not None
    found = sorted(str(found.ref.name) for found in made.read.objects)
    assert found == ["1.ndjson", "x.csv"]
    assert read(queries, Query(table=name)).rows == [{"a": 2, "c": "x"}]


def test_a_query_over_objects_that_cannot_be_read(
    tables: TablePort, name: TableName, held: HeldBucket
) -> None:
    held.put("x.parquet", b"<html>")

    def make(place: str) -> None:
        asked = Query(f"FROM 's3://{held.name}/{place}'")
        tables.create_from(DerivedTable(name, asked), IfExists.ERROR, write(name, "create"))

    with pytest.raises(MalformedObjectError, match=f"s3://{held.name}/x.parquet"):
        make("x.parquet")
    with pytest.raises(ObjectNotFoundError):
        make("y.parquet")
    with pytest.raises(TableNotFoundError):
        tables.describe(name)


def test_what_takes_too_long_makes_nothing(tables: TablePort, name: TableName) -> None:
    # So that the lake is open.
    create(tables, TableName(name.namespace, "other"))
    endless = Query("SELECT max(hash(i)) AS s FROM range(1000000000000) r(i)", timeout_s=0.3)
    began = time.monotonic()
    with pytest.raises(QueryTimeoutError, match=r"0\.3 s"):
        tables.create_from(DerivedTable(name, endless), IfExists.ERROR, write(name, "create"))
    assert time.monotonic() - began < 5
    with pytest.raises(TableNotFoundError):
        tables.describe(name)


@pytest.mark.parametrize("suffix", ["csv", "csv.gz"])
def test_objects_that_take_too_long(
    tables: TablePort, name: TableName, held: HeldBucket, suffix: str
) -> None:
    made = create(tables, name, *COLUMNS)
    content = b"a\n" + b"1\n" * 300_000
    held.put(f"x.{suffix}", gzip.compress(content, 1) if suffix.endswith("gz") else content)
    rows = replace(ObjectRows.parse([f"{held.name}/x.{suffix}"]), timeout_s=0.001)
    with pytest.raises(QueryTimeoutError):
        tables.load(name, rows, write(name, "load"))
    assert tables.describe(name) == made
    other = TableName(name.namespace, "other")
    with pytest.raises(QueryTimeoutError):
        tables.create_from(DerivedTable(other, rows), IfExists.ERROR, write(other, "create"))
