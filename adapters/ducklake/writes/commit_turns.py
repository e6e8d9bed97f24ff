"""Commits of several processes on one catalog, one at a time.

DuckLake sees no conflict between two appends, so what a commit relies on (that a key was not
used, that a table did not change) has to be looked at where no other process of the service can
commit in between. An advisory lock of the catalog's PostgreSQL holds them off, for the moment of
the commit alone; it is let go with its connection, whatever becomes of the process. An engine that
broke down in between leaves the connection open, so PostgreSQL ends one that is idle for too long.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from adapters.ducklake.config import PostgresCatalog
from adapters.ducklake.engine.lake import Lake
from adapters.ducklake.engine.sql import METADATA, literal
from domain.errors import UnavailableError

LOCK_ID = 0x6475636B6C616B65
"""The lock's number in the database: "ducklake" in ASCII."""


class CommitTurns:
    """Gives commits their turn.

    Attributes:
        shared: Whether other processes may commit too.
    """

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self.shared = isinstance(lake.config.catalog, PostgresCatalog)
        timeout_ms = lake.config.catalog_timeout_s * 1000
        self._wait_ms = max(1, int(timeout_ms / 2))
        # Well after the commit was given up.
        self._idle_ms = max(1, int(timeout_ms * 3))

    @contextmanager
    def turn(self) -> Iterator[None]:
        """While this lasts, no other process of the service commits.

        Raises:
            UnavailableError: When others do not stop committing in time.
        """
        if not self.shared:
            yield
            return
        with self._lake.cursor() as cursor:
            cursor.execute("BEGIN TRANSACTION")
            statement = (
                f"SET LOCAL lock_timeout = {self._wait_ms}; "
                f"SET LOCAL idle_in_transaction_session_timeout = {self._idle_ms}; "
                f"SELECT pg_advisory_xact_lock({LOCK_ID})"
            )
            try:
                cursor.execute(f"CALL postgres_execute('{METADATA}', {literal(statement)})")
            except duckdb.Error as error:
                if "lock timeout" in str(error):
                    raise UnavailableError(
                        "Other writers keep the lake's catalog busy; try again soon."
                    ) from error
                raise
            # It is let go as the cursor is given back, which rolls its transaction back.
            yield
