"""List tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from application.runs import Plan, Run
from domain.lineage import Operation
from domain.ports.tables import TablePort
from domain.tables import NamespaceName, TablePage


@dataclass(frozen=True, slots=True)
class ListTablesCommand:
    """Which tables to list: those of a namespace, behind a place, at most so many."""

    namespace: NamespaceName | None = None
    after: tuple[str, str] | None = None
    limit: int = 1000


@dataclass(frozen=True, slots=True)
class ListTables:
    """List a page of tables."""

    tables: TablePort
    operation: ClassVar[Operation] = Operation.TABLE_LIST

    def plan(self, command: ListTablesCommand) -> Plan:  # noqa: ARG002 - no list reads a table
        """The run reads no table, only the catalog."""
        return Plan()

    def __call__(self, command: ListTablesCommand, run: Run) -> TablePage:  # noqa: ARG002
        """Raises: what `TablePort.list_tables` raises."""
        return self.tables.list_tables(command.namespace, command.after, command.limit)
