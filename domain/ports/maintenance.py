"""The port to the lake's maintenance."""

from __future__ import annotations

from abc import abstractmethod
from typing import Protocol

from domain.maintenance import CheckReport, Progress


class MaintenancePort(Protocol):
    """Looks after the files of the lake.

    Any call raises `UnavailableError`, `UpstreamTimeoutError` or `BadUpstreamError` when the
    catalog or the storage does not serve.
    """

    @abstractmethod
    def check(self, progress: Progress, repair_run: str | None = None) -> CheckReport:
        """Compare the files that the catalog names with those that are there.

        A repair takes damaged files out of the current version, in one new snapshot, so that
        the rest of each table can be read again. What it takes out stays in the past.

        Args:
            progress: Told how far it has come.
            repair_run: The run of a repair, which the new snapshot names; None repairs nothing.

        Raises:
            WriteConflictError: When other writers keep the repair from being committed.
        """

    @abstractmethod
    def delete_orphans(self) -> int:
        """Delete files that no snapshot needs and no write can be about to commit.

        Returns:
            How many were deleted.
        """
