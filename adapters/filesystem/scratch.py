"""Files in the making: they lie outside of the buckets until they are whole."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from adapters.filesystem.directories import sync_directory
from adapters.filesystem.files import write_all

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class ScratchFile:
    """A new file, open for writing."""

    path: Path
    descriptor: int


class Scratch:
    """The directory for files in the making, on the file system where they will stay."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def clear(self) -> None:
        """Remove what a crash left. Only for the start, before anything is made here."""
        for leftover in self._path.iterdir():
            leftover.unlink()

    @contextmanager
    def file(self) -> Iterator[ScratchFile]:
        """A new file, which is removed at the end unless it was moved to its place."""
        path = self._path / secrets.token_hex(16)
        descriptor = os.open(path, _NEW, 0o666)
        try:
            yield ScratchFile(path, descriptor)
        finally:
            os.close(descriptor)
            with suppress(OSError):
                path.unlink()

    def replace(self, target: Path, content: bytes) -> None:
        """Write a small file as a whole in the place of `target`, durably."""
        with self.file() as scratch:
            write_all(scratch.descriptor, content)
            os.fsync(scratch.descriptor)
            scratch.path.rename(target)
        sync_directory(target.parent)

    def probe(self) -> None:
        """Write a file, and remove it.

        Raises:
            OSError: When that does not work.
        """
        with self.file() as scratch:
            write_all(scratch.descriptor, b"probe")
