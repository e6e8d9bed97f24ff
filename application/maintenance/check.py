"""Check the lake's files, and delete those that nobody needs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from application.runs import Plan, Run
from domain.lineage import Operation
from domain.maintenance import GRACE, CheckReport, Progress, no_progress
from domain.ports.maintenance import MaintenancePort


@dataclass(frozen=True, slots=True)
class CheckLakeCommand:
    """Who is told how far it has come, and how old an orphan is at least.

    Attributes:
        progress: Told how far it has come.
        grace: As `MaintenancePort.check`.
    """

    progress: Progress = no_progress
    grace: timedelta = GRACE


@dataclass(frozen=True, slots=True)
class CheckLake:
    """Compare the files that the catalog names with those that are there."""

    maintenance: MaintenancePort
    operation: ClassVar[Operation] = Operation.LAKE_CHECK

    def plan(self, command: CheckLakeCommand) -> Plan:  # noqa: ARG002 - as `UseCase.plan`
        """It looks at the files of all tables, and reads the rows of none."""
        return Plan()

    def __call__(self, command: CheckLakeCommand, run: Run) -> CheckReport:  # noqa: ARG002
        """Raises: UnavailableError, UpstreamTimeoutError, BadUpstreamError."""
        return self.maintenance.check(command.progress, grace=command.grace)


@dataclass(frozen=True, slots=True)
class DeleteOrphansCommand:
    """How old an orphan is at least.

    Attributes:
        grace: As `MaintenancePort.delete_orphans`.
    """

    grace: timedelta = GRACE


@dataclass(frozen=True, slots=True)
class DeleteOrphans:
    """Delete files that no snapshot needs."""

    maintenance: MaintenancePort
    operation: ClassVar[Operation] = Operation.ORPHANS_DELETE

    def plan(self, command: DeleteOrphansCommand) -> Plan:  # noqa: ARG002 - as `UseCase.plan`
        """No table changes."""
        return Plan()

    def __call__(self, command: DeleteOrphansCommand, run: Run) -> int:  # noqa: ARG002
        """How many it were. Raises: as `CheckLake`."""
        return self.maintenance.delete_orphans(command.grace)
