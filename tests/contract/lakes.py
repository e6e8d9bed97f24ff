"""The lakes on which the table and query suites run: to add one, add a `LakeOpener` to `LAKES`.

A lake is opened once per test process and shared by its tests: each works in a namespace of its
own, and may find tables of others in the lake.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from adapters.ducklake import (
    DuckLakeQueries,
    DuckLakeTables,
    FileCatalog,
    Lake,
    LakeConfig,
    ObjectSources,
    PostgresCatalog,
    S3Storage,
)
from adapters.ducklake.maintenance.maintenance import DuckLakeMaintenance
from adapters.filesystem.datasets import FilesystemDatasets
from adapters.minio.config import MinioEndpoint
from adapters.minio.datasets import MinioDatasets
from domain.commits import CommitMessage, Write
from domain.ports.datasets import DatasetPort
from domain.ports.maintenance import MaintenancePort
from domain.ports.queries import QueryPort
from domain.ports.tables import TablePort
from domain.tables import TableName
from tests.contract.commits import commit_under_way
from tests.contract.lake_storage import BucketStorage, DirectoryStorage, LakeStorage
from tests.fakes.datasets import FakeDatasets
from tests.fakes.maintenance import FakeMaintenance
from tests.fakes.queries import FakeQueries
from tests.fakes.tables import FakeTables
from tests.local_lake import local_lake
from tests.servers.postgres import new_database
from tests.servers.s3 import Buckets


@dataclass(frozen=True, slots=True)
class OpenedLake:
    """A lake as the suites use it.

    Attributes:
        tables: The port to its tables.
        queries: The port to its query engine.
        maintenance: The port to its maintenance.
        datasets: The port to the objects that its queries read.
        writes: What its commits say of themselves, oldest first.
        run_foreign: Runs SQL that writes to the lake (attached as `lake`), as another client
            of it would; due where the capability `runs_sql` is declared.
        read_foreign: Runs SQL that reads the lake and gives the rows; as `run_foreign`.
        storage: Where its files lie; where the capability `runs_sql` is declared.
        commit_under_way: While it lasts, a commit goes on that has written a table's file of so
            many rows, and names it in the end: another process's where there may be one
            (`shared`); due where the capability `runs_sql` is declared.
        again: The tables as another process of the service sees them that has the lake open
            (`shared`), or as the service does after it was started anew.
        shared: Whether several processes may have the lake open.
        bodies: Where the engine may read bodies that are sent; None where it reads none.
        refused_types: The types of which this lake holds no column, not even as a part.
    """

    tables: TablePort
    queries: QueryPort
    maintenance: MaintenancePort
    datasets: DatasetPort
    writes: Callable[[], Sequence[Write]]
    again: Callable[[], AbstractContextManager[TablePort]]
    shared: bool = False
    run_foreign: Callable[[str], None] | None = None
    read_foreign: Callable[[str], list[tuple[Any, ...]]] | None = None
    storage: LakeStorage | None = None
    commit_under_way: Callable[[TableName, int], AbstractContextManager[None]] | None = None
    bodies: Path | None = None
    refused_types: frozenset[str] = frozenset()

    def holds(self, column_type: str) -> bool:
        """Whether a table can have a column of this type."""
        return not any(refused in column_type for refused in self.refused_types)

    def as_another_client(self, sql: str) -> None:
        """Run SQL that writes to the lake past the ports."""
        assert self.run_foreign is not None, "only a lake that runs SQL has other clients"
        self.run_foreign(sql)

    def read_as_another_client(self, sql: str) -> list[tuple[Any, ...]]:
        """Run SQL that reads the lake past the ports; gives the rows."""
        assert self.read_foreign is not None, "only a lake that runs SQL has other clients"
        return self.read_foreign(sql)


@dataclass(frozen=True, slots=True)
class LakeOpener:
    """How to open a lake.

    Attributes:
        name: The test's parameter.
        open: Opens it for a whole test process; the request gives session-wide fixtures
            (`request.getfixturevalue("tmp_path_factory")`, or a server's).
        runs_sql: Whether the engine runs SQL, or knows tables as a whole only.
        every_case: Whether each test runs with all its cases, or with its first one alone.
            Cases are inputs to the engine, which is the same for all lakes: each kind of
            catalog sees them all once, and other ways to combine catalog and store need not.
        marks: Marks for its tests, such as `pytest.mark.servers`.
    """

    name: str
    open: Callable[[pytest.FixtureRequest], AbstractContextManager[OpenedLake]]
    runs_sql: bool = True
    every_case: bool = True
    marks: tuple[pytest.MarkDecorator, ...] = ()


@contextmanager
def open_fake(request: pytest.FixtureRequest) -> Iterator[OpenedLake]:
    tables = FakeTables()
    yield OpenedLake(
        tables,
        FakeQueries(tables),
        FakeMaintenance(tables),
        FakeDatasets(),
        writes=lambda: tables.writes,
        again=lambda: nullcontext(tables),
    )


@contextmanager
def open_ducklake(request: pytest.FixtureRequest) -> Iterator[OpenedLake]:
    home = request.getfixturevalue("tmp_path_factory").mktemp("lake")
    datasets = FilesystemDatasets(home / "datasets")
    lake = Lake(local_lake(home, datasets))
    with closing(lake):
        yield opened_ducklake(lake, DirectoryStorage(home / "data"), datasets)


def served_lake(
    s3: str, *, postgres: bool
) -> Callable[[pytest.FixtureRequest], AbstractContextManager[OpenedLake]]:
    """How to open a lake on servers: its data in the store of that fixture.

    Its catalog is in PostgreSQL, or else in a file. Bucket and database are its own.
    """

    @contextmanager
    def open_served(request: pytest.FixtureRequest) -> Iterator[OpenedLake]:
        home = request.getfixturevalue("tmp_path_factory").mktemp("lake")
        store = request.getfixturevalue(s3)
        buckets = Buckets(store)
        catalog: FileCatalog | PostgresCatalog = FileCatalog(home / "catalog.ducklake")
        with ExitStack() as cleanup:
            cleanup.callback(buckets.remove_all)
            if postgres:
                server = request.getfixturevalue("postgres_server")
                database = cleanup.enter_context(new_database(server))
                catalog = PostgresCatalog.parse(database.url)
            storage = S3Storage(
                endpoint=store.address,
                bucket=buckets.create(),
                access_key=store.access_key,
                secret_key=store.secret_key,
                secure=store.secure,
                region=store.region,
            )
            datasets = cleanup.enter_context(
                closing(
                    MinioDatasets(
                        MinioEndpoint(
                            store.address,
                            store.access_key,
                            store.secret_key,
                            store.secure,
                            store.region,
                        ),
                        reserved=frozenset({storage.bucket}),
                    )
                )
            )
            config = LakeConfig(
                catalog=catalog,
                storage=storage,
                temp_directory=home / "temp",
                readable=tuple(datasets.location_roots),
            )
            lake = cleanup.enter_context(closing(Lake(config)))
            files = BucketStorage(store, storage.bucket, storage.prefix)
            cleanup.callback(files.close)
            yield opened_ducklake(lake, files, datasets)

    return open_served


def opened_ducklake(lake: Lake, storage: LakeStorage, datasets: DatasetPort) -> OpenedLake:
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

    def read_foreign(sql: str) -> list[tuple[Any, ...]]:
        with lake.cursor() as cursor:
            return cursor.execute(sql).fetchall()

    shared = isinstance(lake.config.catalog, PostgresCatalog)

    @contextmanager
    def again() -> Iterator[TablePort]:
        with ExitStack() as cleanup:
            other = cleanup.enter_context(closing(Lake(lake.config))) if shared else lake
            yield cleanup.enter_context(closing(DuckLakeTables(other)))

    tables = DuckLakeTables(lake, objects=ObjectSources(lake, datasets))
    return OpenedLake(
        tables=tables,
        again=again,
        shared=shared,
        queries=DuckLakeQueries(lake, ObjectSources(lake, datasets)),
        datasets=datasets,
        maintenance=DuckLakeMaintenance(lake, storage.port, tables.writer),
        writes=writes,
        run_foreign=run_foreign,
        read_foreign=read_foreign,
        storage=storage,
        commit_under_way=lambda name, rows: commit_under_way(lake, tables, name, rows),
        bodies=lake.config.copies,
        # Parquet would give back other values than it was given.
        refused_types=frozenset({"HUGEINT", "TIME WITH TIME ZONE", "INTERVAL"}),
    )


LAKES = (
    LakeOpener("fake", open_fake, runs_sql=FakeQueries.runs_sql),
    LakeOpener("ducklake", open_ducklake),
    LakeOpener(
        "minio-file",
        served_lake("minio_server", postgres=False),
        every_case=False,
        marks=(pytest.mark.servers,),
    ),
    LakeOpener(
        "minio-postgres",
        served_lake("minio_server", postgres=True),
        marks=(pytest.mark.servers,),
    ),
    LakeOpener(
        "seaweedfs-postgres",
        served_lake("seaweedfs_server", postgres=True),
        every_case=False,
        marks=(pytest.mark.servers,),
    ),
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
