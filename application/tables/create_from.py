"""Make a table of rows that are there already."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

from application.runs import Plan, Run
from application.writes import NO_TERMS, Terms
from domain.derived_tables import DerivedOutcome, DerivedTable
from domain.lineage import Lifecycle, Operation, Usage
from domain.ports.tables import TablePort
from domain.queries import QueryTimeouts
from domain.tables import IfExists


@dataclass(frozen=True, slots=True)
class CreateTableFromCommand:
    """What table to make of what, and what to do when it is there."""

    table: DerivedTable
    if_exists: IfExists = IfExists.ERROR
    terms: Terms = NO_TERMS


@dataclass(frozen=True, slots=True)
class CreateTableFrom:
    """Make a table with the columns and rows of its source."""

    tables: TablePort
    timeouts: QueryTimeouts = field(default_factory=QueryTimeouts)
    operation: ClassVar[Operation] = Operation.TABLE_CREATE

    def plan(self, command: CreateTableFromCommand) -> Plan:
        """The run writes the table; what it reads is known when the source was."""
        name = command.table.name
        return Plan(name, outputs=(Usage(name),), sql=command.table.sql)

    def __call__(self, command: CreateTableFromCommand, run: Run) -> DerivedOutcome:
        """Raises: what `TablePort.create_from` raises."""
        name = command.table.name
        replaces = command.if_exists is IfExists.REPLACE
        write = run.write(name, "replace" if replaces else "create")
        source = replace(command.table.source, timeout_s=self.timeouts.default_s)
        table = replace(command.table, source=source)
        made = self.tables.create_from(table, command.if_exists, write, command.terms.settled())
        if made.read is None:
            return made
        for each in made.read.tables:
            run.reads(Usage(each, version=str(made.read.snapshot_id)))
        for found in made.read.objects:
            run.reads(Usage(found.ref, version=found.etag, size_bytes=found.size))
        run.writes(
            Usage(
                name,
                version=str(made.outcome.description.snapshot_id),
                columns=made.outcome.description.columns,
                row_count=made.read.row_count,
                lifecycle=Lifecycle.OVERWRITE if replaces else Lifecycle.CREATE,
            )
        )
        return made
