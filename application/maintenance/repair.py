"""Repair the lake."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from application.maintenance.check import CheckLakeCommand
from application.runs import Plan, Run
from domain.lineage import Operation, Usage
from domain.maintenance import CheckReport
from domain.ports.maintenance import MaintenancePort


@dataclass(frozen=True, slots=True)
class RepairLake:
    """Check the lake's files, and take damaged ones out of the current version."""

    maintenance: MaintenancePort
    operation: ClassVar[Operation] = Operation.LAKE_REPAIR

    def plan(self, command: CheckLakeCommand) -> Plan:  # noqa: ARG002 - as `UseCase.plan`
        """Which tables are damaged is not known yet."""
        return Plan()

    def __call__(self, command: CheckLakeCommand, run: Run) -> CheckReport:
        """Raises: WriteConflictError, UnavailableError, UpstreamTimeoutError, BadUpstreamError."""
        report = self.maintenance.check(command.progress, run.id, command.grace)
        if report.repair is not None:
            for table in report.repair.tables:
                run.writes(Usage(table))
        return report
