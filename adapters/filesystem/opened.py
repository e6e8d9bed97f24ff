"""An object opened for reading."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from io import FileIO

from adapters.filesystem.errors import translated
from domain.datasets import ByteRange, ByteStream, ObjectInfo, OpenObject
from domain.errors import PreconditionFailedError

_CHUNK_BYTES = 1024 * 1024


class OpenFile(OpenObject):
    """Holds the open file, which stays as it is when the object is replaced or deleted."""

    def __init__(self, descriptor: int, info: ObjectInfo) -> None:
        self._info = info
        self._file = FileIO(descriptor)
        # The descriptor's number may be another file's as soon as it is closed.
        self._lock = threading.Lock()
        self._read = False

    @property
    def info(self) -> ObjectInfo:
        """What the object is."""
        return self._info

    def read(self, part: ByteRange | None = None) -> ByteStream:
        """Its bytes, or a part of them; ValueError when asked twice."""
        if self._read:
            raise ValueError("An open object can be read once.")
        self._read = True
        return _FileStream(self, part or ByteRange(0, self._info.size))

    def read_at(self, start: int, length: int) -> bytes:
        """At most `length` bytes from `start` on; ValueError when it is closed."""
        with self._lock, translated():
            return os.pread(self._file.fileno(), length, start)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._file.close()


class _FileStream(ByteStream):
    def __init__(self, opened: OpenFile, part: ByteRange) -> None:
        self._opened = opened
        self._part = part

    def __iter__(self) -> Iterator[bytes]:
        position, end = self._part.start, self._part.start + self._part.length
        while position < end:
            chunk = self._opened.read_at(position, min(_CHUNK_BYTES, end - position))
            if not chunk:
                raise PreconditionFailedError(
                    "The file of the object was cut short while it was read."
                )
            position += len(chunk)
            yield chunk

    def close(self) -> None:
        self._opened.close()
