"""An error of the engine's own: it refuses all work from then on, and must be replaced."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from adapters.ducklake import (
    DuckLakeQueries,
    DuckLakeTables,
    Lake,
    LakeConfig,
    LocalStorage,
    PostgresCatalog,
)
from domain.errors import UnavailableError
from domain.tables import TableName
from tests.contract.query_cases import ask
from tests.contract.table_cases import append, create, some_rows
from tests.eventually import eventually
from tests.servers.endpoints import PostgresEndpoint

pytestmark = pytest.mark.servers

TABLE = TableName("main", "t")


@pytest.fixture
def lake(postgres_database: PostgresEndpoint, tmp_path: Path) -> Iterator[Lake]:
    catalog = PostgresCatalog.parse(postgres_database.url)
    config = LakeConfig(
        catalog, LocalStorage(tmp_path / "data"), tmp_path / "temp", catalog_timeout_s=2
    )
    with closing(Lake(config)) as lake:
        yield lake


def lay_a_trap(lake: Lake) -> None:
    """Make a table that breaks the engine down when it is read, as another client can."""
    with lake.cursor() as cursor:
        cursor.execute("CREATE TABLE lake.trap (c STRUCT(a DATE))")
        cursor.execute("INSERT INTO lake.trap VALUES ({'a': DATE '2013-01-31'})")


def test_another_engine_takes_the_place_of_one_that_broke_down(lake: Lake) -> None:
    tables, queries = DuckLakeTables(lake), DuckLakeQueries(lake)
    create(tables, TABLE)
    append(tables, TABLE, some_rows(3))
    lay_a_trap(lake)

    for count in (3, 6, 9):
        with pytest.raises(UnavailableError, match="broke down") as caught:
            ask(queries, "FROM trap")
        assert isinstance(caught.value.__cause__, duckdb.InternalException)

        assert ask(queries, "SELECT count(*) FROM t").value == count
        assert tables.check().ok
        append(tables, TABLE, some_rows(3))


def test_what_goes_on_meanwhile_fails_as_unavailable_and_works_again(lake: Lake) -> None:
    tables, queries = DuckLakeTables(lake), DuckLakeQueries(lake)
    create(tables, TABLE)
    lay_a_trap(lake)
    appended = [0] * 4
    failures: list[BaseException] = []
    ends = threading.Event()

    def write(number: int) -> None:
        while not ends.is_set():
            try:
                append(tables, TABLE, some_rows(1))
                appended[number] += 1
            except UnavailableError:
                pass
            except BaseException as error:  # noqa: BLE001 - judged below
                failures.append(error)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for writer in writers:
        writer.start()
    try:
        for _ in range(3):
            there = sum(appended)
            with pytest.raises(UnavailableError):
                ask(queries, "FROM trap")
            eventually(lambda there=there: sum(appended) > there)  # type: ignore[misc]
    finally:
        ends.set()
        for writer in writers:
            writer.join()

    assert not failures
    # What was not acknowledged may have been committed all the same.
    assert ask(queries, "SELECT count(*) FROM t").value >= sum(appended)
