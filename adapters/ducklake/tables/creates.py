"""Tables that are made, without rows or with those of a query or of objects."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from adapters.ducklake.catalog.metadata import Metadata
from adapters.ducklake.catalog.schemas import Schemas
from adapters.ducklake.catalog.stored_types import is_nested
from adapters.ducklake.engine.lake import Lake
from adapters.ducklake.engine.sql import qualified
from adapters.ducklake.keys.entries import Answer
from adapters.ducklake.loads.object_table import stage_object_table
from adapters.ducklake.loads.query_source import StagedTable, stage_query
from adapters.ducklake.loads.staging import Stage, opened, staged
from adapters.ducklake.objects.sources import ObjectSources
from adapters.ducklake.tables.descriptions import Descriptions
from adapters.ducklake.tables.outcomes import Outcomes, snapshot_of
from adapters.ducklake.writes.answers import created, left_alone
from adapters.ducklake.writes.definitions import create_table
from adapters.ducklake.writes.inlining import new_table_out_of_the_catalog
from adapters.ducklake.writes.jobs import Applied, Committed, Job, Transaction
from adapters.ducklake.writes.replacing import is_to_be_made
from domain.commits import Write
from domain.derived_tables import DerivedOutcome, DerivedTable
from domain.idempotency import NO_TERMS, WriteTerms
from domain.queries import Query
from domain.tables import (
    AtVersion,
    CreateOutcome,
    IfExists,
    TableDefinition,
    TableDescription,
    TableName,
)


def _leave_empty(_transaction: Transaction) -> None:
    """A table that is made without rows."""


class TableCreates:
    """Makes tables."""

    def __init__(
        self,
        lake: Lake,
        schemas: Schemas,
        outcomes: Outcomes,
        tables: Descriptions,
        objects: ObjectSources | None,
    ) -> None:
        self._lake = lake
        self._schemas = schemas
        self._outcomes = outcomes
        self._tables = tables
        self._objects = objects

    def create_from(
        self,
        table: DerivedTable,
        if_exists: IfExists,
        write: Write,
        terms: WriteTerms = NO_TERMS,
    ) -> DerivedOutcome:
        """As `TablePort.create_from`."""
        kept = self._outcomes.kept(terms, CreateOutcome)
        if kept is not None:
            return DerivedOutcome(kept, None)
        # Asked before the source is read, which may take long, and again in the commit.
        if not self._lake.read(
            lambda cursor: is_to_be_made(Metadata(cursor), table.name, if_exists)
        ):
            return DerivedOutcome(self._leave_alone(table.name, write, terms), None)
        with self._staged(table) as source:
            outcome = self.create(
                source.definition,
                if_exists,
                replace(write, rows=source.read.row_count),
                terms,
                fill=lambda transaction: self._fill(transaction, source),
            )
        done_now = outcome.created and outcome.replay_of is None
        return DerivedOutcome(outcome, source.read if done_now else None)

    def create(
        self,
        definition: TableDefinition,
        if_exists: IfExists,
        write: Write,
        terms: WriteTerms = NO_TERMS,
        fill: Callable[[Transaction], None] = _leave_empty,
    ) -> CreateOutcome:
        """As `TablePort.create`, with the rows that `fill` puts into the new table."""

        def work(transaction: Transaction) -> Applied[TableDescription | None]:
            cursor = transaction.cursor
            metadata = Metadata(cursor)
            if not is_to_be_made(metadata, definition.name, if_exists):
                there = self._tables.of(cursor, metadata, definition.name)
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

        def made(done: Committed[TableDescription | None]) -> CreateOutcome:
            if done.value is not None:
                return CreateOutcome(done.value, created=False)
            table = self._tables.at(definition.name, AtVersion(snapshot_of(done)))
            return CreateOutcome(table, created=True)

        def forget() -> None:
            self._schemas.forget(definition.name)

        job = Job(work, write, terms=terms, answer=answer, after=forget)
        return self._outcomes.of(job, CreateOutcome, made)

    def _leave_alone(self, name: TableName, write: Write, terms: WriteTerms) -> CreateOutcome:
        """What a create says that found its table there."""

        def work(transaction: Transaction) -> Applied[TableDescription]:
            cursor = transaction.cursor
            return Applied(self._tables.of(cursor, Metadata(cursor), name), changed=False)

        job = Job(work, write, terms=terms, answer=left_alone)
        return self._outcomes.of(
            job, CreateOutcome, lambda done: CreateOutcome(done.value, created=False)
        )

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
            with opened(self._objects, rows, stage) as source:
                return stage_object_table(stage, table, source, lake.redact, rows.hive_partitioning)

        with staged(lake, of_objects, rows.timeout_s) as made:
            yield made

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
