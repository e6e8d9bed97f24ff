"""Merging small files in the background, as appends leave them."""

from __future__ import annotations

import logging
import threading
import time

import duckdb

from adapters.ducklake.compaction.small_files import SmallFiles, merge_small_files, small_files
from adapters.ducklake.engine.lake import Lake
from adapters.ducklake.writes.jobs import Applied, Committed, Job, Transaction
from adapters.ducklake.writes.writer import Writer
from domain.commits import Write
from domain.errors import LakehouseError, UnavailableError
from domain.lineage import new_run_id

IDLE_S = 5.0
"""So long after the last write, tables are looked at however few writes there were."""

MAX_TURN_S = 5.0
"""A merge that takes longer is broken off: writes wait for it."""

_LOOK_EVERY_S = 0.5
_logger = logging.getLogger(__name__)


class Compactor:
    """A thread that merges the small files of tables; it begins with the first write.

    Each merge is a job of the writer, so no write of this process is under way beside it. One
    of another process that deletes or updates rows would be undone by it, without an error
    (DuckLake 1.5.5): whoever has such clients turns this off.

    Args:
        lake: The lake.
        writer: Its writer.
        after: A table is merged when it has so many small files more than merging left of it;
            0 for never.
    """

    def __init__(self, lake: Lake, writer: Writer, after: int) -> None:
        self._lake = lake
        self._writer = writer
        self._after = after
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()
        self._cursor: duckdb.DuckDBPyConnection | None = None
        self._writes = 0
        self._last_write = 0.0
        self._next_at: dict[int, int] = {}

    def wrote(self) -> None:
        """Something was written."""
        if not self._after:
            return
        with self._lock:
            self._writes += 1
            self._last_write = time.monotonic()
            if self._thread is None and not self._stopped.is_set():
                self._thread = threading.Thread(target=self._run, name="compaction", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Stop the thread; what it is merging is broken off."""
        self._stopped.set()
        with self._lock:
            thread = self._thread
        self._interrupt()
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(_LOOK_EVERY_S):
            if self._is_due():
                try:
                    self._compact()
                except LakehouseError as error:
                    _logger.warning("Small files were not looked for: %s", error.detail)
                except Exception:
                    _logger.exception("Small files were not looked for.")

    def _is_due(self) -> bool:
        with self._lock:
            idle = time.monotonic() >= self._last_write + IDLE_S
            due = self._writes >= self._after or (self._writes > 0 and idle)
            if due:
                self._writes = 0
            return due

    def _compact(self) -> None:
        found = self._lake.read(lambda cursor: small_files(cursor, self._after))
        for each in found:
            if each.count < self._next_at.get(each.table_id, self._after):
                continue
            if self._stopped.is_set():
                return
            # What fails is not tried again soon: writes have waited for it.
            self._next_at[each.table_id] = 2 * each.count
            try:
                self._merge(each)
            except LakehouseError as error:
                if not self._stopped.is_set():
                    _logger.warning(
                        "The %d small files of %s were not merged; it is tried again when there "
                        "are twice as many: %s",
                        each.count,
                        each,
                        error.detail,
                    )

    def _merge(self, files: SmallFiles) -> None:
        begun = False

        def work(transaction: Transaction) -> Applied[tuple[int, int]]:
            nonlocal begun
            if begun:
                # Another process was faster; what it left is seen at the next look.
                return Applied((0, 0), changed=False)
            begun = True
            with transaction.clock.stopped():
                merged, made = self._merged(transaction.cursor, files)
            return Applied((merged, made), changed=made > 0)

        started = time.monotonic()
        job = Job(work, Write(str(files), "compact", new_run_id()))
        done = self._writer.commit(job)
        # It has no key, so it is never taken from what was done before.
        merged, made = done.value if isinstance(done, Committed) else (0, 0)
        self._next_at[files.table_id] = files.count - merged + made + self._after
        if made:
            _logger.info(
                "Merged %d small files of %s into %d in %.2f s.",
                merged,
                files,
                made,
                time.monotonic() - started,
            )

    def _merged(self, cursor: duckdb.DuckDBPyConnection, files: SmallFiles) -> tuple[int, int]:
        limit = threading.Timer(MAX_TURN_S, cursor.interrupt)
        with self._lock:
            self._cursor = cursor
        limit.start()
        try:
            if self._stopped.is_set():
                raise UnavailableError("The service stops.")
            return merge_small_files(cursor, files)
        except duckdb.InterruptException as error:
            raise UnavailableError("It took too long, and was broken off.") from error
        finally:
            limit.cancel()
            with self._lock:
                self._cursor = None

    def _interrupt(self) -> None:
        with self._lock:
            if self._cursor is not None:
                self._cursor.interrupt()
