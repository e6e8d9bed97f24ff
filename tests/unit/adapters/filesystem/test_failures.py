"""The disk says no."""

from __future__ import annotations

import errno
import os
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from adapters.filesystem.datasets import FilesystemDatasets
from domain.datasets import ListRequest, ObjectMetadata
from domain.errors import (
    InvalidObjectNameError,
    LakehouseError,
    StorageFullError,
    TooLargeError,
    UnavailableError,
)
from tests.contract.dataset_cases import listed, put, read, ref
from tests.unit.adapters.filesystem.conftest import BUCKET

ERRORS = [
    (errno.ENOSPC, StorageFullError),
    (errno.EDQUOT, StorageFullError),
    (errno.EIO, UnavailableError),
    (errno.EACCES, UnavailableError),
    (errno.EROFS, UnavailableError),
    (errno.EMFILE, UnavailableError),
    (errno.EFBIG, TooLargeError),
    (errno.ENAMETOOLONG, InvalidObjectNameError),
]


def failing(patch: pytest.MonkeyPatch, call: str, number: int, turn: int = 0) -> None:
    """Let one call fail once, at its given turn, as it does on the disk."""
    original = getattr(os, call)
    turns = iter(range(1_000_000))

    def fail(*arguments: Any, **named: Any) -> Any:
        if next(turns) == turn:
            raise OSError(number, os.strerror(number), "/secret/path")
        return original(*arguments, **named)

    patch.setattr(os, call, fail)


def everything(root: Path) -> list[Path]:
    """All files, and all directories of the bucket."""
    files = [path for path in root.rglob("*") if path.is_file()]
    return sorted([*files, *(root / "bucket").rglob("*")])


@pytest.mark.parametrize("number,error", ERRORS)
@pytest.mark.parametrize("call", ["write", "fsync", "rename"])
@pytest.mark.parametrize("old", [False, True])
def test_a_write_that_fails(
    datasets: FilesystemDatasets,
    root: Path,
    old: bool,
    call: str,
    number: int,
    error: type[LakehouseError],
) -> None:
    if old:
        put(datasets, BUCKET, "d/a", b"old", metadata=ObjectMetadata({"k": "v"}))
    before = everything(root)
    with pytest.MonkeyPatch.context() as patch:
        failing(patch, call, number)
        with pytest.raises(error) as caught:
            put(datasets, BUCKET, "d/a", b"new")
    assert "secret" not in str(caught.value)
    assert everything(root) == before
    if old:
        assert read(datasets, BUCKET, "d/a") == b"old"
        assert datasets.stat_object(ref(BUCKET, "d/a")).metadata.entries == {"k": "v"}
    else:
        assert listed(datasets, BUCKET) == []


@pytest.mark.parametrize("turn", range(3))
@pytest.mark.parametrize("old", [False, True])
def test_no_move_leaves_a_trace_when_it_fails(
    datasets: FilesystemDatasets, root: Path, old: bool, turn: int
) -> None:
    """First the sidecar is moved to its place, then the file, then the trimmed sidecar."""
    if old:
        put(datasets, BUCKET, "d/a", b"old", metadata=ObjectMetadata({"k": "v"}))
    with pytest.MonkeyPatch.context() as patch:
        failing(patch, "rename", errno.EIO, turn)
        try:
            put(datasets, BUCKET, "d/a", b"new")
        except UnavailableError:
            expected = [b"old"] if old else []
        else:
            expected = [b"new"]
    assert [read(datasets, BUCKET, name) for name in listed(datasets, BUCKET)] == expected
    if expected == []:
        assert list((root / "bucket").iterdir()) == []
        assert list(root.glob(".metadata/*/*")) == []
    elif expected == [b"old"]:
        assert datasets.stat_object(ref(BUCKET, "d/a")).metadata.entries == {"k": "v"}
    else:
        assert not datasets.stat_object(ref(BUCKET, "d/a")).metadata.entries
    assert list((root / ".uploads").iterdir()) == []


@pytest.mark.parametrize("call", ["stat", "open", "scandir"])
def test_a_read_that_fails(
    datasets: FilesystemDatasets, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    put(datasets, BUCKET, "a")
    failing(monkeypatch, call, errno.EIO)
    with pytest.raises(UnavailableError):
        datasets.list_objects(BUCKET, ListRequest())


def test_a_read_that_fails_midway(
    datasets: FilesystemDatasets, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(datasets, BUCKET, "a", b"x" * 3_000_000)
    opened = datasets.open_object(ref(BUCKET, "a"))
    failing(monkeypatch, "pread", errno.EIO, 1)
    chunks = iter(opened.read())
    next(chunks)
    with pytest.raises(UnavailableError):
        next(chunks)
    opened.close()


def test_a_root_that_went_away(datasets: FilesystemDatasets, root: Path) -> None:
    root.rename(root.with_name("elsewhere"))
    for call in (
        datasets.list_buckets,
        lambda: datasets.stat_object(ref(BUCKET, "a")),
        lambda: put(datasets, BUCKET, "a"),
        lambda: datasets.create_bucket(BUCKET),
    ):
        with pytest.raises(UnavailableError):
            call()
    health = datasets.check()
    assert not health.ok
    assert health.detail is not None
    assert str(root) not in health.detail


def test_check_tells_a_full_disk(
    datasets: FilesystemDatasets, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, "write", errno.ENOSPC)
    health = datasets.check()
    assert not health.ok
    assert "No space left" in str(health.detail)
    assert datasets.check().ok


def test_a_root_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UnavailableError):
        FilesystemDatasets(tmp_path / "file")


def test_uploads_take_bounded_memory(datasets: FilesystemDatasets) -> None:
    tracemalloc.start()
    try:
        put(datasets, BUCKET, "a", (b"%07d\n" % number * 512 for number in range(10_000)))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert datasets.stat_object(ref(BUCKET, "a")).size == 8 * 512 * 10_000
    assert peak < 8_000_000
