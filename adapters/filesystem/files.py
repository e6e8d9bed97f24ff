"""Regular files below an open directory; nothing else is ever opened."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Sequence
from pathlib import Path

from adapters.filesystem.directories import descend
from adapters.filesystem.errors import NOT_THERE

# Without waiting: should a pipe come in its place, opening it would wait for a writer.
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY


def segments(name: str) -> list[bytes]:
    """An object's name as the path of its file."""
    return name.encode().split(b"/")


def find_entry(start: int, path: Sequence[bytes]) -> os.stat_result | None:
    """What is at `path` below `start`: a file, a directory, a link; None when nothing is."""
    try:
        with descend(start, path[:-1]) as parent:
            return os.stat(path[-1], dir_fd=parent, follow_symlinks=False)
    except OSError as error:
        if error.errno in NOT_THERE:
            return None
        raise


def find_file(start: int, path: Sequence[bytes]) -> os.stat_result | None:
    """The regular file at `path` below `start`; None when there is none."""
    entry = find_entry(start, path)
    return entry if entry is not None and stat.S_ISREG(entry.st_mode) else None


def open_file(start: int, path: Sequence[bytes]) -> int | None:
    """Open the regular file at `path` below `start` for reading; None when there is none."""
    # A device is not even opened, for that alone can set it in motion.
    if find_file(start, path) is None:
        return None
    try:
        with descend(start, path[:-1]) as parent:
            descriptor = os.open(path[-1], _READ, dir_fd=parent)
    except OSError as error:
        if error.errno in NOT_THERE:
            return None
        raise
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    return None


def same_file(one: os.stat_result, other: os.stat_result | None) -> bool:
    """Whether both are one file, unchanged."""
    return other is not None and (
        (one.st_dev, one.st_ino, one.st_size, one.st_mtime_ns)
        == (other.st_dev, other.st_ino, other.st_size, other.st_mtime_ns)
    )


def write_all(descriptor: int, content: bytes) -> None:
    """Write all of `content`, which the system may take in parts."""
    left = memoryview(content)
    while left:
        left = left[os.write(descriptor, left) :]


def copy_file(descriptor: int, target: Path) -> None:
    """Copy the whole of an open file to a new one."""
    with open(descriptor, "rb", closefd=False) as source, target.open("xb") as copy:
        shutil.copyfileobj(source, copy)
