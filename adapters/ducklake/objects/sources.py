"""Objects of the datasets as sources of rows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from adapters.ducklake.engine.lake import Lake
from adapters.ducklake.engine.sql import literal
from adapters.ducklake.objects.checks import ObjectBytes, ObjectChecks
from adapters.ducklake.objects.copies import Heartbeat, ObjectCopies
from adapters.ducklake.objects.csv_lines import CSV_BUFFER_BYTES, MAX_CSV_LINE_BYTES
from domain.errors import MalformedObjectError, ObjectNotFoundError
from domain.file_formats import Compression, FileFormat
from domain.formats import DataFormat
from domain.located_objects import LocatedObject
from domain.object_patterns import ObjectPattern
from domain.ports.datasets import DatasetPort

MAX_JSON_COLUMN_DEPTH = 50
"""How deep the types are that are found in JSON; what is deeper stays JSON."""

MAX_JSON_VALUE_BYTES = 16 * 1024**2
"""How large one value of a JSON object may be."""

READERS = {
    DataFormat.PARQUET: "read_parquet",
    DataFormat.CSV: "read_csv",
    DataFormat.JSON: "read_json",
    DataFormat.NDJSON: "read_json",
}

_WILDCARD = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class ObjectSource:
    """Objects that the engine can read, until this is closed.

    Attributes:
        objects: The objects, and where they are read.
        format: Their format.
    """

    objects: tuple[LocatedObject, ...]
    format: FileFormat
    _held: ExitStack = field(repr=False)

    def relation(self, options: Sequence[str] = (), function: str | None = None) -> str:
        """What stands behind FROM to read them.

        Args:
            options: Options of the reader, as SQL: `header = true`.
            function: The reader; None for the one of the format.
        """
        function = function or READERS[self.format.format]
        files = ", ".join(literal(_as_pattern(each.location)) for each in self.objects)
        given = [f"[{files}]", *options, *self._own_options(function)]
        return f"{function}({', '.join(given)})"

    def shown(self, text: str) -> str:
        """A message with the objects' names in the place of where they are read."""
        for each in self.objects:
            text = text.replace(_as_pattern(each.location), each.shown)
            text = text.replace(each.location, each.shown)
        return text

    def close(self) -> None:
        """Let go of the objects. May be called twice."""
        self._held.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _own_options(self, function: str) -> list[str]:
        if self.format.format is DataFormat.PARQUET:
            return []
        # What was compressed has been unpacked.
        if self.format.format is DataFormat.CSV:
            return [
                "compression = 'none'",
                f"max_line_size = {MAX_CSV_LINE_BYTES}",
                f"buffer_size = {CSV_BUFFER_BYTES}",
            ]
        options = [
            "compression = 'uncompressed'",
            f"maximum_object_size = {MAX_JSON_VALUE_BYTES}",
        ]
        if "objects" not in function:
            options.append(f"maximum_depth = {MAX_JSON_COLUMN_DEPTH}")
        return options


class ObjectSources:
    """Finds objects, and makes them fit to be read by the lake's engine."""

    def __init__(self, lake: Lake, datasets: DatasetPort) -> None:
        self._lake = lake
        self._datasets = datasets
        self._content = ObjectBytes(datasets)
        self._checks = ObjectChecks(self._content)

    def open(
        self,
        patterns: Sequence[ObjectPattern],
        file_format: FileFormat,
        heartbeat: Heartbeat = lambda: None,
    ) -> ObjectSource:
        """Find the objects and check them. The source must be closed.

        Args:
            patterns: Which objects, one pattern's behind the other's.
            file_format: What they are.
            heartbeat: Called while it goes on; raises when it is to end.

        Raises:
            BucketNotFoundError, ObjectNotFoundError: When there are no such objects.
            MalformedObjectError: When one of them is not of that format, or all are empty.
            TooLargeError: When they are more than is read at once.
            ObjectChangedError: When one was replaced in the meantime.
            StorageFullError: When there is no space for what has to be copied.
        """
        with ExitStack() as held:
            objects: list[LocatedObject] = []
            for pattern in patterns:
                heartbeat()
                located = self._datasets.locate(pattern)
                held.callback(located.close)
                objects += located.objects
            if not objects:
                raise ObjectNotFoundError("No objects are named.")
            is_text = file_format.format is not DataFormat.PARQUET
            if is_text:
                first = objects[0]
                # An empty file has no columns; among others it has no rows.
                objects = [each for each in objects if each.found.size]
                if not objects:
                    raise MalformedObjectError(f"{first.shown} is empty.")
            if is_text and (
                file_format.compression is not Compression.NONE
                or file_format.format is not DataFormat.CSV
            ):
                copies = ObjectCopies(self._lake.config.copies, self._content, heartbeat)
                held.callback(copies.release)
                objects = [copies.settle(each, file_format) for each in objects]
            else:
                self._checks.check(objects, file_format.format)
            return ObjectSource(tuple(objects), file_format, held.pop_all())


def _as_pattern(location: str) -> str:
    """A path in which DuckDB sees no wildcards; of the store's URLs it takes none for any."""
    if not location.startswith("/"):
        return location
    return _WILDCARD.sub(lambda found: f"[{found[0]}]", location)
