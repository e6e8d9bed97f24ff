"""The table port on DuckLake."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace

import duckdb

from adapters.ducklake.appends import AppendJob, merged
from adapters.ducklake.definitions import create_table
from adapters.ducklake.inlining import new_table_out_of_the_catalog
from adapters.ducklake.lake import Lake
from adapters.ducklake.metadata import Metadata, TableEntry
from adapters.ducklake.query_source import StagedTable, stage_query
from adapters.ducklake.replacing import is_to_be_made
from adapters.ducklake.schemas import Schemas, known_table
from adapters.ducklake.sql import qualified
from adapters.ducklake.staging import staged
from adapters.ducklake.stored_types import is_nested
from adapters.ducklake.writer import Applied, Job, Transaction, Writer
from domain.commits import Write
from domain.derived_tables import DerivedOutcome, DerivedTable
from domain.errors import (
    LakehouseError,
    SnapshotNotFoundError,
    UnavailableError,
    UnsupportedOperationError,
)
from domain.health import Health
from domain.idempotency import NO_TERMS, Digest, IdempotencyKey, WriteTerms
from domain.ports.tables import TablePort
from domain.rows import Rows
from domain.tables import (
    AppendOutcome,
    AtVersion,
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


def _leave_empty(_transaction: Transaction) -> None:
    """A table that is made without rows."""


class DuckLakeTables(TablePort):
    """The tables of one DuckLake."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._schemas = Schemas(lake.config)
        self._writer = Writer(lake, merged)

    def create(
        self,
        definition: TableDefinition,
        if_exists: IfExists,
        write: Write,
        terms: WriteTerms = NO_TERMS,
    ) -> CreateOutcome:
        """As `TablePort.create`."""
        _refuse(terms)
        created = self._create(definition, if_exists, write)
        return CreateOutcome(self.describe(definition.name), created)

    def create_from(
        self,
        table: DerivedTable,
        if_exists: IfExists,
        write: Write,
        terms: WriteTerms = NO_TERMS,
    ) -> DerivedOutcome:
        """As `TablePort.create_from`."""
        _refuse(terms)
        # Asked before the source is read, which may take long, and again in the commit.
        if not self._lake.read(
            lambda cursor: is_to_be_made(Metadata(cursor), table.name, if_exists)
        ):
            return DerivedOutcome(CreateOutcome(self.describe(table.name), created=False), None)
        redact = self._lake.redact
        with staged(self._lake, lambda stage: stage_query(stage, table, redact)) as source:
            created = self._create(
                source.definition,
                if_exists,
                replace(write, rows=source.read.row_count),
                fill=lambda transaction: self._fill(transaction, source),
            )
        outcome = CreateOutcome(self.describe(table.name), created)
        return DerivedOutcome(outcome, source.read if created else None)

    def _create(
        self,
        definition: TableDefinition,
        if_exists: IfExists,
        write: Write,
        fill: Callable[[Transaction], None] = _leave_empty,
    ) -> bool:
        """Make a table and fill it; False when it was there and stays."""

        def work(transaction: Transaction) -> Applied[bool]:
            cursor = transaction.cursor
            metadata = Metadata(cursor)
            if not is_to_be_made(metadata, definition.name, if_exists):
                return Applied(value=False, changed=False)
            if metadata.table(definition.name) is not None:
                cursor.execute(f"DROP TABLE {qualified(definition.name)}")
            create_table(cursor, definition)
            fill(transaction)
            return Applied(value=True)

        return self._writer.commit(Job(work, write, after=self._forget(definition.name))).value

    def list_tables(
        self, namespace: NamespaceName | None, after: tuple[str, str] | None, limit: int
    ) -> TablePage:
        """As `TablePort.list_tables`."""
        wanted = None if namespace is None else str(namespace)
        tables = self._lake.read(lambda cursor: Metadata(cursor).tables(wanted, after, limit + 1))
        page = tables[:limit]
        more = len(tables) > limit
        return TablePage(tuple(page), (page[-1].namespace, page[-1].name) if more else None)

    def describe(self, name: TableName, at: PointInTime | None = None) -> TableDescription:
        """As `TablePort.describe`."""

        def look(cursor: duckdb.DuckDBPyConnection) -> TableDescription:
            metadata = _metadata_at(cursor, at)
            table = known_table(metadata, name)
            file_count, size_bytes = metadata.files(table)
            last_change = metadata.last_change(table)
            return TableDescription(
                name=table.name,
                columns=metadata.columns(table),
                comment=metadata.comment(table),
                partition_by=metadata.partition_by(table),
                row_count=_count(cursor, table, metadata.snapshot_id),
                file_count=file_count,
                size_bytes=size_bytes,
                snapshot_id=last_change,
                created_at=metadata.created_at(table),
                updated_at=metadata.committed_at(last_change),
                location=f"{self._lake.config.shown_data_path}{table.path}",
            )

        return self._lake.read(look)

    def columns(self, name: TableName) -> tuple[Column, ...]:
        """As `TablePort.columns`."""
        remembered = self._schemas.remembered(name)
        if remembered is not None:
            return remembered
        return self._lake.read(lambda cursor: self._schemas.columns(cursor, name))

    def append(
        self, name: TableName, rows: Rows, write: Write, terms: WriteTerms = NO_TERMS
    ) -> AppendOutcome:
        """As `TablePort.append`."""
        _refuse(terms)
        if rows.row_count == 0:
            return AppendOutcome(0, self._lake.read(lambda cursor: _last_change(cursor, name)))
        job = AppendJob(name, rows, write, self._schemas)
        committed = self._writer.commit(job)
        if committed.snapshot_id is None:
            raise UnavailableError("The lake did not keep the commit; nothing was written.")
        return AppendOutcome(
            committed.value,
            committed.snapshot_id,
            columns_added=job.grown.added,
            columns_widened=job.grown.widened,
        )

    def drop(self, name: TableName, write: Write, terms: WriteTerms = NO_TERMS) -> DropOutcome:
        """As `TablePort.drop`."""
        _refuse(terms)

        def work(transaction: Transaction) -> Applied[None]:
            known_table(Metadata(transaction.cursor), name)
            transaction.cursor.execute(f"DROP TABLE {qualified(name)}")
            return Applied(None)

        self._writer.commit(Job(work, write, after=self._forget(name)))
        return DropOutcome()

    def recall(
        self,
        key: IdempotencyKey,
        digest: Digest,  # noqa: ARG002
        *,
        thorough: bool = False,  # noqa: ARG002
    ) -> WriteOutcome | None:
        """As `TablePort.recall`."""
        raise UnsupportedOperationError(f"Keys such as {key.value!r} are not implemented yet.")

    def check(self) -> Health:
        """As `TablePort.check`."""
        try:
            self._lake.read(Metadata)
        except LakehouseError as error:
            return Health(ok=False, detail=error.detail)
        except Exception as error:  # noqa: BLE001 - a check tells, it never raises
            return Health(ok=False, detail=type(error).__name__)
        return Health(ok=True)

    def _fill(self, transaction: Transaction, source: StagedTable) -> None:
        definition = source.definition
        with ExitStack() as meanwhile:
            nested = any(is_nested(column.type) for column in definition.columns)
            if nested and not self._schemas.catalog_keeps_nested:
                meanwhile.enter_context(new_table_out_of_the_catalog(transaction, definition.name))
            meanwhile.enter_context(transaction.clock.stopped())
            transaction.cursor.execute(
                f"INSERT INTO {qualified(definition.name)} FROM {source.rows}"
            )

    def _forget(self, name: TableName) -> Callable[[], None]:
        return lambda: self._schemas.forget(name)


def _refuse(terms: WriteTerms) -> None:
    if terms != NO_TERMS:
        raise UnsupportedOperationError("Terms of writes are not implemented yet.")


def _metadata_at(cursor: duckdb.DuckDBPyConnection, at: PointInTime | None) -> Metadata:
    now = Metadata(cursor)
    if at is None:
        return now
    if isinstance(at, AtVersion):
        if at.snapshot_id > now.snapshot_id or now.committed_at(at.snapshot_id) is None:
            raise SnapshotNotFoundError(f"The lake has no snapshot {at.snapshot_id}.")
        return Metadata(cursor, at.snapshot_id)
    snapshot_id = now.snapshot_at(at.timestamp)
    if snapshot_id is None:
        raise SnapshotNotFoundError(
            f"The lake has no snapshot as old as {at.timestamp.isoformat()}."
        )
    return Metadata(cursor, snapshot_id)


def _last_change(cursor: duckdb.DuckDBPyConnection, name: TableName) -> int:
    metadata = Metadata(cursor)
    return metadata.last_change(known_table(metadata, name))


def _count(cursor: duckdb.DuckDBPyConnection, table: TableEntry, snapshot_id: int) -> int:
    # The catalog's own count is wrong after deletes, and leaves out inlined rows.
    row = cursor.execute(
        f"SELECT count(*) FROM {qualified(table.name)} AT (VERSION => {snapshot_id})"
    ).fetchone()
    return 0 if row is None else int(row[0])
