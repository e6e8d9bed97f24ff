"""The query port: queries that run longer than they may."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from domain.errors import QueryTimeoutError
from domain.formats import DataFormat
from domain.ports.queries import QueryPort
from domain.ports.tables import TablePort
from domain.queries import Query, ResultEncoding
from domain.tables import TableName
from tests.contract.lakes import on_lakes_that_run_sql
from tests.contract.query_cases import ask, read
from tests.contract.table_cases import append, create, some_rows

pytestmark = on_lakes_that_run_sql

NDJSON = ResultEncoding(DataFormat.NDJSON)
ENDLESS = "SELECT sum(hash(i)) AS s FROM range(1000000000000) r(i)"
ENDLESS_ROWS = "SELECT i, hash(i) AS h FROM range(1000000000000) r(i)"
ANSWERED_WITHIN_S = 3.0
"""A second is promised; the machine that runs the tests may be busy."""


@pytest.fixture(autouse=True)
def _opened(queries: QueryPort) -> None:
    """The lake is open, and what its first query imports is imported."""
    assert ask(queries, "SELECT $1 AS n", [1]).value == 1


@pytest.mark.parametrize(
    "sql",
    [
        ENDLESS,
        "SELECT count(*) AS n FROM range(10000000) a(i), range(10000000) b(j) WHERE i * j % 7 = 8",
        "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n FROM t) SELECT max(n) AS n FROM t",
        "SELECT hash(i) AS h FROM range(1000000000000) r(i) ORDER BY h",
    ],
)
def test_a_query_that_takes_too_long(queries: QueryPort, sql: str) -> None:
    began = time.monotonic()

    with pytest.raises(QueryTimeoutError) as raised:
        read(queries, Query(sql, timeout_s=0.3))

    assert 0.3 <= time.monotonic() - began < 0.3 + ANSWERED_WITHIN_S
    assert "0.3 s" in raised.value.detail


@pytest.mark.parametrize("data_format", list(DataFormat))
def test_rows_that_take_too_long(queries: QueryPort, data_format: DataFormat) -> None:
    began = time.monotonic()
    query = Query(ENDLESS_ROWS, timeout_s=0.5)

    with closing(queries.open(query, ResultEncoding(data_format))) as result:
        chunks = iter(result)
        assert next(chunks)
        with pytest.raises(QueryTimeoutError):
            for _ in chunks:
                pass

    assert time.monotonic() - began < 0.5 + ANSWERED_WITHIN_S
    assert result.row_count > 0


def test_what_binds_for_too_long(queries: QueryPort) -> None:
    lists = ", ".join(f"'{number}'" for number in range(4000))
    with pytest.raises(QueryTimeoutError):
        read(queries, Query(f"SELECT {lists}", timeout_s=0.001))


def test_a_reader_may_take_its_time(queries: QueryPort) -> None:
    query = Query("SELECT i FROM range(100000) r(i)", timeout_s=2)
    with closing(queries.open(query, NDJSON)) as result:
        chunks = iter(result)
        read_bytes = len(next(chunks))
        # The engine waits: this is no time of its own.
        time.sleep(2.2)
        read_bytes += sum(map(len, chunks))

    assert result.row_count == 100_000
    assert read_bytes > 1_000_000


def test_a_query_within_its_time(tables: TablePort, queries: QueryPort, name: TableName) -> None:
    create(tables, name)
    append(tables, name, some_rows(5))

    answer = read(queries, Query(table=name, timeout_s=60))

    assert len(answer.rows) == 5


def test_queries_at_the_same_time_have_their_own(queries: QueryPort) -> None:
    def timed(timeout_s: float) -> float:
        began = time.monotonic()
        with pytest.raises(QueryTimeoutError):
            read(queries, Query(ENDLESS, timeout_s=timeout_s))
        return time.monotonic() - began

    timeouts = [0.2, 1.2, 0.7]
    with ThreadPoolExecutor(4) as pool:
        unlimited = pool.submit(lambda: ask(queries, "SELECT count(*) AS n FROM range(1000000)"))
        took = list(pool.map(timed, timeouts))

    assert unlimited.result().value == 1_000_000
    for timeout_s, took_s in zip(timeouts, took, strict=True):
        assert timeout_s <= took_s < timeout_s + ANSWERED_WITHIN_S


def test_the_engine_goes_on_after_it(queries: QueryPort) -> None:
    for _ in range(5):
        with pytest.raises(QueryTimeoutError):
            read(queries, Query(ENDLESS, timeout_s=0.05))

        assert ask(queries, "SELECT 1 AS n").value == 1
