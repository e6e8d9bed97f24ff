"""Taking damaged files out of the current version, as any DuckLake client ends a file.

DuckLake has no statement for it: a DELETE reads the file that it deletes from. So the catalog's
tables are written as the specification says a commit does: the files' `end_snapshot`, one new
snapshot, and what it changed. The snapshot's id is a primary key, which is how DuckLake clients
of one catalog find out that they collide: the one that comes second begins anew.
https://ducklake.select/docs/stable/specification/queries
"""

from __future__ import annotations

import duckdb

from adapters.ducklake.engine.deadline import Clock
from adapters.ducklake.engine.lake import Lake
from adapters.ducklake.engine.sql import METADATA
from adapters.ducklake.writes.writer import AUTHOR
from domain.commits import CommitMessage, Write
from domain.errors import UpstreamTimeoutError
from domain.maintenance import Repair
from domain.tables import TableName

_IDS_AT_ONCE = 1_000


def take_out(
    lake: Lake, cursor: duckdb.DuckDBPyConnection, run_id: str, clock: Clock
) -> Repair | None:
    """Take the damaged files of an inventory out of the current version, in one transaction.

    Args:
        lake: The lake.
        cursor: The cursor of the inventory.
        run_id: The run that does it.
        clock: Knows whether somebody waits for it still.

    Returns:
        What was done; None when the current version needs none of them any more.

    Raises:
        UpstreamTimeoutError: When nobody does.
        duckdb.Error: When another writer was faster, and what keeps the catalog from serving.
    """
    cursor.execute("BEGIN TRANSACTION")
    try:
        _find_current(cursor)
        repair, table_ids = _planned(cursor)
        if repair is None:
            cursor.execute("ROLLBACK")
            return None
        for kind in ("data", "delete"):
            _end(cursor, kind, repair.snapshot_id)
        _add_snapshot(cursor, repair, table_ids, run_id)
        clock.check()
        lake.commit(cursor)
    except (duckdb.Error, UpstreamTimeoutError):
        _roll_back(cursor)
        raise
    return repair


def _find_current(cursor: duckdb.DuckDBPyConnection) -> None:
    """What there is to take out, as the catalog is now.

    With a file of rows go the files that say which of its rows were deleted.
    """
    cursor.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE broken AS
        WITH damaged AS (SELECT kind, file_id FROM findings JOIN inventory USING (number)),
        data_files AS (
            SELECT data_file_id FROM {METADATA}.ducklake_data_file
            WHERE end_snapshot IS NULL
              AND data_file_id IN (SELECT file_id FROM damaged WHERE kind = 'data')
        )
        SELECT 'data' AS kind, data_file_id AS file_id, true AS own FROM data_files
        UNION ALL
        SELECT 'delete', delete_file_id, data_file_id NOT IN (FROM data_files)
        FROM {METADATA}.ducklake_delete_file
        WHERE end_snapshot IS NULL
          AND (delete_file_id IN (SELECT file_id FROM damaged WHERE kind = 'delete')
               OR data_file_id IN (FROM data_files))
        """
    )


def _planned(cursor: duckdb.DuckDBPyConnection) -> tuple[Repair | None, list[int]]:
    tables = cursor.execute(
        """
        SELECT DISTINCT table_id, schema_name, table_name FROM broken JOIN inventory
        USING (kind, file_id) ORDER BY table_id
        """
    ).fetchall()
    if not tables:
        return None, []
    counts = cursor.execute(
        """
        SELECT count(*) FILTER (kind = 'data'), count(*) FILTER (kind = 'delete' AND own),
               coalesce(sum(CASE WHEN kind = 'data' THEN rows WHEN own THEN 0 ELSE -rows END), 0),
               coalesce(sum(rows) FILTER (kind = 'delete' AND own), 0)
        FROM broken JOIN inventory USING (kind, file_id)
        """
    ).fetchone()
    newest = cursor.execute(f"SELECT max(snapshot_id) FROM {METADATA}.ducklake_snapshot").fetchone()
    if counts is None or newest is None:
        raise AssertionError("a SELECT of aggregates has a row")
    names = tuple(TableName(schema, table) for _, schema, table in tables)
    repair = Repair(newest[0] + 1, names, *map(int, counts))
    return repair, [table_id for table_id, _, _ in tables]


def _end(cursor: duckdb.DuckDBPyConnection, kind: str, snapshot_id: int) -> None:
    ids = cursor.execute(
        "SELECT file_id FROM broken WHERE kind = $kind ORDER BY file_id", {"kind": kind}
    ).fetchall()
    for start in range(0, len(ids), _IDS_AT_ONCE):
        some = ", ".join(str(file_id) for (file_id,) in ids[start : start + _IDS_AT_ONCE])
        cursor.execute(
            f"UPDATE {METADATA}.ducklake_{kind}_file SET end_snapshot = {snapshot_id} "
            f"WHERE end_snapshot IS NULL AND {kind}_file_id IN ({some})"
        )


def _add_snapshot(
    cursor: duckdb.DuckDBPyConnection, repair: Repair, table_ids: list[int], run_id: str
) -> None:
    cursor.execute(
        f"""
        INSERT INTO {METADATA}.ducklake_snapshot
            (snapshot_id, snapshot_time, schema_version, next_catalog_id, next_file_id)
        SELECT {repair.snapshot_id}, now(), schema_version, next_catalog_id, next_file_id
        FROM {METADATA}.ducklake_snapshot WHERE snapshot_id = {repair.snapshot_id - 1}
        """
    )
    message = CommitMessage(tuple(Write(str(table), "repair", run_id) for table in repair.tables))
    cursor.execute(
        f"""
        INSERT INTO {METADATA}.ducklake_snapshot_changes
            (snapshot_id, changes_made, author, commit_message)
        VALUES ({repair.snapshot_id}, $changes, $author, $message)
        """,
        {
            "changes": ",".join(f"deleted_from_table:{table_id}" for table_id in table_ids),
            "author": AUTHOR,
            "message": message.to_json(),
        },
    )


def _roll_back(cursor: duckdb.DuckDBPyConnection) -> None:
    try:
        cursor.execute("ROLLBACK")
    except duckdb.Error:
        # What failed has ended the transaction already.
        return
