"""The maintenance port on DuckLake."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import duckdb

from adapters.ducklake.config import FileCatalog
from adapters.ducklake.engine.errors import translated
from adapters.ducklake.engine.lake import Lake
from adapters.ducklake.engine.sql import LAKE, literal
from adapters.ducklake.maintenance.inventory import Finding, Inventory, NamedFile
from adapters.ducklake.maintenance.repair import take_out
from domain.errors import WriteConflictError
from domain.maintenance import CheckReport, Damage, Progress, Repair
from domain.ports.lake_files import LakeFilePort
from domain.ports.maintenance import MaintenancePort

READERS = 8
"""So many files are looked at at the same time: each costs an object store's round trip."""

MAX_ATTEMPTS = 5
UNDER_WAY = "24 HOURS"
"""No write of another process takes longer between its first file and its commit."""

_PARQUET = "parquet"
# The footer's length, and the magic of a file or of one with an encrypted footer (Parquet,
# "File Format").
_TAIL = struct.Struct("<I4s")
_MAGIC = frozenset({b"PAR1", b"PARE"})
_LEAST_BYTES = _TAIL.size + 4


class DuckLakeMaintenance(MaintenancePort):
    """Looks after the files of one DuckLake.

    A repair, and the deletion of orphans, are for a process that writes nothing else meanwhile.
    Other processes on the same catalog may.
    """

    def __init__(self, lake: Lake, files: LakeFilePort) -> None:
        self._lake = lake
        self._files = files

    def check(self, progress: Progress, repair_run: str | None = None) -> CheckReport:
        """As `MaintenancePort.check`."""
        with self._lake.cursor() as cursor:
            inventory = Inventory(cursor)
            for count in inventory.store(self._files.list_files()):
                progress(count, None)
            data_path = self._lake.config.data_path
            self._lake.deadline.run(lambda _: inventory.read_catalog(data_path))
            total = inventory.count()
            for done in self._look_at_all(inventory):
                progress(done, total)
            damaged_count, current_count = inventory.damaged()
            orphan_files, orphan_bytes = inventory.orphans()
            report = CheckReport(
                snapshot_id=inventory.snapshot_id,
                files_checked=total,
                files_elsewhere=inventory.elsewhere(),
                damaged=inventory.told(),
                damaged_count=damaged_count,
                current_count=current_count,
                orphan_files=orphan_files,
                orphan_bytes=orphan_bytes,
            )
            if repair_run is None or current_count == 0:
                return report
            return replace(report, repair=self._repair(cursor, repair_run))

    def delete_orphans(self) -> int:
        """As `MaintenancePort.delete_orphans`.

        A catalog in a file belongs to this process alone, so nobody else's write is under way.
        """
        alone = isinstance(self._lake.config.catalog, FileCatalog)
        before = "now()" if alone else f"now() - INTERVAL {UNDER_WAY}"
        with self._lake.cursor() as cursor:
            deleted = cursor.execute(
                f"CALL ducklake_delete_orphaned_files({literal(LAKE)}, older_than => {before})"
            ).fetchall()
        return len(deleted)

    def _look_at_all(self, inventory: Inventory) -> Iterator[int]:
        done = 0
        with ThreadPoolExecutor(READERS, thread_name_prefix="check") as readers:
            for page in inventory.pages():
                found = readers.map(self._look_at, page)
                inventory.add([finding for finding in found if finding is not None])
                done += len(page)
                yield done

    def _look_at(self, file: NamedFile) -> Finding | None:
        found = file.found_bytes
        if found != file.size_bytes:
            # It may have been written, or cleaned up, since the files were listed.
            found = self._files.size_of(file.name)
        if found is None:
            return Finding(file.number, Damage.MISSING, None)
        if found != file.size_bytes:
            return Finding(file.number, Damage.WRONG_SIZE, found)
        if file.format == _PARQUET and not self._is_parquet(file):
            return Finding(file.number, Damage.NOT_PARQUET, found)
        return None

    def _is_parquet(self, file: NamedFile) -> bool:
        end = self._files.read_end(file.name, _TAIL.size)
        if len(end) < _TAIL.size:
            return False
        footer, magic = _TAIL.unpack(end)
        return (
            magic in _MAGIC
            and footer + _LEAST_BYTES <= file.size_bytes
            and file.footer_bytes in {None, footer}
        )

    def _repair(self, cursor: duckdb.DuckDBPyConnection, run_id: str) -> Repair | None:
        for attempt in range(MAX_ATTEMPTS):
            try:
                return self._lake.deadline.run(lambda _: take_out(cursor, run_id))
            except duckdb.Error as error:
                known = translated(error, self._lake.redact)
                if not isinstance(known, WriteConflictError) or attempt == MAX_ATTEMPTS - 1:
                    raise
        raise AssertionError("the last attempt returns or raises")
