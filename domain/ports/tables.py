"""The port to the tables of the lake."""

from __future__ import annotations

from abc import abstractmethod
from typing import Protocol

from domain.commits import Write
from domain.derived_tables import DerivedOutcome, DerivedTable
from domain.growth import OnNewColumns
from domain.health import Health
from domain.idempotency import NO_TERMS, Digest, IdempotencyKey, WriteTerms
from domain.object_rows import LoadOutcome, ObjectRows
from domain.rows import Rows
from domain.settling import Pending
from domain.tables import (
    AppendOutcome,
    Column,
    CreateOutcome,
    DropOutcome,
    IfExists,
    NamespaceName,
    PointInTime,
    TableDefinition,
    TableDescription,
    TableName,
    TablePage,
    WriteOutcome,
)


class TablePort(Protocol):
    """The tables of one lake. Every write is one atomic commit that names its run.

    Any call raises `UnavailableError`, `UpstreamTimeoutError` or `BadUpstreamError` when the
    catalog or the storage does not serve, and a write `StorageFullError` when no space is left.

    A write under a key is done once: its commit keeps the key, the digest and what came of it,
    also where nothing changes, so that the same request gets the same outcome again, whatever
    became of the table. What failed is not kept. So a write with a key raises
    `IdempotencyKeyReusedError` when the key was used with another digest, and
    `IdempotencyKeyInUseError` when a write under it goes on elsewhere for too long.

    A write that is to match an entity tag raises `PreconditionFailedError` when the table has
    another one at the moment of the commit.
    """

    @abstractmethod
    def create(
        self,
        definition: TableDefinition,
        if_exists: IfExists,
        write: Write,
        terms: WriteTerms = NO_TERMS,
    ) -> CreateOutcome:
        """Make a table, and its namespace when that is not there, in one commit.

        An entity tag to match is that of the table of this name that is there.

        Raises:
            TableExistsError: When it is there and `if_exists` is ERROR; always when a view is.
            InvalidColumnError: When the lake cannot hold such a column.
            InvalidPartitionError: When a partition key does not fit its column's type.
            PreconditionFailedError: When no table is there that matches.
            WriteConflictError: When another writer made or changed it meanwhile.
        """

    @abstractmethod
    def create_from(
        self,
        table: DerivedTable,
        if_exists: IfExists,
        write: Write,
        terms: WriteTerms = NO_TERMS,
    ) -> DerivedOutcome:
        """Make a table with the columns and rows of its source, in one commit.

        The source is read at one snapshot of the lake. What it answers never leaves the engine.

        Args:
            table: What to make. Its source is not read when the table is there and stays.
            if_exists: What to do when it is there; its source may read what it replaces.
            write: What the commit says; how many rows there are is added.
            terms: As of `create`.

        Raises:
            InvalidColumnError: When the lake cannot keep a column of the source, or its name
                is against the rules.
            InvalidPartitionError: When a partition key does not fit the source's columns.
            TableExistsError, PreconditionFailedError, WriteConflictError: As `create`.
            LakehouseError: What `QueryPort.open` and its result raise.
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
    def may_wait(self, name: TableName, key: IdempotencyKey | None) -> bool:
        """Whether `columns`, `recall` and `submit` may have to wait for anything.

        False is a promise that they ask nothing of the catalog, that the key is not known, so
        that `recall` would give None, and that no other write is under way under it: as far as
        can be seen at this moment. Never waits itself.
        """

    @abstractmethod
    def submit(
        self, name: TableName, rows: Rows, write: Write, terms: WriteTerms = NO_TERMS
    ) -> Pending[AppendOutcome]:
        """Begin an append, and wait for nothing but its turn: its result is `append`'s.

        The rows must stay open until it is settled. Appends to a table are committed in the
        order in which they were submitted.

        Raises:
            IdempotencyKeyReusedError: When it is known by now; else the result raises it.
            UnavailableError: When the lake is closed.
        """

    def append(
        self, name: TableName, rows: Rows, write: Write, terms: WriteTerms = NO_TERMS
    ) -> AppendOutcome:
        """Add rows to a table: all of them in one commit, or none.

        The rows stay the caller's to close. Columns that they lack are NULL, or their default.
        What the table must grow by for them (`Rows.growth`) is done in the same commit; what
        somebody else has done of it meanwhile is left as it is when the rows fit it.

        Raises:
            TableNotFoundError: When the table is not there.
            InvalidColumnError: When the lake cannot hold a column that is to be added.
            TableChangedError: When the table changed so that the rows no longer fit it; they
                may, once their body is read for the table as it is now.
            WriteConflictError: When another writer changed the table meanwhile.
        """
        return self.submit(name, rows, write, terms).result()

    @abstractmethod
    def load(
        self,
        name: TableName,
        rows: ObjectRows,
        write: Write,
        terms: WriteTerms = NO_TERMS,
        on_new_columns: OnNewColumns = OnNewColumns.ERROR,
    ) -> LoadOutcome:
        """Add the rows of objects to a table: all of them in one commit, or none.

        They never leave the engine, and are read as strictly as the rows of an append. Columns
        that the objects lack are NULL, or their default.

        Args:
            name: The table.
            rows: Which objects.
            write: What the commit says; how many rows there are is added.
            terms: As of `append`.
            on_new_columns: What to do with columns that the table lacks, and with numbers that
                are too large for its columns; they are added and widened in the same commit.

        Raises:
            TableNotFoundError: When the table is not there.
            InvalidColumnError, TableChangedError: As `append`.
            BucketNotFoundError, ObjectNotFoundError: When there are no such objects.
            MalformedObjectError: When one cannot be read as what it is said to be.
            ObjectChangedError: When one was replaced while it was read.
            RowsDoNotFitError: When a value, or a column, does not fit the table.
            QueryTimeoutError: When reading them takes longer than `rows.timeout_s`.
            PreconditionFailedError, WriteConflictError: As `append`.
            UnsupportedOperationError: When this lake reads no objects.
        """

    @abstractmethod
    def drop(self, name: TableName, write: Write, terms: WriteTerms = NO_TERMS) -> DropOutcome:
        """Drop a table. Its past stays in the lake's snapshots.

        Raises:
            TableNotFoundError: When it is not there.
            WriteConflictError: When another writer changed it meanwhile.
        """

    @abstractmethod
    def recall(
        self, key: IdempotencyKey, digest: Digest, *, thorough: bool = False
    ) -> WriteOutcome | None:
        """What came of a write under this key; None when none is known.

        Args:
            key: The key.
            digest: Called only when the key is known.
            thorough: Whether to look also for what others did a moment ago, which costs a
                question to the catalog. The write itself always does.

        Raises:
            IdempotencyKeyReusedError: When the key was used with another digest.
        """

    @abstractmethod
    def check(self) -> Health:
        """Whether the catalog answers. Never raises."""
