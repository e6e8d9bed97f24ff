"""The query port: results that are divided by the values of some columns."""

from __future__ import annotations

import json
import threading
from contextlib import closing
from typing import Any

import pytest

from domain.errors import (
    InvalidPartitionError,
    InvalidSqlError,
    InvalidValueError,
    LakehouseError,
    QueryCancelledError,
    QueryTimeoutError,
    StatementNotAllowedError,
    TableNotFoundError,
    TooLargeError,
)
from domain.formats import DataFormat
from domain.partitions import MAX_PARTITIONS
from domain.ports.queries import QueryPort
from domain.ports.tables import TablePort
from domain.queries import Query, ResultEncoding
from domain.tables import TableName
from tests.contract.lakes import on_lakes_that_run_sql
from tests.contract.query_cases import FORMAT_CASES, FormatCase
from tests.contract.table_cases import LABEL, append, column, create
from tests.fakes.rows import FakeRows

NDJSON = ResultEncoding(DataFormat.NDJSON)
COLUMNS = (column("n", "INTEGER"), column("K", "INTEGER"), LABEL)
Rows = dict[tuple[str | None, ...], list[dict[str, Any]]]


@pytest.fixture
def filled(tables: TablePort, name: TableName) -> TableName:
    """A table of six rows: three values of `K`, one of them NULL."""
    create(tables, name, *COLUMNS)
    labels = ("a", None, "b", "a", "a", "b")
    values = {"n": range(6), "K": (1, None, 2, 1, None, 1), "label": labels}
    append(tables, name, FakeRows.of(COLUMNS, values))
    return name


def divided(queries: QueryPort, query: Query, *keys: str) -> Rows:
    """The rows of each partition, as NDJSON has them."""
    with closing(queries.open_partitioned(query, NDJSON, keys)) as result:
        found: Rows = {}
        for partition in result.partitions():
            body = b"".join(result.rows(partition))
            rows = [json.loads(line) for line in body.splitlines()]
            assert len(rows) == partition.row_count
            found[partition.values] = rows
        return found


def test_rows_by_a_column(queries: QueryPort, filled: TableName) -> None:
    rows = divided(queries, Query(table=filled), "k")
    assert rows == {
        ("1",): [{"n": 0, "label": "a"}, {"n": 3, "label": "a"}, {"n": 5, "label": "b"}],
        ("2",): [{"n": 2, "label": "b"}],
        (None,): [{"n": 1, "label": None}, {"n": 4, "label": "a"}],
    }
    assert list(rows) == [("1",), ("2",), (None,)]


def test_rows_by_several_columns(queries: QueryPort, filled: TableName) -> None:
    rows = divided(queries, Query(table=filled), "label", "K")
    assert {values: [row["n"] for row in found] for values, found in rows.items()} == {
        ("a", "1"): [0, 3],
        ("a", None): [4],
        ("b", "1"): [5],
        ("b", "2"): [2],
        (None, None): [1],
    }


def test_what_is_known_of_it(queries: QueryPort, filled: TableName) -> None:
    with closing(queries.open_partitioned(Query(table=filled), NDJSON, ["k"])) as result:
        assert result.keys == ("K",)
        assert result.tables == (filled,)
        assert result.objects == ()
        assert result.snapshot_id > 0


def test_no_rows(tables: TablePort, queries: QueryPort, name: TableName) -> None:
    create(tables, name, *COLUMNS)
    assert divided(queries, Query(table=name), "label") == {}


@pytest.mark.parametrize("case", FORMAT_CASES, ids=lambda case: case.format.value)
def test_every_format(queries: QueryPort, filled: TableName, case: FormatCase) -> None:
    encoding = ResultEncoding(case.format)
    with closing(queries.open_partitioned(Query(table=filled), encoding, ["k"])) as result:
        for partition, rows in zip(
            result.partitions(), ([[0, "a"], [3, "a"], [5, "b"]], [[2, "b"]]), strict=False
        ):
            names, found = case.read(b"".join(result.rows(partition)))
            assert names is not None
            assert list(names) == ["n", "label"]
            expected = rows if case.has_types else [list(map(str, row)) for row in rows]
            assert found == expected


@pytest.mark.parametrize(
    "keys", [("nothing",), ("n", "N"), (), ("n", "k", "label"), ("label", "nothing")]
)
def test_columns_that_do_not_divide(
    queries: QueryPort, filled: TableName, keys: tuple[str, ...]
) -> None:
    with pytest.raises(InvalidPartitionError):
        queries.open_partitioned(Query(table=filled), NDJSON, keys)


def test_a_table_that_is_not_there(queries: QueryPort, name: TableName) -> None:
    with pytest.raises(TableNotFoundError):
        queries.open_partitioned(Query(table=name), NDJSON, ["a"])


def test_too_many_partitions(tables: TablePort, queries: QueryPort, name: TableName) -> None:
    create(tables, name, *COLUMNS)
    rows = FakeRows.of(COLUMNS, {"n": range(MAX_PARTITIONS + 1)})
    append(tables, name, rows)
    with (
        closing(queries.open_partitioned(Query(table=name), NDJSON, ["n"])) as result,
        pytest.raises(InvalidPartitionError),
    ):
        result.partitions()


@on_lakes_that_run_sql
@pytest.mark.parametrize(
    "key, text",
    [
        ("true", "true"),
        ("-7::TINYINT", "-7"),
        ("170141183460469231731687303715884105727::HUGEINT", str(2**127 - 1)),
        ("1.50::DECIMAL(9,2)", "1.50"),
        ("0.1::DOUBLE", "0.1"),
        ("'NaN'::FLOAT", "nan"),
        ("DATE '2020-02-29'", "2020-02-29"),
        ("TIMESTAMP '2020-02-29 12:00:00.5'", "2020-02-29 12:00:00.5"),
        ("TIMESTAMPTZ '2020-02-29 12:00:00+01'", "2020-02-29 11:00:00+00"),
        ("TIME '12:00'", "12:00:00"),
        ("uuid '12345678-1234-1234-1234-123456789abc'", "12345678-1234-1234-1234-123456789abc"),
        ("'a' || chr(10) || 'b'", "a\nb"),
        ("''", ""),
        ("NULL", None),
    ],
)
def test_values_as_text(queries: QueryPort, key: str, text: str | None) -> None:
    assert divided(queries, Query(f"SELECT 1 AS n, {key} AS k"), "k") == {(text,): [{"n": 1}]}


@on_lakes_that_run_sql
@pytest.mark.parametrize("key", ["[1]", "{'a': 1}", "'a'::BLOB", "INTERVAL 1 DAY"])
def test_values_that_no_text_tells(queries: QueryPort, key: str) -> None:
    with pytest.raises(InvalidPartitionError, match="VARCHAR"):
        queries.open_partitioned(Query(f"SELECT 1 AS n, {key} AS k"), NDJSON, ["k"])


@on_lakes_that_run_sql
def test_rows_stay_in_the_querys_order(queries: QueryPort) -> None:
    sql = "SELECT i, i % 3 AS k FROM range(30000) r(i) ORDER BY hash(i), i"
    rows = divided(queries, Query(sql), "k")
    whole = divided(queries, Query(f"SELECT 0 AS k, i FROM ({sql})"), "k")[("0",)]
    for remainder in range(3):
        expected = [row for row in whole if row["i"] % 3 == remainder]
        assert rows[(str(remainder),)] == expected


@on_lakes_that_run_sql
def test_parameters_limits_and_pivots(queries: QueryPort) -> None:
    some = Query("SELECT i, i % 2 AS k FROM range(100) r(i) WHERE i < ?", parameters=[9])
    assert sum(map(len, divided(queries, some, "k").values())) == 9
    few = Query("SELECT i, i % 2 AS k FROM range(100) r(i)", row_limit=3)
    assert divided(queries, few, "k") == {("0",): [{"i": 0}, {"i": 2}], ("1",): [{"i": 1}]}
    pivot = Query("PIVOT (SELECT i % 2 AS k, i % 3 AS m, i FROM range(6) r(i)) ON m USING sum(i)")
    assert divided(queries, pivot, "k") == {
        ("0",): [{"0": 0, "1": 4, "2": 2}],
        ("1",): [{"0": 3, "1": 1, "2": 5}],
    }


@on_lakes_that_run_sql
@pytest.mark.parametrize(
    "sql, error",
    [
        ("SELEC 1", InvalidSqlError),
        ("DROP TABLE t", StatementNotAllowedError),
        ("SELECT 1 AS k, k.x FROM nowhere k", InvalidSqlError),
        ("SELECT 1 AS k, " + "[" * 33 + "1" + "]" * 33 + " AS n", TooLargeError),
    ],
)
def test_statements_that_are_refused(
    queries: QueryPort, sql: str, error: type[LakehouseError]
) -> None:
    with pytest.raises(error):
        queries.open_partitioned(Query(sql), NDJSON, ["k"])


@on_lakes_that_run_sql
def test_a_value_that_fails_while_the_rows_are_made(queries: QueryPort) -> None:
    sql = "SELECT i AS n, CAST(CASE WHEN i < 9999 THEN '1' ELSE 'x' END AS INTEGER) AS k "
    query = Query(f"{sql} FROM range(10000) r(i)")
    with (
        closing(queries.open_partitioned(query, NDJSON, ["k"])) as result,
        pytest.raises(InvalidValueError),
    ):
        result.partitions()


@on_lakes_that_run_sql
def test_it_takes_too_long(queries: QueryPort) -> None:
    query = Query("SELECT 1 AS k, sum(hash(i)) AS n FROM range(1000000000000) r(i)", timeout_s=0.3)
    with (
        closing(queries.open_partitioned(query, NDJSON, ["k"])) as result,
        pytest.raises(QueryTimeoutError),
    ):
        result.partitions()


@on_lakes_that_run_sql
def test_it_is_closed_while_it_runs(queries: QueryPort) -> None:
    query = Query("SELECT 1 AS k, sum(hash(i)) AS n FROM range(1000000000000) r(i)")
    result = queries.open_partitioned(query, NDJSON, ["k"])
    closer = threading.Timer(0.2, result.close)
    closer.start()
    try:
        with pytest.raises(QueryCancelledError):
            result.partitions()
    finally:
        closer.join()
        result.close()


@on_lakes_that_run_sql
def test_two_at_a_time_do_not_meet(queries: QueryPort) -> None:
    first = queries.open_partitioned(Query("SELECT 1 AS n, 'a' AS k"), NDJSON, ["k"])
    second = queries.open_partitioned(Query("SELECT 2 AS n, 'b' AS k"), NDJSON, ["k"])
    with closing(first), closing(second):
        bodies = [
            [(each.values, b"".join(result.rows(each))) for each in result.partitions()]
            for result in (first, second)
        ]
    assert bodies == [[(("a",), b'{"n":1}\n')], [(("b",), b'{"n":2}\n')]]
