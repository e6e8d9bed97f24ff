"""The contract of `LakeFilePort`."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.contract.lake_storage import STORAGES, LakeStorage, StorageOpener


@pytest.fixture(params=[pytest.param(each, id=each.name, marks=each.marks) for each in STORAGES])
def storage(request: pytest.FixtureRequest) -> Iterator[LakeStorage]:
    opener: StorageOpener = request.param
    with opener.open(request) as opened:
        yield opened


def test_a_place_that_is_empty_has_no_files(storage: LakeStorage) -> None:
    assert list(storage.port.list_files()) == []


def test_files_of_all_levels_are_listed(storage: LakeStorage) -> None:
    names = {
        "main/t/ducklake-1.parquet": b"PAR1",
        "main/t/part=a%2Fb/ducklake-2.parquet": b"PAR1 and more",
        "main/t2/ä ü.parquet": b"",
        "top.parquet": b"x",
    }
    for name, content in names.items():
        storage.write(name, content)
    listed = list(storage.port.list_files())
    assert len(listed) == len(names)
    assert {file.name: file.size_bytes for file in listed} == {
        name: len(content) for name, content in names.items()
    }
    # By the clock of what stores them.
    written = [abs(datetime.now(UTC) - file.modified_at) for file in listed]
    assert max(written) < timedelta(hours=1)


def test_more_files_than_a_page_are_listed(storage: LakeStorage) -> None:
    for number in range(1_005):
        storage.write(f"main/t/{number}.parquet", b"x")
    listed = [file.name for file in storage.port.list_files()]
    assert len(listed) == len(set(listed)) == 1_005


def test_a_files_size_and_end_are_read(storage: LakeStorage) -> None:
    storage.write("main/t/a.parquet", b"0123456789")
    assert storage.port.size_of("main/t/a.parquet") == 10
    assert storage.port.read_end("main/t/a.parquet", 4) == b"6789"
    assert storage.port.read_end("main/t/a.parquet", 100) == b"0123456789"


def test_an_empty_file_has_an_empty_end(storage: LakeStorage) -> None:
    storage.write("main/t/a.parquet", b"")
    assert storage.port.size_of("main/t/a.parquet") == 0
    assert storage.port.read_end("main/t/a.parquet", 8) == b""


@pytest.mark.parametrize("name", ["main/t/none.parquet", "main/t", "main/t/a.parquet/below"])
def test_what_is_not_there_has_no_size_and_no_end(storage: LakeStorage, name: str) -> None:
    storage.write("main/t/a.parquet", b"x")
    assert storage.port.size_of(name) is None
    assert storage.port.read_end(name, 8) == b""


def test_a_file_is_deleted_and_nothing_else(storage: LakeStorage) -> None:
    for name in ("main/t/a.parquet", "main/t/ä b.parquet"):
        storage.write(name, b"x")
        storage.write("main/t/other.parquet", b"x")
        assert storage.port.delete(name)
        assert not storage.port.delete(name)
        assert [file.name for file in storage.port.list_files()] == ["main/t/other.parquet"]
    assert not storage.port.delete("main/t/other.parquet/below")
