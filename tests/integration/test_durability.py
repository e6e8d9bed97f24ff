"""What is synced before a commit, seen at the calls."""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from adapters.ducklake import DuckLakeTables, FileCatalog, Lake, LakeConfig, LocalStorage
from adapters.ducklake.durability import inotify
from domain.errors import (
    LakehouseError,
    RowsDoNotFitError,
    StorageFullError,
    UnavailableError,
)
from domain.tables import IfExists, TableName
from tests.contract.table_cases import ID, LABEL, append, create, definition, some_rows, write
from tests.fakes.rows import FakeRows

NAME = TableName("main", "t")
FILE_ROWS = 2_000
"""More rows than DuckLake keeps in the catalog."""


@dataclass
class Disk:
    """The syncs of this process, and an error that they give."""

    synced: set[Path] = field(default_factory=set)
    error: int = 0

    def sync(self, descriptor: int) -> None:
        path = Path(f"/dev/fd/{descriptor}").resolve()
        if self.error:
            raise OSError(self.error, os.strerror(self.error), str(path))
        self.synced.add(path)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    disk = Disk()
    monkeypatch.setattr(os, "fsync", disk.sync)
    return disk


OpenLake = Callable[..., DuckLakeTables]


@pytest.fixture
def open_lake(disk: Disk, tmp_path: Path) -> Iterator[OpenLake]:
    opened: list[Lake] = []

    def open_lake(*, sync_files: bool = True) -> DuckLakeTables:
        config = LakeConfig(
            catalog=FileCatalog(tmp_path / "lake" / "catalog.ducklake"),
            storage=LocalStorage(tmp_path / "lake" / "data"),
            temp_directory=tmp_path / "temp",
            sync_files=sync_files,
        )
        lake = Lake(config)
        opened.append(lake)
        return DuckLakeTables(lake)

    yield open_lake
    for lake in opened:
        with closing(lake):
            pass


def files(tmp_path: Path) -> set[Path]:
    return set((tmp_path / "lake" / "data").rglob("*.parquet"))


def test_the_lakes_directories_are_durable(open_lake: OpenLake, disk: Disk, tmp_path: Path) -> None:
    create(open_lake(), NAME)
    assert {tmp_path, tmp_path / "lake"} <= disk.synced


def test_files_and_their_directories_are_synced(
    open_lake: OpenLake, disk: Disk, tmp_path: Path
) -> None:
    tables = open_lake()
    create(tables, NAME)
    disk.synced.clear()
    append(tables, NAME, some_rows(FILE_ROWS))
    data = tmp_path / "lake" / "data"
    (first,) = files(tmp_path)
    assert {first, data, data / "main", data / "main" / "t"} <= disk.synced
    disk.synced.clear()
    append(tables, NAME, some_rows(FILE_ROWS))
    (second,) = files(tmp_path) - {first}
    assert {second, second.parent} <= disk.synced
    assert first not in disk.synced


def test_files_of_partitions_are_synced(open_lake: OpenLake, disk: Disk, tmp_path: Path) -> None:
    tables = open_lake()
    partitioned = definition(NAME, ID, partition_by=("bucket(4, id)",))
    tables.create(partitioned, IfExists.ERROR, write(NAME, "create"))
    rows = some_rows(FILE_ROWS)
    ids = type(rows).of((ID,), {"id": range(FILE_ROWS)})
    disk.synced.clear()
    append(tables, NAME, ids)
    written = files(tmp_path)
    assert len(written) > 1
    assert written <= disk.synced
    assert {path.parent for path in written} <= disk.synced


def test_rows_in_the_catalog_sync_no_file(open_lake: OpenLake, disk: Disk, tmp_path: Path) -> None:
    tables = open_lake()
    create(tables, NAME)
    append(tables, NAME, some_rows(1))
    disk.synced.clear()
    append(tables, NAME, some_rows(1))
    assert not files(tmp_path)
    assert disk.synced <= {tmp_path / "lake"}


def test_a_lake_may_do_without(open_lake: OpenLake, disk: Disk, tmp_path: Path) -> None:
    tables = open_lake(sync_files=False)
    create(tables, NAME)
    disk.synced.clear()
    append(tables, NAME, some_rows(FILE_ROWS))
    assert files(tmp_path)
    assert disk.synced == set()


@pytest.mark.parametrize(
    "number, kind",
    [
        (errno.EIO, UnavailableError),
        (errno.ENOSPC, StorageFullError),
        (errno.EDQUOT, StorageFullError),
    ],
)
def test_what_the_disk_does_not_take_is_not_committed(
    open_lake: OpenLake, disk: Disk, number: int, kind: type[LakehouseError], tmp_path: Path
) -> None:
    tables = open_lake()
    create(tables, NAME)
    disk.error = number
    with pytest.raises(kind) as raised:
        append(tables, NAME, some_rows(FILE_ROWS))
    assert str(tmp_path) not in raised.value.detail
    assert tables.describe(NAME).row_count == 0
    disk.error = 0
    append(tables, NAME, some_rows(FILE_ROWS))
    assert tables.describe(NAME).row_count == FILE_ROWS
    # The files of the first append were given up with it; the directories still count.
    committed = [path for path in files(tmp_path) if path in disk.synced]
    assert len(committed) == 1
    assert {tmp_path / "lake" / "data", tmp_path / "lake" / "data" / "main"} <= disk.synced


@pytest.mark.skipif(not Path("/proc/sys/fs/inotify").exists(), reason="only Linux has inotify")
def test_without_watches_files_are_synced_all_the_same(
    open_lake: OpenLake, disk: Disk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = open_lake()
    create(tables, NAME)
    append(tables, NAME, some_rows(FILE_ROWS))

    def none_left(_: inotify.Inotify, directory: Path, mask: int) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(inotify.Inotify, "watch", none_left)
    other = TableName("other", "t")
    create(tables, other)
    append(tables, other, some_rows(FILE_ROWS))
    assert files(tmp_path) <= disk.synced
    before = files(tmp_path)
    disk.synced.clear()
    append(tables, other, some_rows(FILE_ROWS))
    (new,) = files(tmp_path) - before
    assert {new, new.parent} <= disk.synced
    assert not before & disk.synced


NULL_AT_THE_END = FakeRows.of(
    (ID, LABEL), {"id": [*range(FILE_ROWS - 1), None], "label": ["x"] * FILE_ROWS}
)
"""Rows that do not fit, which is found when the others have been written."""


def test_files_of_a_write_that_failed_are_removed(open_lake: OpenLake, tmp_path: Path) -> None:
    tables = open_lake()
    create(tables, NAME)
    append(tables, NAME, some_rows(FILE_ROWS))
    before = files(tmp_path)
    with pytest.raises(RowsDoNotFitError):
        append(tables, NAME, NULL_AT_THE_END)
    assert files(tmp_path) == before


def test_files_that_somebody_put_there_are_left(open_lake: OpenLake, tmp_path: Path) -> None:
    tables = open_lake()
    create(tables, NAME)
    append(tables, NAME, some_rows(FILE_ROWS))
    (lost,) = files(tmp_path)
    content = lost.read_bytes()
    lost.unlink()
    lost.write_bytes(content)
    foreign = lost.with_name("foreign.parquet")
    foreign.write_bytes(content)
    with pytest.raises(RowsDoNotFitError):
        append(tables, NAME, NULL_AT_THE_END)
    assert files(tmp_path) == {lost, foreign}
