"""Writing keys to their table in the background, and deleting those that are too old."""

from __future__ import annotations

import logging
import threading
import time
from datetime import datetime

import duckdb

from adapters.ducklake.engine.lake import Lake
from adapters.ducklake.keys import table as key_table
from adapters.ducklake.keys.ledger import KeyLedger
from adapters.ducklake.writes.jobs import Applied, Committed, Job, Transaction
from adapters.ducklake.writes.writer import Writer
from domain.errors import LakehouseError

ARCHIVE_EVERY_S = 60.0
ARCHIVE_KEYS = 10_000
"""So many keys are written to the table at once, without waiting for the minute to end."""

DELETE_EVERY_S = 3600.0

_LOOK_EVERY_S = 1.0
_logger = logging.getLogger(__name__)


class KeyArchive:
    """A thread that keeps the table of keys; it begins with the first key."""

    def __init__(self, lake: Lake, ledger: KeyLedger, writer: Writer) -> None:
        self._lake = lake
        self._ledger = ledger
        self._writer = writer
        self._starting = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="keys", daemon=True)
        self._started = False
        self._stopped = threading.Event()
        self._configured = False
        self._deleted_at = float("-inf")

    def start(self) -> None:
        """Have the keys archived from now on."""
        if self._started:
            return
        with self._starting:
            if not self._started:
                self._started = True
                self._thread.start()

    def archive(self) -> None:
        """Write the keys that only snapshots tell of to the table, and delete the old ones.

        Raises:
            LakehouseError: What keeps it from being committed.
        """
        oldest = None
        if time.monotonic() >= self._deleted_at + DELETE_EVERY_S:
            oldest = self._ledger.oldest()

        def work(transaction: Transaction) -> Applied[int]:
            cursor = transaction.cursor
            before = key_table.archived_up_to(cursor)
            archived = self._ledger.archive(cursor)
            deleted = _delete(cursor, oldest)
            return Applied(archived, changed=archived > before or deleted > 0)

        done = self._writer.commit(Job(work, None))
        # It has no key, so it is never taken from what was done before.
        archived = done.value if isinstance(done, Committed) else 0
        self._ledger.archived(archived)
        if oldest is not None:
            self._ledger.forget_old()
            self._deleted_at = time.monotonic()
        if archived and not self._configured:
            with self._lake.cursor() as cursor:
                key_table.keep_few_in_catalog(cursor)
            self._configured = True

    def close(self) -> None:
        """Stop the thread."""
        self._stopped.set()
        with self._starting:
            started, self._started = self._started, True
        if started and self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        archive_at = time.monotonic() + ARCHIVE_EVERY_S
        while not self._stopped.wait(_LOOK_EVERY_S):
            if self._ledger.recent < ARCHIVE_KEYS and time.monotonic() < archive_at:
                continue
            try:
                self.archive()
            except LakehouseError as error:
                _logger.warning("Keys were not archived; it is tried again: %s", error.detail)
            except Exception:
                _logger.exception("Keys were not archived; it is tried again.")
            archive_at = time.monotonic() + ARCHIVE_EVERY_S


def _delete(cursor: duckdb.DuckDBPyConnection, oldest: datetime | None) -> int:
    if oldest is None or not key_table.is_there(cursor):
        return 0
    return key_table.delete_before(cursor, oldest)
