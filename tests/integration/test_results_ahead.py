"""How far the engine goes ahead of who reads a result: one step, and none behind large batches."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import pytest

from adapters.ducklake import DuckLakeQueries, Lake
from adapters.ducklake.engine.deadline import Clock, Deadline
from adapters.ducklake.engine.lake import load_client
from domain.errors import InvalidValueError, QueryCancelledError, QueryTimeoutError
from domain.formats import DataFormat
from domain.queries import Query, QueryResult, ResultEncoding
from tests.eventually import eventually
from tests.local_lake import local_lake

T = TypeVar("T")
ARROW = ResultEncoding(DataFormat.ARROW)
NARROW = "SELECT i FROM range(1000000) r(i)"
ENDLESS = "SELECT i FROM range(1000000000000) r(i) WHERE i < 400000 OR hash(i) = 0"
"""It has some batches (the engine gives the first when it has a megabyte), and then no more."""

WIDE = "SELECT repeat('x', 9000) AS text FROM range(40000) r(i)"


class CountedSteps(Deadline):
    """Counts the steps that were begun, and those that have ended."""

    def __init__(self) -> None:
        super().__init__(float("inf"), load_client)
        self.begun = self.ended = 0
        self._counting = threading.Lock()

    def begin(
        self,
        call: Callable[[Clock], T],
        discard: Callable[[T], object] | None = None,
        at_most_s: float = float("inf"),
    ) -> Callable[[], T]:
        self.begun += 1

        def counted(clock: Clock) -> T:
            try:
                return call(clock)
            finally:
                with self._counting:
                    self.ended += 1

        return super().begin(counted, discard, at_most_s)


class Asked:
    """A lake whose steps are counted from when a result is read on."""

    def __init__(self, lake: Lake) -> None:
        self.steps = CountedSteps()
        self._queries = DuckLakeQueries(lake)
        self._lake = lake

    def open(self, sql: str, timeout_s: float | None = None) -> QueryResult:
        result = self._queries.open(Query(sql, timeout_s=timeout_s), ARROW)
        self._lake.steps = self.steps
        return result


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[Asked]:
    lake = Lake(local_lake(tmp_path))
    asked = Asked(lake)
    try:
        yield asked
    finally:
        lake.close()


def begun(result: QueryResult) -> Iterator[bytes]:
    """Its chunks, of which the first was taken: the schema and the first batch."""
    iterator = iter(result)
    assert next(iterator)
    return iterator


def test_the_next_step_is_made_while_a_batch_is_read_and_no_other(asked: Asked) -> None:
    with closing(asked.open(NARROW)) as result:
        iterator = begun(result)
        eventually(lambda: asked.steps.ended == 2, "no step was made ahead")
        assert asked.steps.begun == 2
        next(iterator)
        eventually(lambda: asked.steps.ended == 3, "no step was made ahead")
        assert asked.steps.begun == 3


def test_behind_a_large_batch_none_is_made_until_it_is_asked_for(asked: Asked) -> None:
    with closing(asked.open(WIDE)) as result:
        iterator = begun(result)
        assert asked.steps.begun == asked.steps.ended == 1
        rest = b"".join(iterator)
        assert len(rest) > 9_000 * 20_000
        assert result.row_count == 40_000


def until_one_goes_on(asked: Asked, iterator: Iterator[bytes]) -> None:
    """Take chunks until the engine has no more, and a step ahead of them that does not end."""
    while True:
        try:
            eventually(lambda: asked.steps.ended == asked.steps.begun, "it goes on", within_s=1)
        except AssertionError:
            return
        assert next(iterator)


@pytest.mark.timeout(60)
def test_a_step_made_ahead_ends_with_its_result(asked: Asked) -> None:
    result = asked.open(ENDLESS)
    iterator = begun(result)
    until_one_goes_on(asked, iterator)
    result.close()
    eventually(lambda: asked.steps.ended == asked.steps.begun, "the step made ahead goes on")
    with pytest.raises(QueryCancelledError):
        next(iterator)


@pytest.mark.timeout(60)
def test_a_step_made_ahead_takes_of_the_querys_time(asked: Asked) -> None:
    with closing(asked.open(ENDLESS, timeout_s=5)) as result:
        iterator = begun(result)
        until_one_goes_on(asked, iterator)
        # Nobody asks for the next rows meanwhile.
        eventually(lambda: asked.steps.ended == asked.steps.begun, "the step made ahead goes on")
        with pytest.raises(QueryTimeoutError):
            next(iterator)


def test_what_a_step_made_ahead_fails_with_comes_behind_the_rows_before_it(asked: Asked) -> None:
    failing = (
        "SELECT CASE WHEN i < 400000 THEN i ELSE error('late') END AS i FROM range(800000) r(i)"
    )
    with closing(asked.open(failing)) as result:
        iterator = begun(result)
        eventually(lambda: asked.steps.ended == 2, "no step was made ahead")
        with pytest.raises(InvalidValueError, match="late"):
            for _ in iterator:
                pass
        assert 16_384 < result.row_count <= 400_000
