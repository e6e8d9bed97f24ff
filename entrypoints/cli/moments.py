"""Moments of the lake, as commands name them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from domain.tables import AtTimestamp, AtVersion, PointInTime
from entrypoints.cli.options import check_count
from entrypoints.cli.usage import UsageError

AtVersionOption = Annotated[
    int | None,
    typer.Option("--at-version", metavar="N", callback=check_count, help="As of this snapshot."),
]
AtTimestampOption = Annotated[
    str | None,
    typer.Option(
        "--at-timestamp", metavar="TIME", help="As of this time: ISO 8601, with a time zone."
    ),
]


def point_in_time(version: int | None, timestamp: str | None) -> PointInTime | None:
    """The moment that the options name; None for now.

    Raises:
        UsageError: When both are given, or the time is none.
    """
    if timestamp is None:
        return AtVersion(version) if version is not None else None
    if version is not None:
        raise UsageError("Say either --at-version or --at-timestamp.")
    try:
        at = datetime.fromisoformat(timestamp)
    except ValueError as error:
        raise UsageError(
            f"{timestamp!r} is no time: write it like 2026-01-31T12:00:00Z."
        ) from error
    if at.tzinfo is None:
        raise UsageError(f"{timestamp!r} needs its time zone: Z, or +01:00.")
    return AtTimestamp(at)
