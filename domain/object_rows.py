"""Rows that lie in objects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from domain.errors import InvalidObjectNameError, UnsupportedFormatError
from domain.file_formats import FileFormat, compression_of
from domain.formats import DataFormat
from domain.located_objects import FoundObject
from domain.object_patterns import ObjectPattern
from domain.tables import AppendOutcome

MAX_PATTERNS = 1_000
"""The names and patterns that one request may have."""


@dataclass(frozen=True, slots=True)
class ObjectRows:
    """The rows of objects, all of one format.

    Attributes:
        patterns: Which objects.
        format: What they are.
        hive_partitioning: Whether the directories of their names (`month=7/`) tell of columns;
            None when that is to be found out.
        timeout_s: How long the service may take to read them, in seconds; None for as long as
            it takes.
    """

    patterns: tuple[ObjectPattern, ...]
    format: FileFormat
    hive_partitioning: bool | None = None
    timeout_s: float | None = None

    @classmethod
    def parse(
        cls,
        names: Sequence[str],
        data_format: DataFormat | None = None,
        hive_partitioning: bool | None = None,
    ) -> Self:
        """Read names `bucket/key`, which may have wildcards; they tell how they are compressed.

        Args:
            names: The names.
            data_format: The format of all of them; None when the names tell it.
            hive_partitioning: As the attribute.

        Raises:
            InvalidBucketNameError, InvalidObjectNameError: When a name is against the rules,
                or there is none, or there are too many.
            UnsupportedFormatError: When a name tells no format that is read, or another one
                than the first.
        """
        if not 1 <= len(names) <= MAX_PATTERNS:
            raise InvalidObjectNameError(f"Name 1 to {MAX_PATTERNS} objects.")
        patterns = tuple(map(ObjectPattern.parse, names))
        first, *others = (_format(pattern, data_format) for pattern in patterns)
        for pattern, other in zip(patterns[1:], others, strict=True):
            if other != first:
                raise UnsupportedFormatError(
                    f"{patterns[0]} and {pattern} are of different formats: "
                    "all objects of one request are of one format, compressed in one way."
                )
        return cls(patterns, first, hive_partitioning)


def _format(pattern: ObjectPattern, data_format: DataFormat | None) -> FileFormat:
    if data_format is None:
        return FileFormat.of_name(str(pattern))
    if data_format is DataFormat.ARROW:
        raise UnsupportedFormatError("Objects are read as Parquet, CSV, NDJSON or JSON.")
    compression, _ = compression_of(str(pattern))
    return FileFormat(data_format, compression)


@dataclass(frozen=True, slots=True)
class LoadOutcome:
    """What a load did.

    Attributes:
        outcome: What the append did.
        objects: The objects that were read; none when the write had been done before.
    """

    outcome: AppendOutcome
    objects: tuple[FoundObject, ...]

    @property
    def replay_of(self) -> str | None:
        """As `AppendOutcome.replay_of`."""
        return self.outcome.replay_of
