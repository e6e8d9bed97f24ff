"""Names of objects that rows are read from, in JSON."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from domain.formats import DataFormat
from domain.object_rows import MAX_PATTERNS, ObjectRows

ObjectNames = Annotated[
    list[str],
    Field(
        min_length=1,
        max_length=MAX_PATTERNS,
        description="`bucket/key` of each, with `*`, `**`, `?` and `[a-z]` for several.",
        examples=[["raw-data/2013/*.parquet"]],
    ),
]
ObjectFormat = Annotated[
    Literal["parquet", "csv", "ndjson", "json"] | None,
    Field(description="What the objects are; by default as their names end."),
]
HivePartitioning = Annotated[
    bool | None,
    Field(
        description="Whether columns are read from the objects' names (`month=7/origin=JFK/`), "
        "in place of any of these names in the objects; by default those that all names have "
        "and no object has itself."
    ),
]


def object_rows(
    names: list[str], data_format: str | None, hive_partitioning: bool | None
) -> ObjectRows:
    """The rows of objects, in the domain's words.

    Raises:
        InvalidError, UnsupportedFormatError: When a name is against the rules or tells no format.
    """
    known = None if data_format is None else DataFormat(data_format)
    return ObjectRows.parse(names, known, hive_partitioning)
