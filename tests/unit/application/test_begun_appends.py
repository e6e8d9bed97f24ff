"""Appends that are begun in one place and ended in another."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence

import pytest

from application.tables.append import AppendRows, AppendRowsCommand
from application.tables.begin_append import TrackedAppend
from application.writes import Fingerprint, Terms
from domain.bodies import BodyFormat
from domain.column_types import parse_column_type
from domain.commits import Write
from domain.errors import IdempotencyKeyReusedError, MalformedBodyError, TableNotFoundError
from domain.formats import DataFormat
from domain.growth import OnNewColumns
from domain.idempotency import NO_TERMS, IdempotencyKey, WriteTerms
from domain.lineage import RunState
from domain.ports.rows import HeldBody, RowReaderPort
from domain.rows import Rows
from domain.settling import Pending
from domain.tables import AppendOutcome, Column, IfExists, TableDefinition, TableName
from tests.fakes.lineage import FakeLineage
from tests.fakes.rows import FakeRows
from tests.fakes.tables import FakeTables

NAME = TableName.parse("flights")
COLUMNS = (Column("id", parse_column_type("INTEGER")),)


class Later(Pending[AppendOutcome]):
    """An append that is done when the test says so."""

    def __init__(self, work: Callable[[], AppendOutcome]) -> None:
        self._work = work
        self._calls: list[Callable[[], None]] = []
        self._outcome: AppendOutcome | None = None
        self._error: Exception | None = None

    @property
    def settled(self) -> bool:
        return self._outcome is not None or self.failed

    @property
    def failed(self) -> bool:
        return self._error is not None

    def when_settled(self, call: Callable[[], None]) -> None:
        self._calls.append(call)

    def result(self) -> AppendOutcome:
        assert self.settled
        if self._error is not None:
            raise self._error
        assert self._outcome is not None
        return self._outcome

    def settle(self) -> None:
        try:
            self._outcome = self._work()
        except TableNotFoundError as error:
            self._error = error
        for call in self._calls:
            call()


class SlowTables(FakeTables):
    """Tables whose appends wait."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[Later] = []
        self.rows: list[Rows] = []

    def submit(
        self, name: TableName, rows: Rows, write: Write, terms: WriteTerms = NO_TERMS
    ) -> Pending[AppendOutcome]:
        self.rows.append(rows)
        self.waiting.append(Later(lambda: self.append(name, rows, write, terms)))
        return self.waiting[-1]


class Numbers(RowReaderPort):
    """Reads a JSON list of numbers."""

    def read(
        self, body: Iterable[bytes], body_format: BodyFormat, columns: Sequence[Column]
    ) -> Rows:
        try:
            return FakeRows.of(columns, {"id": json.loads(b"".join(body))})
        except ValueError as error:
            raise MalformedBodyError("That is no JSON.") from error

    def hold(self, body: Iterable[bytes], body_format: BodyFormat) -> HeldBody:
        raise NotImplementedError


class Service:
    def __init__(self) -> None:
        self.tables = SlowTables()
        self.lineage = FakeLineage()
        self.append = TrackedAppend(AppendRows(self.tables, Numbers()), self.lineage, self.tables)
        self.tables.create(
            TableDefinition(NAME, COLUMNS), IfExists.ERROR, Write(str(NAME), "create", "run")
        )

    def states(self) -> list[RunState]:
        return [event.state for event in self.lineage.events]


@pytest.fixture
def service() -> Service:
    return Service()


def command(body: bytes = b"[1, 2]", key: str | None = None) -> AppendRowsCommand:
    fingerprint = Fingerprint(b"PUT")
    terms = Terms() if key is None else Terms(IdempotencyKey(key), fingerprint.digest)
    return AppendRowsCommand(NAME, fingerprint.of([body]), BodyFormat(DataFormat.JSON), terms)


def test_the_run_lasts_until_it_is_ended(service: Service) -> None:
    begun = service.append.begin(command())
    waits_before = begun.may_wait
    service.tables.waiting[0].settle()

    assert (waits_before, begun.may_wait) == (True, False)
    assert service.states() == [RunState.START]

    done = begun.end()
    assert done.value.rows_appended == 2
    assert service.states() == [RunState.START, RunState.COMPLETE]
    assert service.lineage.states(done.run_id) == (RunState.START, RunState.COMPLETE)
    assert service.tables.writes[-1].run_id == done.run_id
    (rows,) = service.tables.rows
    assert isinstance(rows, FakeRows)
    assert rows.closed


def test_a_body_that_is_none_fails_at_the_end(service: Service) -> None:
    begun = service.append.begin(command(b"[1,"))

    assert begun.pending is None
    with pytest.raises(MalformedBodyError) as caught:
        begun.end()
    assert service.lineage.states(caught.value.run_id or "") == (RunState.START, RunState.FAIL)


def test_a_commit_that_fails(service: Service) -> None:
    begun = service.append.begin(command())
    service.tables.drop(NAME, Write(str(NAME), "drop", "run"))
    service.tables.waiting[0].settle()

    assert begun.may_wait
    with pytest.raises(TableNotFoundError) as caught:
        begun.end()
    assert service.lineage.states(caught.value.run_id or "") == (RunState.START, RunState.FAIL)
    (rows,) = service.tables.rows
    assert isinstance(rows, FakeRows)
    assert rows.closed


def test_what_was_done_before_is_no_run(service: Service) -> None:
    first = service.append.begin(command(key="k"))
    service.tables.waiting[0].settle()
    done = first.end()

    again = service.append.begin(command(key="k")).end()

    assert again.replayed
    assert again.run_id == done.run_id
    assert len(service.tables.waiting) == 1
    with pytest.raises(IdempotencyKeyReusedError):
        service.append.begin(command(b"[3]", key="k"))


def test_another_that_was_faster(service: Service) -> None:
    begun = [service.append.begin(command(key="k")) for _ in range(2)]
    for waiting in service.tables.waiting:
        waiting.settle()

    done = [each.end() for each in begun]

    assert [each.replayed for each in done] == [False, True]
    assert done[0].run_id == done[1].run_id
    assert service.states().count(RunState.ABORT) == 1


def test_what_needs_not_wait_is_begun_at_once(service: Service) -> None:
    begun = service.append.begin_at_once(command(key="k"))
    assert begun is not None
    service.tables.waiting[0].settle()

    assert begun.end().value.rows_appended == 2
    assert service.states() == [RunState.START, RunState.COMPLETE]


def test_what_may_wait_is_not_begun_at_once(service: Service) -> None:
    begun = service.append.begin(command(key="k"))
    service.tables.waiting[0].settle()
    begun.end()
    states = service.states()
    growing = AppendRowsCommand(
        NAME, [b"[]"], BodyFormat(DataFormat.JSON), on_new_columns=OnNewColumns.ADD
    )

    assert service.append.begin_at_once(growing) is None
    assert service.append.begin_at_once(command(key="k")) is None
    assert service.states() == states
