"""The lake's files in a local directory."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from adapters.filesystem.errors import NOT_THERE, reason
from domain.errors import UnavailableError
from domain.maintenance import LakeFile
from domain.ports.lake_files import LakeFilePort

_NO_FILE = NOT_THERE | {errno.EISDIR}


class FilesystemLakeFiles(LakeFilePort):
    """What lies below a directory.

    Links are followed, as the engine does. A name that is not UTF-8 is told with its bytes
    written out: the engine has made none.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def list_files(self) -> Iterator[LakeFile]:
        """As `LakeFilePort.list_files`."""
        below: list[Path] = [self._root]
        seen: set[tuple[int, int]] = set()
        while below:
            with _reachable():
                directory = below.pop()
                try:
                    status = directory.stat()
                    # Links can lead in a circle.
                    if (status.st_dev, status.st_ino) in seen:
                        continue
                    seen.add((status.st_dev, status.st_ino))
                    entries = os.scandir(directory)
                except FileNotFoundError:
                    continue
            with entries:
                while True:
                    with _reachable():
                        entry = next(entries, None)
                        if entry is None:
                            break
                        found = self._found(entry, below)
                    if found is not None:
                        yield found

    def _found(self, entry: os.DirEntry[str], below: list[Path]) -> LakeFile | None:
        try:
            if entry.is_dir():
                below.append(Path(entry.path))
                return None
            status = entry.stat()
        except FileNotFoundError:
            return None
        name = Path(entry.path).relative_to(self._root).as_posix()
        return LakeFile(
            os.fsencode(name).decode(errors="backslashreplace"),
            status.st_size,
            datetime.fromtimestamp(status.st_mtime, UTC),
        )

    def size_of(self, name: str) -> int | None:
        """As `LakeFilePort.size_of`."""
        with _reachable():
            try:
                path = self._root / name
                return path.stat().st_size if path.is_file() else None
            except OSError as error:
                if error.errno in _NO_FILE:
                    return None
                raise

    def read_end(self, name: str, count: int) -> bytes:
        """As `LakeFilePort.read_end`."""
        with _reachable():
            try:
                with (self._root / name).open("rb") as file:
                    size = file.seek(0, os.SEEK_END)
                    file.seek(max(0, size - count))
                    return file.read(count)
            except OSError as error:
                if error.errno in _NO_FILE:
                    return b""
                raise

    def delete(self, name: str) -> bool:
        """As `LakeFilePort.delete`."""
        with _reachable():
            path = self._root / name
            try:
                # Behind a link it may go by another name too, which the lake knows it by.
                if path.resolve() != self._root.resolve() / name:
                    return False
                path.unlink()
            except OSError as error:
                if error.errno in _NO_FILE:
                    return False
                raise
            return True


@contextmanager
def _reachable() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UnavailableError(f"The lake's files cannot be reached: {reason(error)}.") from error
