"""Tables: their names, columns, partitions and descriptions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Self

from domain.column_types import ColumnType
from domain.errors import (
    InvalidColumnError,
    InvalidPartitionError,
    InvalidTableNameError,
)

DEFAULT_NAMESPACE = "main"
MAX_NAME_LENGTH = 128
MAX_COMMENT_LENGTH = 10_000
MAX_COLUMNS = 10_000

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")

RESERVED_COLUMN_NAMES = frozenset({"rowid", "snapshot_id", "filename"})
"""DuckLake gives every table columns of these names, so a table's own would be hidden."""

SERVICE_NAMESPACE = "ducklake_backend"
"""Where the service keeps tables of its own, which any DuckLake client can read."""

RESERVED_NAMESPACES = frozenset({"information_schema", "pg_catalog", SERVICE_NAMESPACE})
"""DuckDB resolves the first ones itself, so a namespace of such a name could not be reached."""


@dataclass(frozen=True, slots=True)
class NamespaceName:
    """A namespace's name: 1-128 ASCII letters, digits and `_`, not starting with a digit.

    Raises:
        InvalidTableNameError: When `value` is against these rules.
    """

    value: str

    def __post_init__(self) -> None:
        _check_name(self.value, "A namespace")
        if self.value.casefold() in RESERVED_NAMESPACES:
            raise InvalidTableNameError(f"The namespace name {self.value!r} is reserved.")

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True, eq=False)
class TableName:
    """A table's full name. Two names that differ in case alone are the same name.

    Raises:
        InvalidTableNameError: When a part is against the rules.
    """

    namespace: str
    name: str

    def __post_init__(self) -> None:
        NamespaceName(self.namespace)
        _check_name(self.name, "A table name")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `name` or `namespace.name`; the default namespace is `main`.

        Raises:
            InvalidTableNameError: When `text` is neither.
        """
        namespace, dot, name = text.rpartition(".")
        return cls(namespace if dot else DEFAULT_NAMESPACE, name)

    def __str__(self) -> str:
        return f"{self.namespace}.{self.name}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TableName) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[str, str]:
        return self.namespace.casefold(), self.name.casefold()


def _check_name(text: str, what: str) -> None:
    if not _NAME.fullmatch(text):
        shown = text if len(text) <= MAX_NAME_LENGTH else f"{text[:MAX_NAME_LENGTH]}..."
        raise InvalidTableNameError(
            f"{what} is 1-{MAX_NAME_LENGTH} ASCII letters, digits and '_', "
            f"not starting with a digit; {shown!r} is not."
        )


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        name: 1-128 characters, no control characters, not a name that DuckLake uses.
        type: The type of its values.
        nullable: Whether a row may leave it out.
        comment: What it means, for people.
    """

    name: str
    type: ColumnType
    nullable: bool = True
    comment: str | None = None


def check_columns(columns: tuple[Column, ...]) -> None:
    """Check the columns of a table that is to be made.

    Not part of `Column` itself, since a table that another client of the lake made may
    have columns against these rules, and must be described all the same.

    Raises:
        InvalidColumnError: When a name is against the rules, or two are the same.
    """
    if not columns:
        raise InvalidColumnError("A table has at least one column.")
    if len(columns) > MAX_COLUMNS:
        raise InvalidColumnError(f"A table has at most {MAX_COLUMNS} columns.")
    seen: set[str] = set()
    for column in columns:
        name = column.name
        if not 1 <= len(name) <= MAX_NAME_LENGTH or _CONTROL.search(name):
            raise InvalidColumnError(
                f"A column name is 1-{MAX_NAME_LENGTH} characters without control "
                f"characters; {name[:MAX_NAME_LENGTH]!r} is not."
            )
        if name.casefold() in RESERVED_COLUMN_NAMES:
            raise InvalidColumnError(f"The column name {name!r} is reserved by DuckLake.")
        if name.casefold() in seen:
            raise InvalidColumnError(f"The column {name!r} is named twice.")
        seen.add(name.casefold())
        check_comment(column.comment)


def check_comment(comment: str | None) -> None:
    """Raises: InvalidColumnError: When a comment is too long or holds a NUL or surrogate."""
    if comment is not None and (
        len(comment) > MAX_COMMENT_LENGTH or re.search(r"[\x00\ud800-\udfff]", comment)
    ):
        raise InvalidColumnError(
            f"A comment has at most {MAX_COMMENT_LENGTH} characters, and no NUL."
        )


class Transform(StrEnum):
    """How a partition key is made from a column (DuckLake 1.0, "Partitioning")."""

    IDENTITY = "identity"
    YEAR = "year"
    MONTH = "month"
    DAY = "day"
    HOUR = "hour"
    BUCKET = "bucket"


_PARTITION = re.compile(
    r"(?P<transform>year|month|day|hour|bucket)\((?P<inside>.*)\)", re.IGNORECASE | re.DOTALL
)
_BUCKET = re.compile(r"\s*(?P<count>\d{1,6})\s*,(?P<column>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class PartitionKey:
    """One partition key: a column, or a transform of it.

    Attributes:
        column: The column's name.
        transform: How the key is made from the column.
        buckets: The number of buckets, of `Transform.BUCKET` only.
    """

    column: str
    transform: Transform = Transform.IDENTITY
    buckets: int | None = None

    def __post_init__(self) -> None:
        """Raises: InvalidPartitionError: When a bucket transform has no count, or another one."""
        if (self.transform is Transform.BUCKET) != (self.buckets is not None):
            raise InvalidPartitionError(
                "A bucket partition, and no other, has a number of buckets."
            )
        if self.buckets is not None and self.buckets < 1:
            raise InvalidPartitionError("A bucket partition has at least one bucket.")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `column`, `year(column)` (month, day, hour) or `bucket(8, column)`.

        A column whose name itself looks like a transform cannot be a plain key.

        Raises:
            InvalidPartitionError: When it is none of these.
        """
        match = _PARTITION.fullmatch(text.strip())
        if match is None:
            if not text.strip():
                raise InvalidPartitionError("A partition key names a column.")
            return cls(_unquoted(text))
        transform = Transform(match["transform"].lower())
        if transform is not Transform.BUCKET:
            return cls(_unquoted(match["inside"]), transform)
        bucket = _BUCKET.fullmatch(match["inside"])
        if bucket is None:
            raise InvalidPartitionError(f"{text!r} is not of the form bucket(8, column).")
        return cls(_unquoted(bucket["column"]), transform, int(bucket["count"]))

    def __str__(self) -> str:
        if self.transform is Transform.IDENTITY:
            return self.column
        if self.transform is Transform.BUCKET:
            return f"bucket({self.buckets}, {self.column})"
        return f"{self.transform.value}({self.column})"


def _unquoted(text: str) -> str:
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] == '"':
        return text[1:-1].replace('""', '"')
    return text


@dataclass(frozen=True, slots=True)
class TableDefinition:
    """A table that is to be made.

    Raises:
        InvalidColumnError: When the columns or a comment are against the rules.
        InvalidPartitionError: When a partition key names no column.
    """

    name: TableName
    columns: tuple[Column, ...]
    comment: str | None = None
    partition_by: tuple[PartitionKey, ...] = ()

    def __post_init__(self) -> None:
        check_columns(self.columns)
        check_comment(self.comment)
        names = {column.name.casefold() for column in self.columns}
        for key in self.partition_by:
            if key.column.casefold() not in names:
                raise InvalidPartitionError(
                    f"The partition key {key} names no column of the table."
                )


class IfExists(StrEnum):
    """What a create does when the table is already there."""

    ERROR = "error"
    IGNORE = "ignore"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True)
class AtVersion:
    """A moment of the lake: its snapshot of this id."""

    snapshot_id: int


@dataclass(frozen=True, slots=True)
class AtTimestamp:
    """A moment of the lake: its newest snapshot not after this time (with a time zone)."""

    timestamp: datetime


PointInTime = AtVersion | AtTimestamp


@dataclass(frozen=True, slots=True)
class TableSummary:
    """A table in a listing. Its name may be one that only another client could give."""

    namespace: str
    name: str
    comment: str | None


@dataclass(frozen=True, slots=True)
class TablePage:
    """A part of a listing, in the order of namespace and name.

    Attributes:
        tables: The tables of this page.
        next_after: Where the next page begins; None on the last page.
    """

    tables: tuple[TableSummary, ...]
    next_after: tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class TableDescription:
    """What a table is, at one snapshot.

    Attributes:
        row_count: Its rows, counted.
        file_count: Its data files (rows that are inlined in the catalog have none).
        size_bytes: The size of its data files in bytes.
        snapshot_id: The snapshot of the table's last change.
        created_at: When it was made.
        updated_at: When `snapshot_id` was committed; None when that is no longer known.
        location: Where its data files lie, from the lake's data path on.
    """

    name: TableName
    columns: tuple[Column, ...]
    comment: str | None
    partition_by: tuple[str, ...]
    row_count: int
    file_count: int
    size_bytes: int
    snapshot_id: int
    created_at: datetime
    updated_at: datetime | None
    location: str


@dataclass(frozen=True, slots=True)
class CreateOutcome:
    """What a create did.

    Attributes:
        description: The table as it is now.
        created: False when it was there already and was left alone.
        replay_of: The run that did it before, under the same key; None when it was done now.
    """

    description: TableDescription
    created: bool
    replay_of: str | None = None


@dataclass(frozen=True, slots=True)
class AppendOutcome:
    """What an append did.

    Attributes:
        rows_appended: How many rows were written.
        snapshot_id: The snapshot that holds them; of no rows, the table's last change.
        replay_of: The run that did it before, under the same key; None when it was done now.
        columns_added: Columns that the table did not have before.
        columns_widened: Columns that have a wider type than before.
    """

    rows_appended: int
    snapshot_id: int
    replay_of: str | None = None
    columns_added: tuple[Column, ...] = ()
    columns_widened: tuple[Column, ...] = ()


@dataclass(frozen=True, slots=True)
class DropOutcome:
    """What a drop did.

    Attributes:
        replay_of: The run that did it before, under the same key; None when it was done now.
    """

    replay_of: str | None = None


WriteOutcome = CreateOutcome | AppendOutcome | DropOutcome
