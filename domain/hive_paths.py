"""Columns that the directories of a path tell of (`month=7/origin=JFK/`), as Hive lays them out.

https://duckdb.org/docs/stable/data/partitioning/hive_partitioning
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from domain.errors import InvalidPartitionError

NULL_IN_PATH = "__HIVE_DEFAULT_PARTITION__"
"""What stands in a path for NULL."""

_ENCODED = re.compile(r"(?:%[0-9A-Fa-f]{2})+")


def columns_in_path(path: str) -> Iterator[tuple[str, str]]:
    """The columns that the directories of a path name, each with its value as it stands there.

    Names are taken as they stand: so do Hive, Spark and DuckDB.
    """
    for segment in path.split("/")[:-1]:
        name, equals, value = segment.partition("=")
        if name and equals:
            yield name, value


def value_in_path(written: str) -> str | None:
    """The text of a value that is written so in a path, percent-decoded; None for NULL.

    A `%` that encodes nothing stands for itself.

    Raises:
        InvalidPartitionError: When it is no text that a column could have.
    """
    if written == NULL_IN_PATH:
        return None
    try:
        text = _ENCODED.sub(_decoded, written)
    except UnicodeDecodeError as error:
        raise InvalidPartitionError("A value in a path is UTF-8.") from error
    if "\0" in text:
        raise InvalidPartitionError("A value in a path has no NUL.")
    return text


def _decoded(found: re.Match[str]) -> str:
    return bytes.fromhex(found[0].replace("%", "")).decode()
