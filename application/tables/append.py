"""Append rows to a table."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import ClassVar

from application.runs import Plan, Run
from application.writes import NO_TERMS, Terms
from domain.bodies import BodyFormat
from domain.errors import TableChangedError
from domain.growth import Growth, OnNewColumns
from domain.lineage import Operation, Usage
from domain.ports.rows import HeldBody, RowReaderPort
from domain.ports.tables import TablePort
from domain.settling import Pending, Settled
from domain.tables import AppendOutcome, Column, TableName

MAX_READINGS = 5
"""How often a body is read for a table that others change meanwhile."""


@dataclass(frozen=True, slots=True)
class AppendRowsCommand:
    """Where the rows go, and the body that holds them."""

    table: TableName
    body: Iterable[bytes]
    body_format: BodyFormat
    terms: Terms = NO_TERMS
    on_new_columns: OnNewColumns = OnNewColumns.ERROR


@dataclass(frozen=True, slots=True)
class BegunAppend:
    """Rows that were submitted.

    Attributes:
        pending: Settled when they are committed, or are not going to be.
        finish: To be called once: waits until then, tells the run, and gives the outcome.
    """

    pending: Pending[AppendOutcome]
    finish: Callable[[], AppendOutcome]


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
        return self.begin(command, run).finish()

    def may_wait(self, command: AppendRowsCommand) -> bool:
        """Whether `begin` may have to wait for more than the body."""
        return command.on_new_columns is OnNewColumns.ADD or self.tables.may_wait(
            command.table, command.terms.key
        )

    def begin(self, command: AppendRowsCommand, run: Run) -> BegunAppend:
        """Read the body, and submit its rows. A table that may grow is waited for here.

        Raises: TableNotFoundError, RowsDoNotFitError, and what the ports raise.
        """
        if command.on_new_columns is OnNewColumns.ADD:
            outcome = self._append_growing(command, run)
            return BegunAppend(Settled(lambda: outcome), lambda: outcome)
        columns = self.tables.columns(command.table)
        rows = self.reader.read(command.body, command.body_format, columns)
        try:
            write = run.write(command.table, "append", rows.row_count)
            pending = self.tables.submit(command.table, rows, write, command.terms.settled())
        except BaseException:
            rows.close()
            raise

        def finish() -> AppendOutcome:
            with closing(rows):
                outcome = pending.result()
            run.writes(_usage(command, columns, outcome))
            return outcome

        return BegunAppend(pending, finish)

    def _append_growing(self, command: AppendRowsCommand, run: Run) -> AppendOutcome:
        """Append to a table that may grow.

        The body is kept until its rows are written: when somebody else made the table grow in
        between, and another way, it is read again for the table as it is by then.
        """
        # No body is received for a table that is not there.
        self.tables.columns(command.table)
        with closing(self.reader.hold(command.body, command.body_format)) as body:
            for _ in range(MAX_READINGS - 1):
                with suppress(TableChangedError):
                    return self._append_held(command, body, run)
            return self._append_held(command, body, run)

    def _append_held(self, command: AppendRowsCommand, body: HeldBody, run: Run) -> AppendOutcome:
        columns = self.tables.columns(command.table)
        with closing(body.rows(columns)) as rows:
            write = run.write(command.table, "append", rows.row_count)
            outcome = self.tables.append(command.table, rows, write, command.terms.settled())
        grown = Growth(outcome.columns_added, outcome.columns_widened).applied_to(columns)
        run.writes(_usage(command, grown, outcome))
        return outcome


def _usage(
    command: AppendRowsCommand, columns: tuple[Column, ...], outcome: AppendOutcome
) -> Usage:
    return Usage(
        command.table,
        version=str(outcome.snapshot_id),
        columns=columns,
        row_count=outcome.rows_appended,
    )
