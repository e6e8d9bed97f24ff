"""Make a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from application.runs import Plan, Run
from application.writes import NO_TERMS, Terms
from domain.lineage import Lifecycle, Operation, Usage
from domain.ports.tables import TablePort
from domain.tables import CreateOutcome, IfExists, TableDefinition


@dataclass(frozen=True, slots=True)
class CreateTableCommand:
    """What table to make, and what to do when it is there."""

    definition: TableDefinition
    if_exists: IfExists = IfExists.ERROR
    terms: Terms = NO_TERMS


@dataclass(frozen=True, slots=True)
class CreateTable:
    """Make a table, and its namespace with it when that is not there."""

    tables: TablePort
    operation: ClassVar[Operation] = Operation.TABLE_CREATE

    def plan(self, command: CreateTableCommand) -> Plan:
        """The run writes the new table."""
        return Plan(command.definition.name, outputs=(Usage(command.definition.name),))

    def __call__(self, command: CreateTableCommand, run: Run) -> CreateOutcome:
        """Raises: TableExistsError, and what `TablePort.create` raises."""
        replace = command.if_exists is IfExists.REPLACE
        write = run.write(command.definition.name, "replace" if replace else "create")
        outcome = self.tables.create(
            command.definition, command.if_exists, write, command.terms.settled()
        )
        if outcome.created:
            run.writes(
                Usage(
                    command.definition.name,
                    version=str(outcome.description.snapshot_id),
                    columns=outcome.description.columns,
                    lifecycle=Lifecycle.OVERWRITE if replace else Lifecycle.CREATE,
                )
            )
        return outcome
