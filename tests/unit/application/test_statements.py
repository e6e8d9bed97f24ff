"""How statements are run, kept, and ended."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from application.queries.run import RunQuery
from application.statements.rules import StatementParts, StatementRules
from application.statements.runner import StatementRunner
from application.statements.uses import (
    DeleteStatement,
    FindStatement,
    ListStatements,
    OpenResult,
)
from domain.datasets import ByteStream
from domain.errors import (
    BusyError,
    InvalidSqlError,
    LakehouseError,
    NoResultError,
    QueryCancelledError,
    QueryTimeoutError,
    ResultLostError,
    StatementNotEndedError,
    StatementNotFoundError,
    UnavailableError,
)
from domain.formats import DataFormat
from domain.lineage import RunState
from domain.queries import Query, ResultEncoding
from domain.statements import Statement, StatementId, StatementState, StoredStatement
from tests.eventually import eventually
from tests.fakes.lineage import FakeLineage
from tests.fakes.statements import FakeStatements
from tests.integration.rest.scripted import ScriptedQueries, ScriptedResult

NDJSON = ResultEncoding(DataFormat.NDJSON)
RULES = StatementRules(workers=1, waiting=2, max_result_bytes=100, lease_s=0.3, tick_s=0.01)


class Clock:
    """A time that a test sets."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 31, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


class FailingStatements(FakeStatements):
    """A store that does not serve, or whose answers are lost, as often as a test says."""

    def __init__(self) -> None:
        super().__init__()
        self.refused = 0
        self.lost = 0

    def replace(self, statement: Statement, version: str) -> StoredStatement:
        if statement.state.ended and self.refused:
            self.refused -= 1
            raise UnavailableError("The store does not serve.")
        stored = super().replace(statement, version)
        if statement.state.ended and self.lost:
            self.lost -= 1
            raise UnavailableError("The store does not answer.")
        return stored


class ForgettingStatements(FakeStatements):
    """A store in which something happens just before a result is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.before: Callable[[StatementId], None] = lambda _: None

    def open_result(self, statement_id: StatementId, size_bytes: int) -> ByteStream:
        self.before(statement_id)
        return super().open_result(statement_id, size_bytes)


def answer(*chunks: bytes) -> Callable[[threading.Event], Iterator[bytes]]:
    def given(closed: threading.Event) -> Iterator[bytes]:
        yield from chunks

    return given


def endless(closed: threading.Event) -> Iterator[bytes]:
    yield b"first"
    assert closed.wait(20)
    raise QueryCancelledError("The query was stopped.")


def failing(error: Exception) -> Callable[[threading.Event], Iterator[bytes]]:
    def given(closed: threading.Event) -> Iterator[bytes]:
        yield b"first"
        raise error

    return given


SCRIPTS: dict[str, Callable[[threading.Event], Iterator[bytes]]] = {
    "rows": answer(b"some ", b"rows"),
    "endless": endless,
    "too many": answer(b"x" * 60, b"y" * 60),
    "wrong": failing(InvalidSqlError("There is no such thing.", 3)),
    "a bug": failing(ZeroDivisionError("secret")),
}


def script(query: Query) -> ScriptedResult | Exception:
    if query.sql == "refused":
        return InvalidSqlError("It is wrong.", 7)
    return ScriptedResult(SCRIPTS[str(query.sql)], row_count=3)


@dataclass
class Service:
    """One process of the service."""

    statements: FakeStatements = field(default_factory=FakeStatements)
    clock: Clock = field(default_factory=Clock)
    rules: StatementRules = RULES
    lineage: FakeLineage = field(default_factory=FakeLineage)
    queries: ScriptedQueries = field(default_factory=lambda: ScriptedQueries(script))
    reported: list[BaseException] = field(default_factory=list)

    def __post_init__(self) -> None:
        parts = StatementParts(
            RunQuery(self.queries),
            self.statements,
            self.lineage,
            self.rules,
            lambda sentence, error: self.reported.append(error),
            self.clock,
        )
        self.runner = StatementRunner(parts)
        self.find = FindStatement(self.statements, self.clock)
        self.list = ListStatements(self.statements, self.clock)
        self.delete = DeleteStatement(self.find, self.runner, self.rules)
        self.open_result = OpenResult(self.find, self.queries)

    @contextmanager
    def running(self) -> Iterator[Service]:
        self.runner.start()
        try:
            yield self
        finally:
            self.runner.close(10)

    def submit(self, sql: str) -> StatementId:
        return self.runner.submit(Query(sql)).id

    def ended(self, statement_id: StatementId) -> Statement:
        return self.reaches(statement_id, lambda found: found.state.ended)

    def reaches(self, statement_id: StatementId, there: Callable[[Statement], bool]) -> Statement:
        eventually(lambda: there(self.find(statement_id)))
        return self.find(statement_id)


@pytest.fixture
def service() -> Iterator[Service]:
    with Service().running() as service:
        yield service
    assert service.reported == []


def test_a_statement_runs_and_keeps_its_result(service: Service) -> None:
    told = service.ended(service.submit("rows"))

    assert told.state is StatementState.SUCCEEDED
    assert (told.row_count, told.snapshot_id, told.progress) == (3, 1, 1.0)
    assert told.expires_at == service.clock.now + timedelta(days=1)
    assert b"".join(service.statements.open_result(told.id, 9)) == b"some rows"
    assert told.run_id is not None
    eventually(lambda: len(service.lineage.states(str(told.run_id))) == 2)
    assert service.lineage.states(told.run_id) == (RunState.START, RunState.COMPLETE)
    eventually(lambda: all(result.closed.is_set() for result in service.queries.opened))


@pytest.mark.parametrize(
    "sql, code, detail",
    [
        ("wrong", "invalid_sql", "There is no such thing."),
        ("too many", "result_too_large", "The result is larger than 100 bytes"),
        ("a bug", "internal_error", "Something went wrong"),
    ],
)
def test_a_statement_fails(sql: str, code: str, detail: str) -> None:
    with Service().running() as service:
        told = service.ended(service.submit(sql))

    assert told.state is StatementState.FAILED
    assert told.failure is not None
    assert told.failure.code == code
    assert told.failure.detail.startswith(detail)
    assert told.failure.position == (3 if sql == "wrong" else None)
    assert service.statements.list_results() == []
    assert service.lineage.states(str(told.run_id)) == (RunState.START, RunState.FAIL)
    assert len(service.reported) == (sql == "a bug")
    with pytest.raises(NoResultError, match="failed"):
        service.open_result(told.id, NDJSON)


def test_what_cannot_begin_is_refused_and_kept_nowhere(service: Service) -> None:
    with pytest.raises(InvalidSqlError):
        service.submit("refused")

    assert service.list(None, 10).statements == ()
    assert service.lineage.events == ()


def test_so_many_run_and_so_many_wait(service: Service) -> None:
    first, *waiting = [service.submit("endless") for _ in range(3)]

    with pytest.raises(BusyError):
        service.submit("rows")
    service.reaches(first, lambda found: found.state is StatementState.RUNNING)
    assert [service.find(each).state for each in waiting] == ["queued", "queued"]

    service.delete(first)
    service.reaches(waiting[0], lambda found: found.state is StatementState.RUNNING)
    eventually(lambda: accepted(service))


def accepted(service: Service) -> bool:
    try:
        service.submit("rows")
    except BusyError:
        return False
    return True


def test_its_room_is_taken_until_the_engine_has_stopped() -> None:
    stopped = threading.Event()
    late = QueryTimeoutError("It ran too long.", lambda: stopped.wait(20))
    chunks = {"late": failing(late), "rows": SCRIPTS["rows"]}
    queries = ScriptedQueries(lambda query: ScriptedResult(chunks[str(query.sql)]))
    with Service(queries=queries).running() as service:
        try:
            told = service.ended(service.submit("late"))
            assert told.failure is not None
            assert told.failure.code == "query_timeout"
            waiting = service.submit("rows")
            time.sleep(0.1)
            assert service.find(waiting).state is StatementState.QUEUED
        finally:
            stopped.set()
        assert service.ended(waiting).state is StatementState.SUCCEEDED


def test_a_refused_one_takes_no_place(service: Service) -> None:
    for _ in range(10):
        with pytest.raises(InvalidSqlError):
            service.submit("refused")
    assert service.ended(service.submit("rows")).state is StatementState.SUCCEEDED


def test_a_running_statement_is_cancelled(service: Service) -> None:
    statement_id = service.submit("endless")
    running = service.reaches(statement_id, lambda found: found.snapshot_id is not None)

    with pytest.raises(StatementNotEndedError):
        service.open_result(statement_id, NDJSON)
    service.delete(statement_id)

    assert service.find(statement_id).state is StatementState.CANCELLED
    eventually(lambda: all(result.closed.is_set() for result in service.queries.opened))
    eventually(lambda: len(service.lineage.states(str(running.run_id))) == 2)
    assert service.lineage.states(str(running.run_id)) == (RunState.START, RunState.ABORT)
    assert service.find(statement_id).state is StatementState.CANCELLED


def test_a_statement_that_waits_is_cancelled_and_never_runs(service: Service) -> None:
    first, second = service.submit("endless"), service.submit("rows")
    service.delete(second)
    service.delete(first)
    third = service.ended(service.submit("rows"))

    assert third.state is StatementState.SUCCEEDED
    assert service.find(second).run_id is None
    assert service.find(second).state is StatementState.CANCELLED


def test_deleting_what_has_ended_forgets_it(service: Service) -> None:
    told = service.ended(service.submit("rows"))

    service.delete(told.id)

    assert service.statements.list_results() == []
    for use in (service.find, service.delete):
        with pytest.raises(StatementNotFoundError):
            use(told.id)


def test_what_has_expired_is_gone_at_once_and_swept_away_soon(service: Service) -> None:
    told = service.ended(service.submit("rows"))
    kept = service.submit("endless")
    service.clock.now += timedelta(days=1, seconds=-1)
    assert service.find(told.id) == told

    service.clock.now += timedelta(seconds=1)

    for use in (service.find, service.delete):
        with pytest.raises(StatementNotFoundError):
            use(told.id)
    with pytest.raises(StatementNotFoundError):
        service.open_result(told.id, NDJSON)
    assert [each.statement.id for each in service.list(None, 10).statements] == [kept]
    eventually(lambda: service.statements.list_results() == [])
    eventually(lambda: len(service.statements.list(None, 10).statements) == 1)


def test_stopping_cancels_all_and_says_why() -> None:
    with Service().running() as service:
        ids = [service.submit("endless") for _ in range(3)]
        service.reaches(ids[0], lambda found: found.state is StatementState.RUNNING)

    for each in ids:
        told = service.find(each)
        assert told.state is StatementState.CANCELLED
        assert told.failure is not None
        assert "stopped" in told.failure.detail
    assert service.statements.pulses() == {}
    with pytest.raises(UnavailableError):
        service.submit("rows")


def test_an_end_is_stored_once_the_store_serves_again() -> None:
    statements = FailingStatements()
    with Service(statements).running() as service:
        statements.refused = 1
        assert service.ended(service.submit("rows")).state is StatementState.SUCCEEDED


def test_an_end_whose_answer_was_lost_stays() -> None:
    statements = FailingStatements()
    with Service(statements).running() as service:
        statements.lost = 1
        told = service.ended(service.submit("rows"))
        eventually(lambda: len(service.lineage.states(str(told.run_id))) == 2)

        assert service.find(told.id).state is StatementState.SUCCEEDED
        assert b"".join(statements.open_result(told.id, 9)) == b"some rows"
        assert service.lineage.states(str(told.run_id))[-1] is RunState.COMPLETE


def test_what_no_process_has_in_its_hands_is_lost() -> None:
    """As when the answer to its creation did not come."""
    service = Service()
    limbo = Statement(StatementId.new(), service.runner.id, service.clock.now)
    service.statements.create(limbo)

    with service.running():
        told = service.ended(limbo.id)

    assert told.failure is not None
    assert (told.state, told.failure.code) == ("failed", "statement_lost")


@pytest.mark.parametrize("alone", [True, False])
def test_what_died_with_its_process_is_lost(alone: bool) -> None:
    statements, clock = FakeStatements(), Clock()
    dead = Statement(StatementId.new(), "dead", clock.now)
    statements.create(dead.started(clock.now, "run"))
    statements.put_result(dead.id, [b"rows that nobody claims"])
    statements.beat("dead")
    service = Service(statements, clock, replace(RULES, alone=alone))

    began = time.monotonic()
    with service.running():
        told = service.ended(dead.id)
        took = time.monotonic() - began
        eventually(lambda: statements.pulses() == {})
        eventually(lambda: statements.list_results() == [])

    assert told.failure is not None
    assert told.failure.code == "statement_lost"
    assert alone or took >= RULES.lease_s


def test_what_lives_is_left_alone() -> None:
    statements, clock = FakeStatements(), Clock()
    rules = replace(RULES, alone=False)
    with ExitStack() as services:
        one, two = (
            services.enter_context(Service(statements, clock, rules).running()) for _ in range(2)
        )
        statement_id = one.submit("endless")
        one.reaches(statement_id, lambda found: found.state is StatementState.RUNNING)
        for _ in range(30):
            assert two.find(statement_id).state is StatementState.RUNNING
            time.sleep(RULES.lease_s / 10)

        # And any process can cancel it.
        two.delete(statement_id)
        eventually(lambda: all(result.closed.is_set() for result in one.queries.opened))
        assert one.find(statement_id).state is StatementState.CANCELLED


def test_a_result_without_its_statement_is_removed(service: Service) -> None:
    service.statements.put_result(StatementId.new(), [b"rows"])

    eventually(lambda: service.statements.list_results() == [])


def test_progress_is_told_and_never_goes_back() -> None:
    progress = iter([None, 0.2, 0.1, 0.7])
    last: list[float | None] = [None]

    class Progressing(ScriptedResult):
        @property
        def progress(self) -> float | None:
            last[0] = next(progress, last[0])
            return last[0]

    queries = ScriptedQueries(lambda query: Progressing(endless, row_count=5))
    with Service(queries=queries).running() as service:
        statement_id = service.submit("endless")
        seen = []

        def done(found: Statement) -> bool:
            seen.append(found.progress)
            return found.progress == 0.7

        told = service.reaches(statement_id, done)
    assert told.row_count == 5
    known = [each for each in seen if each is not None]
    assert known == sorted(known)


def test_a_store_that_fails_for_a_while_is_reported_and_survived() -> None:
    class Broken(FakeStatements):
        broken = False

        def pulses(self) -> dict[str, str]:
            if self.broken:
                raise UnavailableError("The store does not serve.")
            return super().pulses()

    statements = Broken()
    with Service(statements).running() as service:
        statements.broken = True
        eventually(lambda: len(service.reported) > 1)
        statements.broken = False
        assert service.ended(service.submit("rows")).state is StatementState.SUCCEEDED
    assert all(isinstance(error, LakehouseError) for error in service.reported)


def test_a_result_is_read(service: Service) -> None:
    told = service.ended(service.submit("rows"))

    opened = service.open_result(told.id, NDJSON)

    assert opened.statement == told
    assert b"".join(opened.rows) == b"some rows"
    opened.rows.close()


def test_a_result_that_the_store_lost_is_told_of(service: Service) -> None:
    told = service.ended(service.submit("rows"))
    service.statements.delete_result(told.id)

    with pytest.raises(ResultLostError):
        service.open_result(told.id, NDJSON)

    service.statements.put_result(told.id, [b"some"])
    with pytest.raises(ResultLostError):
        service.open_result(told.id, NDJSON)


@pytest.mark.parametrize("how", ["deleted", "expired"])
def test_a_result_is_forgotten_as_it_is_to_be_read(how: str) -> None:
    statements = ForgettingStatements()
    with Service(statements).running() as service:
        told = service.ended(service.submit("rows"))

        def expire(statement_id: StatementId) -> None:
            service.clock.now += service.rules.keep
            statements.delete_result(statement_id)

        statements.before = service.delete if how == "deleted" else expire

        with pytest.raises(StatementNotFoundError):
            service.open_result(told.id, NDJSON)


def test_a_result_has_several_readers_and_outlives_its_statement(service: Service) -> None:
    told = service.ended(service.submit("rows"))
    first, second = (service.open_result(told.id, NDJSON).rows for _ in range(2))

    service.delete(told.id)

    assert [b"".join(rows) for rows in (second, first)] == [b"some rows"] * 2
