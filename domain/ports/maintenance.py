"""The port to the lake's maintenance."""

from __future__ import annotations

from abc import abstractmethod
from datetime import timedelta
from typing import Protocol

from domain.maintenance import GRACE, CheckReport, Progress


class MaintenancePort(Protocol):
    """Looks after the files of the lake, also while it is written to.

    Files that no snapshot needs are orphans, unless a write may be about to commit them. What
    this process is writing is known. Where other processes may write too, a file has to be
    older than a grace period.

    Any call raises `UnavailableError`, `UpstreamTimeoutError` or `BadUpstreamError` when the
    catalog or the storage does not serve.
    """

    @abstractmethod
    def check(
        self, progress: Progress, repair_run: str | None = None, grace: timedelta = GRACE
    ) -> CheckReport:
        """Compare the files that the catalog names with those that are there.

        A repair takes damaged files out of the current version, in one new snapshot, so that
        the rest of each table can be read again. What it takes out stays in the past.

        Args:
            progress: Told how far it has come.
            repair_run: The run of a repair, which the new snapshot names; None repairs nothing.
            grace: How old an orphan is at least, where other processes may write.

        Raises:
            WriteConflictError: When other writers keep the repair from being committed.
        """

    @abstractmethod
    def delete_orphans(self, grace: timedelta = GRACE) -> int:
        """Delete files that no snapshot needs and no write can be about to commit.

        Args:
            grace: How old they are at least, where other processes may write; less than a
                write may take is for when none of them does.

        Returns:
            How many were deleted.
        """
