"""What every place for statements does."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from adapters.statements.store import ObjectStatements
from domain.errors import ResultLostError, StatementChangedError, StatementNotFoundError
from domain.ports.statements import StatementPort
from domain.queries import ResultColumn
from domain.statements import Failure, Statement, StatementId, StatementState
from domain.tables import TableName
from tests.contract.dataset_cases import empty, new_bucket_name
from tests.contract.stores import STORES, OpenedStore, Store
from tests.fakes.statements import FakeStatements

AT = datetime(2026, 1, 31, 12, 30, 0, 123456, tzinfo=UTC)
DAY = timedelta(days=1)

_PLACES = [
    pytest.param(None, id="fake"),
    *(pytest.param(store, id=f"objects-{store.name}", marks=store.marks) for store in STORES),
]


@pytest.fixture(scope="session", params=_PLACES)
def place(request: pytest.FixtureRequest) -> Iterator[OpenedStore | None]:
    opener: Store | None = request.param
    if opener is None:
        yield None
        return
    with opener.open(request) as opened:
        yield opened


@pytest.fixture
def statements(place: OpenedStore | None) -> Iterator[StatementPort]:
    """A place that holds nothing yet."""
    if place is None:
        yield FakeStatements()
        return
    bucket = new_bucket_name()
    yield ObjectStatements(place.datasets, bucket, "service/")
    if any(found.name == bucket.value for found in place.datasets.list_buckets()):
        empty(place.datasets, bucket)
        place.datasets.delete_bucket(bucket)


def new(**members: object) -> Statement:
    found: dict[str, object] = {"id": StatementId.new(), "runner": "r1", "submitted_at": AT}
    return Statement(**(found | members))  # type: ignore[arg-type]


FULL = new(
    sql="SELECT 'ü' -- 🦆\n",
    table=TableName("other", "t"),
    row_limit=7,
    started_at=AT,
    run_id="0199",
    snapshot_id=12,
    columns=(ResultColumn('a"b', "DECIMAL(38,2)"), ResultColumn("ü", 'STRUCT("x y" INTEGER)')),
    row_count=2**40,
    progress=0.25,
    truncated=True,
)


@pytest.mark.parametrize(
    "statement",
    [
        new(),
        FULL,
        new().started(AT, "r").succeeded(AT, DAY, 123),
        new().failed(AT, DAY, Failure("invalid_sql", "Wrong: 'ü'", 12)),
        new().cancelled(AT, DAY, Failure("query_cancelled", "It was cancelled.")),
    ],
    ids=["new", "full", "succeeded", "failed", "cancelled"],
)
def test_a_statement_comes_back_as_it_was_kept(
    statements: StatementPort, statement: Statement
) -> None:
    stored = statements.create(statement)

    assert stored.statement == statement
    assert statements.find(statement.id) == stored


def test_there_is_nothing_at_first(statements: StatementPort) -> None:
    unknown = StatementId.new()

    with pytest.raises(StatementNotFoundError):
        statements.find(unknown)
    with pytest.raises(StatementNotFoundError):
        statements.open_result(unknown, 0)
    assert statements.list(None, 10).statements == ()
    assert statements.list_results() == []
    assert statements.pulses() == {}
    statements.forget(unknown)
    statements.delete_result(unknown)
    statements.stop_beating("nobody")


def test_an_id_is_given_once(statements: StatementPort) -> None:
    stored = statements.create(new())

    with pytest.raises(StatementChangedError):
        statements.create(stored.statement)
    assert statements.find(stored.statement.id) == stored


def test_a_change_is_made_to_the_version_that_was_seen(statements: StatementPort) -> None:
    first = statements.create(new())
    second = statements.replace(first.statement.started(AT, "run"), first.version)

    assert second.version != first.version
    with pytest.raises(StatementChangedError):
        statements.replace(first.statement.started(AT, "another"), first.version)
    assert statements.find(first.statement.id) == second


def test_what_is_not_there_is_not_changed(statements: StatementPort) -> None:
    stored = statements.create(new())
    statements.forget(stored.statement.id)

    with pytest.raises(StatementChangedError):
        statements.replace(stored.statement.started(AT, "run"), stored.version)
    with pytest.raises(StatementNotFoundError):
        statements.find(stored.statement.id)


def test_of_changes_at_the_same_time_one_is_made(statements: StatementPort) -> None:
    stored = statements.create(new())
    ready = threading.Barrier(4)

    def change(number: int) -> bool:
        ready.wait()
        try:
            statements.replace(stored.statement.started(AT, f"run-{number}"), stored.version)
        except StatementChangedError:
            return False
        return True

    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(change, range(4)))

    assert made.count(True) == 1
    assert statements.find(stored.statement.id).statement.run_id == f"run-{made.index(True)}"


def test_statements_are_listed_by_page_in_the_order_of_their_ids(
    statements: StatementPort,
) -> None:
    kept = sorted((new() for _ in range(7)), key=lambda each: str(each.id))
    for each in reversed(kept):
        statements.create(each)

    for size in (1, 3, 7, 100):
        found: list[Statement] = []
        after = None
        while True:
            page = statements.list(after, size)
            assert len(page.statements) <= size
            found.extend(each.statement for each in page.statements)
            after = page.next_after
            if after is None:
                break
        assert found == kept


def test_a_listing_tells_each_statement_as_it_is_now(statements: StatementPort) -> None:
    first = statements.create(new())
    assert [each.statement for each in statements.list(None, 10).statements] == [first.statement]

    running = statements.replace(first.statement.started(AT, "run"), first.version)
    assert statements.list(None, 10).statements == (running,)

    ended = statements.replace(running.statement.succeeded(AT, DAY, 3), running.version)
    assert statements.list(None, 10).statements == (ended,)
    assert statements.list(None, 10).statements == (ended,)

    statements.forget(first.statement.id)
    assert statements.list(None, 10).statements == ()


@pytest.mark.parametrize("size", [0, 1, 3 * 1024**2 + 7], ids=["empty", "small", "large"])
def test_a_result_comes_back_as_it_was_kept(statements: StatementPort, size: int) -> None:
    content = bytes(number % 251 for number in range(size))
    statement_id = StatementId.new()

    chunks = (content[start : start + 100_000] for start in range(0, size, 100_000))
    assert statements.put_result(statement_id, chunks) == size

    with closing(statements.open_result(statement_id, size)) as opened:
        assert b"".join(opened) == content
    assert statements.list_results() == [statement_id]
    statements.delete_result(statement_id)
    assert statements.list_results() == []


def test_nothing_is_kept_of_a_result_that_fails(statements: StatementPort) -> None:
    statement_id = StatementId.new()

    def failing() -> Iterator[bytes]:
        yield b"some"
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        statements.put_result(statement_id, failing())
    assert statements.list_results() == []
    with pytest.raises(StatementNotFoundError):
        statements.open_result(statement_id, 4)


@pytest.mark.parametrize("size", [0, 3, 5])
def test_a_result_of_another_size_is_not_given(statements: StatementPort, size: int) -> None:
    statement_id = StatementId.new()
    statements.put_result(statement_id, [b"rows"])

    with pytest.raises(ResultLostError):
        statements.open_result(statement_id, size)


def test_a_statement_is_forgotten_with_its_result(statements: StatementPort) -> None:
    kept, other = statements.create(new()).statement, statements.create(new()).statement
    for each in (kept, other):
        statements.put_result(each.id, [b"rows"])

    statements.forget(other.id)

    assert statements.list_results() == [kept.id]
    assert [each.statement for each in statements.list(None, 10).statements] == [kept]


def test_each_sign_of_life_is_another(statements: StatementPort) -> None:
    seen = []
    for _ in range(3):
        statements.beat("r1")
        seen.append(statements.pulses()["r1"])
    statements.beat("r2")

    assert len(set(seen)) == 3
    assert set(statements.pulses()) == {"r1", "r2"}
    statements.stop_beating("r1")
    assert set(statements.pulses()) == {"r2"}


@pytest.mark.parametrize(
    "text", ["", "x", "../../etc/passwd", "0199" * 8, "0199", "A" * 36, "ü" * 36, "a" * 10_000]
)
def test_what_is_no_id_is_not_there(text: str) -> None:
    with pytest.raises(StatementNotFoundError):
        StatementId(text)


def test_the_last_states_are_ends() -> None:
    assert [state for state in StatementState if not state.ended] == ["queued", "running"]
