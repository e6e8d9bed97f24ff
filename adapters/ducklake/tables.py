"""The table port on DuckLake."""

from __future__ import annotations

import duckdb

from adapters.ducklake.errors import EngineMessage
from adapters.ducklake.lake import Lake
from adapters.ducklake.metadata import Metadata, TableEntry
from adapters.ducklake.sql import LAKE, identifier, literal, qualified, type_name
from adapters.ducklake.writer import Writer, must_have_committed
from domain.commits import Write
from domain.errors import (
    InvalidColumnError,
    InvalidPartitionError,
    LakehouseError,
    RowProblem,
    RowsDoNotFitError,
    SnapshotNotFoundError,
    TableExistsError,
    TableNotFoundError,
)
from domain.health import Health
from domain.ports.tables import TablePort
from domain.rows import Rows
from domain.tables import (
    AppendOutcome,
    AtVersion,
    Column,
    CreateOutcome,
    IfExists,
    NamespaceName,
    PartitionKey,
    PointInTime,
    TableDefinition,
    TableDescription,
    TableName,
    TablePage,
    Transform,
)

_INCOMING = "incoming_rows"


class DuckLakeTables(TablePort):
    """The tables of one DuckLake."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._writer = Writer(lake)

    def create(
        self, definition: TableDefinition, if_exists: IfExists, write: Write
    ) -> CreateOutcome:
        """As `TablePort.create`."""

        def work(cursor: duckdb.DuckDBPyConnection) -> bool:
            metadata = Metadata(cursor)
            if metadata.table(definition.name) is not None:
                if if_exists is IfExists.IGNORE:
                    return False
                if if_exists is IfExists.ERROR:
                    raise TableExistsError(f"The table {definition.name} is already there.")
                cursor.execute(f"DROP TABLE {qualified(definition.name)}")
            elif metadata.view_sql(definition.name.namespace, definition.name.name) is not None:
                raise TableExistsError(f"{definition.name} is already there, as a view.")
            _create(cursor, definition)
            return True

        created = self._writer.commit(work, write).value
        return CreateOutcome(self.describe(definition.name), created)

    def list_tables(
        self, namespace: NamespaceName | None, after: tuple[str, str] | None, limit: int
    ) -> TablePage:
        """As `TablePort.list_tables`."""
        wanted = None if namespace is None else str(namespace)
        with self._lake.snapshot() as cursor:
            tables = Metadata(cursor).tables(wanted, after, limit + 1)
        page = tables[:limit]
        more = len(tables) > limit
        return TablePage(tuple(page), (page[-1].namespace, page[-1].name) if more else None)

    def describe(self, name: TableName, at: PointInTime | None = None) -> TableDescription:
        """As `TablePort.describe`."""
        with self._lake.snapshot() as cursor:
            metadata = _metadata_at(cursor, at)
            table = _known(metadata, name)
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
                created_at=table.created_at,
                updated_at=metadata.committed_at(last_change),
                location=f"{self._lake.config.shown_data_path}{table.path}",
            )

    def columns(self, name: TableName) -> tuple[Column, ...]:
        """As `TablePort.columns`."""
        with self._lake.snapshot() as cursor:
            metadata = Metadata(cursor)
            return metadata.columns(_known(metadata, name))

    def append(self, name: TableName, rows: Rows, write: Write) -> AppendOutcome:
        """As `TablePort.append`."""
        if rows.row_count == 0:
            with self._lake.snapshot() as cursor:
                metadata = Metadata(cursor)
                return AppendOutcome(0, metadata.last_change(_known(metadata, name)))

        def work(cursor: duckdb.DuckDBPyConnection) -> int:
            metadata = Metadata(cursor)
            columns = metadata.columns(_known(metadata, name))
            return _insert(cursor, name, columns, rows)

        committed = self._writer.commit(work, write)
        return AppendOutcome(committed.value, must_have_committed(committed))

    def drop(self, name: TableName, write: Write) -> None:
        """As `TablePort.drop`."""

        def work(cursor: duckdb.DuckDBPyConnection) -> None:
            _known(Metadata(cursor), name)
            cursor.execute(f"DROP TABLE {qualified(name)}")

        must_have_committed(self._writer.commit(work, write))

    def check(self) -> Health:
        """As `TablePort.check`."""
        try:
            with self._lake.snapshot() as cursor:
                Metadata(cursor)
        except LakehouseError as error:
            return Health(ok=False, detail=error.detail)
        except Exception as error:  # noqa: BLE001 - a check tells, it never raises
            return Health(ok=False, detail=type(error).__name__)
        return Health(ok=True)


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


def _known(metadata: Metadata, name: TableName) -> TableEntry:
    table = metadata.table(name)
    if table is None:
        raise TableNotFoundError(f"There is no table {name}.")
    return table


def _count(cursor: duckdb.DuckDBPyConnection, table: TableEntry, snapshot_id: int) -> int:
    # The catalog's own count is wrong after deletes, and leaves out inlined rows.
    row = cursor.execute(
        f"SELECT count(*) FROM {qualified(table.name)} AT (VERSION => {snapshot_id})"
    ).fetchone()
    return 0 if row is None else int(row[0])


def _create(cursor: duckdb.DuckDBPyConnection, definition: TableDefinition) -> None:
    name = qualified(definition.name)
    columns = ", ".join(_column_definition(column) for column in definition.columns)
    cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {LAKE}.{identifier(definition.name.namespace)}")
    try:
        cursor.execute(f"CREATE TABLE {name} ({columns})")
    except (duckdb.InvalidInputException, duckdb.NotImplementedException) as error:
        raise InvalidColumnError(EngineMessage.of(error).text) from error
    if definition.comment is not None:
        cursor.execute(f"COMMENT ON TABLE {name} IS {literal(definition.comment)}")
    for column in definition.columns:
        if column.comment is not None:
            cursor.execute(
                f"COMMENT ON COLUMN {name}.{identifier(column.name)} IS {literal(column.comment)}"
            )
    if definition.partition_by:
        keys = ", ".join(map(_partition_expression, definition.partition_by))
        try:
            cursor.execute(f"ALTER TABLE {name} SET PARTITIONED BY ({keys})")
        except (
            duckdb.BinderException,
            duckdb.CatalogException,
            duckdb.NotImplementedException,
            duckdb.InvalidInputException,
        ) as error:
            raise InvalidPartitionError(EngineMessage.of(error).text) from error


def _column_definition(column: Column) -> str:
    not_null = "" if column.nullable else " NOT NULL"
    return f"{identifier(column.name)} {type_name(column.type)}{not_null}"


def _partition_expression(key: PartitionKey) -> str:
    column = identifier(key.column)
    match key.transform:
        case Transform.IDENTITY:
            return column
        case Transform.BUCKET:
            return f"bucket({key.buckets}, {column})"
        case transform:
            return f"{transform.value}({column})"


def _insert(
    cursor: duckdb.DuckDBPyConnection, name: TableName, columns: tuple[Column, ...], rows: Rows
) -> int:
    types = {column.name: column.type for column in columns}
    if not set(rows.columns) <= set(types):
        raise RowsDoNotFitError(
            RowProblem(None, None, f"The table {name} has changed; its columns are others now.")
        )
    target = ", ".join(map(identifier, rows.columns))
    source = ", ".join(
        f"CAST({identifier(column)} AS {type_name(types[column])})" for column in rows.columns
    )
    cursor.register(_INCOMING, rows)
    try:
        inserted = cursor.execute(
            f"INSERT INTO {qualified(name)} ({target}) SELECT {source} FROM {_INCOMING}"
        ).fetchone()
    except (duckdb.ConstraintException, duckdb.ConversionException) as error:
        raise RowsDoNotFitError(RowProblem(None, None, EngineMessage.of(error).text)) from error
    finally:
        cursor.unregister(_INCOMING)
    return 0 if inserted is None else int(inserted[0])
