"""Numbers and times as people and programs are shown them."""

from __future__ import annotations

from datetime import UTC, datetime


def moment(at: datetime) -> str:
    """A time for people. UTC, as in the answers of queries."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def moment_in_json(at: datetime) -> str:
    """A time for programs, as the API writes it."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def size(count: int) -> str:
    """A number of bytes for people."""
    from rich.filesize import decimal  # noqa: PLC0415 - --help does without

    return decimal(count)


def rows(count: int) -> str:
    """A number of rows for people."""
    return "1 row" if count == 1 else f"{count:,} rows"
