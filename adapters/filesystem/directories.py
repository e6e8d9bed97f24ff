"""Directories, reached one segment at a time from an open one.

Every step is relative to an open directory and follows no symbolic link, so that no name and
no link can lead out of a bucket, and a path may be longer than the system's PATH_MAX.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from adapters.filesystem.errors import NOT_THERE

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def directory(path: str | bytes | os.PathLike[str], *, below: int | None = None) -> Iterator[int]:
    """Open a directory; gives its file descriptor."""
    descriptor = os.open(path, _DIRECTORY, dir_fd=below)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def descend(start: int, path: Sequence[bytes]) -> Iterator[int]:
    """Open the directory at `path` below the open directory `start`."""
    current = os.dup(start)
    try:
        for segment in path:
            below = os.open(segment, _DIRECTORY, dir_fd=current)
            os.close(current)
            current = below
        yield current
    finally:
        os.close(current)


@contextmanager
def descend_making(start: int, path: Sequence[bytes]) -> Iterator[int]:
    """As `descend`, but make what is not there, durably.

    Raises:
        NotADirectoryError: When something else stands in the way.
        FileNotFoundError: When a directory was removed meanwhile: try again.
    """
    current = os.dup(start)
    try:
        for segment in path:
            below = _open_or_make(segment, current)
            try:
                # Even when it was there: who made it may not have come to sync it yet.
                os.fsync(current)
            finally:
                os.close(current)
                current = below
        yield current
    finally:
        os.close(current)


def _open_or_make(segment: bytes, parent: int) -> int:
    with suppress(FileNotFoundError):
        return os.open(segment, _DIRECTORY, dir_fd=parent)
    with suppress(FileExistsError):
        os.mkdir(segment, dir_fd=parent)
    return os.open(segment, _DIRECTORY, dir_fd=parent)


def sync_directory(path: str | os.PathLike[str]) -> None:
    """Make the entries of a directory durable."""
    with directory(path) as descriptor:
        os.fsync(descriptor)


def prune(start: int, path: Sequence[bytes]) -> None:
    """Remove the directory at `path` below `start` and those above it, as far as they are empty.

    For tidiness only, so it stops at what cannot be removed. A file that is moved in at the
    same time is safe: the system removes no directory that is not empty.
    """
    with suppress(OSError):
        for depth in range(len(path), 0, -1):
            with descend(start, path[: depth - 1]) as parent, suppress(FileNotFoundError):
                os.rmdir(path[depth - 1], dir_fd=parent)


def empty_directories(start: int, path: Sequence[bytes]) -> list[Sequence[bytes]] | None:
    """The directory at `path` and those below it; None when there is anything else in them."""
    found = [path]
    for above in found:
        with descend(start, above) as descriptor, os.scandir(descriptor) as entries:
            for entry in entries:
                if not entry.is_dir(follow_symlinks=False):
                    return None
                found.append((*above, os.fsencode(entry.name)))
    return found


def remove_empty(start: int, path: Sequence[bytes]) -> bool:
    """Remove the directory at `path` with the empty ones in it; False when there is more in it."""
    try:
        found = empty_directories(start, path)
        if found is None:
            return False
        for each in reversed(found):
            with descend(start, each[:-1]) as parent:
                os.rmdir(each[-1], dir_fd=parent)
    except OSError as error:
        if error.errno in {errno.ENOTEMPTY, errno.EEXIST}:
            return False
        if error.errno not in NOT_THERE:
            raise
    return True
