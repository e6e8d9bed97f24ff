"""How far a query is, as the engine estimates it: behind a cursor's own settings."""

from __future__ import annotations

from contextlib import suppress

import duckdb

PROGRESS_SETTINGS = ("enable_progress_bar_print", "enable_progress_bar", "progress_bar_time")
"""They are a cursor's own, so they stay open behind the walls; no statement may set them."""


def tell_progress(cursor: duckdb.DuckDBPyConnection) -> None:
    """Have the queries of a cursor tell how far they are."""
    printed, enabled, after_ms = PROGRESS_SETTINGS
    cursor.execute(f"SET {printed}=false; SET {enabled}=true; SET {after_ms}=0")


def progress_of(cursor: duckdb.DuckDBPyConnection) -> float | None:
    """How much of a cursor's query is done, from 0 to 1; None where the engine does not know."""
    percent = -1.0
    # Another thread may close it.
    with suppress(duckdb.Error):
        percent = cursor.query_progress()
    return None if percent < 0 else min(percent / 100, 1.0)
