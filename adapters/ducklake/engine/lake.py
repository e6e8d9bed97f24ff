"""The DuckDB instance that the lake is attached to."""

from __future__ import annotations

import ctypes
import logging
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import TypeVar

import duckdb

from adapters.ducklake.config import LakeConfig, PostgresCatalog, S3Storage
from adapters.ducklake.durability.durability import Durability
from adapters.ducklake.engine.attachment import connect
from adapters.ducklake.engine.deadline import MAX_LEFT_BEHIND, Clock, Deadline
from adapters.ducklake.engine.errors import ENGINE_ERRORS, translated, why_it_does_not_open
from adapters.ducklake.engine.memory import ceiling_of
from adapters.ducklake.engine.sql import LAKE
from adapters.ducklake.engine.watchdog import Watchdog
from domain.errors import LakehouseError, UnavailableError

RETRY_OPEN_AFTER_S = 1.0
CLOSE_WAITS_S = 5.0
MAX_STEPS = 512
"""How many queries may work at a time, more than the service ever lets run."""

T = TypeVar("T")

_logger = logging.getLogger(__name__)


class Lake:
    """One DuckDB instance with the lake attached and its walls up.

    It opens when it is first used, or by `open`, and tries again when that failed. A connection
    of it is never shared: each operation takes a cursor of its own, since with a shared one
    threads get each other's rows.
    """

    def __init__(self, config: LakeConfig, prepare: Callable[[], None] = lambda: None) -> None:
        """Args: prepare: Called before the lake is opened, to make what it is to lie in."""
        self.config = config
        self.durability = Durability(config)
        self._prepare = prepare
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._opening = threading.Lock()
        self._failure: LakehouseError | None = None
        self._failed_at = 0.0
        self._cursors: set[duckdb.DuckDBPyConnection] = set()
        self._committed: set[duckdb.DuckDBPyConnection] = set()
        self._closed = False
        remote = isinstance(config.catalog, PostgresCatalog)
        self._goes_on = not remote
        self.deadline = Deadline(config.catalog_timeout_s if remote else None, load_client)
        self.watchdog = Watchdog()
        # Nor does a thread that waits for a store heed an interrupt.
        self.may_hang = remote or isinstance(config.storage, S3Storage)
        left_behind = MAX_LEFT_BEHIND if self.may_hang else MAX_STEPS
        self.steps = Deadline(math.inf, load_client, MAX_STEPS, left_behind)
        self.openings = self.deadline if remote else self.steps

    def open(self) -> None:
        """Attach the lake, making it when it is not there.

        Raises:
            LakeLockedError: When another process holds the catalog.
            ConfigurationError: When an extension cannot be loaded.
            UnavailableError: When the catalog or the storage does not answer.
        """
        with self._opening:
            if self._closed:
                raise UnavailableError("The lake is closed.")
            if self._connection is not None:
                return
            # Those who wait meanwhile are told the same, instead of each waiting in its turn.
            if (
                self._failure is not None
                and time.monotonic() < self._failed_at + RETRY_OPEN_AFTER_S
            ):
                raise self._failure
            try:
                self._connection = self._connected()
            except LakehouseError as error:
                self._failure, self._failed_at = error, time.monotonic()
                raise

    def close(self) -> None:
        """Interrupt what runs, detach the lake and give its catalog back."""
        self._closed = True
        self.deadline.close()
        self.steps.close()
        self.watchdog.close()
        # Somebody may be opening it still, and wait for a catalog or a store that hangs.
        if not self._opening.acquire(timeout=CLOSE_WAITS_S):
            return
        try:
            # To close a cursor in use is to wait for it, and some hear no interrupt: those end
            # with the process. What was committed is in the catalog's log.
            if not self.may_hang and not self.steps.come_back(CLOSE_WAITS_S):
                _logger.warning("The engine does not stop; it ends with the process.")
                return
            # An open cursor would keep the catalog's lock.
            for cursor in list(self._cursors):
                cursor.interrupt()
                self.return_cursor(cursor)
            if self._connection is not None:
                with suppress(duckdb.Error):
                    self._connection.execute(f"USE memory; DETACH {LAKE}")
                self._connection.close()
                self._connection = None
            self.durability.close()
        finally:
            self._opening.release()

    def read(self, work: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
        """Do what only reads, on one snapshot, in the time that the catalog may take.

        Raises:
            UpstreamTimeoutError: When it takes longer.
        """

        def call(_: Clock) -> T:
            with self.snapshot() as cursor:
                return work(cursor)

        return self.deadline.run(call)

    def take_cursor(self) -> duckdb.DuckDBPyConnection:
        """A cursor for one operation, to be given back with `return_cursor`."""
        self.open()
        with self._opening:
            if self._connection is None:
                raise UnavailableError("The lake is closed.")
            cursor = self._connection.cursor()
            self._cursors.add(cursor)
        return cursor

    def commit(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Commit what a cursor's transaction wrote.

        An engine whose catalog is a file goes on after an error of its own, as another one could
        not take its place, but not when that comes in a commit: what it has in memory may then
        be another than what is in its log, and what is written behind that would be lost.

        Raises:
            duckdb.Error: When it fails.
        """
        try:
            cursor.execute("COMMIT")
        except (duckdb.FatalException, duckdb.InternalException):
            self._abandon(cursor)
            raise

    def has_committed(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """A cursor's transaction is over: its end needs no rollback, which would fail."""
        self._committed.add(cursor)

    def return_cursor(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Close a cursor; a transaction that it has not committed is rolled back."""
        self._cursors.discard(cursor)
        if cursor in self._committed:
            self._committed.discard(cursor)
            cursor.close()
            return
        # Left to the cursor's end, the rollback of a transaction whose PostgreSQL has gone
        # would end the process: it throws where C++ lets nothing be thrown.
        try:
            cursor.execute("ROLLBACK")
        except duckdb.FatalException:
            self._abandon(cursor)
            return
        except duckdb.Error:
            pass
        cursor.close()

    def _abandon(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Let go of an engine that met an error of its own, after which it refuses all work.

        Its cursors cannot be closed, for the reason above: they stay for good, and another
        engine is opened for what comes next, where the catalog is no file.
        """
        _keep_for_good(cursor)
        with self._opening:
            if self._connection is None or not (self._goes_on or _is_dead(self._connection)):
                return
            if self._goes_on:
                _logger.critical("The engine broke down in a commit; start the service anew.")
            else:
                _logger.error("The engine broke down; another one takes its place.")
            _keep_for_good(self._connection)
            self._connection = None

    @contextmanager
    def cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor for one operation. DuckDB's errors come out of it as the domain's."""
        cursor = self.take_cursor()
        try:
            yield cursor
        except ENGINE_ERRORS as error:
            known = translated(error, self.redact)
            if known is None:
                raise
            _logger.debug("The engine said: %s", self.redact(str(error)))
            raise known from error
        finally:
            self.return_cursor(cursor)

    @contextmanager
    def snapshot(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor in a transaction that sees one snapshot of the lake and writes nothing."""
        with self.cursor() as cursor:
            cursor.execute("BEGIN TRANSACTION READ ONLY")
            yield cursor

    def redact(self, text: str) -> str:
        """Take the server's own paths and the secrets out of a message."""
        for hidden in self.config.hidden:
            text = text.replace(hidden, "...")
        return text

    def _connected(self) -> duckdb.DuckDBPyConnection:
        self._prepare()
        try:
            connection = connect(self.config)
        except ENGINE_ERRORS as error:
            _logger.debug("The lake does not open: %s", self.redact(str(error)))
            raise why_it_does_not_open(error, self.redact) from error
        self.watchdog.bound_memory(ceiling_of(connection, self.config.process_memory))
        return connection


@cache
def load_client() -> None:
    """Have DuckDB's client import what it imports as a statement first has parameters.

    That is half of pandas: a second or more, which no catalog is to be blamed for.
    """
    with duckdb.connect() as connection:
        connection.execute("SELECT $1", [1])


def _is_dead(connection: duckdb.DuckDBPyConnection) -> bool:
    try:
        connection.execute("SELECT 1")
    except duckdb.FatalException:
        return True
    except duckdb.Error:
        return False
    return False


def _keep_for_good(connection: duckdb.DuckDBPyConnection) -> None:
    """Keep it from being closed even as the process ends."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))
