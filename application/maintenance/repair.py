"""Repair the lake."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from application.runs import Plan, Run
from domain.lineage import Operation, Usage
from domain.maintenance import CheckReport, Progress, no_progress
from domain.ports.maintenance import MaintenancePort


@dataclass(frozen=True, slots=True)
class RepairLakeCommand:
    """Who is told how far it has come."""

    progress: Progress = no_progress


@dataclass(frozen=True, slots=True)
class RepairLake:
    """Check the lake's files, and take damaged ones out of the current version."""

    maintenance: MaintenancePort
    operation: ClassVar[Operation] = Operation.LAKE_REPAIR

    def plan(self, command: RepairLakeCommand) -> Plan:  # noqa: ARG002 - as `UseCase.plan`
        """Which tables are damaged is not known yet."""
        return Plan()

    def __call__(self, command: RepairLakeCommand, run: Run) -> CheckReport:
        """Raises: WriteConflictError, UnavailableError, UpstreamTimeoutError, BadUpstreamError."""
        report = self.maintenance.check(command.progress, run.id)
        if report.repair is not None:
            for table in report.repair.tables:
                run.writes(Usage(table))
        return report
