"""The files that the catalog names beside those that are there, in tables of the engine's own.

They are temporary tables, so that a lake of any size is compared in bounded memory: what does
not fit is put aside by the engine. The catalog's tables are those of the DuckLake
specification 1.0: https://ducklake.select/docs/stable/specification/tables/overview
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

import duckdb

from adapters.ducklake.catalog.metadata import current_snapshot
from adapters.ducklake.engine.sql import METADATA
from domain.maintenance import MAX_TOLD, Damage, DamagedFile, FileKind, LakeFile
from domain.tables import TableName

BATCH = 1_000
NOTHING: Mapping[str, object] = {}

# A path is relative to its parent's, unless the catalog says that it is not; a table that was
# renamed has several rows, of which the newest counts.
_KNOWN = f"""
    WITH schemas AS (
        SELECT schema_id, arg_max(schema_name, begin_snapshot) AS schema_name,
               arg_max(path, begin_snapshot) AS place
        FROM {METADATA}.ducklake_schema GROUP BY schema_id
    ), tables AS (
        SELECT table_id, arg_max(schema_id, begin_snapshot) AS schema_id,
               arg_max(table_name, begin_snapshot) AS table_name,
               arg_max(path, begin_snapshot) AS path,
               arg_max(path_is_relative, begin_snapshot) AS relative
        FROM {METADATA}.ducklake_table GROUP BY table_id
    ), places AS (
        SELECT table_id, schema_name, table_name,
               CASE WHEN relative THEN place || path ELSE path END AS place
        FROM tables JOIN schemas USING (schema_id)
    ), files AS (
        SELECT 'data' AS kind, data_file_id AS file_id, data_file_id, table_id, path,
               path_is_relative, file_format AS format, record_count AS rows, file_size_bytes,
               footer_size, begin_snapshot, end_snapshot
        FROM {METADATA}.ducklake_data_file
        UNION ALL
        SELECT 'delete', delete_file_id, data_file_id, table_id, path,
               path_is_relative, format, delete_count, file_size_bytes,
               footer_size, begin_snapshot, end_snapshot
        FROM {METADATA}.ducklake_delete_file
    ), placed AS (
        SELECT files.* EXCLUDE (path, path_is_relative), schema_name, table_name,
               CASE WHEN path_is_relative THEN place || path ELSE path END AS path
        FROM files JOIN places USING (table_id)
    )
    SELECT * EXCLUDE (path),
           CASE WHEN starts_with(path, $data_path) THEN substr(path, length($data_path) + 1)
                ELSE path END AS name
    FROM placed
"""
_SCHEDULED = f"""
    SELECT CASE WHEN starts_with(path, $data_path) THEN substr(path, length($data_path) + 1)
                ELSE path END AS name
    FROM {METADATA}.ducklake_files_scheduled_for_deletion
"""
_ELSEWHERE = "(starts_with(name, '/') OR contains(name, '://'))"


@dataclass(frozen=True, slots=True)
class NamedFile:
    """A file as the catalog names it.

    Attributes:
        number: Its place in the inventory.
        name: Its name below the data path.
        format: What kind of file the catalog says that it is.
        size_bytes: Its size, as the catalog has it.
        footer_bytes: The size of its Parquet footer; None when the catalog does not know.
        found_bytes: Its size in the listing; None when it was not listed.
    """

    number: int
    name: str
    format: str
    size_bytes: int
    footer_bytes: int | None
    found_bytes: int | None


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with a file of the inventory."""

    number: int
    damage: Damage
    found_bytes: int | None


class Inventory:
    """The inventory of one check, as long as its cursor lives.

    Attributes:
        cursor: Its cursor, on which it is a number of temporary tables.
        snapshot_id: The snapshot that was the current one as the catalog was read.
    """

    def __init__(self, cursor: duckdb.DuckDBPyConnection, data_path: str) -> None:
        self.cursor = cursor
        self._below = {"data_path": data_path}
        self.snapshot_id = 0
        cursor.execute(
            "CREATE TEMP TABLE stored (name VARCHAR, size BIGINT, modified_at TIMESTAMPTZ)"
        )
        cursor.execute("CREATE TEMP TABLE findings (number BIGINT, damage VARCHAR, found BIGINT)")

    def store(self, files: Iterable[LakeFile]) -> Iterator[int]:
        """Take down what is there; gives how many files it was, from time to time."""
        left = iter(files)
        count = 0
        while batch := list(islice(left, BATCH)):
            self.cursor.execute(
                "INSERT INTO stored SELECT unnest($names), unnest($sizes), unnest($times)",
                {
                    "names": [file.name for file in batch],
                    "sizes": [file.size_bytes for file in batch],
                    "times": [file.modified_at for file in batch],
                },
            )
            count += len(batch)
            yield count

    def read_catalog(self) -> None:
        """Take down what the catalog names, in all snapshots that it still has.

        To be called behind `store`: a file that is listed and not named then was never needed,
        or is of a write that is under way.
        """
        cursor = self.cursor
        cursor.execute("BEGIN TRANSACTION")
        self.snapshot_id = current_snapshot(cursor)
        cursor.execute(f"CREATE TEMP TABLE known AS {_KNOWN}", self._below)
        cursor.execute(f"CREATE TEMP TABLE scheduled AS {_SCHEDULED}", self._below)
        cursor.execute("COMMIT")
        cursor.execute(
            f"""
            CREATE TEMP TABLE inventory AS
            SELECT row_number() OVER () AS number, known.*, stored.size AS found
            FROM known LEFT JOIN stored USING (name) WHERE NOT {_ELSEWHERE}
            """
        )
        # DuckLake writes and deletes no other files.
        cursor.execute(
            """
            CREATE TEMP TABLE unneeded AS
            SELECT row_number() OVER () AS number, name, size, modified_at FROM stored
            WHERE suffix(name, '.parquet') AND name NOT IN (SELECT name FROM known)
              AND name NOT IN (SELECT name FROM scheduled)
            """
        )

    def read_catalog_again(self) -> None:
        """Let go of what the catalog has changed its mind about since `read_catalog`.

        A file that it does not name any more may be gone, as one that was cleaned up; one that
        it names now is needed.
        """
        cursor = self.cursor
        cursor.execute("BEGIN TRANSACTION")
        for kind in FileKind:
            cursor.execute(
                f"""
                DELETE FROM findings WHERE number IN (
                    SELECT number FROM inventory WHERE kind = '{kind.value}' AND file_id NOT IN (
                        SELECT {kind.value}_file_id FROM {METADATA}.ducklake_{kind.value}_file))
                """
            )
        for named in (_KNOWN, _SCHEDULED):
            cursor.execute(
                f"DELETE FROM unneeded WHERE name IN (SELECT name FROM ({named}))",
                self._below,
            )
        cursor.execute("COMMIT")

    def pages(self) -> Iterator[Sequence[NamedFile]]:
        """The files that the catalog names, some at a time."""
        after = 0
        while True:
            rows = self.cursor.execute(
                """
                SELECT number, name, format, file_size_bytes, footer_size, found FROM inventory
                WHERE number > $after AND number <= $after + $count ORDER BY number
                """,
                {"after": after, "count": BATCH},
            ).fetchall()
            if not rows:
                return
            yield [NamedFile(*row) for row in rows]
            after += BATCH

    def unneeded(self, before: datetime | None = None) -> Iterator[Sequence[tuple[int, str]]]:
        """The files that no snapshot needs, some at a time: their numbers and names.

        Args:
            before: When they were written at the latest; None takes all.
        """
        after = 0
        while True:
            rows = self.cursor.execute(
                "SELECT number, name FROM unneeded WHERE number > $after "
                "AND ($before IS NULL OR modified_at < $before) ORDER BY number LIMIT $count",
                {"after": after, "count": BATCH, "before": before},
            ).fetchall()
            if not rows:
                return
            yield rows
            after = rows[-1][0]

    def forget_unneeded(self, numbers: Sequence[int]) -> None:
        """Files that no snapshot needs are not there any more."""
        self.cursor.execute(
            "DELETE FROM unneeded WHERE number IN (SELECT unnest($numbers))",
            {"numbers": list(numbers)},
        )

    def add(self, findings: Sequence[Finding]) -> None:
        """Take down what is wrong with files."""
        for finding in findings:
            self.cursor.execute(
                "INSERT INTO findings VALUES ($number, $damage, $found)",
                {
                    "number": finding.number,
                    "damage": finding.damage.value,
                    "found": finding.found_bytes,
                },
            )

    def count(self) -> int:
        """How many files there are to look at."""
        return self._numbers("SELECT count(*) FROM inventory")[0]

    def elsewhere(self) -> int:
        """How many files the catalog names that lie outside of the data path."""
        return self._numbers(f"SELECT count(*) FROM known WHERE {_ELSEWHERE}")[0]

    def seems_sound(self) -> bool:
        """Whether nothing is damaged, and no file is there that no snapshot needs."""
        found = "(SELECT count(*) FROM findings) + (SELECT count(*) FROM unneeded)"
        return self._numbers(f"SELECT {found}")[0] == 0

    def damaged(self) -> tuple[int, int]:
        """How many files are damaged, and how many of them the current version needs."""
        count, current = self._numbers(
            """
            SELECT count(*), count(*) FILTER (end_snapshot IS NULL)
            FROM findings JOIN inventory USING (number)
            """
        )
        return count, current

    def orphans(self, before: datetime | None) -> tuple[int, int, int, int]:
        """How many files no snapshot needs, and their size: the orphans, and the younger ones.

        Args:
            before: When an orphan was written at the latest; None takes all for orphans.
        """
        files, size, recent_files, recent_size = self._numbers(
            """
            SELECT count(*) FILTER (old), coalesce(sum(size) FILTER (old), 0)::BIGINT,
                   count(*) FILTER (NOT old), coalesce(sum(size) FILTER (NOT old), 0)::BIGINT
            FROM (SELECT size, $before IS NULL OR modified_at < $before AS old FROM unneeded)
            """,
            {"before": before},
        )
        return files, size, recent_files, recent_size

    def told(self) -> tuple[DamagedFile, ...]:
        """The damaged files, those of the current version first; `MAX_TOLD` at most."""
        rows = self.cursor.execute(
            """
            SELECT schema_name, table_name, name, kind, damage, file_size_bytes, f.found, rows,
                   begin_snapshot, end_snapshot - 1
            FROM findings f JOIN inventory USING (number)
            ORDER BY end_snapshot IS NOT NULL, schema_name, table_name, name LIMIT $limit
            """,
            {"limit": MAX_TOLD},
        ).fetchall()
        return tuple(
            DamagedFile(TableName(schema, table), name, FileKind(kind), Damage(damage), *numbers)
            for schema, table, name, kind, damage, *numbers in rows
        )

    def _numbers(self, sql: str, parameters: Mapping[str, object] = NOTHING) -> tuple[int, ...]:
        row = self.cursor.execute(sql, dict(parameters)).fetchone()
        if row is None:
            raise AssertionError("a SELECT of counts has a row")
        return row
