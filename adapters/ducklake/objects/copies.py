"""Copies of objects that the engine cannot be let read where they are.

Compressed text is copied, for DuckDB gives what it can of a file that ends too early and says
nothing; JSON of a store is, for what was checked must be what is read.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from shutil import rmtree

from adapters.ducklake.objects.checks import ObjectBytes, is_local, told_of
from adapters.ducklake.objects.csv_lines import CsvLines, check_first_line
from adapters.ducklake.objects.json_depth import JsonDepth
from adapters.ducklake.objects.unpacking import unpacked
from domain.errors import TooLargeError
from domain.file_formats import Compression, FileFormat
from domain.formats import DataFormat
from domain.located_objects import LocatedObject

MAX_COPIED_BYTES = 64 * 1024**3
"""The bytes that may be copied for one statement."""

Heartbeat = Callable[[], None]
"""Called every now and then; raises when the work is to end."""


class ObjectCopies:
    """The directory of the copies that one reader has.

    Args:
        directory: Where the directories of all readers are.
        content: Reads the objects.
        heartbeat: Called with each chunk.
    """

    def __init__(self, directory: Path, content: ObjectBytes, heartbeat: Heartbeat) -> None:
        self._path = directory / secrets.token_hex(16)
        self._content = content
        self._heartbeat = heartbeat
        self._count = 0
        self._bytes = 0

    def settle(self, each: LocatedObject, file_format: FileFormat) -> LocatedObject:
        """Check an object of text; where it is to be read from, unpacked.

        Raises:
            MalformedObjectError: When it is not compressed as it should be.
            TooLargeError: When it unpacks to too much, or is nested too deep.
            ObjectChangedError: When it was replaced in the meantime.
        """
        stays = is_local(each) and file_format.compression is Compression.NONE
        path = None if stays else self._new_path(each)

        def look(each: LocatedObject) -> None:
            chunks = self._checked(each, file_format)
            if path is None:
                for _ in chunks:
                    pass
            else:
                with path.open("xb") as copy:
                    copy.writelines(chunks)

        told_of(each, look)
        return each if path is None else replace(each, location=str(path))

    def release(self) -> None:
        """Remove the copies."""
        rmtree(self._path, ignore_errors=True)

    def _checked(self, each: LocatedObject, file_format: FileFormat) -> Iterator[bytes]:
        is_json = file_format.format is not DataFormat.CSV
        depth, lines = JsonDepth(), CsvLines()
        first = True
        for chunk in unpacked(self._content.whole(each), file_format.compression):
            self._heartbeat()
            self._bytes += len(chunk)
            if self._bytes > MAX_COPIED_BYTES:
                raise TooLargeError("There is too much of it to be unpacked for one statement.")
            if is_json:
                depth.feed(chunk)
            else:
                lines.feed(chunk)
            if first and not is_json:
                check_first_line(chunk)
            first = False
            yield chunk

    def _new_path(self, each: LocatedObject) -> Path:
        # Its directories tell of columns (year=2024), as where it lies.
        hive = [part for part in each.found.ref.name.value.split("/")[:-1] if is_hive(part)]
        path = self._path.joinpath(str(self._count), *hive, "object")
        self._count += 1
        path.parent.mkdir(parents=True)
        return path


def is_hive(segment: str) -> bool:
    """Whether a directory tells of a column, and holds no wildcard of DuckDB's."""
    return "=" in segment and not set(segment) & set("*?[]\\{}")
