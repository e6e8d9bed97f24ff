"""How large the columns of a table are in its files, as the catalog knows it."""

from __future__ import annotations

from collections.abc import Collection

import duckdb

from adapters.ducklake.catalog.lifetimes import alive
from adapters.ducklake.engine.sql import METADATA


def read_size(
    cursor: duckdb.DuckDBPyConnection, snapshot_id: int, table_id: int, columns: Collection[str]
) -> int:
    """The bytes of these columns in a table's files at a snapshot, with what deletes its rows.

    A file of whose columns the catalog knows no sizes (another client added it) counts whole.
    """
    if not columns:
        return 0
    row = cursor.execute(
        f"""
        WITH RECURSIVE parts(column_id, root) AS (
            SELECT c.column_id, c.column_name FROM {METADATA}.ducklake_column c
            WHERE c.table_id = $table AND c.parent_column IS NULL AND {alive("c")}
            UNION ALL
            SELECT c.column_id, p.root FROM {METADATA}.ducklake_column c
            JOIN parts p ON c.parent_column = p.column_id
            WHERE c.table_id = $table AND {alive("c")}
        ), files AS (
            SELECT f.data_file_id, f.file_size_bytes FROM {METADATA}.ducklake_data_file f
            WHERE f.table_id = $table AND {alive("f")}
        ), sized AS (
            SELECT any_value(f.file_size_bytes) AS whole, count(s.column_size_bytes) AS known,
                   sum(s.column_size_bytes) FILTER (p.root IN (SELECT unnest($columns))) AS chosen
            FROM files f
            LEFT JOIN {METADATA}.ducklake_file_column_stats s
              ON s.data_file_id = f.data_file_id AND s.table_id = $table
            LEFT JOIN parts p ON p.column_id = s.column_id
            GROUP BY f.data_file_id
        )
        SELECT (SELECT coalesce(sum(CASE WHEN known = 0 THEN whole ELSE chosen END), 0) FROM sized)
             + (SELECT coalesce(sum(d.file_size_bytes), 0)
                FROM {METADATA}.ducklake_delete_file d
                WHERE d.table_id = $table AND {alive("d")})
        """,
        {"table": table_id, "snapshot": snapshot_id, "columns": list(columns)},
    ).fetchone()
    return 0 if row is None else int(row[0])
