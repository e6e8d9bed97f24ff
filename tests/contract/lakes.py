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
        run_foreign: Runs SQL that writes to the lake (attached as `lake`), as another client
            of it would; due where the capability `runs_sql` is declared.
        refused_types: The types of which this lake holds no column, not even as a part.
    """

    tables: TablePort
    queries: QueryPort
    writes: Callable[[], Sequence[Write]]
    run_foreign: Callable[[str], None] | None = None
    refused_types: frozenset[str] = frozenset()

    def holds(self, column_type: str) -> bool:
        """Whether a table can have a column of this type."""
        return not any(refused in column_type for refused in self.refused_types)

    def as_another_client(self, sql: str) -> None:
        """Run SQL that writes to the lake past the ports."""
        assert self.run_foreign is not None, "only a lake that runs SQL has other clients"
        self.run_foreign(sql)


@dataclass(frozen=True, slots=True)
class LakeOpener:
    """How to open a lake.

    Attributes:
        name: The test's parameter.
        open: Opens it for a whole test process; the request gives session-wide fixtures
            (`request.getfixturevalue("tmp_path_factory")`, or a server's).
        runs_sql: Whether the engine runs SQL, or knows tables as a whole only.
        marks: Marks for its tests, such as `pytest.mark.servers`.
    """

    name: str
    open: Callable[[pytest.FixtureRequest], AbstractContextManager[OpenedLake]]
    runs_sql: bool = True
    marks: tuple[pytest.MarkDecorator, ...] = ()


@contextmanager
def open_fake(request: pytest.FixtureRequest) -> Iterator[OpenedLake]:
    tables = FakeTables()
    yield OpenedLake(tables, FakeQueries(tables), writes=lambda: tables.writes)


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
        run_foreign=run_foreign,
        # Parquet would give back other values than it was given.
        refused_types=frozenset({"HUGEINT", "TIME WITH TIME ZONE", "INTERVAL"}),
    )


LAKES = (
    LakeOpener("fake", open_fake, runs_sql=FakeQueries.runs_sql),
    LakeOpener("ducklake", open_ducklake),
)

on_lakes_that_run_sql = pytest.mark.parametrize(
    "lake",
    [
        pytest.param(opener, id=opener.name, marks=opener.marks)
        for opener in LAKES
        if opener.runs_sql
    ],
    indirect=True,
    scope="session",
)
"""Runs a test, or a module of tests, on these lakes only."""
