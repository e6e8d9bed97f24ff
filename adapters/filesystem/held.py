"""Objects that an engine reads by itself: held under paths of their own while it does."""

from __future__ import annotations

import re
import secrets
from pathlib import Path
from shutil import rmtree

# What DuckDB takes for a column and its value ("Hive partitioning"), free of its wildcards.
_HIVE_SEGMENT = re.compile(r"[^=*?\[\]\\{}]+=[^=*?\[\]\\{}]*")
_FILE = "object"


class Holding:
    """The directory of the objects that one reader holds, each in a directory of its own there.

    The paths have nothing of the objects' names, in which an engine might see wildcards, but
    for the directories that tell of columns (`year=2024`).
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._count = 0
        path.mkdir()

    def place(self, name: str) -> Path:
        """A new path for an object of this name; nothing is there yet."""
        above = name.split("/")[:-1]
        hive = [segment for segment in above if _HIVE_SEGMENT.fullmatch(segment)]
        path = self._path.joinpath(str(self._count), *hive, _FILE)
        self._count += 1
        path.parent.mkdir(parents=True)
        return path

    def release(self) -> None:
        """Let go of all of them. What a reader has open stays as it is for that reader."""
        rmtree(self._path, ignore_errors=True)


class HeldObjects:
    """The directory below which objects are held; on the file system of the buckets."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def clear(self) -> None:
        """Remove what a crash left. Only for the start, before anything is held."""
        for leftover in self.root.iterdir():
            rmtree(leftover)

    def begin(self) -> Holding:
        """A place for the objects of one more reader."""
        return Holding(self.root / secrets.token_hex(16))
