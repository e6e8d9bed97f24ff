"""The table port, used by many threads at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from domain.errors import TableExistsError, TableNotFoundError
from domain.ports.tables import TablePort
from domain.tables import NamespaceName, TableName
from tests.contract.lakes import OpenedLake
from tests.contract.table_cases import append, create, some_rows, write

THREADS = 8

T = TypeVar("T")


def at_once(work: Callable[[int], T], threads: int = THREADS) -> Sequence[T]:
    """Let each thread begin at the same moment; raises what any of them raised."""
    together = threading.Barrier(threads)

    def begin(number: int) -> T:
        together.wait(timeout=30)
        return work(number)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(begin, range(threads)))


def test_appends_to_one_table(tables: TablePort, lake: OpenedLake, name: TableName) -> None:
    create(tables, name)
    said = len(lake.writes())

    def work(number: int) -> list[int]:
        return [append(tables, name, some_rows(3)).snapshot_id for _ in range(5)]

    snapshots = [snapshot for each in at_once(work) for snapshot in each]

    described = tables.describe(name)
    assert described.row_count == THREADS * 5 * 3
    assert described.snapshot_id == max(snapshots)
    writes = lake.writes()[said:]
    assert len({each.run_id for each in writes}) == THREADS * 5


def test_appends_to_several_tables(tables: TablePort, namespace: str) -> None:
    names = [TableName(namespace, f"t{place}") for place in range(3)]
    for name in names:
        create(tables, name)

    def work(number: int) -> None:
        for turn in range(6):
            append(tables, names[(number + turn) % 3], some_rows(150))

    at_once(work)

    assert [tables.describe(name).row_count for name in names] == [THREADS * 6 * 150 // 3] * 3


def test_one_of_many_makes_a_table(tables: TablePort, name: TableName) -> None:
    def work(number: int) -> bool:
        try:
            create(tables, name)
        except TableExistsError:
            return False
        return True

    assert sorted(at_once(work)) == [False] * (THREADS - 1) + [True]


def test_many_make_tables_in_one_new_namespace(tables: TablePort, namespace: str) -> None:
    at_once(lambda number: create(tables, TableName(namespace, f"t{number}")))

    page = tables.list_tables(NamespaceName(namespace), None, 100)
    assert [table.name for table in page.tables] == [f"t{number}" for number in range(THREADS)]


def test_readers_see_whole_appends_alone(tables: TablePort, name: TableName) -> None:
    create(tables, name)
    appended = threading.Event()

    def work(number: int) -> list[int]:
        if number == 0:
            try:
                for _ in range(10):
                    append(tables, name, some_rows(150))
            finally:
                appended.set()
            return [tables.describe(name).row_count]
        counts = []
        while not appended.is_set():
            counts.append(tables.describe(name).row_count)
        return counts

    counts = at_once(work, threads=3)

    assert counts[0] == [1500]
    for seen in counts:
        assert seen == sorted(seen)
        assert all(count % 150 == 0 for count in seen)


def test_a_table_that_is_dropped_while_others_append(tables: TablePort, name: TableName) -> None:
    create(tables, name)

    def work(number: int) -> str:
        try:
            if number == 0:
                tables.drop(name, write(name, "drop"))
                return "dropped"
            append(tables, name, some_rows(5))
        except TableNotFoundError:
            return "gone"
        return "appended"

    outcomes = at_once(work)

    assert outcomes.count("dropped") == 1
    assert set(outcomes) <= {"dropped", "appended", "gone"}
    assert tables.list_tables(NamespaceName(name.namespace), None, 10).tables == ()
