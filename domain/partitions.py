"""Rows divided by the values of some columns, and the objects that each part goes to.

The layout is Hive's (`prefix/column=value/...`), in which DuckDB, Spark and pyarrow read it back:
https://duckdb.org/docs/stable/data/partitioning/hive_partitioning
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, Self

from domain.datasets import BucketName, ObjectName, ObjectRef
from domain.errors import InvalidObjectNameError, InvalidPartitionError
from domain.formats import DataFormat
from domain.hive_paths import NULL_IN_PATH
from domain.located_objects import FoundObject
from domain.tables import TableName

MAX_PARTITIONS = 10_000
"""The objects that one export is divided into: as many as one pattern of objects matches."""

MAX_KEYS = 32
"""The columns that one export is divided by."""

_SHOWN = 100

# What Hive escapes (FileUtils.escapePathName), the controls that no object's name has, and what
# XML escapes: DuckDB takes that as it stands in a store's listing.
_ESCAPED = re.compile(r"[\x00-\x1f\x7f-\x9f\"#%&'*/:<=>?\\{\[\]^]")
# Readers take both for NULL, DuckDB in any case.
_READ_AS_NULL = re.compile(rf"null|{NULL_IN_PATH}", re.IGNORECASE)
_PART = "part-0"
_PARTS = re.compile(r"part-[0-9]+")


@dataclass(frozen=True, slots=True)
class Partition:
    """The rows that have the same values in the columns that divide them.

    Attributes:
        values: These values as text, in the order of the columns; None for NULL.
        row_count: How many rows there are.
    """

    values: tuple[str | None, ...]
    row_count: int


class PartitionedResult(Protocol):
    """The answer to a query, divided by the values of some of its columns.

    It holds a cursor of the engine, so it must be closed, by any thread; closing it before the
    last of its rows stops what makes them.
    """

    @property
    def snapshot_id(self) -> int:
        """The snapshot of the lake that the query sees."""
        ...

    @property
    def tables(self) -> tuple[TableName, ...]:
        """The tables of the lake that the statement names."""
        ...

    @property
    def objects(self) -> tuple[FoundObject, ...]:
        """The objects of the datasets that the statement reads."""
        ...

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns that divide the rows, as the statement spells them."""
        ...

    def partitions(self) -> Sequence[Partition]:
        """Run the query; what its rows are divided into, ordered by the values.

        Raises:
            InvalidPartitionError: When there are more than `MAX_PARTITIONS`.
            LakehouseError: What `EncodedRows` raises while it is read.
        """
        ...

    def rows(self, partition: Partition) -> Iterator[bytes]:
        """The encoded rows of one partition without the columns that divide, in their order.

        Those of one partition are to be read before the next one's are asked for.

        Raises:
            LakehouseError: What `EncodedRows` raises while it is read.
        """
        ...

    def close(self) -> None:
        """Stop the query if it still runs, and give the cursor back. May be called twice."""
        ...


@dataclass(frozen=True, slots=True)
class PartitionedPlace:
    """Where the objects of a divided result go.

    Attributes:
        bucket: The bucket.
        prefix: What all their names begin with: nothing, or it ends with a slash.
    """

    bucket: BucketName
    prefix: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `bucket/prefix`; a slash at its end says nothing, `bucket/` is the whole bucket.

        Raises:
            InvalidBucketNameError, InvalidObjectNameError: When a name is against the rules.
        """
        bucket, slash, prefix = text.partition("/")
        if not slash:
            raise InvalidObjectNameError("A prefix goes by its bucket and itself: bucket/prefix/.")
        if not prefix:
            return cls(BucketName(bucket), "")
        name = ObjectName(prefix.removesuffix("/"))
        name.check_writable()
        return cls(BucketName(bucket), f"{name}/")

    def object_of(
        self, keys: Sequence[str], partition: Partition, data_format: DataFormat
    ) -> ObjectRef:
        """The object that a partition's rows go to.

        Raises:
            InvalidPartitionError: When it would have a name that not every store can hold.
        """
        segments = [
            f"{key}={_segment(value)}" for key, value in zip(keys, partition.values, strict=True)
        ]
        path = "/".join([*segments, f"{_PART}.{data_format.value}"])
        try:
            name = ObjectName(self.prefix + path)
            name.check_writable()
        except InvalidObjectNameError as error:
            raise InvalidPartitionError(
                f"{path[:_SHOWN]!r} would be no name for an object: {error.detail}"
            ) from error
        return ObjectRef(self.bucket, name)

    def holds(self, keys: Sequence[str], name: str, data_format: DataFormat) -> bool:
        """Whether an object of this name is one that an export divided like this writes.

        Columns are compared without case.
        """
        if not name.startswith(self.prefix):
            return False
        *segments, last = name.removeprefix(self.prefix).split("/")
        stem, dot, suffix = last.partition(".")
        return (
            len(segments) == len(keys)
            and all(
                segment.casefold().startswith(f"{key.casefold()}=")
                for key, segment in zip(keys, segments, strict=True)
            )
            and bool(_PARTS.fullmatch(stem))
            and dot + suffix == f".{data_format.value}"
        )

    def __str__(self) -> str:
        return f"{self.bucket}/{self.prefix}"


def check_keys(keys: Sequence[str]) -> None:
    """Check columns that are to divide rows.

    Raises:
        InvalidPartitionError: When they are none or too many, one is there twice, but for case,
            or has a name that readers would not find again in a path.
    """
    if not 1 <= len(keys) <= MAX_KEYS:
        raise InvalidPartitionError(f"partition_by names 1 to {MAX_KEYS} columns.")
    if len({key.casefold() for key in keys}) < len(keys):
        raise InvalidPartitionError("partition_by names each column once.")
    for key in keys:
        # Readers take a path's names as they stand, and decode its values alone.
        if not key or _ESCAPED.search(key):
            raise InvalidPartitionError(
                f"The column {key[:_SHOWN]!r} cannot be named in an object's path; "
                "give it another name in the query (AS)."
            )


def _segment(value: str | None) -> str:
    """A value as a part of a path; what reads it decodes `%` and two hexadecimal digits."""
    if value is None:
        return NULL_IN_PATH
    if _READ_AS_NULL.fullmatch(value):
        return _percent(value[0]) + value[1:]
    return _ESCAPED.sub(lambda found: _percent(found[0]), value)


def _percent(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode())
