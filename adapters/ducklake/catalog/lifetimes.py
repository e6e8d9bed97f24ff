"""From which snapshot to which the entries of the catalog's tables hold."""

from __future__ import annotations


def alive(alias: str) -> str:
    """The SQL condition that a row of a catalog's table holds at the snapshot `$snapshot`."""
    return (
        f"{alias}.begin_snapshot <= $snapshot"
        f" AND ({alias}.end_snapshot IS NULL OR {alias}.end_snapshot > $snapshot)"
    )
