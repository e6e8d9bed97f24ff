"""Append rows to a table."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from typing import ClassVar

from application.runs import Plan, Run
from application.writes import NO_TERMS, Terms
from domain.bodies import BodyFormat
from domain.lineage import Operation, Usage
from domain.ports.rows import RowReaderPort
from domain.ports.tables import TablePort
from domain.tables import AppendOutcome, TableName


@dataclass(frozen=True, slots=True)
class AppendRowsCommand:
    """Where the rows go, and the body that holds them."""

    table: TableName
    body: Iterable[bytes]
    body_format: BodyFormat
    terms: Terms = NO_TERMS


@dataclass(frozen=True, slots=True)
class AppendRows:
    """Read a body into rows that fit the table, then commit all of them, or none."""

    tables: TablePort
    reader: RowReaderPort
    operation: ClassVar[Operation] = Operation.TABLE_APPEND

    def plan(self, command: AppendRowsCommand) -> Plan:
        """The run writes the table."""
        return Plan(command.table, outputs=(Usage(command.table),))

    def __call__(self, command: AppendRowsCommand, run: Run) -> AppendOutcome:
        """Raises: TableNotFoundError, RowsDoNotFitError, and what the ports raise."""
        columns = self.tables.columns(command.table)
        with closing(self.reader.read(command.body, command.body_format, columns)) as rows:
            write = run.write(command.table, "append", rows.row_count)
            outcome = self.tables.append(command.table, rows, write, command.terms.settled())
        run.writes(
            Usage(
                command.table,
                version=str(outcome.snapshot_id),
                columns=columns,
                row_count=outcome.rows_appended,
            )
        )
        return outcome
