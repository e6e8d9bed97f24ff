"""Every use case is a run: one START and one end, whatever happens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Generic, TypeVar

import pytest

from application.runs import Plan, Run, Tracked
from domain.datasets import ByteStream
from domain.errors import InvalidError, QueryCancelledError, TableNotFoundError
from domain.lineage import Operation, RunState, Usage
from domain.tables import TableName
from tests.fakes.lineage import FakeLineage

START, COMPLETE, FAIL, ABORT = RunState.START, RunState.COMPLETE, RunState.FAIL, RunState.ABORT
READ, WRITTEN, FOUND = (TableName.parse(name) for name in ("read_one", "written", "found"))


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class DoThis(Generic[T]):
    """A use case that does whatever it is told to."""

    work: Callable[[Run], T]
    operation: ClassVar[Operation] = Operation.QUERY

    def plan(self, command: str) -> Plan:
        return Plan(READ, inputs=(Usage(READ),), outputs=(Usage(WRITTEN),), sql=command)

    def __call__(self, command: str, run: Run) -> T:
        return self.work(run)


class Chunks(ByteStream):
    """Some bytes; an error, when there is one, comes behind them."""

    def __init__(self, *chunks: bytes, error: Exception | None = None) -> None:
        self._chunks = chunks
        self._error = error
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        yield from self._chunks
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def lineage() -> FakeLineage:
    return FakeLineage()


def states(lineage: FakeLineage) -> list[RunState]:
    return [event.state for event in lineage.events]


def test_a_run_that_does_what_it_is_to_do(lineage: FakeLineage) -> None:
    done = Tracked(DoThis(lambda run: run.id), lineage)("SELECT 1")

    assert done.value == done.run_id
    assert lineage.states(done.run_id) == (START, COMPLETE)
    for event in lineage.events:
        assert event.operation is Operation.QUERY
        assert event.subject == READ
        assert event.sql == "SELECT 1"
        assert event.error is None
        assert event.time.tzinfo is not None
    assert lineage.events[0].time <= lineage.events[1].time


def test_each_call_is_its_own_run(lineage: FakeLineage) -> None:
    use_case = Tracked(DoThis(lambda run: None), lineage)

    assert len({use_case("x").run_id for _ in range(5)}) == 5


def test_a_run_tells_what_it_learnt(lineage: FakeLineage) -> None:
    def work(run: Run) -> None:
        run.reads(Usage(READ, version="7"))
        run.reads(Usage(FOUND))
        run.writes(Usage(WRITTEN, row_count=1))
        run.writes(Usage(WRITTEN, row_count=2))

    Tracked(DoThis(work), lineage)("x")

    start, end = lineage.events
    assert start.inputs == (Usage(READ),)
    assert start.outputs == (Usage(WRITTEN),)
    assert end.inputs == (Usage(READ, version="7"), Usage(FOUND))
    assert end.outputs == (Usage(WRITTEN, row_count=2),)


def test_a_run_that_fails_names_what_it_was_about(lineage: FakeLineage) -> None:
    def work(run: Run) -> None:
        raise TableNotFoundError("There is no table main.t.")

    with pytest.raises(TableNotFoundError) as raised:
        Tracked(DoThis(work), lineage)("x")

    start, end = lineage.events
    assert (start.state, end.state) == (START, FAIL)
    assert raised.value.run_id == start.run_id == end.run_id
    assert end.error == "There is no table main.t."
    assert end.inputs == (Usage(READ),)
    assert end.outputs == (Usage(WRITTEN),)


@pytest.mark.parametrize("error", [RuntimeError, OSError, KeyboardInterrupt, SystemExit])
def test_what_is_no_error_of_ours_is_told_by_its_name_alone(
    lineage: FakeLineage, error: type[BaseException]
) -> None:
    def work(run: Run) -> None:
        raise error("/home/secret/password")

    with pytest.raises(error):
        Tracked(DoThis(work), lineage)("x")

    assert states(lineage) == [START, FAIL]
    assert lineage.events[-1].error == error.__name__


def test_a_run_that_was_cancelled(lineage: FakeLineage) -> None:
    def work(run: Run) -> None:
        raise QueryCancelledError("The query was stopped.")

    with pytest.raises(QueryCancelledError) as raised:
        Tracked(DoThis(work), lineage)("x")

    assert states(lineage) == [START, ABORT]
    assert raised.value.run_id == lineage.events[0].run_id


def test_a_plan_that_cannot_be_made_is_no_run(lineage: FakeLineage) -> None:
    class NoPlan:
        operation: ClassVar[Operation] = Operation.QUERY

        def plan(self, command: str) -> Plan:
            raise InvalidError("No.")

        def __call__(self, command: str, run: Run) -> None:
            raise AssertionError

    with pytest.raises(InvalidError):
        Tracked(NoPlan(), lineage)("x")

    assert lineage.events == ()


# -- runs that last until a stream ends ----------------------------------------------------


def followed(
    lineage: FakeLineage, stream: ByteStream, at_end: Callable[[Run, int], None] | None = None
) -> ByteStream:
    """What a use case hands out that goes on while it is read."""

    def work(run: Run) -> ByteStream:
        return run.follow(stream, lambda count: at_end(run, count) if at_end else None)

    body = Tracked(DoThis(work), lineage)("x").value
    assert states(lineage) == [START]
    return body


def test_a_followed_stream_completes_its_run(lineage: FakeLineage) -> None:
    stream = Chunks(b"ab", b"", b"cde")
    body = followed(lineage, stream, lambda run, count: run.reads(Usage(READ, size_bytes=count)))

    assert list(body) == [b"ab", b"", b"cde"]

    assert states(lineage) == [START, COMPLETE]
    assert lineage.events[-1].inputs == (Usage(READ, size_bytes=5),)
    body.close()
    body.close()
    assert states(lineage) == [START, COMPLETE]
    assert stream.closed


def test_a_followed_stream_that_is_closed_early_aborts_its_run(lineage: FakeLineage) -> None:
    stream = Chunks(b"ab", b"cd")
    body = followed(lineage, stream)

    chunks = iter(body)
    next(chunks)
    body.close()
    body.close()

    assert states(lineage) == [START, ABORT]
    assert stream.closed


def test_a_followed_stream_that_nobody_reads_aborts_its_run(lineage: FakeLineage) -> None:
    followed(lineage, Chunks(b"ab")).close()

    assert states(lineage) == [START, ABORT]


def test_a_followed_stream_that_breaks_off_fails_its_run(lineage: FakeLineage) -> None:
    error = InvalidError("A value cannot be read.")
    body = followed(lineage, Chunks(b"ab", error=error))

    with pytest.raises(InvalidError):
        list(body)
    body.close()

    assert states(lineage) == [START, FAIL]
    assert error.run_id == lineage.events[0].run_id
    assert lineage.events[-1].error == "A value cannot be read."


def test_a_followed_stream_that_is_stopped_aborts_its_run(lineage: FakeLineage) -> None:
    body = followed(lineage, Chunks(error=QueryCancelledError("Stopped.")))

    with pytest.raises(QueryCancelledError):
        list(body)
    body.close()

    assert states(lineage) == [START, ABORT]


def test_what_is_learnt_at_the_end_may_fail(lineage: FakeLineage) -> None:
    def at_end(run: Run, count: int) -> None:
        raise OSError("away")

    body = followed(lineage, Chunks(b"ab"), at_end)

    with pytest.raises(OSError, match="away"):
        list(body)

    assert states(lineage) == [START, FAIL]


def test_a_run_that_fails_after_it_handed_out_a_stream(lineage: FakeLineage) -> None:
    def work(run: Run) -> None:
        run.follow(Chunks(b"ab"), lambda _: None).close()
        raise InvalidError("Too late.")

    with pytest.raises(InvalidError):
        Tracked(DoThis(work), lineage)("x")

    assert states(lineage) == [START, ABORT]


def test_a_run_ends_once_whoever_ends_it(lineage: FakeLineage) -> None:
    for _ in range(50):
        run = Run(Operation.QUERY, Plan(), lineage)
        failed = partial(run.fail, InvalidError("x"))
        ends: list[Callable[[], None]] = [run.complete, run.abort, failed] * 3
        with ThreadPoolExecutor(len(ends)) as pool:
            for future in [pool.submit(end) for end in ends]:
                future.result()
        assert len(lineage.run(run.id)) == 2


def test_a_commit_names_its_run(lineage: FakeLineage) -> None:
    run = Run(Operation.TABLE_APPEND, Plan(), lineage)

    write = run.write(TableName("ns", "T"), "append", 3)

    assert (write.table, write.operation, write.rows) == ("ns.T", "append", 3)
    assert write.run_id == run.id
