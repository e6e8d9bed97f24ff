"""Append the rows of objects to a table."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import ClassVar

from application.runs import Plan, Run
from application.tables.append import MAX_READINGS
from application.writes import NO_TERMS, Terms
from domain.commits import Write
from domain.errors import TableChangedError
from domain.growth import OnNewColumns
from domain.lineage import Operation, Usage
from domain.object_rows import LoadOutcome, ObjectRows
from domain.ports.tables import TablePort
from domain.queries import QueryTimeouts
from domain.tables import TableName


@dataclass(frozen=True, slots=True)
class LoadObjectsCommand:
    """Where the rows go, and the objects that they are in."""

    table: TableName
    rows: ObjectRows
    terms: Terms = NO_TERMS
    on_new_columns: OnNewColumns = OnNewColumns.ERROR


@dataclass(frozen=True, slots=True)
class LoadObjects:
    """Read objects into a table in the engine: all of their rows in one commit, or none."""

    tables: TablePort
    timeouts: QueryTimeouts = field(default_factory=QueryTimeouts)
    operation: ClassVar[Operation] = Operation.TABLE_LOAD

    def plan(self, command: LoadObjectsCommand) -> Plan:
        """The run writes the table; which objects it reads is known when they were found."""
        return Plan(command.table, outputs=(Usage(command.table),))

    def __call__(self, command: LoadObjectsCommand, run: Run) -> LoadOutcome:
        """Raises: what `TablePort.load` raises."""
        write = run.write(command.table, "load")
        rows = replace(command.rows, timeout_s=self.timeouts.default_s)
        loaded = self._loaded(command, rows, write)
        for found in loaded.objects:
            run.reads(Usage(found.ref, version=found.etag, size_bytes=found.size))
        run.writes(
            Usage(
                command.table,
                version=str(loaded.outcome.snapshot_id),
                row_count=loaded.outcome.rows_appended,
            )
        )
        return loaded

    def _loaded(self, command: LoadObjectsCommand, rows: ObjectRows, write: Write) -> LoadOutcome:
        """Load; when somebody else made the table grow meanwhile, and another way, again."""
        terms, growing = command.terms.settled(), command.on_new_columns
        if growing is OnNewColumns.ADD:
            for _ in range(MAX_READINGS - 1):
                with suppress(TableChangedError):
                    return self.tables.load(command.table, rows, write, terms, growing)
        return self.tables.load(command.table, rows, write, terms, growing)
