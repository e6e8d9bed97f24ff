"""Linux's inotify: what happens in directories, told by the kernel (inotify(7)).

The standard library does not have it, and three calls and one structure are all of it.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MOVED_TO = 0x00000080
CLOSED_AFTER_WRITING = 0x00000008
CREATED = 0x00000100
MOVED_ITSELF = 0x00000800
OVERFLOWED = 0x00004000
NO_LONGER_WATCHED = 0x00008000
IS_DIRECTORY = 0x40000000
_ONLY_DIRECTORIES = 0x01000000

_HEADER = struct.Struct("iIII")
_BUFFER_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Event:
    """What happened.

    Attributes:
        watch: The watch that saw it; -1 for an overflow.
        mask: What it was, as bits.
        name: In which entry of the directory; empty for the directory itself.
    """

    watch: int
    mask: int
    name: str


class Inotify:
    """A queue of events.

    Raises:
        OSError: When this system has none, or the user has too many of them.
    """

    def __init__(self) -> None:
        if sys.platform != "linux":
            raise OSError("Only Linux has inotify.")
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor = _checked(self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))

    def watch(self, directory: Path, mask: int) -> int:
        """Watch a directory; gives the watch's number, which is one for each directory.

        Raises:
            OSError: When it is no directory, is not there, or there are too many watches.
        """
        return _checked(
            self._libc.inotify_add_watch(
                self._descriptor, os.fsencode(directory), mask | _ONLY_DIRECTORIES
            )
        )

    def events(self) -> Iterator[Event]:
        """What has happened since they were last asked for. Never waits."""
        while True:
            try:
                buffer = os.read(self._descriptor, _BUFFER_BYTES)
            except BlockingIOError:
                return
            yield from _parsed(buffer)

    def close(self) -> None:
        """Watch no longer."""
        os.close(self._descriptor)


def _parsed(buffer: bytes) -> Iterator[Event]:
    start = 0
    while start < len(buffer):
        watch, mask, _, length = _HEADER.unpack_from(buffer, start)
        start += _HEADER.size
        # The name is padded with NUL.
        name = buffer[start : start + length].rstrip(b"\0")
        start += length
        yield Event(watch, mask, os.fsdecode(name))


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
