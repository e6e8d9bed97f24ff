"""The forms in which the command shows things."""

from __future__ import annotations

from enum import StrEnum
from pathlib import PurePath
from typing import TypeVar

from domain.formats import DataFormat
from entrypoints.cli.usage import UsageError


class RecordFormat(StrEnum):
    """How one record is shown."""

    TABLE = "table"
    JSON = "json"


class ListFormat(StrEnum):
    """How records are shown."""

    TABLE = "table"
    JSON = "json"
    NDJSON = "ndjson"
    CSV = "csv"


class ResultFormat(StrEnum):
    """How rows are shown."""

    TABLE = "table"
    JSON = "json"
    NDJSON = "ndjson"
    CSV = "csv"
    PARQUET = "parquet"
    ARROW = "arrow"

    @property
    def binary(self) -> bool:
        """Whether it is nothing for a terminal."""
        return self in {ResultFormat.PARQUET, ResultFormat.ARROW}


class SourceFormat(StrEnum):
    """What objects are that rows are read from."""

    PARQUET = "parquet"
    CSV = "csv"
    NDJSON = "ndjson"
    JSON = "json"


AnyFormat = TypeVar("AnyFormat", RecordFormat, ListFormat, ResultFormat)

FORMAT_OF_ENDING = {
    ".json": DataFormat.JSON,
    ".ndjson": DataFormat.NDJSON,
    ".jsonl": DataFormat.NDJSON,
    ".csv": DataFormat.CSV,
    ".parquet": DataFormat.PARQUET,
    ".pq": DataFormat.PARQUET,
    ".arrow": DataFormat.ARROW,
    ".arrows": DataFormat.ARROW,
}
"""The format of a file by its name's ending."""


def data_format_of(source: SourceFormat | None) -> DataFormat | None:
    """The format that is said, in the domain's words."""
    return None if source is None else DataFormat(source.value)


def format_of_file(name: str, option: str) -> DataFormat:
    """The format of a file by its name.

    Raises:
        UsageError: When the name does not tell; it names the option that would.
    """
    found = FORMAT_OF_ENDING.get(PurePath(name).suffix.lower())
    if found is None:
        known = ", ".join(DataFormat)
        raise UsageError(f"The name {name!r} does not tell the format: say {option} ({known}).")
    return found
