"""A lake in memory: tables, their rows, and every snapshot of them."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

import pyarrow as pa

from domain.column_types import ColumnType, OpaqueType, ScalarKind, ScalarType
from domain.commits import CommitMessage, Write
from domain.derived_tables import DerivedOutcome, DerivedTable, SourceRead
from domain.errors import (
    IdempotencyKeyReusedError,
    InvalidColumnError,
    InvalidPartitionError,
    PreconditionFailedError,
    RowProblem,
    RowsDoNotFitError,
    SnapshotNotFoundError,
    TableChangedError,
    TableExistsError,
    TableNotFoundError,
    UnsupportedOperationError,
)
from domain.growth import OnNewColumns
from domain.health import Health
from domain.idempotency import NO_TERMS, Digest, IdempotencyKey, WriteTerms
from domain.object_rows import LoadOutcome, ObjectRows
from domain.ports.tables import TablePort
from domain.queries import Query
from domain.rows import Rows
from domain.settling import Pending, Settled
from domain.tables import (
    AppendOutcome,
    AtVersion,
    Column,
    CreateOutcome,
    DropOutcome,
    IfExists,
    NamespaceName,
    PartitionKey,
    PointInTime,
    TableDefinition,
    TableDescription,
    TableName,
    TablePage,
    TableSummary,
    Transform,
    WriteOutcome,
)
from tests.fakes.rows import carrier_type

OutcomeT = TypeVar("OutcomeT", CreateOutcome, AppendOutcome, DropOutcome)

_DATED = {
    ScalarKind.DATE,
    ScalarKind.TIMESTAMP,
    ScalarKind.TIMESTAMP_S,
    ScalarKind.TIMESTAMP_MS,
    ScalarKind.TIMESTAMP_NS,
    ScalarKind.TIMESTAMPTZ,
}


@dataclass(frozen=True, slots=True)
class FakeTable:
    """A table as it is at one snapshot.

    Attributes:
        rows: Its rows, with all of its columns in order. Values have the carrier types that
            `domain.rows` describes.
        file_count: One file for each append.
        snapshot_id: The snapshot of its last change.
    """

    name: TableName
    columns: tuple[Column, ...]
    comment: str | None
    partition_by: tuple[PartitionKey, ...]
    rows: pa.Table
    file_count: int
    snapshot_id: int
    created_at: datetime
    location: str


@dataclass(frozen=True, slots=True)
class FakeSnapshot:
    """The lake as one commit left it; `message` is None for the first."""

    snapshot_id: int
    committed_at: datetime
    tables: dict[TableName, FakeTable]
    message: CommitMessage | None


@dataclass(frozen=True, slots=True)
class _Kept:
    """What came of a write under a key."""

    digest: bytes
    run_id: str
    outcome: WriteOutcome

    def replay(self, digest: bytes) -> WriteOutcome:
        if digest != self.digest:
            raise IdempotencyKeyReusedError("The key was used for something else.")
        return replace(self.outcome, replay_of=self.run_id)


class _Once(Generic[OutcomeT]):
    """One write: what was done before under its key, or what is to be kept."""

    def __init__(self) -> None:
        self.done: OutcomeT | None = None
        self.kept: OutcomeT | None = None

    def keep(self, outcome: OutcomeT) -> OutcomeT:
        self.kept = outcome
        return outcome


class FakeTables(TablePort):
    """Tables in memory, with their whole history. One lock makes each write one commit."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._snapshots = [FakeSnapshot(0, datetime.now(UTC), {}, None)]
        self._namespaces = {"main": "main"}
        self._kept: dict[IdempotencyKey, _Kept] = {}

    # -- what tests look at ---------------------------------------------------------------

    @property
    def snapshots(self) -> Sequence[FakeSnapshot]:
        """All snapshots, oldest first."""
        with self._lock:
            return tuple(self._snapshots)

    @property
    def writes(self) -> Sequence[Write]:
        """What all commits say of themselves, oldest first."""
        return [w for s in self.snapshots if s.message for w in s.message.writes]

    def table(self, name: TableName, at: PointInTime | None = None) -> FakeTable:
        """A table with its rows. Raises what `describe` raises."""
        with self._lock:
            return self._table(self.snapshot(at), name)

    # -- the port -------------------------------------------------------------------------

    def create(
        self,
        definition: TableDefinition,
        if_exists: IfExists,
        write: Write,
        terms: WriteTerms = NO_TERMS,
        rows: pa.Table | None = None,
    ) -> CreateOutcome:
        for column in definition.columns:
            if isinstance(column.type, OpaqueType):
                raise InvalidColumnError(f"{column.type} is not a type that a table can hold.")
        partition_by = tuple(_checked(key, definition) for key in definition.partition_by)
        with self._once(terms, write, CreateOutcome) as once:
            if once.done is not None:
                return once.done
            if definition.name in self._snapshots[-1].tables:
                if if_exists is IfExists.ERROR:
                    raise TableExistsError(f"There is a table {definition.name} already.")
                self._check_match(definition.name, terms)
                if if_exists is IfExists.IGNORE:
                    return once.keep(CreateOutcome(self.describe(definition.name), created=False))
            else:
                self._check_match(definition.name, terms)
            made = self._new_table(definition, partition_by)
            if rows is not None and rows.num_rows:
                made = replace(made, rows=_fit(rows, made.columns), file_count=1)
            self._commit(made, write)
            return once.keep(CreateOutcome(self.describe(definition.name), created=True))

    def create_from(
        self,
        table: DerivedTable,
        if_exists: IfExists,
        write: Write,
        terms: WriteTerms = NO_TERMS,
    ) -> DerivedOutcome:
        """Takes another table for the source; it runs no SQL."""
        with self._lock:
            if if_exists is IfExists.IGNORE and table.name in self._snapshots[-1].tables:
                there = CreateOutcome(self.describe(table.name), created=False)
                return DerivedOutcome(there, None)
            if not isinstance(table.source, Query) or table.source.sql or not table.source.table:
                raise UnsupportedOperationError("This fake runs no SQL and reads no objects.")
            source = self.table(table.source.table)
            read = SourceRead((source.name,), self._snapshots[-1].snapshot_id, len(source.rows))
            columns = tuple(Column(column.name, column.type) for column in source.columns)
            definition = table.with_columns(columns)
            write = replace(write, rows=read.row_count)
            outcome = self.create(definition, if_exists, write, terms, source.rows)
            return DerivedOutcome(outcome, read)

    def list_tables(
        self, namespace: NamespaceName | None, after: tuple[str, str] | None, limit: int
    ) -> TablePage:
        with self._lock:
            tables = self._snapshots[-1].tables.values()
        found = sorted(
            (table.name.namespace, table.name.name, table.comment)
            for table in tables
            if namespace is None or table.name.namespace.casefold() == namespace.value.casefold()
        )
        found = [entry for entry in found if after is None or entry[:2] > after]
        page, more = found[:limit], found[limit:]
        return TablePage(
            tables=tuple(TableSummary(*entry) for entry in page),
            next_after=page[-1][:2] if more else None,
        )

    def describe(self, name: TableName, at: PointInTime | None = None) -> TableDescription:
        with self._lock:
            table = self.table(name, at)
            updated_at = self._snapshots[table.snapshot_id].committed_at
        return TableDescription(
            name=table.name,
            columns=table.columns,
            comment=table.comment,
            partition_by=tuple(map(str, table.partition_by)),
            row_count=table.rows.num_rows,
            file_count=table.file_count,
            size_bytes=table.rows.nbytes,
            snapshot_id=table.snapshot_id,
            created_at=table.created_at,
            updated_at=updated_at,
            location=table.location,
        )

    def columns(self, name: TableName) -> tuple[Column, ...]:
        return self.table(name).columns

    def may_wait(self, name: TableName, key: IdempotencyKey | None) -> bool:
        return key in self._kept

    def submit(
        self, name: TableName, rows: Rows, write: Write, terms: WriteTerms = NO_TERMS
    ) -> Pending[AppendOutcome]:
        return Settled(lambda: self.append(name, rows, write, terms))

    def append(
        self, name: TableName, rows: Rows, write: Write, terms: WriteTerms = NO_TERMS
    ) -> AppendOutcome:
        # Taken before the lock: rows that are slow to come keep nobody waiting.
        arrived = pa.RecordBatchReader.from_stream(rows).read_all()
        with self._once(terms, write, AppendOutcome) as once:
            if once.done is not None:
                return once.done
            table = self.table(name)
            self._check_match(name, terms)
            if not arrived.num_rows:
                return once.keep(AppendOutcome(0, table.snapshot_id))
            growth = rows.growth.missing_in(table.columns)
            if growth is None:
                raise TableChangedError(RowProblem(None, None, "The table has changed."))
            columns = growth.applied_to(table.columns)
            fitted = _fit(arrived, columns)
            both = pa.concat_tables([_fit(table.rows, columns), fitted])
            snapshot_id = self._commit(
                replace(table, columns=columns, rows=both, file_count=table.file_count + 1), write
            )
            return once.keep(
                AppendOutcome(
                    fitted.num_rows,
                    snapshot_id,
                    columns_added=growth.added,
                    columns_widened=growth.widened,
                )
            )

    def load(
        self,
        name: TableName,
        rows: ObjectRows,
        write: Write,
        terms: WriteTerms = NO_TERMS,
        on_new_columns: OnNewColumns = OnNewColumns.ERROR,
    ) -> LoadOutcome:
        raise UnsupportedOperationError("This fake reads no objects.")

    def drop(self, name: TableName, write: Write, terms: WriteTerms = NO_TERMS) -> DropOutcome:
        with self._once(terms, write, DropOutcome) as once:
            if once.done is not None:
                return once.done
            self.table(name)
            self._check_match(name, terms)
            tables = dict(self._snapshots[-1].tables)
            del tables[name]
            self._advance(tables, write)
            return once.keep(DropOutcome())

    def recall(
        self, key: IdempotencyKey, digest: Digest, *, thorough: bool = False
    ) -> WriteOutcome | None:
        with self._lock:
            kept = self._kept.get(key)
        return None if kept is None else kept.replay(digest())

    def check(self) -> Health:
        return Health(ok=True)

    # -- terms of writes ------------------------------------------------------------------

    @contextmanager
    def _once(
        self, terms: WriteTerms, write: Write, kind: type[OutcomeT]
    ) -> Iterator[_Once[OutcomeT]]:
        """The lock for one write, and what was done under its key before."""
        with self._lock:
            request = terms.request
            kept = None if request is None else self._kept.get(request.key)
            once: _Once[OutcomeT] = _Once()
            if request is not None and kept is not None:
                done = kept.replay(request.digest)
                assert isinstance(done, kind)
                once.done = done
            yield once
            if request is not None and once.kept is not None:
                self._kept[request.key] = _Kept(request.digest, write.run_id, once.kept)

    def _check_match(self, name: TableName, terms: WriteTerms) -> None:
        table = self._snapshots[-1].tables.get(name)
        if terms.if_match is None:
            return
        if table is None or not terms.match(table.snapshot_id):
            raise PreconditionFailedError(f"{name} has another entity tag.")

    # -- snapshots ------------------------------------------------------------------------

    def snapshot(self, at: PointInTime | None) -> FakeSnapshot:
        """The snapshot of a moment."""
        if at is None:
            return self._snapshots[-1]
        if isinstance(at, AtVersion):
            if not 0 <= at.snapshot_id < len(self._snapshots):
                raise SnapshotNotFoundError(f"There is no snapshot {at.snapshot_id}.")
            return self._snapshots[at.snapshot_id]
        for snapshot in reversed(self._snapshots):
            if snapshot.committed_at <= at.timestamp:
                return snapshot
        raise SnapshotNotFoundError(f"There is no snapshot as old as {at.timestamp}.")

    @staticmethod
    def _table(snapshot: FakeSnapshot, name: TableName) -> FakeTable:
        try:
            return snapshot.tables[name]
        except KeyError as error:
            raise TableNotFoundError(f"There is no table {name}.") from error

    def _new_table(
        self, definition: TableDefinition, partition_by: tuple[PartitionKey, ...]
    ) -> FakeTable:
        namespace = definition.name.namespace
        # A namespace keeps the case in which it was named first.
        namespace = self._namespaces.setdefault(namespace.casefold(), namespace)
        name = TableName(namespace, definition.name.name)
        return FakeTable(
            name=name,
            columns=definition.columns,
            comment=definition.comment,
            partition_by=partition_by,
            rows=_schema(definition.columns).empty_table(),
            file_count=0,
            snapshot_id=0,
            created_at=datetime.now(UTC),
            location=f"{name.namespace}/{name.name}-{uuid.uuid4()}/",
        )

    def _commit(self, table: FakeTable, write: Write) -> int:
        snapshot_id = len(self._snapshots)
        # Taken out first: a key that is there keeps its old spelling.
        tables = {
            name: old for name, old in self._snapshots[-1].tables.items() if name != table.name
        }
        tables[table.name] = replace(table, snapshot_id=snapshot_id)
        self._advance(tables, write)
        return snapshot_id

    def _advance(self, tables: dict[TableName, FakeTable], write: Write) -> None:
        # No two snapshots share a time, so that a time always names one of them.
        least = self._snapshots[-1].committed_at + timedelta(microseconds=1)
        self._snapshots.append(
            FakeSnapshot(
                snapshot_id=len(self._snapshots),
                committed_at=max(datetime.now(UTC), least),
                tables=tables,
                message=CommitMessage((write,)),
            )
        )


def _checked(key: PartitionKey, definition: TableDefinition) -> PartitionKey:
    """The key, with its column as the table spells it."""
    (column,) = (c for c in definition.columns if c.name.casefold() == key.column.casefold())
    if key.transform not in {Transform.IDENTITY, Transform.BUCKET} and not _is_dated(column.type):
        raise InvalidPartitionError(f"{key} needs a date or a timestamp, not {column.type}.")
    return replace(key, column=column.name)


def _is_dated(column_type: ColumnType) -> bool:
    return isinstance(column_type, ScalarType) and column_type.kind in _DATED


def _fit(rows: pa.Table, columns: tuple[Column, ...]) -> pa.Table:
    """The rows with all columns of the table, in its order and of its types."""
    places = {name.casefold(): place for place, name in enumerate(rows.column_names)}
    fitted = []
    for column in columns:
        place = places.pop(column.name.casefold(), None)
        values = pa.nulls(rows.num_rows) if place is None else rows.column(place)
        fitted.append(_fit_values(values, column))
    if places:
        unknown = rows.column_names[min(places.values())]
        raise TableChangedError(RowProblem(None, unknown, "The table has no such column."))
    return pa.table(fitted, schema=_schema(columns))


def _fit_values(values: pa.ChunkedArray, column: Column) -> pa.ChunkedArray:
    if not column.nullable and values.null_count:
        problem = RowProblem(None, column.name, "The column must have a value in every row.")
        raise RowsDoNotFitError(problem)
    try:
        return values.cast(carrier_type(column.type))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        problem = RowProblem(None, column.name, f"A value is not of the type {column.type}.")
        raise RowsDoNotFitError(problem) from error


def _schema(columns: tuple[Column, ...]) -> pa.Schema:
    return pa.schema([(column.name, carrier_type(column.type)) for column in columns])
