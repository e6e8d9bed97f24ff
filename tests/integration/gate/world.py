"""What no statement may change: the lake, the files around it, and the engine's settings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from adapters.ducklake import FileCatalog, Lake


@dataclass(frozen=True, slots=True)
class World:
    """All that a statement could change.

    Attributes:
        snapshot: The lake's newest snapshot.
        rows: The rows of its table.
        files: The files and directories around it, with their sizes; not what queries spill.
        settings: The engine's settings.
        objects: What is in the catalogs beside the lake.
    """

    snapshot: int
    rows: tuple[tuple[object, ...], ...]
    files: frozenset[tuple[str, int]]
    settings: frozenset[tuple[object, ...]]
    objects: frozenset[tuple[object, ...]]

    @classmethod
    def of(cls, lake: Lake) -> World:
        """As it is now."""
        with lake.cursor() as cursor:
            (snapshot,) = cursor.execute("FROM lake.current_snapshot()").fetchall()[0]
            return cls(
                snapshot,
                tuple(cursor.execute("FROM lake.main.t ORDER BY id").fetchall()),
                _files(lake),
                frozenset(cursor.execute("SELECT name, value FROM duckdb_settings()").fetchall()),
                frozenset(
                    cursor.execute(
                        """
                        SELECT database_name, schema_name, table_name FROM duckdb_tables()
                        UNION ALL SELECT database_name, schema_name, function_name
                        FROM duckdb_functions() WHERE NOT internal
                        UNION ALL SELECT '', '', name FROM duckdb_secrets()
                        UNION ALL SELECT '', '', database_name FROM duckdb_databases()
                        """
                    ).fetchall()
                ),
            )


def _files(lake: Lake) -> frozenset[tuple[str, int]]:
    catalog = lake.config.catalog
    assert isinstance(catalog, FileCatalog)
    spilled: Path = lake.config.temp_directory
    return frozenset(
        (str(path), path.stat().st_size)
        for path in catalog.path.parent.rglob("*")
        if spilled not in path.parents
    )
