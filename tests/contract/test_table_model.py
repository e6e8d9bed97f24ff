"""The table port against a simple model of it, by random steps."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from domain.errors import TableExistsError, TableNotFoundError
from domain.ports.tables import TablePort
from domain.tables import AtVersion, Column, IfExists, NamespaceName, TableName
from tests.contract.table_cases import (
    COLUMNS,
    ID,
    append,
    column,
    definition,
    write,
)
from tests.fakes.rows import FakeRows

NAMES = st.sampled_from(["a", "A", "b", "c_1"])
NAMESPACES = st.sampled_from(["x", "X", "y"])
SHAPES = st.sampled_from([COLUMNS, (ID,), (column("id", "BIGINT"), column("at", "DATE"))])


@dataclass
class ModelTable:
    columns: tuple[Column, ...]
    row_count: int
    snapshot_id: int


@dataclass
class Model:
    tables: dict[TableName, ModelTable] = field(default_factory=dict)
    past: list[tuple[TableName, ModelTable]] = field(default_factory=list)


class TableMachine(RuleBasedStateMachine):
    """Steps on one lake, in namespaces of their own for each run."""

    port: ClassVar[TablePort]

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.run = uuid.uuid4().hex
        self.last_snapshot = -1

    def _name(self, namespace: str, name: str) -> TableName:
        # The prefix has one case, so that what differs in case is the drawn part alone.
        return TableName(f"m{self.run}_{namespace}", name)

    def _changed(self, name: TableName, table: ModelTable) -> None:
        assert table.snapshot_id > self.last_snapshot
        self.last_snapshot = table.snapshot_id
        self.model.tables[name] = table
        self.model.past.append((name, ModelTable(**vars(table))))

    def _grown(self, name: TableName, count: int, snapshot_id: int) -> None:
        known = self.model.tables[name]
        self._changed(name, ModelTable(known.columns, known.row_count + count, snapshot_id))

    @rule(namespace=NAMESPACES, name=NAMES, columns=SHAPES, if_exists=st.sampled_from(IfExists))
    def create(
        self, namespace: str, name: str, columns: tuple[Column, ...], if_exists: IfExists
    ) -> None:
        table = self._name(namespace, name)
        there = table in self.model.tables
        made = definition(table, *columns)
        if there and if_exists is IfExists.ERROR:
            with pytest.raises(TableExistsError):
                self.port.create(made, if_exists, write(table, "create"))
            return
        outcome = self.port.create(made, if_exists, write(table, "create"))
        assert outcome.created is not (there and if_exists is IfExists.IGNORE)
        if outcome.created:
            self._changed(table, ModelTable(columns, 0, outcome.description.snapshot_id))

    @rule(namespace=NAMESPACES, name=NAMES, count=st.sampled_from([0, 1, 3, 25]))
    def append(self, namespace: str, name: str, count: int) -> None:
        table = self._name(namespace, name)
        rows = FakeRows.of((ID,), {"id": range(count)})
        if table not in self.model.tables:
            with pytest.raises(TableNotFoundError):
                append(self.port, table, rows)
            return
        known = self.model.tables[table]
        outcome = append(self.port, table, rows)
        assert outcome.rows_appended == count
        if count == 0:
            assert outcome.snapshot_id == known.snapshot_id
            return
        self._grown(table, count, outcome.snapshot_id)

    @rule(namespace=NAMESPACES, name=NAMES)
    def drop(self, namespace: str, name: str) -> None:
        table = self._name(namespace, name)
        if table not in self.model.tables:
            with pytest.raises(TableNotFoundError):
                self.port.drop(table, write(table, "drop"))
            return
        self.port.drop(table, write(table, "drop"))
        del self.model.tables[table]

    @rule(namespace=NAMESPACES, name=NAMES)
    def describe(self, namespace: str, name: str) -> None:
        table = self._name(namespace, name)
        if table not in self.model.tables:
            with pytest.raises(TableNotFoundError):
                self.port.describe(table)
            return
        known = self.model.tables[table]
        described = self.port.describe(table)
        assert described.name == table
        assert described.columns == known.columns == self.port.columns(table)
        assert described.row_count == known.row_count
        assert described.snapshot_id == known.snapshot_id

    @precondition(lambda self: self.model.past)
    @rule(data=st.data())
    def look_back(self, data: st.DataObject) -> None:
        table, then = data.draw(st.sampled_from(self.model.past))
        described = self.port.describe(table, AtVersion(then.snapshot_id))
        assert described.columns == then.columns
        assert described.row_count == then.row_count
        assert described.snapshot_id == then.snapshot_id

    @rule(namespace=NAMESPACES, limit=st.integers(1, 3))
    def list_tables(self, namespace: str, limit: int) -> None:
        wanted = NamespaceName(self._name(namespace, "t").namespace)
        found: list[TableName] = []
        after: tuple[str, str] | None = None
        while True:
            page = self.port.list_tables(wanted, after, limit)
            found += [TableName(table.namespace, table.name) for table in page.tables]
            after = page.next_after
            if after is None:
                break
        assert found == sorted(found, key=str)
        assert len(set(found)) == len(found)
        assert set(found) == {
            name for name in self.model.tables if TableName(str(wanted), name.name) == name
        }

    @invariant()
    def the_catalog_answers(self) -> None:
        assert self.port.check().ok


@pytest.mark.slow
def test_tables_behave_as_their_model(tables: TablePort) -> None:
    class OnThisLake(TableMachine):
        port = tables

    run_state_machine_as_test(
        OnThisLake,
        settings=settings(
            max_examples=15,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
