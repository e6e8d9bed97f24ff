"""How much memory the process has, and how much it may have before queries are stopped."""

from __future__ import annotations

import os
from pathlib import Path

import duckdb

BESIDE_THE_ENGINE = 1024**3
"""What the process may have beside what the engine's own limit bounds, in bytes, at least."""

_SHARE_BESIDE = 4
_SHARE_OF_PROCESS = 0.95
_STATM = Path("/proc/self/statm")


def resident_bytes() -> int | None:
    """The memory of this process that is in use, in bytes; None where it is not to be had."""
    try:
        pages = int(_STATM.read_bytes().split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")


def ceiling_of(connection: duckdb.DuckDBPyConnection, process_memory: int | None) -> int:
    """How much the process may have before a query that makes it grow is stopped, in bytes.

    That is more than the engine's limit, which does not count all of its work, nor what else
    the service does; and less than what the process may have, so that it comes first.

    Args:
        connection: An engine whose limit is set.
        process_memory: What the process may have, in bytes; None when nobody bounds it.
    """
    row = connection.execute(
        "SELECT parse_formatted_bytes(current_setting('memory_limit'))"
    ).fetchone()
    limit = int(row[0]) if row is not None else 0
    ceiling = limit + max(BESIDE_THE_ENGINE, limit // _SHARE_BESIDE)
    if process_memory is None:
        return ceiling
    return min(ceiling, round(process_memory * _SHARE_OF_PROCESS))
