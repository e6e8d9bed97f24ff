"""A crash at any step leaves the old object as a whole, or the new one."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from adapters.filesystem.datasets import FilesystemDatasets
from domain.datasets import ObjectMetadata
from domain.errors import BucketNotFoundError, ObjectNotFoundError
from tests.contract.dataset_cases import listed, put, read, ref
from tests.unit.adapters.filesystem.conftest import BUCKET

# All with which the adapter changes what is on the disk
CHANGES = ("open", "mkdir", "rename", "rmdir", "unlink", "utime", "write", "fsync")


class Crash(BaseException):
    """The machine goes off: nothing after it has any effect."""


class Machine:
    """Goes off before a given change on the disk, or tells how many there were."""

    def __init__(self, patch: pytest.MonkeyPatch, last: int | None = None) -> None:
        self.steps: list[tuple[str, tuple[Any, ...]]] = []
        self.last = last
        for name in CHANGES:
            patch.setattr(os, name, self._stopping(name, getattr(os, name)))

    def _stopping(self, name: str, change: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any, **named: Any) -> Any:
            if name == "open" and not arguments[1] & os.O_CREAT:
                return change(*arguments, **named)
            if self.last is not None and len(self.steps) >= self.last:
                raise Crash
            self.steps.append((name, arguments))
            return change(*arguments, **named)

        return step


def old_metadata() -> ObjectMetadata:
    return ObjectMetadata({"version": "old"})


def put_old(datasets: FilesystemDatasets) -> None:
    put(datasets, BUCKET, "d/a", b"old", metadata=old_metadata(), media_type="old/old")


def put_new(datasets: FilesystemDatasets) -> None:
    metadata = ObjectMetadata({"version": "new"})
    put(datasets, BUCKET, "d/a", b"new", metadata=metadata, media_type="new/new")


def delete(datasets: FilesystemDatasets) -> None:
    datasets.delete_object(ref(BUCKET, "d/a"))


def lay_by_hand(datasets: FilesystemDatasets, root: Path) -> None:
    (root / "bucket" / "d").mkdir()
    (root / "bucket" / "d" / "a").write_bytes(b"hnd")


def state(datasets: FilesystemDatasets) -> tuple[str, bytes, str] | None:
    """The version that metadata, content and media type name, which must be one."""
    try:
        info = datasets.stat_object(ref(BUCKET, "d/a"))
    except ObjectNotFoundError:
        assert listed(datasets, BUCKET) == []
        return None
    assert listed(datasets, BUCKET) == ["d/a"]
    return (
        info.metadata.entries.get("version", "none"),
        read(datasets, BUCKET, "d/a"),
        info.media_type,
    )


OLD = ("old", b"old", "old/old")
NEW = ("new", b"new", "new/new")
BY_HAND = ("none", b"hnd", "application/octet-stream")


def crashes(
    tmp_path: Path,
    prepare: Callable[[FilesystemDatasets, Path], None],
    act: Callable[[FilesystemDatasets], None],
) -> Iterator[tuple[int, FilesystemDatasets, Path]]:
    """For each step of an action: the datasets as they are found after a crash before it."""
    last = 0
    while True:
        root = tmp_path / str(last)
        datasets = FilesystemDatasets(root)
        datasets.create_bucket(BUCKET)
        prepare(datasets, root)
        with pytest.MonkeyPatch.context() as patch:
            Machine(patch, last)
            try:
                act(datasets)
            except Crash:
                done = False
            else:
                done = True
        yield last, FilesystemDatasets(root), root
        if done:
            # Neither too few steps to be true, nor an endless loop
            assert 3 < last < 60
            return
        last += 1


def check_afterwards(datasets: FilesystemDatasets, root: Path) -> None:
    """Nothing is left in the making, and everything works."""
    assert list((root / ".uploads").iterdir()) == []
    put_new(datasets)
    assert state(datasets) == NEW
    delete(datasets)
    datasets.delete_bucket(BUCKET)
    with pytest.raises(BucketNotFoundError):
        datasets.stat_object(ref(BUCKET, "d/a"))


def test_replacing(tmp_path: Path) -> None:
    seen = []
    for _, datasets, root in crashes(tmp_path, lambda made, _: put_old(made), put_new):
        seen.append(state(datasets))
        check_afterwards(datasets, root)
    assert set(seen) == {OLD, NEW}
    # Once it is new, it stays new
    assert seen == sorted(seen, key=lambda each: each == NEW)


def test_replacing_while_the_clock_stands_still(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Old and new have one size, and would have one time: each must keep its own record."""
    monkeypatch.setattr(time, "time_ns", lambda: 1_700_000_000_000_000_000)
    seen = {state(made) for _, made, _ in crashes(tmp_path, lambda made, _: put_old(made), put_new)}
    assert seen == {OLD, NEW}


def test_creating(tmp_path: Path) -> None:
    seen = []
    for _, datasets, root in crashes(tmp_path, lambda made, _: None, put_new):
        seen.append(state(datasets))
        check_afterwards(datasets, root)
    assert set(seen) == {None, NEW}
    assert seen == sorted(seen, key=lambda each: each == NEW)


def test_replacing_a_file_laid_by_hand(tmp_path: Path) -> None:
    seen = []
    for _, datasets, root in crashes(tmp_path, lay_by_hand, put_new):
        seen.append(state(datasets))
        check_afterwards(datasets, root)
    assert set(seen) == {BY_HAND, NEW}


def test_replacing_by_the_same_bytes(tmp_path: Path) -> None:
    def put_same(datasets: FilesystemDatasets) -> None:
        put(datasets, BUCKET, "d/a", b"old", metadata=ObjectMetadata({"version": "new"}))

    seen = []
    for _, datasets, root in crashes(tmp_path, lambda made, _: put_old(made), put_same):
        seen.append(state(datasets))
        check_afterwards(datasets, root)
    assert set(seen) == {OLD, ("new", b"old", "text/plain")}


def test_deleting(tmp_path: Path) -> None:
    seen = []
    for _, datasets, root in crashes(tmp_path, lambda made, _: put_old(made), delete):
        seen.append(state(datasets))
        check_afterwards(datasets, root)
    assert set(seen) == {OLD, None}


def test_creating_a_bucket(tmp_path: Path) -> None:
    def leave(datasets: FilesystemDatasets, _: Path) -> None:
        datasets.delete_bucket(BUCKET)

    def create(datasets: FilesystemDatasets) -> None:
        datasets.create_bucket(BUCKET)

    seen = []
    for _, datasets, _ in crashes(tmp_path, leave, create):
        there = [bucket.name for bucket in datasets.list_buckets()] == ["bucket"]
        seen.append(there)
        if not there:
            datasets.create_bucket(BUCKET)
        put_new(datasets)
        assert state(datasets) == NEW
    assert set(seen) == {True, False}


@contextmanager
def recorded() -> Iterator[list[tuple[str, int]]]:
    """What is synced and what is changed, by the inode of the file or directory."""
    events: list[tuple[str, int]] = []
    fsync, rename, mkdir, unlink, write = os.fsync, os.rename, os.mkdir, os.unlink, os.write

    def inode(path: Any, below: int | None = None) -> int:
        if isinstance(path, int):
            return os.fstat(path).st_ino
        return os.stat(path, dir_fd=below, follow_symlinks=False).st_ino

    def parent(path: Any, below: int | None) -> int:
        return inode(below) if below is not None else inode(Path(os.fsdecode(path)).parent)

    def record_fsync(descriptor: int) -> None:
        fsync(descriptor)
        events.append(("fsync", inode(descriptor)))

    def record_write(descriptor: int, data: bytes) -> int:
        events.append(("write", inode(descriptor)))
        return write(descriptor, data)

    def record_rename(source: Any, target: Any, *, dst_dir_fd: int | None = None) -> None:
        events.append(("moved", inode(source)))
        rename(source, target, dst_dir_fd=dst_dir_fd)
        events.append(("changed", parent(target, dst_dir_fd)))

    def record_mkdir(path: Any, mode: int = 0o777, *, dir_fd: int | None = None) -> None:
        mkdir(path, mode, dir_fd=dir_fd)
        events.append(("changed", parent(path, dir_fd)))

    def record_unlink(path: Any, *, dir_fd: int | None = None) -> None:
        unlink(path, dir_fd=dir_fd)
        if dir_fd is not None:
            events.append(("changed", inode(dir_fd)))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", record_fsync)
        patch.setattr(os, "write", record_write)
        patch.setattr(os, "rename", record_rename)
        patch.setattr(os, "mkdir", record_mkdir)
        patch.setattr(os, "unlink", record_unlink)
        yield events


def unsynced(events: list[tuple[str, int]]) -> set[int]:
    """What could be lost with the power; fails when a file was moved before it was synced."""
    dirty: set[int] = set()
    for event, inode in events:
        if event == "fsync":
            dirty.discard(inode)
        elif event == "moved":
            assert inode not in dirty, "moved to its place before its bytes were on the disk"
        else:
            dirty.add(inode)
    return dirty


@pytest.mark.parametrize("act", [put_new, delete])
@pytest.mark.parametrize("prepare", [None, put_old])
def test_nothing_unsynced_is_left(
    datasets: FilesystemDatasets,
    prepare: Callable[[FilesystemDatasets], None] | None,
    act: Callable[[FilesystemDatasets], None],
) -> None:
    if prepare is not None:
        prepare(datasets)
    with recorded() as events:
        act(datasets)
    assert unsynced(events) == set()


def test_a_new_bucket_is_synced(datasets: FilesystemDatasets) -> None:
    datasets.delete_bucket(BUCKET)
    with recorded() as events:
        datasets.create_bucket(BUCKET)
    assert events
    assert unsynced(events) == set()
