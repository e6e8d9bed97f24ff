"""Results that are kept to answer the same question again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.queries.result_cache import MAX_SHARE, OF_AN_ENTRY, ResultCache
from application.queries.run import QueryAnswer, RunQuery, RunQueryCommand
from application.runs import Tracked
from domain.column_types import parse_column_type
from domain.commits import Write
from domain.formats import DataFormat
from domain.lineage import RunState
from domain.queries import Query, QueryResult, ResultEncoding
from domain.tables import AtVersion, Column, IfExists, TableDefinition, TableName
from tests.fakes.lineage import FakeLineage
from tests.fakes.queries import FakeQueries
from tests.fakes.rows import FakeRows
from tests.fakes.tables import FakeTables

NAME = TableName.parse("flights")
NDJSON = ResultEncoding(DataFormat.NDJSON)


class Asking:
    """One table, asked for by the use case."""

    def __init__(self, max_bytes: int = 1_000_000) -> None:
        self.tables = FakeTables()
        self.tables.create(
            TableDefinition(NAME, (Column("id", parse_column_type("INTEGER")),)),
            IfExists.ERROR,
            Write(str(NAME), "create", "run"),
        )
        self.append(1, 2, 3)
        self.queries = FakeQueries(self.tables)
        self.lineage = FakeLineage()
        self.use_case = Tracked(RunQuery(self.queries, cache=ResultCache(max_bytes)), self.lineage)

    @property
    def made(self) -> int:
        """How often the engine made rows."""
        return sum(result.read for result in self.queries.opened)

    def append(self, *numbers: int) -> None:
        rows = FakeRows(pa.table({"id": pa.array(numbers, pa.int32())}))
        self.tables.append(NAME, rows, Write(str(NAME), "append", "run"))

    def open(self, query: Query | None = None, encoding: ResultEncoding = NDJSON) -> QueryAnswer:
        return self.use_case(RunQueryCommand(query or Query(table=NAME), encoding)).value

    def ask(self, query: Query | None = None, encoding: ResultEncoding = NDJSON) -> bytes:
        answer = self.open(query, encoding)
        content = b"".join(answer.body)
        answer.body.close()
        return content


def test_the_same_question_of_the_same_lake_is_answered_from_memory() -> None:
    asking = Asking()
    first, again = asking.ask(), asking.ask()
    assert first == again != b""
    assert asking.made == 1
    # Both were opened, so that what may not be asked any more is refused, and given back.
    assert [result.closed for result in asking.queries.opened] == [True, True]


def test_what_is_told_beside_the_rows_is_told_again() -> None:
    asking = Asking()
    query = Query(table=NAME, row_limit=2)
    asking.ask(query)
    answer = asking.open(query)
    assert b"".join(answer.body).count(b"\n") == 2
    told = answer.result
    assert (told.row_count, told.truncated, told.tables) == (2, True, (NAME,))
    assert [column.name for column in told.columns] == ["id"]
    assert told.snapshot_id == asking.queries.opened[0].snapshot_id
    assert asking.made == 1


def test_each_answer_is_a_run_of_its_own() -> None:
    asking = Asking()
    asking.ask()
    asking.ask()
    ended = [event for event in asking.lineage.events if event.state is RunState.COMPLETE]
    assert len({event.run_id for event in ended}) == 2
    assert all(event.inputs[0].subject == NAME for event in ended)


def test_a_write_makes_it_another_question() -> None:
    asking = Asking()
    before = asking.ask()
    asking.append(4)
    assert asking.ask() != before
    assert asking.made == 2


@pytest.mark.parametrize(
    "query, encoding",
    [
        (Query(table=NAME, row_limit=1), NDJSON),
        (Query(table=NAME, columns=("ID",)), NDJSON),
        (Query(table=NAME), ResultEncoding(DataFormat.CSV)),
        (Query(table=NAME), ResultEncoding(DataFormat.NDJSON, wide_numbers_as_text=True)),
        (Query(table=NAME, at=AtVersion(1)), NDJSON),
    ],
)
def test_another_question_is_asked_apart(query: Query, encoding: ResultEncoding) -> None:
    asking = Asking()
    asking.ask()
    asking.ask(query, encoding)
    assert asking.made == 2


def test_what_more_than_the_lake_decides_is_not_kept() -> None:
    asking = Asking()
    asking.queries.volatile = True
    asking.ask()
    asking.ask()
    assert asking.made == 2


def test_an_answer_that_was_not_read_to_its_end_is_not_kept() -> None:
    asking = Asking()
    answer = asking.open()
    assert next(iter(answer.body))
    answer.body.close()
    assert asking.ask().count(b"\n") == 3
    assert asking.made == 2


@pytest.mark.parametrize("max_bytes", [0, 100])
def test_what_has_no_room_is_not_kept_and_is_answered_whole(max_bytes: int) -> None:
    asking = Asking(max_bytes)
    assert asking.ask() == asking.ask() != b""
    assert asking.made == 2


def test_two_who_read_the_same_answer_do_not_disturb_each_other() -> None:
    asking = Asking()
    whole = asking.ask()
    one, two = iter(asking.open().body), iter(asking.open().body)
    begun = next(one)
    assert b"".join(two) == whole
    assert begun + b"".join(one) == whole


class Rows(QueryResult):
    """A result of chunks of given sizes."""

    columns = ()
    tables = ()
    objects = ()
    snapshot_id = 1
    version = "1"
    progress = None
    truncated = False
    row_count = 1

    def __init__(self, sizes: Sequence[int]) -> None:
        self._sizes = sizes

    def __iter__(self) -> Iterator[bytes]:
        yield from map(bytes, self._sizes)

    def close(self) -> None:
        """There is nothing to give back."""


sizes = st.lists(st.integers(0, 4_000), max_size=4)


@given(
    asked=st.lists(st.tuples(st.integers(0, 5), sizes, st.integers(0, 5)), max_size=40),
    max_bytes=st.integers(0, 30_000),
)
def test_never_more_is_taken_than_there_is_room(
    asked: list[tuple[int, list[int], int]], max_bytes: int
) -> None:
    """Some are read to their end, others are left midway, and some stay open beside the rest."""
    cache = ResultCache(max_bytes)
    known: dict[str, list[int]] = {}
    reading: list[Iterator[bytes]] = []
    for number, proposed, steps in asked:
        chunk_sizes = known.setdefault(f"tag {number}", proposed)
        chunks = iter(cache.through(f"tag {number}", Rows(chunk_sizes)))
        if steps > len(chunk_sizes):
            assert [len(chunk) for chunk in chunks] == chunk_sizes
        else:
            read = [len(next(chunks)) for _ in range(steps)]
            assert read == chunk_sizes[:steps]
            reading.append(chunks)
        assert 0 <= cache.size <= max_bytes
    for chunks in reading:
        for _ in chunks:
            assert cache.size <= max_bytes
    reading.clear()
    assert 0 <= cache.size <= max_bytes
    # Nothing is taken any more but what is kept: there is room for all of it again.
    assert cache.take(max_bytes)
    assert cache.size == max_bytes


def test_who_leaves_midway_gives_back_what_was_taken() -> None:
    cache = ResultCache(100_000)
    chunks = iter(cache.through("tag", Rows([1_000, 1_000])))
    next(chunks)
    assert cache.size == OF_AN_ENTRY + 1_000
    del chunks
    assert cache.size == 0


def test_a_result_that_grows_too_large_gives_back_what_was_taken() -> None:
    cache = ResultCache(MAX_SHARE * 10_000)
    chunks = iter(cache.through("tag", Rows([6_000, 6_000, 1])))
    next(chunks)
    assert cache.size > 6_000
    assert len(list(chunks)) == 2
    assert cache.size == 0


def test_those_go_that_were_not_asked_for_longest() -> None:
    cache = ResultCache(MAX_SHARE * 10_000)

    for tag in "abcd":
        list(cache.through(tag, Rows([8_000])))
    # "a" is asked for again, so that "b" is the one that goes.
    assert len(b"".join(cache.through("a", Rows([1])))) == 8_000
    list(cache.through("e", Rows([8_000])))
    assert cache.size == 4 * (8_000 + OF_AN_ENTRY)
    assert len(b"".join(cache.through("a", Rows([1])))) == 8_000
    assert len(b"".join(cache.through("b", Rows([1])))) == 1


def test_many_threads_keep_and_read_at_once() -> None:
    asking = Asking(20_000)
    expected = {limit: asking.ask(Query(table=NAME, row_limit=limit)) for limit in range(4)}
    limits = [number % 4 for number in range(400)]
    with ThreadPoolExecutor(8) as threads:
        answers = threads.map(lambda limit: asking.ask(Query(table=NAME, row_limit=limit)), limits)
        assert list(answers) == [expected[limit] for limit in limits]
