"""Describe a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from application.runs import Plan, Run
from domain.lineage import Operation, Usage
from domain.ports.tables import TablePort
from domain.tables import PointInTime, TableDescription, TableName


@dataclass(frozen=True, slots=True)
class DescribeTableCommand:
    """Which table, and as of when (None: now)."""

    table: TableName
    at: PointInTime | None = None


@dataclass(frozen=True, slots=True)
class DescribeTable:
    """Say what a table is."""

    tables: TablePort
    operation: ClassVar[Operation] = Operation.TABLE_DESCRIBE

    def plan(self, command: DescribeTableCommand) -> Plan:
        """The run reads the table."""
        return Plan(command.table, inputs=(Usage(command.table),))

    def __call__(self, command: DescribeTableCommand, run: Run) -> TableDescription:
        """Raises: TableNotFoundError, SnapshotNotFoundError."""
        description = self.tables.describe(command.table, command.at)
        run.reads(
            Usage(
                command.table,
                version=str(description.snapshot_id),
                columns=description.columns,
            )
        )
        return description
