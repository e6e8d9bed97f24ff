"""The table port: appends that nobody waits for in a thread."""

from __future__ import annotations

import threading
import uuid
from functools import partial

import pytest

from domain.errors import TableNotFoundError
from domain.idempotency import NO_TERMS, IdempotencyKey, KeyedRequest, WriteTerms
from domain.ports.tables import TablePort
from domain.settling import Pending
from domain.tables import AppendOutcome, TableName
from tests.contract.table_cases import append, create, some_rows, write


def submit(
    tables: TablePort, name: TableName, count: int = 1, terms: WriteTerms = NO_TERMS
) -> Pending[AppendOutcome]:
    return tables.submit(name, some_rows(count), write(name, "append", count), terms)


def keyed() -> WriteTerms:
    return WriteTerms(KeyedRequest(IdempotencyKey(uuid.uuid4().hex), b"digest"))


def test_many_are_committed_in_their_order(tables: TablePort, name: TableName) -> None:
    create(tables, name)

    begun = [submit(tables, name, count) for count in range(1, 21)]
    done = [pending.result() for pending in begun]

    assert [outcome.rows_appended for outcome in done] == [*range(1, 21)]
    snapshots = [outcome.snapshot_id for outcome in done]
    assert snapshots == sorted(snapshots)
    assert tables.describe(name).row_count == sum(range(1, 21))
    assert all(pending.settled and not pending.failed for pending in begun)


def test_each_is_told_of_once(tables: TablePort, name: TableName) -> None:
    create(tables, name)
    told: list[int] = []
    all_told = threading.Event()

    def tell(number: int) -> None:
        told.append(number)
        if len(told) == 8:
            all_told.set()

    begun = [submit(tables, name) for _ in range(8)]
    for number, pending in enumerate(begun):
        pending.when_settled(partial(tell, number))

    assert all_told.wait(60)
    assert sorted(told) == [*range(8)]


def test_what_is_settled_is_told_of_at_once(tables: TablePort, name: TableName) -> None:
    create(tables, name)
    pending = submit(tables, name)
    pending.result()
    told: list[bool] = []

    pending.when_settled(lambda: told.append(pending.settled))

    assert told == [True]
    assert pending.result() == pending.result()


def test_one_that_fails_harms_no_other(tables: TablePort, name: TableName) -> None:
    create(tables, name)
    nowhere = TableName(name.namespace, "nowhere")

    good, bad, better = submit(tables, name), submit(tables, nowhere), submit(tables, name)

    with pytest.raises(TableNotFoundError):
        bad.result()
    assert bad.settled
    assert bad.failed
    assert [good.result().rows_appended, better.result().rows_appended] == [1, 1]
    assert tables.describe(name).row_count == 2


def test_without_rows(tables: TablePort, name: TableName) -> None:
    create(tables, name)
    before = append(tables, name, some_rows(1)).snapshot_id

    assert submit(tables, name, 0).result() == AppendOutcome(0, before)


def test_two_under_one_key(tables: TablePort, name: TableName) -> None:
    create(tables, name)
    terms = keyed()

    begun = [submit(tables, name, 1, terms) for _ in range(4)]
    done = [pending.result() for pending in begun]

    assert len({outcome.snapshot_id for outcome in done}) == 1
    assert sum(outcome.replay_of is None for outcome in done) == 1
    assert tables.describe(name).row_count == 1


def test_a_key_is_free_when_its_append_is_settled(tables: TablePort, name: TableName) -> None:
    create(tables, name)
    terms = keyed()
    nowhere = TableName(name.namespace, "nowhere")
    with pytest.raises(TableNotFoundError):
        submit(tables, nowhere, 1, terms).result()

    assert submit(tables, name, 1, terms).result().replay_of is None
