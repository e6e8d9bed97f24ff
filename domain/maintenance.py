"""What a check of the lake's files finds, and what a repair does about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from domain.tables import TableName

MAX_TOLD = 1_000
"""So many damaged files are told one by one; the count is of all."""

GRACE = timedelta(hours=24)
"""No write of another process takes longer between its first file and its commit."""


@dataclass(frozen=True, slots=True)
class LakeFile:
    """A file where the lake's data lies.

    Attributes:
        name: Its name below the data path, with `/` between its parts.
        size_bytes: Its size.
        modified_at: When it was written last, by the clock of what stores it.
    """

    name: str
    size_bytes: int
    modified_at: datetime


class FileKind(StrEnum):
    """What a file of a table holds."""

    DATA = "data"
    DELETE = "delete"


class Damage(StrEnum):
    """What is wrong with a file that the catalog names."""

    MISSING = "missing"
    WRONG_SIZE = "wrong_size"
    NOT_PARQUET = "not_parquet"


@dataclass(frozen=True, slots=True)
class DamagedFile:
    """A file that cannot be what the catalog says.

    Attributes:
        table: The table that it belongs to.
        name: Its name below the lake's data path.
        kind: Whether it holds rows, or says which rows of another file were deleted.
        damage: What is wrong.
        size_bytes: The size that the catalog knows.
        found_bytes: The size that it has; None when it is not there.
        rows: How many rows it holds, or says to be deleted.
        first_snapshot: The first snapshot that needs it.
        last_snapshot: The last one; None when the current version does.
    """

    table: TableName
    name: str
    kind: FileKind
    damage: Damage
    size_bytes: int
    found_bytes: int | None
    rows: int
    first_snapshot: int
    last_snapshot: int | None

    @property
    def current(self) -> bool:
        """Whether the current version of its table needs it, which so cannot be read."""
        return self.last_snapshot is None


@dataclass(frozen=True, slots=True)
class Repair:
    """What a repair took out of the current version.

    Attributes:
        snapshot_id: The snapshot that is without it.
        tables: The tables that it was taken out of.
        data_files: How many files of rows.
        delete_files: How many files that say which rows were deleted.
        rows_lost: How many rows the current version lost with them, at most.
        rows_back: How many deleted rows are back in it, at most.
    """

    snapshot_id: int
    tables: tuple[TableName, ...]
    data_files: int
    delete_files: int
    rows_lost: int
    rows_back: int


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What a check found.

    Attributes:
        snapshot_id: The snapshot that was the current one.
        files_checked: How many files the catalog names and the check looked at.
        files_elsewhere: How many it names that lie outside of the data path: nobody looked.
        damaged: The damaged files, those of the current version first; `MAX_TOLD` at most.
        damaged_count: How many there are.
        current_count: How many of them the current version needs.
        orphan_files: How many files lie in the data path that no snapshot needs, and no write
            can be about to commit: left by writes that were broken off.
        orphan_bytes: Their size.
        recent_files: How many files no snapshot needs that are too young to say: a write of
            another process may be about to commit them.
        recent_bytes: Their size.
        repair: What was done about it; None when nothing was asked for, or needed.
    """

    snapshot_id: int
    files_checked: int
    files_elsewhere: int
    damaged: tuple[DamagedFile, ...]
    damaged_count: int
    current_count: int
    orphan_files: int
    orphan_bytes: int
    recent_files: int
    recent_bytes: int
    repair: Repair | None = None

    @property
    def ok(self) -> bool:
        """Whether no file is damaged."""
        return self.damaged_count == 0

    @property
    def readable(self) -> bool:
        """Whether the current version of every table can be read, after the repair if any."""
        return self.current_count == 0 or self.repair is not None


Progress = Callable[[int, int | None], None]
"""Called with how many files were looked at, and how many there are once that is known."""


def no_progress(done: int, total: int | None) -> None:
    """Tell nobody."""
