"""Results that are put aside: what is read back is what the query would have answered."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import closing

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from domain.datasets import ByteStream
from domain.errors import (
    BadUpstreamError,
    InvalidValueError,
    LakehouseError,
    NotAcceptableError,
    UnavailableError,
)
from domain.formats import DataFormat
from domain.ports.queries import QueryPort
from domain.ports.tables import TablePort
from domain.queries import Query, ResultColumn, ResultEncoding, SpoolEncoding
from domain.tables import TableName
from tests.contract.lakes import OpenedLake, on_lakes_that_run_sql
from tests.contract.query_cases import read
from tests.contract.table_cases import ID, append, create, some_rows
from tests.contract.values import VALUE_CASES, ValueCase
from tests.fakes.rows import FakeRows

ENCODINGS = (
    *(ResultEncoding(each) for each in DataFormat),
    ResultEncoding(DataFormat.NDJSON, wide_numbers_as_text=True),
)
NDJSON = ResultEncoding(DataFormat.NDJSON)


class Spool(ByteStream):
    """Bytes that were put aside."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self.chunks = chunks
        self.closed = threading.Event()

    def __iter__(self) -> Iterator[bytes]:
        yield from self.chunks

    def close(self) -> None:
        self.closed.set()


def put_aside(queries: QueryPort, query: Query) -> bytes:
    with closing(queries.open(query, SpoolEncoding())) as result:
        return b"".join(result)


def content_of(body: bytes, encoding: ResultEncoding) -> object:
    """What a body holds: of the binary formats not its bytes, which where a value is NULL may be
    any."""
    if encoding.format is DataFormat.ARROW:
        with pa.ipc.open_stream(body) as reader:
            table = reader.read_all()
    elif encoding.format is DataFormat.PARQUET:
        table = pq.read_table(pa.BufferReader(body))
    else:
        return body
    return table.schema, [str(column.combine_chunks()) for column in table.columns]


def outcome(queries: QueryPort, query: Query, encoding: ResultEncoding) -> object:
    """What a query answers: its content, or how it fails."""
    try:
        return content_of(read(queries, query, encoding).body, encoding)
    except LakehouseError as error:
        return error.code


def reopened(queries: QueryPort, content: bytes, encoding: ResultEncoding) -> object:
    """What a result that was put aside answers: its content, or how it fails."""
    try:
        with closing(queries.reopen(Spool([content]), encoding)) as rows:
            return content_of(b"".join(rows), encoding)
    except LakehouseError as error:
        return error.code


@pytest.mark.parametrize("case", VALUE_CASES, ids=lambda case: case.type)
def test_values_come_back_the_same_in_every_format(
    lake: OpenedLake, tables: TablePort, queries: QueryPort, name: TableName, case: ValueCase
) -> None:
    if not lake.holds(case.type):
        return
    columns = (ID, case.column)
    create(tables, name, *columns)
    numbers = range(len(case.carried))
    append(tables, name, FakeRows.of(columns, {"id": numbers, "c": case.carried}))
    query = Query(table=name)

    content = put_aside(queries, query)

    for encoding in ENCODINGS:
        assert reopened(queries, content, encoding) == outcome(queries, query, encoding), encoding


def test_what_is_known_of_the_rows(tables: TablePort, queries: QueryPort, name: TableName) -> None:
    create(tables, name)
    append(tables, name, some_rows(5))

    with closing(queries.open(Query(table=name, row_limit=3), SpoolEncoding())) as result:
        content = b"".join(result)
        assert result.row_count == 3
        assert result.truncated
    spool = Spool([content])
    with closing(queries.reopen(spool, NDJSON)) as rows:
        assert rows.columns == (
            ResultColumn("id", "BIGINT"),
            ResultColumn("label", "VARCHAR"),
        )
        assert b"".join(rows).count(b"\n") == 3
        assert rows.row_count == 3
    assert spool.closed.is_set()


def test_no_rows(tables: TablePort, queries: QueryPort, name: TableName) -> None:
    create(tables, name)
    query = Query(table=name)
    content = put_aside(queries, query)

    for encoding in ENCODINGS:
        assert reopened(queries, content, encoding) == outcome(queries, query, encoding)


@pytest.mark.parametrize("content", [b"", b"no result", b"\xff" * 1000])
def test_other_bytes_are_no_result(queries: QueryPort, content: bytes) -> None:
    spool = Spool([content])

    with pytest.raises(BadUpstreamError):
        queries.reopen(spool, NDJSON)
    assert spool.closed.is_set()


VALUES = r"""
    (-170141183460469231731687303715884105728)::HUGEINT
    170141183460469231731687303715884105727::HUGEINT
    340282366920938463463374607431768211455::UHUGEINT
    123456789012345678901234567890123456789012345678901234567890::BIGNUM
    '0101'::BIT
    ''::BLOB
    'a''b'::ENUM('a''b', 'c,"d', 'ü')
    '{"a":  [1, 2.50], "b": 1e40}'::JSON
    'infinity'::DATE
    '-infinity'::TIMESTAMP
    'infinity'::TIMESTAMPTZ
    DATE '0044-03-15 (BC)'
    TIME '24:00:00'
    '12:30:00.123456789'::TIME_NS
    '12:30:00+01:30:45'::TIMETZ
    '23:59:59.999999-15:59:59'::TIMETZ
    TIMESTAMP '290000-01-01'
    '2020-01-31 12:30:00.123456789'::TIMESTAMP_NS
    INTERVAL '1 year 2 months -3 days 04:05:06.5'
    to_months(-14)
    to_months(2147483647) + to_days(-2147483648) + to_microseconds(-1)
    to_hours(100000000)
    [INTERVAL '-1 day', NULL]
    [1::HUGEINT, NULL]
    []::INTEGER[]
    array_value(1, 2, 3)
    {'a': 1::HUGEINT, 'b c': {'d "e': '01'::BIT}, 'ü': NULL}
    map {1::HUGEINT: 'x', 2::HUGEINT: NULL}
    map {INTERVAL '1 day': ['a']}
    MAP([], [])
    NULL
    [NULL]
    ''
    chr(9) || ',"' || chr(10) || chr(13)
    0.1::FLOAT
    '-inf'::DOUBLE
    'nan'::FLOAT
    -0.0::DOUBLE
    1e-320::DOUBLE
    .5::DECIMAL(38, 38)
""".strip().splitlines()


@on_lakes_that_run_sql
@pytest.mark.parametrize("value", [each.strip() for each in VALUES])
def test_sql_values_come_back_the_same_in_every_format(queries: QueryPort, value: str) -> None:
    query = Query(f"SELECT {value} AS v UNION ALL SELECT NULL")

    content = put_aside(queries, query)

    for encoding in ENCODINGS:
        assert reopened(queries, content, encoding) == outcome(queries, query, encoding), encoding


@on_lakes_that_run_sql
@pytest.mark.parametrize(
    "value",
    [
        "row(1, 2)",
        "[row(1, 2)]",
        "map {1: row(1)}",
        "{'a': [row(1)]}",
        "union_value(a := 1)",
        "[union_value(a := 1)]",
    ],
)
def test_what_cannot_be_put_aside_exactly_is_refused_at_once(
    queries: QueryPort, value: str
) -> None:
    with pytest.raises(NotAcceptableError, match="cast"):
        queries.open(Query(f"SELECT {value} AS v"), SpoolEncoding())


@on_lakes_that_run_sql
def test_an_interval_that_would_not_come_back_fails_as_it_is_put_aside(
    queries: QueryPort,
) -> None:
    with pytest.raises(InvalidValueError):
        put_aside(queries, Query("SELECT to_microseconds(9223372036854775807)"))


@on_lakes_that_run_sql
def test_names_come_back(queries: QueryPort) -> None:
    query = Query('SELECT 1 AS a, 2 AS a, 3 AS "q""q", 4 AS "雪", 5 AS "l1\nl2", 6 AS column_0')
    content = put_aside(queries, query)

    for encoding in ENCODINGS:
        assert reopened(queries, content, encoding) == outcome(queries, query, encoding)


@on_lakes_that_run_sql
def test_many_rows_come_back_in_their_order(queries: QueryPort) -> None:
    query = Query("SELECT i, 'row ' || i AS t FROM range(300000) r(i) ORDER BY i DESC")
    content = put_aside(queries, query)

    for encoding in (NDJSON, ResultEncoding(DataFormat.CSV)):
        assert reopened(queries, content, encoding) == outcome(queries, query, encoding)


@on_lakes_that_run_sql
@pytest.mark.parametrize("share", [0.02, 0.5, 0.999])
def test_a_result_that_was_cut_short_never_ends_well(queries: QueryPort, share: float) -> None:
    content = put_aside(queries, Query("SELECT hash(i) AS h FROM range(100000) r(i)"))

    cut = content[: int(len(content) * share)]

    assert reopened(queries, cut, NDJSON) == "bad_upstream"


@on_lakes_that_run_sql
def test_what_fails_in_the_store_is_told(queries: QueryPort) -> None:
    content = put_aside(queries, Query("SELECT hash(i) AS h FROM range(200000) r(i)"))

    def failing() -> Iterator[bytes]:
        yield content[: len(content) // 2]
        raise UnavailableError("The store is gone.")

    rows = queries.reopen(Spool(failing()), NDJSON)
    with closing(rows), pytest.raises(UnavailableError, match="The store is gone"):
        b"".join(rows)


@on_lakes_that_run_sql
def test_reading_can_be_stopped(queries: QueryPort) -> None:
    content = put_aside(queries, Query("SELECT hash(i) AS h FROM range(500000) r(i)"))
    spool = Spool([content])
    rows = queries.reopen(spool, NDJSON)
    chunks = iter(rows)
    assert next(chunks)

    rows.close()
    rows.close()

    assert spool.closed.is_set()
    with pytest.raises(LakehouseError):
        b"".join(chunks)


@on_lakes_that_run_sql
def test_progress_is_told_while_a_result_is_put_aside(
    queries: QueryPort, tables: TablePort, name: TableName
) -> None:
    create(tables, name)
    append(tables, name, some_rows(200_000))
    sql = (
        "SELECT a.id, md5(a.label) AS h FROM t a JOIN t b ON md5(a.label) = md5(b.label) ORDER BY h"
    )
    result = queries.open(Query(sql, name), SpoolEncoding())
    ended = threading.Event()
    seen: list[float] = []

    def watch() -> None:
        while not ended.wait(0.002):
            told = result.progress
            if told is not None:
                seen.append(told)

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        with closing(result):
            assert sum(map(len, result))
    finally:
        ended.set()
        watching.join()

    assert all(0 <= told <= 1 for told in seen)
    assert any(0 < told < 1 for told in seen)
    assert result.progress is None
