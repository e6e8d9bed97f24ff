"""Receiving an object's bytes into a file that nobody sees yet."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from hashlib import md5
from pathlib import Path

from adapters.filesystem.errors import translated
from adapters.filesystem.files import write_all
from adapters.filesystem.scratch import Scratch
from domain.errors import IncompleteBodyError

_BUFFER_BYTES = 1024 * 1024
_WRITEBACK_BYTES = 8 * _BUFFER_BYTES


@dataclass(slots=True)
class Upload:
    """An object's bytes, durable on the disk but not in their place.

    Attributes:
        path: Where they lie.
        descriptor: The open file.
        size: How many they are.
        etag: The MD5 of them in hexadecimal, as S3 gives it for objects put in one piece.
        mtime_ns: When they were written, in nanoseconds since 1970, as the file says.
    """

    path: Path
    descriptor: int
    size: int
    etag: str
    mtime_ns: int = 0

    def stamp(self, mtime_ns: int) -> None:
        """Set when the bytes were written, as finely as the file system can, and sync."""
        os.utime(self.descriptor, ns=(mtime_ns, mtime_ns))
        os.fsync(self.descriptor)
        self.mtime_ns = os.fstat(self.descriptor).st_mtime_ns

    def stamp_apart(self, size: int, mtime_ns: int) -> None:
        """See to it that size and time tell this file from one with these."""
        step = 1
        while (self.size, self.mtime_ns) == (size, mtime_ns):
            self.stamp(mtime_ns + step)
            # A file system may keep no more than microseconds, or two seconds.
            step *= 10


@contextmanager
def receive(scratch: Scratch, content: Iterable[bytes], size: int | None) -> Iterator[Upload]:
    """Read `content` to its end into a scratch file, in bounded memory.

    What `content` raises passes through as it is, an `OSError` too.

    Raises:
        IncompleteBodyError: When it has other than `size` bytes.
    """
    with ExitStack() as held:
        with translated():
            file = held.enter_context(scratch.file())
        writer = _Writer(file.descriptor)
        for chunk in content:
            with translated():
                writer.write(chunk)
            if size is not None and writer.size > size:
                raise IncompleteBodyError(f"The body goes on after its {size} bytes.")
        if size is not None and writer.size < size:
            raise IncompleteBodyError(f"The body ended after {writer.size} of {size} bytes.")
        with translated():
            writer.flush()
            upload = Upload(file.path, file.descriptor, writer.size, writer.digest.hexdigest())
            upload.stamp(time.time_ns())
        yield upload


class _Writer:
    """Writes to a file, and hashes what it writes, in large pieces however small the chunks."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._gathered: list[bytes] = []
        self._gathered_bytes = 0
        self._begun_back = 0
        self.size = 0
        self.digest = md5(usedforsecurity=False)

    def write(self, chunk: bytes) -> None:
        self._gathered.append(chunk)
        self._gathered_bytes += len(chunk)
        self.size += len(chunk)
        if self._gathered_bytes >= _BUFFER_BYTES:
            self.flush()

    def flush(self) -> None:
        piece = b"".join(self._gathered)
        self._gathered.clear()
        self._gathered_bytes = 0
        self.digest.update(piece)
        write_all(self._descriptor, piece)
        self._begin_writing_back()

    def _begin_writing_back(self) -> None:
        # Linux begins to write dirty pages to the disk when told that they are not needed, so
        # that the disk works while the next bytes come, and the last fsync has little left.
        length = self.size - self._begun_back
        if length >= _WRITEBACK_BYTES and hasattr(os, "posix_fadvise"):
            os.posix_fadvise(self._descriptor, self._begun_back, length, os.POSIX_FADV_DONTNEED)
            self._begun_back = self.size
