"""Writes whose answers are lost and that are sent again, by random steps, against a model."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from domain.errors import TableExistsError, TableNotFoundError
from domain.idempotency import IdempotencyKey
from domain.ports.tables import TablePort
from domain.tables import IfExists, TableName, WriteOutcome
from tests.contract.lakes import OpenedLake
from tests.contract.test_table_terms import keyed_append, keyed_create, keyed_drop, told

NAMES = st.sampled_from(["a", "b"])
TRIES = st.integers(1, 3)
Send = Callable[[TablePort, IdempotencyKey], WriteOutcome]


@dataclass
class Model:
    """What the lake holds: each table's rows; and each write that was done, to be sent again."""

    rows: dict[str, int] = field(default_factory=dict)
    done: list[tuple[IdempotencyKey, Send, WriteOutcome]] = field(default_factory=list)


class RetryMachine(RuleBasedStateMachine):
    """A client that hears no answer, and sends each write again."""

    lake: ClassVar[OpenedLake]

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.namespace = f"r_{uuid.uuid4().hex}"

    def _name(self, name: str) -> TableName:
        return TableName(self.namespace, name)

    def _write(self, tries: int, send: Send) -> None:
        """Send a write as often as no answer came: only the last one did."""
        key = IdempotencyKey(uuid.uuid4().hex)
        outcomes = [send(self.lake.tables, key) for _ in range(tries)]
        assert [outcome.replay_of is None for outcome in outcomes] == [True] + [False] * (tries - 1)
        self.model.done.append((key, send, outcomes[0]))

    @rule(name=NAMES, tries=TRIES, if_exists=st.sampled_from(IfExists))
    def create(self, name: str, tries: int, if_exists: IfExists) -> None:
        def send(tables: TablePort, key: IdempotencyKey) -> WriteOutcome:
            return keyed_create(tables, self._name(name), key, if_exists)

        if name in self.model.rows and if_exists is IfExists.ERROR:
            with pytest.raises(TableExistsError):
                self._write(1, send)
            return
        self._write(tries, send)
        if if_exists is not IfExists.IGNORE or name not in self.model.rows:
            self.model.rows[name] = 0

    @rule(name=NAMES, tries=TRIES, count=st.sampled_from([0, 1, 20]))
    def append(self, name: str, tries: int, count: int) -> None:
        def send(tables: TablePort, key: IdempotencyKey) -> WriteOutcome:
            return keyed_append(tables, self._name(name), key, count)

        if name not in self.model.rows:
            with pytest.raises(TableNotFoundError):
                self._write(1, send)
            return
        self._write(tries, send)
        self.model.rows[name] += count

    @rule(name=NAMES, tries=TRIES)
    def drop(self, name: str, tries: int) -> None:
        def send(tables: TablePort, key: IdempotencyKey) -> WriteOutcome:
            return keyed_drop(tables, self._name(name), key)

        if name not in self.model.rows:
            with pytest.raises(TableNotFoundError):
                self._write(1, send)
            return
        self._write(tries, send)
        del self.model.rows[name]

    @rule(data=st.data(), elsewhere=st.booleans())
    def send_an_old_write_again(self, data: st.DataObject, elsewhere: bool) -> None:
        if not self.model.done:
            return
        key, send, first = data.draw(st.sampled_from(self.model.done))
        if elsewhere:
            with self.lake.again() as others:
                second = send(others, key)
        else:
            second = send(self.lake.tables, key)
        assert second.replay_of is not None
        assert told([second]) == told([first])

    @invariant()
    def each_write_was_done_once(self) -> None:
        for name in ("a", "b"):
            if name in self.model.rows:
                described = self.lake.tables.describe(self._name(name))
                assert described.row_count == self.model.rows[name]
            else:
                with pytest.raises(TableNotFoundError):
                    self.lake.tables.describe(self._name(name))


@pytest.mark.slow
def test_retried_writes_are_done_once(lake: OpenedLake) -> None:
    class OnThisLake(RetryMachine):
        pass

    OnThisLake.lake = lake
    run_state_machine_as_test(
        OnThisLake,
        settings=settings(
            max_examples=10,
            stateful_step_count=15,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
