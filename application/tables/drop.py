"""Drop a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from application.runs import Plan, Run
from application.writes import NO_TERMS, Terms
from domain.lineage import Lifecycle, Operation, Usage
from domain.ports.tables import TablePort
from domain.tables import DropOutcome, TableName


@dataclass(frozen=True, slots=True)
class DropTableCommand:
    """Which table."""

    table: TableName
    terms: Terms = NO_TERMS


@dataclass(frozen=True, slots=True)
class DropTable:
    """Drop a table; its past stays in the lake."""

    tables: TablePort
    operation: ClassVar[Operation] = Operation.TABLE_DROP

    def plan(self, command: DropTableCommand) -> Plan:
        """The run writes the table."""
        return Plan(command.table, outputs=(Usage(command.table),))

    def __call__(self, command: DropTableCommand, run: Run) -> DropOutcome:
        """Raises: TableNotFoundError, WriteConflictError."""
        outcome = self.tables.drop(
            command.table, run.write(command.table, "drop"), command.terms.settled()
        )
        run.writes(Usage(command.table, lifecycle=Lifecycle.DROP))
        return outcome
