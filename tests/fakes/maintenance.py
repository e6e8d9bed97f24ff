"""Files of a lake in memory, and the maintenance of a lake that has none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from domain.maintenance import (
    GRACE,
    CheckReport,
    DamagedFile,
    FileKind,
    LakeFile,
    Progress,
    Repair,
)
from domain.ports.lake_files import LakeFilePort
from domain.ports.maintenance import MaintenancePort
from tests.fakes.tables import FakeTables


class FakeLakeFiles(LakeFilePort):
    """Files by name."""

    def __init__(self) -> None:
        self.contents: dict[str, bytes] = {}

    def list_files(self) -> Iterator[LakeFile]:
        for name, content in list(self.contents.items()):
            yield LakeFile(name, len(content), datetime.now(UTC))

    def size_of(self, name: str) -> int | None:
        content = self.contents.get(name)
        return None if content is None else len(content)

    def read_end(self, name: str, count: int) -> bytes:
        return self.contents.get(name, b"")[-count:]

    def delete(self, name: str) -> bool:
        return self.contents.pop(name, None) is not None


class FakeMaintenance(MaintenancePort):
    """The maintenance of tables whose rows are in memory.

    Attributes:
        damaged: What a check finds; rows in memory are never lost by themselves.
        orphans: What lies there and is needed by nobody.
        alone: Whether no other process may write; else orphans have to be older than the grace.
    """

    def __init__(self, tables: FakeTables) -> None:
        self._tables = tables
        self.damaged: list[DamagedFile] = []
        self.orphans: list[LakeFile] = []
        self.alone = True

    def check(
        self, progress: Progress, repair_run: str | None = None, grace: timedelta = GRACE
    ) -> CheckReport:
        snapshot_id = self._tables.snapshots[-1].snapshot_id
        current = [file for file in self.damaged if file.current]
        old, recent = self._by_age(grace)
        report = CheckReport(
            snapshot_id=snapshot_id,
            files_checked=len(self.damaged),
            files_elsewhere=0,
            damaged=tuple(self.damaged),
            damaged_count=len(self.damaged),
            current_count=len(current),
            orphan_files=len(old),
            orphan_bytes=sum(file.size_bytes for file in old),
            recent_files=len(recent),
            recent_bytes=sum(file.size_bytes for file in recent),
        )
        progress(len(self.damaged), len(self.damaged))
        if repair_run is None or not current:
            return report
        self.damaged = [replace(file, last_snapshot=snapshot_id) for file in self.damaged]
        data = [file for file in current if file.kind is FileKind.DATA]
        delete = [file for file in current if file.kind is FileKind.DELETE]
        return replace(
            report,
            repair=Repair(
                snapshot_id=snapshot_id + 1,
                tables=tuple({file.table: None for file in current}),
                data_files=len(data),
                delete_files=len(delete),
                rows_lost=sum(file.rows for file in data),
                rows_back=sum(file.rows for file in delete),
            ),
        )

    def delete_orphans(self, grace: timedelta = GRACE) -> int:
        old, self.orphans = self._by_age(grace)
        return len(old)

    def _by_age(self, grace: timedelta) -> tuple[list[LakeFile], list[LakeFile]]:
        """Orphans, and what is too young to be called so."""
        before = datetime.now(UTC) - grace
        old = [file for file in self.orphans if self.alone or file.modified_at < before]
        return old, [file for file in self.orphans if file not in old]
