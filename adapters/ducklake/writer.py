"""The one writer of the lake in this process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import duckdb

from adapters.ducklake.lake import Lake
from adapters.ducklake.sql import LAKE
from domain.commits import CommitMessage, Write
from domain.errors import UnavailableError, WriteConflictError

AUTHOR = "ducklake-backend"
"""The author of a commit of which nobody said who made it."""

MAX_ATTEMPTS = 5

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Committed(Generic[T]):
    """What a piece of work gave, and the snapshot that holds it.

    `snapshot_id` is None when the work changed nothing, so that there was nothing to commit.
    """

    value: T
    snapshot_id: int | None


class Writer:
    """Commits one piece of work at a time, each in a transaction of its own.

    One at a time, since concurrent commits of one process only collide: 16 threads were slower
    than one. Other processes may commit at any time; what conflicts with them is done again.
    """

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._turn = threading.Lock()

    def commit(self, work: Callable[[duckdb.DuckDBPyConnection], T], write: Write) -> Committed[T]:
        """Do the work and commit it under the message of `write`, durably, or not at all.

        Raises:
            WriteConflictError: When it conflicts with other writers again and again.
            LakehouseError: Whatever the work raises, and what keeps it from being committed.
        """
        with self._turn:
            for _ in range(MAX_ATTEMPTS - 1):
                try:
                    return self._attempt(work, write)
                except WriteConflictError:
                    continue
            return self._attempt(work, write)

    def _attempt(
        self, work: Callable[[duckdb.DuckDBPyConnection], T], write: Write
    ) -> Committed[T]:
        with self._lake.cursor() as cursor:
            before = _last_committed(cursor)
            cursor.execute("BEGIN TRANSACTION")
            # What fails is rolled back as the cursor closes. There are no savepoints, and the
            # COMMIT of a transaction in which a statement failed would succeed and drop all.
            value = work(cursor)
            cursor.execute(
                f"CALL {LAKE}.set_commit_message($author, $message)",
                {
                    "author": write.author or AUTHOR,
                    "message": CommitMessage((write,)).to_json(),
                },
            )
            cursor.execute("COMMIT")
            after = _last_committed(cursor)
            return Committed(value, None if after == before else after)


def _last_committed(cursor: duckdb.DuckDBPyConnection) -> int | None:
    row = cursor.execute(f"FROM {LAKE}.last_committed_snapshot()").fetchone()
    return None if row is None else row[0]


def must_have_committed(committed: Committed[T]) -> int:
    """The snapshot of work that certainly changed something.

    Raises:
        UnavailableError: When there is none: the engine dropped the commit in silence.
    """
    if committed.snapshot_id is None:
        raise UnavailableError("The lake did not keep the commit; nothing was written.")
    return committed.snapshot_id
