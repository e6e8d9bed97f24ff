"""Tables that are made of rows which are there already, and get their columns from them."""

from __future__ import annotations

from dataclasses import dataclass

from domain.located_objects import FoundObject
from domain.object_rows import ObjectRows
from domain.queries import Query
from domain.tables import Column, CreateOutcome, PartitionKey, TableDefinition, TableName


@dataclass(frozen=True, slots=True)
class DerivedTable:
    """A table that is to be made of what a query answers, or of the rows of objects.

    Attributes:
        name: Its name.
        source: Has its rows and columns.
        comment: What it means, for people.
        partition_by: Keys of the source's columns.
    """

    name: TableName
    source: Query | ObjectRows
    comment: str | None = None
    partition_by: tuple[PartitionKey, ...] = ()

    @property
    def sql(self) -> str | None:
        """The statement that answers the rows, if one does."""
        return self.source.sql if isinstance(self.source, Query) else None

    def with_columns(self, columns: tuple[Column, ...]) -> TableDefinition:
        """The table, now that its columns are known.

        Raises:
            InvalidColumnError: When a name is against the rules, or two are the same.
            InvalidPartitionError: When a partition key names no column.
        """
        return TableDefinition(self.name, columns, self.comment, self.partition_by)


@dataclass(frozen=True, slots=True)
class SourceRead:
    """What the rows of a table were made of.

    Attributes:
        tables: The tables that were read.
        snapshot_id: The snapshot of the lake at which they were.
        row_count: How many rows there were.
        objects: The objects that were read.
    """

    tables: tuple[TableName, ...]
    snapshot_id: int
    row_count: int
    objects: tuple[FoundObject, ...] = ()


@dataclass(frozen=True, slots=True)
class DerivedOutcome:
    """What making a table of rows did.

    Attributes:
        outcome: What making the table did.
        read: What it was made of; None when nothing was read, since the table was there already
            and was left alone, or the write had been done before.
    """

    outcome: CreateOutcome
    read: SourceRead | None

    @property
    def replay_of(self) -> str | None:
        """As `CreateOutcome.replay_of`."""
        return self.outcome.replay_of
