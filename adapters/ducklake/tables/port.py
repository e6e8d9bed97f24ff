"""The table port on DuckLake."""

from __future__ import annotations

from datetime import timedelta

from adapters.ducklake.catalog.metadata import Metadata
from adapters.ducklake.catalog.schemas import Schemas, known_table
from adapters.ducklake.engine.lake import Lake
from adapters.ducklake.engine.sql import qualified
from adapters.ducklake.keys.keyed_writer import KeyedWriter
from adapters.ducklake.objects.sources import ObjectSources
from adapters.ducklake.tables.appends import TableAppends
from adapters.ducklake.tables.creates import TableCreates
from adapters.ducklake.tables.descriptions import Descriptions
from adapters.ducklake.tables.loads import TableLoads
from adapters.ducklake.tables.outcomes import Outcomes
from adapters.ducklake.writes.answers import DROPPED
from adapters.ducklake.writes.appends import merged
from adapters.ducklake.writes.jobs import Applied, Job, Transaction
from domain.commits import Write
from domain.derived_tables import DerivedOutcome, DerivedTable
from domain.errors import LakehouseError
from domain.growth import OnNewColumns
from domain.health import Health
from domain.idempotency import NO_TERMS, Digest, IdempotencyKey, WriteTerms
from domain.object_rows import LoadOutcome, ObjectRows
from domain.ports.tables import TablePort
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

KEEP_KEYS = timedelta(hours=24)


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
        self._schemas = Schemas(lake)
        self._writer = KeyedWriter(lake, merged, keep_keys)
        self._descriptions = Descriptions(lake)
        self._outcomes = Outcomes(self._writer, self._descriptions)
        self._creates = TableCreates(
            lake, self._schemas, self._outcomes, self._descriptions, objects
        )
        self._appends = TableAppends(lake, self._schemas, self._outcomes)
        self._loads = TableLoads(lake, self._schemas, self._outcomes, self._appends, objects)

    @property
    def writer(self) -> KeyedWriter:
        """Who writes to the lake in this process, for whoever else has to."""
        return self._writer

    def create(
        self,
        definition: TableDefinition,
        if_exists: IfExists,
        write: Write,
        terms: WriteTerms = NO_TERMS,
    ) -> CreateOutcome:
        """As `TablePort.create`."""
        return self._creates.create(definition, if_exists, write, terms)

    def create_from(
        self,
        table: DerivedTable,
        if_exists: IfExists,
        write: Write,
        terms: WriteTerms = NO_TERMS,
    ) -> DerivedOutcome:
        """As `TablePort.create_from`."""
        return self._creates.create_from(table, if_exists, write, terms)

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
        return self._descriptions.at(name, at)

    def columns(self, name: TableName) -> tuple[Column, ...]:
        """As `TablePort.columns`."""
        return self._schemas.now(name)

    def may_wait(self, name: TableName, key: IdempotencyKey | None) -> bool:
        """As `TablePort.may_wait`."""
        return not self._schemas.is_remembered(name) or self._outcomes.may_wait(key)

    def submit(
        self, name: TableName, rows: Rows, write: Write, terms: WriteTerms = NO_TERMS
    ) -> Pending[AppendOutcome]:
        """As `TablePort.submit`."""
        return self._appends.submit(name, rows, write, terms)

    def load(
        self,
        name: TableName,
        rows: ObjectRows,
        write: Write,
        terms: WriteTerms = NO_TERMS,
        on_new_columns: OnNewColumns = OnNewColumns.ERROR,
    ) -> LoadOutcome:
        """As `TablePort.load`."""
        return self._loads.load(name, rows, write, terms, on_new_columns)

    def drop(self, name: TableName, write: Write, terms: WriteTerms = NO_TERMS) -> DropOutcome:
        """As `TablePort.drop`."""

        def work(transaction: Transaction) -> Applied[None]:
            known_table(Metadata(transaction.cursor), name)
            transaction.cursor.execute(f"DROP TABLE {qualified(name)}")
            return Applied(None)

        def forget() -> None:
            self._schemas.forget(name)

        job = Job(work, write, terms=terms, answer=lambda _: DROPPED, after=forget)
        return self._outcomes.of(job, DropOutcome, lambda _: DropOutcome())

    def recall(
        self, key: IdempotencyKey, digest: Digest, *, thorough: bool = False
    ) -> WriteOutcome | None:
        """As `TablePort.recall`."""
        return self._outcomes.recall(key, digest, thorough=thorough)

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
