"""What a transaction wrote that was rolled back: removed, so that a full disk has room again.

DuckLake leaves a file behind whose writing failed, as with no space left on the disk.
"""

from __future__ import annotations

import logging
from pathlib import Path

from adapters.ducklake.engine.lake import Lake
from adapters.ducklake.engine.sql import METADATA
from domain.errors import LakehouseError

_logger = logging.getLogger(__name__)


def remove_leftovers(lake: Lake) -> None:
    """Remove the files of the transaction that was just rolled back. Never raises.

    To be called by the one who writes, before the next transaction. Only DuckLake's own files
    are removed, and none that any snapshot names: somebody may have put a lost one back.
    """
    try:
        made = [path for path in lake.durability.take_made() if _is_of_ducklake(path)]
        if not made:
            return
        named = _named(lake, made)
        for path in made:
            if path.name not in named:
                path.unlink(missing_ok=True)
    except (LakehouseError, OSError) as error:
        # They are found as orphans later on.
        _logger.warning("Files of a write that failed were left behind: %s", type(error).__name__)


def _is_of_ducklake(path: Path) -> bool:
    return path.name.startswith("ducklake-") and path.suffix == ".parquet"


def _named(lake: Lake, made: list[Path]) -> set[str]:
    with lake.snapshot() as cursor:
        rows = cursor.execute(
            f"""
            SELECT name FROM (
                SELECT parse_filename(path) AS name FROM {METADATA}.ducklake_data_file
                UNION ALL SELECT parse_filename(path) FROM {METADATA}.ducklake_delete_file
                UNION ALL SELECT parse_filename(path)
                FROM {METADATA}.ducklake_files_scheduled_for_deletion
            ) WHERE name IN (SELECT unnest($names))
            """,
            {"names": [path.name for path in made]},
        ).fetchall()
    return {name for (name,) in rows}
