"""Check the lake's files."""

from __future__ import annotations

from dataclasses import dataclass

from domain.maintenance import CheckReport, Progress, no_progress
from domain.ports.maintenance import MaintenancePort


@dataclass(frozen=True, slots=True)
class CheckLake:
    """Compare the files that the catalog names with those that are there.

    No run of lineage: it reads no data.
    """

    maintenance: MaintenancePort

    def __call__(self, progress: Progress = no_progress) -> CheckReport:
        """Raises: UnavailableError, UpstreamTimeoutError, BadUpstreamError."""
        return self.maintenance.check(progress)


@dataclass(frozen=True, slots=True)
class DeleteOrphans:
    """Delete files that no snapshot needs."""

    maintenance: MaintenancePort

    def __call__(self) -> int:
        """How many it were. Raises: as `CheckLake`."""
        return self.maintenance.delete_orphans()
