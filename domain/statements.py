"""Statements: queries that run on their own, while their client polls or is gone."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from domain.errors import LakehouseError, StatementNotFoundError
from domain.lineage import new_run_id
from domain.queries import ResultColumn
from domain.tables import TableName

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SHOWN = 50


@dataclass(frozen=True, slots=True)
class StatementId:
    """A statement's id: a UUID of version 7, so that ids sort by when they were submitted.

    Raises:
        StatementNotFoundError: When `value` is no id that was ever given.
    """

    value: str

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.value):
            raise StatementNotFoundError(f"There is no statement {self.value[:_SHOWN]!r}.")

    @classmethod
    def new(cls) -> Self:
        """An id that no other statement has."""
        return cls(new_run_id())

    def __str__(self) -> str:
        return self.value


class StatementState(StrEnum):
    """How far a statement has come. The last three are ends."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Whether nothing follows it."""
        return self not in {StatementState.QUEUED, StatementState.RUNNING}


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a statement has no result, in the words of the error tree.

    Attributes:
        code: The code of the error (`LakehouseError.code`).
        detail: A sentence for the user.
        position: Where in the SQL, in characters from 0; None when not known.
    """

    code: str
    detail: str
    position: int | None = None

    @classmethod
    def of(cls, error: BaseException) -> Self:
        """Tell of an error; of one that is not ours, nothing: it may hold anything."""
        if not isinstance(error, LakehouseError):
            return cls(LakehouseError.code, "Something went wrong in the service.")
        return cls(error.code, error.detail, error.position)


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement as it is known to all replicas.

    Attributes:
        id: Its id.
        runner: The process that runs it; nobody else does.
        submitted_at: When it was submitted (UTC).
        sql: The SQL; None when it asks for a table itself.
        table: The table that it is put to.
        row_limit: At most so many rows are in its result.
        state: How far it has come.
        started_at: When it began to run.
        ended_at: When it ended.
        expires_at: When it is forgotten, with its result; None while it has not ended.
        run_id: Its lineage run; None before it runs.
        snapshot_id: The snapshot of the lake that it sees.
        columns: The columns of its result; None while they are not known.
        row_count: The rows of its result so far.
        progress: How much of its work is done, from 0 to 1; None where that is not known.
        truncated: Whether the row limit left rows out.
        size_bytes: The size of its result as it is kept.
        failure: Why it has no result.
    """

    id: StatementId
    runner: str
    submitted_at: datetime
    sql: str | None = None
    table: TableName | None = None
    row_limit: int | None = None
    state: StatementState = StatementState.QUEUED
    started_at: datetime | None = None
    ended_at: datetime | None = None
    expires_at: datetime | None = None
    run_id: str | None = None
    snapshot_id: int | None = None
    columns: tuple[ResultColumn, ...] | None = None
    row_count: int = 0
    progress: float | None = None
    truncated: bool = False
    size_bytes: int | None = None
    failure: Failure | None = None

    def elapsed_ms(self, now: datetime) -> float:
        """How long it has run, in milliseconds; 0 before it runs."""
        if self.started_at is None:
            return 0.0
        spent = (self.ended_at or now) - self.started_at
        return max(0.0, round(spent / timedelta(milliseconds=1), 3))

    def started(self, at: datetime, run_id: str) -> Self:
        """It as it begins to run."""
        return replace(self, state=StatementState.RUNNING, started_at=at, run_id=run_id)

    def succeeded(self, at: datetime, keep: timedelta, size_bytes: int) -> Self:
        """It with its result."""
        return replace(
            self._ended(StatementState.SUCCEEDED, at, keep), size_bytes=size_bytes, progress=1.0
        )

    def failed(self, at: datetime, keep: timedelta, failure: Failure) -> Self:
        """It without a result."""
        return replace(self._ended(StatementState.FAILED, at, keep), failure=failure)

    def cancelled(self, at: datetime, keep: timedelta, reason: Failure) -> Self:
        """It as it was stopped."""
        return replace(self._ended(StatementState.CANCELLED, at, keep), failure=reason)

    def _ended(self, state: StatementState, at: datetime, keep: timedelta) -> Self:
        return replace(self, state=state, ended_at=at, expires_at=at + keep)

    def has_expired(self, now: datetime) -> bool:
        """Whether it is to be forgotten."""
        return self.expires_at is not None and self.expires_at <= now


@dataclass(frozen=True, slots=True)
class StoredStatement:
    """A statement as it was read or written.

    Attributes:
        statement: The statement.
        version: What tells this form of it from all others that are stored.
    """

    statement: Statement
    version: str


@dataclass(frozen=True, slots=True)
class StatementPage:
    """A part of a listing, in the order of the ids.

    Attributes:
        statements: The statements of this page.
        next_after: The id to go on after; None on the last page.
    """

    statements: tuple[StoredStatement, ...]
    next_after: StatementId | None
