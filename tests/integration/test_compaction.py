"""Small files are merged as appends leave them, and nobody sees anything of it but speed."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import pytest

from adapters.ducklake import (
    DuckLakeTables,
    FileCatalog,
    Lake,
    LakeConfig,
    LocalStorage,
    PostgresCatalog,
    S3Storage,
)
from domain.commits import CommitMessage
from domain.idempotency import IdempotencyKey, KeyedRequest, WriteTerms
from domain.tables import AtVersion, IfExists, TableName
from tests.contract.table_cases import append, column, create, definition, some_rows, write
from tests.eventually import eventually
from tests.extensions import extension_file
from tests.servers.endpoints import PostgresEndpoint, S3Endpoint

NAME = TableName("main", "t")
ROWS = 150
"""More than stay in the catalog: each append makes a file."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a lake lies.

    Attributes:
        config: As the service has it.
        plain: How a DuckDB attaches it that knows nothing of the service.
    """

    config: LakeConfig
    plain: tuple[str, ...]


@pytest.fixture(
    params=[
        "file",
        pytest.param("minio", marks=pytest.mark.servers),
        pytest.param("postgres", marks=pytest.mark.servers),
    ]
)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    local = LocalStorage(tmp_path / "data")
    file = FileCatalog(tmp_path / "catalog.ducklake")
    ducklake = f"LOAD '{extension_file('ducklake')}'"
    attach_file = f"ATTACH 'ducklake:{file.path}' AS theirs"
    if request.param == "file":
        return Place(LakeConfig(file, local, tmp_path / "temp"), (ducklake, attach_file))
    if request.param == "minio":
        server: S3Endpoint = request.getfixturevalue("minio_server")
        bucket: str = request.getfixturevalue("minio_bucket")
        storage = S3Storage(
            server.address,
            bucket,
            server.access_key,
            server.secret_key,
            secure=server.secure,
            region=server.region,
        )
        secret = (
            f"CREATE SECRET (TYPE s3, KEY_ID '{server.access_key}', SECRET '{server.secret_key}', "
            f"ENDPOINT '{server.address}', REGION '{server.region}', USE_SSL {server.secure}, "
            "URL_STYLE 'path')"
        )
        return Place(
            LakeConfig(file, storage, tmp_path / "temp"),
            (ducklake, f"LOAD '{extension_file('httpfs')}'", secret, attach_file),
        )
    database: PostgresEndpoint = request.getfixturevalue("postgres_database")
    return Place(
        LakeConfig(PostgresCatalog.parse(database.url), local, tmp_path / "temp"),
        (
            ducklake,
            f"LOAD '{extension_file('postgres_scanner')}'",
            f"ATTACH 'ducklake:postgres:{database.url}' AS theirs",
        ),
    )


@contextmanager
def opened(place: Place, compact_after: int) -> Iterator[DuckLakeTables]:
    with ExitStack() as closing_all:
        config = replace(place.config, compact_after=compact_after)
        lake = closing_all.enter_context(closing(Lake(config)))
        yield closing_all.enter_context(closing(DuckLakeTables(lake)))


@contextmanager
def plain(place: Place) -> Iterator[duckdb.DuckDBPyConnection]:
    """A bare connection with the lake attached."""
    with duckdb.connect() as connection:
        for statement in place.plain:
            connection.execute(statement)
        yield connection


def file_count(tables: DuckLakeTables) -> int:
    count = tables.describe(NAME).file_count
    assert count is not None
    return count


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_hundreds_of_appends_leave_few_files(place: Place) -> None:
    appends = 300
    terms = WriteTerms(KeyedRequest(IdempotencyKey("k", "s"), b"digest"))
    with opened(place, compact_after=100) as tables:
        create(tables, NAME)
        versions = [append(tables, NAME, some_rows(ROWS, 0)).snapshot_id]
        keyed = tables.append(NAME, some_rows(ROWS, ROWS), write(NAME, "append", ROWS), terms)
        versions.append(keyed.snapshot_id)
        versions += [
            append(tables, NAME, some_rows(ROWS, number * ROWS)).snapshot_id
            for number in range(2, appends)
        ]
        eventually(lambda: file_count(tables) < 150, "the files were not merged")
        again = tables.append(NAME, some_rows(ROWS), write(NAME, "append", ROWS), terms)
        assert again.snapshot_id == versions[1]
        assert again.replay_of is not None
        described = tables.describe(NAME)
        assert described.snapshot_id == versions[-1]
        assert described.row_count == appends * ROWS
        for number in (0, 1, 50, 99, 100, 101, 200, 299):
            past = tables.describe(NAME, AtVersion(versions[number]))
            assert past.row_count == (number + 1) * ROWS
            assert past.snapshot_id == versions[number]
    with plain(place) as theirs:
        rows = theirs.execute("SELECT id, label FROM theirs.t ORDER BY id").fetchall()
        assert rows == [(n, f"row {n}") for n in range(appends * ROWS)]
        for number in (0, 99, 101, 200):
            seen = theirs.execute(
                f"SELECT count(*), max(id) FROM theirs.t AT (VERSION => {versions[number]})"
            ).fetchone()
            assert seen == ((number + 1) * ROWS, (number + 1) * ROWS - 1)
        messages = [
            CommitMessage.parse(text)
            for (text,) in theirs.execute(
                "SELECT commit_message FROM theirs.snapshots()"
            ).fetchall()
        ]
    said = [each for message in messages if message for each in message.writes]
    compactions = [each for each in said if each.operation == "compact"]
    assert compactions
    assert {each.table for each in compactions} == {str(NAME)}
    assert sum(each.operation == "append" for each in said) == appends


def test_nothing_is_merged_where_it_is_off(place: Place) -> None:
    with opened(place, compact_after=0) as tables:
        create(tables, NAME)
        for number in range(12):
            append(tables, NAME, some_rows(ROWS, number * ROWS))
    with opened(place, compact_after=10) as tables:
        assert file_count(tables) == 12
        append(tables, NAME, some_rows(ROWS))
        eventually(lambda: file_count(tables) == 1, "what was there is not merged")


def test_partitions_and_shapes_stay_apart(place: Place) -> None:
    with opened(place, compact_after=10) as tables:
        made = definition(NAME, partition_by=("bucket(2, id)",))
        tables.create(made, IfExists.ERROR, write(NAME, "create"))
        for number in range(12):
            append(tables, NAME, some_rows(ROWS, number * ROWS))
        eventually(lambda: file_count(tables) < 16, "the files were not merged")
        # One for each partition, and fewer than ten that have come since.
        assert file_count(tables) >= 2
        create(tables, TableName("main", "other"), column("c", "DATE"))
        for number in range(12, 24):
            append(tables, NAME, some_rows(ROWS, number * ROWS))
        eventually(lambda: file_count(tables) < 16, "the files were not merged")
        assert tables.describe(NAME).row_count == 24 * ROWS
    with plain(place) as theirs:
        rows = theirs.execute("SELECT id FROM theirs.t ORDER BY id").fetchall()
        assert rows == [(n,) for n in range(24 * ROWS)]


@pytest.mark.parametrize("place", ["file"], indirect=True)
def test_what_cannot_be_merged_harms_nobody(
    place: Place, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with opened(place, compact_after=10) as tables, caplog.at_level(logging.WARNING):
        create(tables, NAME)
        append(tables, NAME, some_rows(ROWS))
        (lost,) = (tmp_path / "data").rglob("*.parquet")
        lost.unlink()
        for number in range(1, 15):
            append(tables, NAME, some_rows(ROWS, number * ROWS))
        eventually(lambda: "were not merged" in caplog.text, "no warning")
        append(tables, NAME, some_rows(ROWS, 15 * ROWS))
        assert file_count(tables) == 16
    assert str(tmp_path) not in caplog.text


@pytest.mark.servers
@pytest.mark.parametrize("place", ["postgres"], indirect=True)
def test_replicas_that_merge_at_the_same_time(place: Place) -> None:
    appends = 40
    with opened(place, compact_after=5) as one, opened(place, compact_after=5) as other:
        create(one, NAME)

        def work(replica: int) -> None:
            tables = (one, other)[replica]
            for number in range(appends):
                append(tables, NAME, some_rows(ROWS, (2 * number + replica) * ROWS))

        with ThreadPoolExecutor() as pool:
            list(pool.map(work, range(2)))
        eventually(lambda: file_count(one) < appends, "the files were not merged")
    with plain(place) as theirs:
        rows = theirs.execute("SELECT id FROM theirs.t ORDER BY id").fetchall()
        assert rows == [(n,) for n in range(2 * appends * ROWS)]
