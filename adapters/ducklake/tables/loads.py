"""Rows of objects, loaded into a table."""

from __future__ import annotations

from dataclasses import replace

from adapters.ducklake.catalog.schemas import Schemas
from adapters.ducklake.engine.lake import Lake
from adapters.ducklake.loads.loading import StagedLoad, insert_loaded, stage_objects
from adapters.ducklake.loads.staging import Stage, opened, staged
from adapters.ducklake.objects.sources import ObjectSources
from adapters.ducklake.tables.appends import TableAppends
from adapters.ducklake.tables.outcomes import Outcomes, snapshot_of
from adapters.ducklake.writes.answers import appended
from adapters.ducklake.writes.jobs import Applied, Job, Transaction
from domain.commits import Write
from domain.growth import NO_GROWTH, OnNewColumns
from domain.idempotency import WriteTerms
from domain.object_rows import LoadOutcome, ObjectRows
from domain.tables import AppendOutcome, TableName


class TableLoads:
    """Loads rows of objects."""

    def __init__(
        self,
        lake: Lake,
        schemas: Schemas,
        outcomes: Outcomes,
        appends: TableAppends,
        objects: ObjectSources | None,
    ) -> None:
        self._lake = lake
        self._schemas = schemas
        self._outcomes = outcomes
        self._appends = appends
        self._objects = objects

    def load(
        self,
        name: TableName,
        rows: ObjectRows,
        write: Write,
        terms: WriteTerms,
        on_new_columns: OnNewColumns,
    ) -> LoadOutcome:
        """As `TablePort.load`."""
        kept = self._outcomes.kept(terms, AppendOutcome)
        if kept is not None:
            return LoadOutcome(kept, ())
        columns = self._schemas.now(name)

        def work(stage: Stage) -> StagedLoad:
            with opened(self._objects, rows, stage) as source:
                return stage_objects(
                    stage,
                    source,
                    columns,
                    self._lake.redact,
                    on_new_columns,
                    rows.hive_partitioning,
                )

        with staged(self._lake, work, rows.timeout_s) as load:
            if load.row_count == 0:
                outcome = self._appends.append_nothing(name, write, terms)
            else:
                outcome = self._insert(name, load, replace(write, rows=load.row_count), terms)
        return LoadOutcome(outcome, () if outcome.replay_of else load.objects)

    def _insert(
        self, name: TableName, load: StagedLoad, write: Write, terms: WriteTerms
    ) -> AppendOutcome:
        grown = NO_GROWTH

        def work(transaction: Transaction) -> Applied[int]:
            nonlocal grown
            grown = insert_loaded(transaction, self._schemas, name, load)
            return Applied(load.row_count)

        job = Job(
            work,
            write,
            terms=terms,
            answer=lambda count: appended(count, grown),
            after=lambda: self._schemas.forget(name) if load.growth else None,
            # Appends of one transaction would not see each other's change of the entity tag.
            alone=bool(load.growth) or terms.if_match is not None,
        )
        return self._outcomes.of(
            job,
            AppendOutcome,
            lambda done: AppendOutcome(
                done.value,
                snapshot_of(done),
                columns_added=grown.added,
                columns_widened=grown.widened,
            ),
        )
