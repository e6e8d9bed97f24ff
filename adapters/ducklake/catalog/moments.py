"""The catalog at a moment of the lake."""

from __future__ import annotations

import duckdb

from adapters.ducklake.catalog.metadata import Metadata
from domain.errors import SnapshotNotFoundError
from domain.tables import AtVersion, PointInTime


def metadata_at(cursor: duckdb.DuckDBPyConnection, at: PointInTime | None) -> Metadata:
    """The catalog as it was at a moment; None for now.

    Raises:
        SnapshotNotFoundError: When the lake has no such snapshot, or none that old.
    """
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
