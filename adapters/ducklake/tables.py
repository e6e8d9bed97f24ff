"""The table port on DuckLake."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar

import duckdb

from adapters.ducklake.catalog.metadata import Metadata, TableEntry
from adapters.ducklake.catalog.moments import metadata_at
from adapters.ducklake.catalog.schemas import Schemas, known_table
from adapters.ducklake.catalog.stored_types import is_nested
from adapters.ducklake.engine.lake import Lake
from adapters.ducklake.engine.sql import qualified
from adapters.ducklake.keys.entries import Answer, KeyEntry
from adapters.ducklake.keys.keyed_writer import KeyedWriter
from adapters.ducklake.loads.loading import StagedLoad, insert_loaded, stage_objects
from adapters.ducklake.loads.object_table import stage_object_table
from adapters.ducklake.loads.query_source import StagedTable, stage_query
from adapters.ducklake.loads.staging import Stage, staged
from adapters.ducklake.objects.sources import ObjectSource, ObjectSources
from adapters.ducklake.writes.answers import DROPPED, appended, created, left_alone, outcome_of
from adapters.ducklake.writes.appends import AppendJob, merged
from adapters.ducklake.writes.definitions import create_table
from adapters.ducklake.writes.inlining import new_table_out_of_the_catalog
from adapters.ducklake.writes.jobs import Applied, Committed, Job, Transaction
from adapters.ducklake.writes.replacing import is_to_be_made
from domain.commits import Write
from domain.derived_tables import DerivedOutcome, DerivedTable
from domain.errors import (
    IdempotencyKeyReusedError,
    LakehouseError,
    UnavailableError,
    UnsupportedOperationError,
)
from domain.health import Health
from domain.idempotency import NO_TERMS, Digest, IdempotencyKey, WriteTerms
from domain.object_rows import LoadOutcome, ObjectRows
from domain.ports.tables import TablePort
from domain.queries import Query
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

KEEP_KEYS = timedelta(hours=24)

OutcomeT = TypeVar("OutcomeT", CreateOutcome, AppendOutcome, DropOutcome)


def _leave_empty(_transaction: Transaction) -> None:
    """A table that is made without rows."""


class DuckLakeTables(TablePort):
    """The tables of one DuckLake."""

    def __init__(
        self,
        lake: Lake,
        keep_keys: timedelta = KEEP_KEYS,
        objects: ObjectSources | None = None,
    ) -> None:
        """The tables of a lake.

        Args:
            lake: The lake.
            keep_keys: For how long a write under a key is not done again.
            objects: Opens objects that rows are read from; None when there are none.
        """
        self._lake = lake
        self._objects = objects
        self._schemas = Schemas(lake.config)
        self._writer = KeyedWriter(lake, merged, keep_keys)

    def create(
        self,
        definition: TableDefinition,
        if_exists: IfExists,
        write: Write,
        terms: WriteTerms = NO_TERMS,
    ) -> CreateOutcome:
        """As `TablePort.create`."""
        return self._create(definition, if_exists, write, terms)

    def create_from(
        self,
        table: DerivedTable,
        if_exists: IfExists,
        write: Write,
        terms: WriteTerms = NO_TERMS,
    ) -> DerivedOutcome:
        """As `TablePort.create_from`."""
        kept = self._writer.kept(terms)
        if kept is not None:
            return DerivedOutcome(self._replayed(kept, CreateOutcome), None)
        # Asked before the source is read, which may take long, and again in the commit.
        if not self._lake.read(
            lambda cursor: is_to_be_made(Metadata(cursor), table.name, if_exists)
        ):
            return DerivedOutcome(self._leave_alone(table.name, write, terms), None)
        with self._staged(table) as source:
            outcome = self._create(
                source.definition,
                if_exists,
                replace(write, rows=source.read.row_count),
                terms,
                fill=lambda transaction: self._fill(transaction, source),
            )
        done_now = outcome.created and outcome.replay_of is None
        return DerivedOutcome(outcome, source.read if done_now else None)

    @contextmanager
    def _staged(self, table: DerivedTable) -> Iterator[StagedTable]:
        """The rows of a table that is to be made, waiting."""
        lake, rows = self._lake, table.source
        if isinstance(rows, Query):

            def of_query(stage: Stage) -> StagedTable:
                return stage_query(stage, table, rows, lake, self._objects)

            with staged(lake, of_query, rows.timeout_s) as made:
                yield made
            return

        def of_objects(stage: Stage) -> StagedTable:
            with self._opened(rows, stage) as source:
                return stage_object_table(stage, table, source, lake.redact)

        with staged(lake, of_objects, rows.timeout_s) as made:
            yield made

    def _create(
        self,
        definition: TableDefinition,
        if_exists: IfExists,
        write: Write,
        terms: WriteTerms,
        fill: Callable[[Transaction], None] = _leave_empty,
    ) -> CreateOutcome:
        """Make a table and fill it, or leave the one alone that is there."""

        def work(transaction: Transaction) -> Applied[TableDescription | None]:
            cursor = transaction.cursor
            metadata = Metadata(cursor)
            if not is_to_be_made(metadata, definition.name, if_exists):
                there = self._described(cursor, metadata, definition.name)
                return Applied(there, changed=False)
            if metadata.table(definition.name) is not None:
                cursor.execute(f"DROP TABLE {qualified(definition.name)}")
            create_table(cursor, definition)
            fill(transaction)
            return Applied(None)

        def answer(there: TableDescription | None) -> Answer:
            if there is not None:
                return left_alone(there)
            name = definition.name
            place = f"{self._lake.config.shown_data_path}{name.namespace}/{name.name}/"
            return created(definition, place, write.rows or 0)

        done = self._writer.commit(
            Job(work, write, terms=terms, answer=answer, after=self._forget(definition.name))
        )
        if isinstance(done, KeyEntry):
            return self._replayed(done, CreateOutcome)
        if done.value is not None:
            return CreateOutcome(done.value, created=False)
        made = self.describe(definition.name, AtVersion(_snapshot_of(done)))
        return CreateOutcome(made, created=True)

    def _leave_alone(self, name: TableName, write: Write, terms: WriteTerms) -> CreateOutcome:
        """What a create says that found its table there."""

        def work(transaction: Transaction) -> Applied[TableDescription]:
            cursor = transaction.cursor
            return Applied(self._described(cursor, Metadata(cursor), name), changed=False)

        done = self._writer.commit(Job(work, write, terms=terms, answer=left_alone))
        if isinstance(done, KeyEntry):
            return self._replayed(done, CreateOutcome)
        return CreateOutcome(done.value, created=False)

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
        return self._lake.read(
            lambda cursor: self._described(cursor, metadata_at(cursor, at), name)
        )

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
        if rows.row_count == 0:
            return self._append_nothing(name, write, terms)
        job = AppendJob(name, rows, write, self._schemas, terms)
        done = self._writer.commit(job)
        if isinstance(done, KeyEntry):
            return self._replayed(done, AppendOutcome)
        return AppendOutcome(
            done.value,
            _snapshot_of(done),
            columns_added=job.grown.added,
            columns_widened=job.grown.widened,
        )

    def _append_nothing(self, name: TableName, write: Write, terms: WriteTerms) -> AppendOutcome:
        if terms == NO_TERMS:
            return AppendOutcome(0, self._lake.read(lambda cursor: _last_change(cursor, name)))

        def work(transaction: Transaction) -> Applied[int]:
            return Applied(_last_change(transaction.cursor, name), changed=False)

        def answer(last_change: int) -> Answer:
            return appended(0, snapshot_id=last_change)

        done = self._writer.commit(Job(work, write, terms=terms, answer=answer))
        if isinstance(done, KeyEntry):
            return self._replayed(done, AppendOutcome)
        return AppendOutcome(0, done.value)

    def load(
        self, name: TableName, rows: ObjectRows, write: Write, terms: WriteTerms = NO_TERMS
    ) -> LoadOutcome:
        """As `TablePort.load`."""
        kept = self._writer.kept(terms)
        if kept is not None:
            return LoadOutcome(self._replayed(kept, AppendOutcome), ())
        columns = self.columns(name)

        def work(stage: Stage) -> StagedLoad:
            with self._opened(rows, stage) as source:
                return stage_objects(stage, source, columns, self._lake.redact)

        with staged(self._lake, work, rows.timeout_s) as load:
            if load.row_count == 0:
                outcome = self._append_nothing(name, write, terms)
            else:
                outcome = self._insert(name, load, replace(write, rows=load.row_count), terms)
        return LoadOutcome(outcome, () if outcome.replay_of else load.objects)

    def _insert(
        self, name: TableName, load: StagedLoad, write: Write, terms: WriteTerms
    ) -> AppendOutcome:
        def work(transaction: Transaction) -> Applied[int]:
            return Applied(insert_loaded(transaction, self._schemas, name, load))

        # Appends of one transaction would not see each other's change of the entity tag.
        alone = terms.if_match is not None
        done = self._writer.commit(Job(work, write, terms=terms, answer=appended, alone=alone))
        if isinstance(done, KeyEntry):
            return self._replayed(done, AppendOutcome)
        return AppendOutcome(done.value, _snapshot_of(done))

    def _opened(self, rows: ObjectRows, stage: Stage) -> ObjectSource:
        if self._objects is None:
            raise UnsupportedOperationError("This lake reads no objects.")
        with stage.clock.stopped():
            return self._objects.open(rows.patterns, rows.format, stage.heartbeat)

    def drop(self, name: TableName, write: Write, terms: WriteTerms = NO_TERMS) -> DropOutcome:
        """As `TablePort.drop`."""

        def work(transaction: Transaction) -> Applied[None]:
            known_table(Metadata(transaction.cursor), name)
            transaction.cursor.execute(f"DROP TABLE {qualified(name)}")
            return Applied(None)

        done = self._writer.commit(
            Job(
                work,
                write,
                terms=terms,
                answer=lambda _: DROPPED,
                after=self._forget(name),
            )
        )
        return self._replayed(done, DropOutcome) if isinstance(done, KeyEntry) else DropOutcome()

    def recall(
        self, key: IdempotencyKey, digest: Digest, *, thorough: bool = False
    ) -> WriteOutcome | None:
        """As `TablePort.recall`."""
        entry = self._writer.recall(key, digest, thorough=thorough)
        return None if entry is None else outcome_of(entry, self.describe)

    def archive_keys(self) -> None:
        """Write the keys that only snapshots tell of to their table, as happens each minute.

        Raises:
            LakehouseError: What keeps it from being committed.
        """
        self._writer.archive()

    def close(self) -> None:
        """Stop what goes on in the background; to be called before the lake is closed."""
        self._writer.close()

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

    def _described(
        self, cursor: duckdb.DuckDBPyConnection, metadata: Metadata, name: TableName
    ) -> TableDescription:
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

    def _replayed(self, entry: KeyEntry, kind: type[OutcomeT]) -> OutcomeT:
        outcome = outcome_of(entry, self.describe)
        if not isinstance(outcome, kind):
            raise IdempotencyKeyReusedError(
                f"The idempotency key {entry.key.value!r} was used for another request."
            )
        return outcome

    def _forget(self, name: TableName) -> Callable[[], None]:
        return lambda: self._schemas.forget(name)


def _snapshot_of(done: Committed[Any]) -> int:
    if done.snapshot_id is None:
        raise UnavailableError("The lake did not keep the commit; nothing was written.")
    return done.snapshot_id


def _last_change(cursor: duckdb.DuckDBPyConnection, name: TableName) -> int:
    metadata = Metadata(cursor)
    return metadata.last_change(known_table(metadata, name))


def _count(cursor: duckdb.DuckDBPyConnection, table: TableEntry, snapshot_id: int) -> int:
    # The catalog's own count is wrong after deletes, and leaves out inlined rows.
    row = cursor.execute(
        f"SELECT count(*) FROM {qualified(table.name)} AT (VERSION => {snapshot_id})"
    ).fetchone()
    return 0 if row is None else int(row[0])
