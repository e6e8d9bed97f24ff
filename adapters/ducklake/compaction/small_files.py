"""Merging the small files of a table into few.

The rows stay the same, and so does every version of the table: DuckLake keeps with each row of
a merged file the snapshot that wrote it. The files that were merged stay until they are cleaned
up, for those who read them still.
https://ducklake.select/docs/stable/duckdb/maintenance/merge_adjacent_files
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from adapters.ducklake.engine.sql import LAKE, METADATA, literal
from domain.tables import SERVICE_NAMESPACE

SMALL_BYTES = 1 << 20
"""Files below this are merged. What merging made is merged again until it is as great as this,
so that no byte is written again often, and one turn reads little."""


@dataclass(frozen=True, slots=True)
class SmallFiles:
    """The small files of a table's current version.

    Attributes:
        table_id: The table's id in the catalog.
        namespace: Its namespace; another client may have given it a name that is none of ours.
        name: Its name.
        count: How many there are.
    """

    table_id: int
    namespace: str
    name: str
    count: int

    def __str__(self) -> str:
        return f"{self.namespace}.{self.name}"


def small_files(cursor: duckdb.DuckDBPyConnection, at_least: int) -> list[SmallFiles]:
    """The tables that have so many small files; most of them first."""
    rows = cursor.execute(
        f"""
        SELECT t.table_id, s.schema_name, t.table_name, f.count
        FROM (SELECT table_id, count(*) AS count FROM {METADATA}.ducklake_data_file
              WHERE end_snapshot IS NULL AND file_size_bytes < {SMALL_BYTES}
              GROUP BY table_id HAVING count(*) >= $at_least) f
        JOIN {METADATA}.ducklake_table t USING (table_id)
        JOIN {METADATA}.ducklake_schema s USING (schema_id)
        WHERE t.end_snapshot IS NULL AND s.end_snapshot IS NULL
          AND s.schema_name != '{SERVICE_NAMESPACE}'
        ORDER BY f.count DESC, t.table_id
        """,
        {"at_least": at_least},
    ).fetchall()
    return [SmallFiles(*row) for row in rows]


def merge_small_files(cursor: duckdb.DuckDBPyConnection, table: SmallFiles) -> tuple[int, int]:
    """Merge the small files of a table, those of one shape and partition with each other.

    Returns:
        How many files were merged, and how many were made of them.
    """
    rows = cursor.execute(
        f"CALL ducklake_merge_adjacent_files({literal(LAKE)}, {literal(table.name)}, "
        f"schema => {literal(table.namespace)}, max_file_size => {SMALL_BYTES})"
    ).fetchall()
    return sum(row[2] for row in rows), sum(row[3] for row in rows)
