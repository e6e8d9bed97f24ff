"""Rows that are made outside of the lake's writer, and wait in the engine to be committed.

They lie in a table of the engine's own memory, which spills to its temporary directory. So
whatever takes long or may fail (a query, an object that is read from a store) keeps no other
write waiting, and the writer only copies rows that are known to be good.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TypeVar

import duckdb

from adapters.ducklake.engine.answering import in_time
from adapters.ducklake.engine.deadline import Clock
from adapters.ducklake.engine.lake import Lake
from adapters.ducklake.engine.sql import STAGING, identifier
from adapters.ducklake.engine.watchdog import TimeLimit
from adapters.ducklake.objects.copies import Heartbeat
from adapters.ducklake.objects.sources import ObjectSource, ObjectSources
from domain.errors import LakehouseError, UnsupportedOperationError
from domain.object_rows import ObjectRows
from domain.queries import Parameters

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Stage:
    """A place for rows to wait in, and the transaction that puts them there.

    Attributes:
        cursor: The transaction's cursor; it sees one snapshot of the lake.
        table: What the rows are to be selected from, once they are there.
        clock: Counts how long the catalog takes.
        limit: How long the work may take.
    """

    cursor: duckdb.DuckDBPyConnection
    table: str
    clock: Clock
    limit: TimeLimit

    @property
    def heartbeat(self) -> Heartbeat:
        """To be called by work that hears no interrupt; raises when the time is up."""
        return self.limit.check

    def fill(self, select: str, parameters: Parameters = ()) -> int:
        """Put rows there; how many they were."""
        with self.clock.stopped():
            self.cursor.execute(f"CREATE TABLE {self.table} AS\n{select}", parameters or None)
            # Asked, since a statement that is made to several (a PIVOT) does not tell it.
            counted = self.cursor.execute(f"SELECT count(*) FROM {self.table}").fetchone()
        return 0 if counted is None else int(counted[0])


@contextmanager
def staged(lake: Lake, work: Callable[[Stage], T], timeout_s: float | None = None) -> Iterator[T]:
    """What some work on a stage gave; its rows wait for as long as this lasts.

    Args:
        lake: The lake.
        work: Puts rows there.
        timeout_s: How long it may take; None for as long as it takes.

    Raises: what the work raises, DuckDB's errors as the domain's, and
        QueryTimeoutError: When it takes longer.
    """
    limit = TimeLimit(lake.watchdog, timeout_s)
    table = f"{STAGING}.{identifier(f'rows_{uuid.uuid4().hex}')}"

    def call(clock: Clock) -> T:
        with lake.cursor() as cursor:
            cursor.execute("BEGIN TRANSACTION")
            with limit.step(cursor):
                given = work(Stage(cursor, table, clock, limit))
            cursor.execute("COMMIT")
            return given

    try:
        yield in_time(lake, limit, call, discard=lambda _: _drop(lake, table))
    finally:
        _drop(lake, table)


def opened(sources: ObjectSources | None, rows: ObjectRows, stage: Stage) -> ObjectSource:
    """The objects that rows are to be read from, while the stage's work goes on.

    Raises:
        UnsupportedOperationError: When the lake reads no objects.
        ObjectNotFoundError: When one is not there, or none is that a pattern could mean.
        MalformedObjectError: When one is not what it is said to be.
    """
    if sources is None:
        raise UnsupportedOperationError("This lake reads no objects.")
    with stage.clock.stopped():
        return sources.open(rows.patterns, rows.format, stage.heartbeat)


def _drop(lake: Lake, table: str) -> None:
    # A lake that was closed meanwhile has dropped it.
    with suppress(LakehouseError), lake.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {table}")
