"""The lakes on which the table and query suites run: to add one, add a `LakeOpener` to `LAKES`.

A lake is opened once per test process and shared by its tests: each works in a namespace of its
own, and may find tables of others in the lake.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

import pytest

from adapters.ducklake import (
    DuckLakeQueries,
    DuckLakeTables,
    FileCatalog,
    Lake,
    LakeConfig,
    LocalStorage,
)
from domain.commits import CommitMessage, Write
from domain.ports.queries import QueryPort
from domain.ports.tables import TablePort
from tests.fakes.queries import FakeQueries
from tests.fakes.tables import FakeTables


@dataclass(frozen=True, slots=True)
class OpenedLake:
    """A lake as the suites use it.

    Attributes:
        tables: The port to its tables.
        queries: The port to its query engine.
        writes: What its commits say of themselves, oldest first.
        runs_sql: Whether the engine runs SQL, or knows tables as a whole only.
        run_foreign: Runs SQL that writes to the lake (attached as `lake`), as another client
            of it would; None where there is no such client.
    """

    tables: TablePort
    queries: QueryPort
    writes: Callable[[], Sequence[Write]]
    runs_sql: bool
    run_foreign: Callable[[str], None] | None


@dataclass(frozen=True, slots=True)
class LakeOpener:
    """How to open a lake.

    Attributes:
        name: The test's parameter.
        open: Opens it for a whole test process; the request gives session-wide fixtures
            (`request.getfixturevalue("tmp_path_factory")`, or a server's).
        marks: Marks for its tests, such as `pytest.mark.servers`.
    """

    name: str
    open: Callable[[pytest.FixtureRequest], AbstractContextManager[OpenedLake]]
    marks: tuple[pytest.MarkDecorator, ...] = ()


@contextmanager
def open_fake(request: pytest.FixtureRequest) -> Iterator[OpenedLake]:
    tables = FakeTables()
    queries = FakeQueries(tables)
    yield OpenedLake(
        tables=tables,
        queries=queries,
        writes=lambda: tables.writes,
        runs_sql=queries.runs_sql,
        run_foreign=None,
    )


@contextmanager
def open_ducklake(request: pytest.FixtureRequest) -> Iterator[OpenedLake]:
    home = request.getfixturevalue("tmp_path_factory").mktemp("lake")
    lake = Lake(
        LakeConfig(
            catalog=FileCatalog(home / "catalog.ducklake"),
            storage=LocalStorage(home / "data"),
            temp_directory=home / "temp",
        )
    )
    try:
        yield opened_ducklake(lake)
    finally:
        lake.close()


def opened_ducklake(lake: Lake) -> OpenedLake:
    """A DuckLake of any catalog and storage, as the suites use it."""

    def writes() -> Sequence[Write]:
        with lake.snapshot() as cursor:
            texts = cursor.execute(
                "SELECT commit_message FROM lake.snapshots() ORDER BY snapshot_id"
            ).fetchall()
        messages = [CommitMessage.parse(text) for (text,) in texts]
        return [write for message in messages if message for write in message.writes]

    def run_foreign(sql: str) -> None:
        with lake.cursor() as cursor:
            cursor.execute(sql)

    return OpenedLake(
        tables=DuckLakeTables(lake),
        queries=DuckLakeQueries(lake),
        writes=writes,
        runs_sql=True,
        run_foreign=run_foreign,
    )


LAKES = (LakeOpener("fake", open_fake), LakeOpener("ducklake", open_ducklake))
