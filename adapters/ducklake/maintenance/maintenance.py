"""The maintenance port on DuckLake."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeVar

from adapters.ducklake.config import FileCatalog
from adapters.ducklake.engine.deadline import Clock
from adapters.ducklake.engine.lake import Lake
from adapters.ducklake.maintenance.inventory import Inventory
from adapters.ducklake.maintenance.looks import look_at
from adapters.ducklake.maintenance.repair import take_out
from adapters.ducklake.writes.commit_turns import CommitTurns
from domain.maintenance import GRACE, CheckReport, Progress, Repair, no_progress
from domain.ports.lake_files import LakeFilePort
from domain.ports.maintenance import MaintenancePort

READERS = 8
"""So many files are looked at at the same time: each costs an object store's round trip."""

T = TypeVar("T")


class WriterTurns(Protocol):
    """The one writer of the lake in this process."""

    def in_turn(self, work: Callable[[Clock], T]) -> T:
        """Do something while no transaction of this process is under way; again on conflicts."""
        ...


class DuckLakeMaintenance(MaintenancePort):
    """Looks after the files of one DuckLake, beside its writers.

    Args:
        lake: The lake.
        files: Where its files lie.
        writer: Who writes to it in this process.
    """

    def __init__(self, lake: Lake, files: LakeFilePort, writer: WriterTurns) -> None:
        self._lake = lake
        self._files = files
        self._writer = writer
        self._turns = CommitTurns(lake)
        # A catalog in a file belongs to this process, so nobody else's write is under way.
        self._alone = isinstance(lake.config.catalog, FileCatalog)

    def check(
        self, progress: Progress, repair_run: str | None = None, grace: timedelta = GRACE
    ) -> CheckReport:
        """As `MaintenancePort.check`."""

        def check(clock: Clock) -> CheckReport:
            with self._inventory() as (inventory, readers):
                self._compare(inventory, readers, progress, clock)
                report = self._report(inventory, grace)
                if repair_run is None or report.current_count == 0:
                    return report
                return replace(report, repair=self._repair(inventory, repair_run, clock))

        return self._lake.deadline.run(check)

    def _compare(
        self, inventory: Inventory, readers: Executor, progress: Progress, clock: Clock
    ) -> None:
        self._list(inventory, progress, clock)
        inventory.read_catalog()
        total = inventory.count()
        with clock.stopped():
            for done in self._look_at_all(inventory, readers):
                progress(done, total)
        self._look_again(inventory, readers, clock)

    def _report(self, inventory: Inventory, grace: timedelta) -> CheckReport:
        damaged_count, current_count = inventory.damaged()
        orphan_files, orphan_bytes, recent_files, recent_bytes = inventory.orphans(
            self._before(grace)
        )
        return CheckReport(
            snapshot_id=inventory.snapshot_id,
            files_checked=inventory.count(),
            files_elsewhere=inventory.elsewhere(),
            damaged=inventory.told(),
            damaged_count=damaged_count,
            current_count=current_count,
            orphan_files=orphan_files,
            orphan_bytes=orphan_bytes,
            recent_files=recent_files,
            recent_bytes=recent_bytes,
        )

    def _repair(self, inventory: Inventory, run_id: str, clock: Clock) -> Repair | None:
        def repair(turns_clock: Clock) -> Repair | None:
            with self._turns.turn():
                return take_out(self._lake, inventory.cursor, run_id, turns_clock)

        with clock.stopped():
            return self._writer.in_turn(repair)

    def delete_orphans(self, grace: timedelta = GRACE) -> int:
        """As `MaintenancePort.delete_orphans`.

        DuckLake's own function for it finds nothing in S3 where the engine takes a `*` in a name
        for a `*`, as it has to here.
        """

        def delete(clock: Clock) -> int:
            with self._inventory() as (inventory, readers):
                self._list(inventory, no_progress, clock)
                inventory.read_catalog()
                self._look_again(inventory, readers, clock)
                with clock.stopped():
                    return sum(
                        deleted
                        for page in inventory.unneeded(self._before(grace))
                        for deleted in readers.map(self._files.delete, [name for _, name in page])
                    )

        return self._lake.deadline.run(delete)

    @contextmanager
    def _inventory(self) -> Iterator[tuple[Inventory, Executor]]:
        with (
            self._lake.cursor() as cursor,
            ThreadPoolExecutor(READERS, thread_name_prefix="check") as readers,
        ):
            yield Inventory(cursor, self._lake.config.data_path), readers

    def _before(self, grace: timedelta) -> datetime | None:
        """When an orphan was written at the latest; None when it does not matter."""
        return None if self._alone else datetime.now(UTC) - grace

    def _list(self, inventory: Inventory, progress: Progress, clock: Clock) -> None:
        with clock.stopped():
            for count in inventory.store(self._files.list_files()):
                progress(count, None)

    def _look_at_all(self, inventory: Inventory, readers: Executor) -> Iterator[int]:
        done = 0
        for page in inventory.pages():
            found = readers.map(lambda file: look_at(file, self._files), page)
            inventory.add([finding for finding in found if finding is not None])
            done += len(page)
            yield done

    def _look_again(self, inventory: Inventory, readers: Executor, clock: Clock) -> None:
        """Let go of what looked wrong because it was being written, or cleaned up."""
        if inventory.seems_sound():
            return
        if self._alone:
            # What was being written as the files were listed is named by then, or removed.
            with clock.stopped():
                self._writer.in_turn(lambda _: inventory.read_catalog_again())
        else:
            inventory.read_catalog_again()
        with clock.stopped():
            for page in inventory.unneeded():
                sizes = readers.map(lambda file: self._files.size_of(file[1]), page)
                gone = [file[0] for file, size in zip(page, sizes, strict=True) if size is None]
                inventory.forget_unneeded(gone)
