"""Buckets: the directories of the root that have a bucket's name."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from adapters.filesystem.directories import directory, remove_empty, sync_directory
from adapters.filesystem.errors import NOT_THERE
from adapters.filesystem.scratch import Scratch
from domain.datasets import Bucket, BucketName
from domain.errors import (
    BucketExistsError,
    BucketNotEmptyError,
    BucketNotFoundError,
    BucketReservedError,
    InvalidBucketNameError,
)


class Buckets:
    """The buckets below one root, and for each a note of when it was created.

    A person may have made a directory or taken one away, so the directories alone say which
    buckets there are; of a directory without a note, its time is noted when it is first seen.
    """

    def __init__(self, root: Path, notes: Path, scratch: Scratch, reserved: frozenset[str]) -> None:
        self._root = root
        self._notes = notes
        self._scratch = scratch
        self._reserved = reserved

    @contextmanager
    def open(self, name: BucketName) -> Iterator[int]:
        """Open a bucket's directory; gives its file descriptor.

        Raises:
            BucketNotFoundError: When it is not there.
        """
        if name.value in self._reserved:
            raise BucketNotFoundError(f"There is no bucket {name}.")
        with ExitStack() as held:
            root = held.enter_context(directory(self._root))
            try:
                bucket = held.enter_context(directory(name.value, below=root))
            except OSError as error:
                if error.errno in NOT_THERE:
                    raise BucketNotFoundError(f"There is no bucket {name}.") from error
                raise
            yield bucket

    def list(self) -> list[Bucket]:
        """All buckets, by name."""
        with os.scandir(self._root) as entries:
            names = sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
        buckets = []
        for name in names:
            with suppress(InvalidBucketNameError, BucketNotFoundError):
                buckets.append(self._describe(BucketName(name)))
        return buckets

    def check_free(self, name: BucketName) -> None:
        """Check that a bucket of this name can be made.

        Raises:
            BucketExistsError: When it is there.
            BucketReservedError: When its name is the lake's, or something else bears it.
        """
        if name.value in self._reserved:
            raise BucketReservedError(f"The bucket name {name} is reserved.")
        path = self._root / name.value
        if path.is_dir() and not path.is_symlink():
            raise BucketExistsError(f"There is a bucket {name} already.")
        if os.path.lexists(path):
            raise BucketReservedError(f"The name {name} is taken by something that is no bucket.")

    def create(self, name: BucketName) -> Bucket:
        """Make a bucket whose name is free, durably."""
        bucket = Bucket(name.value, datetime.now(UTC))
        self._write_note(bucket)
        (self._root / name.value).mkdir()
        sync_directory(self._root)
        return bucket

    def remove(self, name: BucketName) -> None:
        """Remove a bucket in which there is nothing but empty directories, durably.

        Raises:
            BucketNotFoundError: When it is not there.
            BucketNotEmptyError: When there is more in it, be it an object or not.
        """
        with self.open(name), directory(self._root) as root:
            if not remove_empty(root, [name.value.encode()]):
                raise BucketNotEmptyError(f"The bucket {name} still holds objects.")
            os.fsync(root)
        self._note(name).unlink(missing_ok=True)

    def _describe(self, name: BucketName) -> Bucket:
        with self.open(name) as descriptor:
            made = os.fstat(descriptor).st_mtime
        created_at = self._read_note(name)
        if created_at is not None:
            return Bucket(name.value, created_at)
        bucket = Bucket(name.value, datetime.fromtimestamp(made, UTC))
        # Reading goes on where nothing can be written.
        with suppress(OSError):
            self._write_note(bucket)
        return bucket

    def _note(self, name: BucketName) -> Path:
        return self._notes / f"{name}.json"

    def _write_note(self, bucket: Bucket) -> None:
        content = {"v": 1, "created_at": bucket.created_at.isoformat()}
        self._scratch.replace(self._notes / f"{bucket.name}.json", json.dumps(content).encode())

    def _read_note(self, name: BucketName) -> datetime | None:
        try:
            note = json.loads(self._note(name).read_bytes())
            return datetime.fromisoformat(note["created_at"]).astimezone(UTC)
        except (FileNotFoundError, ValueError, TypeError, KeyError):
            return None
