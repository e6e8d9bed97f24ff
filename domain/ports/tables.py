"""The port to the tables of the lake."""

from __future__ import annotations

from abc import abstractmethod
from typing import Protocol

from domain.commits import Write
from domain.health import Health
from domain.rows import Rows
from domain.tables import (
    AppendOutcome,
    Column,
    CreateOutcome,
    IfExists,
    NamespaceName,
    PointInTime,
    TableDefinition,
    TableDescription,
    TableName,
    TablePage,
)


class TablePort(Protocol):
    """The tables of one lake. Every write is one atomic commit that names its run.

    Any call raises `UnavailableError`, `UpstreamTimeoutError` or `BadUpstreamError` when the
    catalog or the storage does not serve, and a write `StorageFullError` when no space is left.
    """

    @abstractmethod
    def create(
        self, definition: TableDefinition, if_exists: IfExists, write: Write
    ) -> CreateOutcome:
        """Make a table, and its namespace when that is not there, in one commit.

        Raises:
            TableExistsError: When it is there and `if_exists` is ERROR; always when a view is.
            InvalidColumnError: When the lake cannot hold such a column.
            InvalidPartitionError: When a partition key does not fit its column's type.
            WriteConflictError: When another writer made or changed it meanwhile.
        """

    @abstractmethod
    def list_tables(
        self, namespace: NamespaceName | None, after: tuple[str, str] | None, limit: int
    ) -> TablePage:
        """List tables in the order of namespace and name, `limit` of them at most.

        Args:
            namespace: Only tables of this one; None for all. One that is not there has none.
            after: Only tables behind this (namespace, name).
            limit: At least 1.
        """

    @abstractmethod
    def describe(self, name: TableName, at: PointInTime | None = None) -> TableDescription:
        """Say what a table is, now or at a moment of the past.

        Raises:
            TableNotFoundError: When it is not there (then).
            SnapshotNotFoundError: When the lake has no snapshot of that moment.
        """

    @abstractmethod
    def columns(self, name: TableName) -> tuple[Column, ...]:
        """The columns that an append to the table must fit: cheaper than `describe`.

        Raises:
            TableNotFoundError: When it is not there.
        """

    @abstractmethod
    def append(self, name: TableName, rows: Rows, write: Write) -> AppendOutcome:
        """Add rows to a table: all of them in one commit, or none.

        The rows stay the caller's to close. Columns that they lack are NULL, or their default.

        Raises:
            TableNotFoundError: When the table is not there.
            RowsDoNotFitError: When the table changed so that the rows no longer fit it.
            WriteConflictError: When another writer changed the table meanwhile.
        """

    @abstractmethod
    def drop(self, name: TableName, write: Write) -> None:
        """Drop a table. Its past stays in the lake's snapshots.

        Raises:
            TableNotFoundError: When it is not there.
            WriteConflictError: When another writer changed it meanwhile.
        """

    @abstractmethod
    def check(self) -> Health:
        """Whether the catalog answers. Never raises."""
