"""What there is to say of a table, as a transaction sees it."""

from __future__ import annotations

import duckdb

from adapters.ducklake.catalog.metadata import Metadata, TableEntry
from adapters.ducklake.catalog.moments import metadata_at
from adapters.ducklake.catalog.schemas import known_table
from adapters.ducklake.engine.lake import Lake
from adapters.ducklake.engine.sql import qualified
from domain.tables import PointInTime, TableDescription, TableName


class Descriptions:
    """Describes the tables of a lake."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake

    def at(self, name: TableName, at: PointInTime | None = None) -> TableDescription:
        """A table as it was then, or is.

        Raises:
            TableNotFoundError: When it was not there.
            SnapshotNotFoundError: When nothing is known of that moment.
        """
        return self._lake.read(lambda cursor: self.of(cursor, metadata_at(cursor, at), name))

    def of(
        self, cursor: duckdb.DuckDBPyConnection, metadata: Metadata, name: TableName
    ) -> TableDescription:
        """A table as the cursor's transaction sees it.

        Raises:
            TableNotFoundError: When it is not there.
        """
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


def last_change(cursor: duckdb.DuckDBPyConnection, name: TableName) -> int:
    """The snapshot that changed a table last.

    Raises:
        TableNotFoundError: When it is not there.
    """
    metadata = Metadata(cursor)
    return metadata.last_change(known_table(metadata, name))


def _count(cursor: duckdb.DuckDBPyConnection, table: TableEntry, snapshot_id: int) -> int:
    # The catalog's own count is wrong after deletes, and leaves out inlined rows.
    row = cursor.execute(
        f"SELECT count(*) FROM {qualified(table.name)} AT (VERSION => {snapshot_id})"
    ).fetchone()
    return 0 if row is None else int(row[0])
