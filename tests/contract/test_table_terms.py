"""The table port: writes under a key, and writes that are to match an entity tag."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from adapters.ducklake.keys import table as key_table
from domain.errors import (
    IdempotencyKeyReusedError,
    PreconditionFailedError,
    RowsDoNotFitError,
    TableExistsError,
    TableNotFoundError,
)
from domain.idempotency import IdempotencyKey, KeyedRequest, WriteTerms
from domain.ports.tables import TablePort
from domain.tables import (
    AppendOutcome,
    CreateOutcome,
    DropOutcome,
    IfExists,
    NamespaceName,
    TableName,
    WriteOutcome,
)
from tests.contract.lakes import OpenedLake
from tests.contract.table_cases import (
    COLUMNS,
    append,
    create,
    definition,
    some_rows,
    write,
)
from tests.contract.test_table_concurrency import at_once
from tests.fakes.rows import FakeRows


def new_key(scope: str = "") -> IdempotencyKey:
    return IdempotencyKey(uuid.uuid4().hex, scope)


def under(key: IdempotencyKey, payload: str = "payload") -> WriteTerms:
    return WriteTerms(KeyedRequest(key, payload.encode()))


def matching(*tags: str | int) -> WriteTerms:
    return WriteTerms(if_match=tuple(map(str, tags)))


def keyed_append(
    tables: TablePort, name: TableName, key: IdempotencyKey, count: int = 3, payload: str = "rows"
) -> AppendOutcome:
    rows = some_rows(count)
    return tables.append(name, rows, write(name, "append", count), under(key, payload))


def keyed_create(
    tables: TablePort,
    name: TableName,
    key: IdempotencyKey,
    if_exists: IfExists = IfExists.ERROR,
) -> CreateOutcome:
    return tables.create(definition(name), if_exists, write(name, "create"), under(key))


def keyed_drop(tables: TablePort, name: TableName, key: IdempotencyKey) -> DropOutcome:
    return tables.drop(name, write(name, "drop"), under(key))


# -- what comes again --------------------------------------------------------------------


def test_an_append_is_done_once(tables: TablePort, name: TableName, lake: OpenedLake) -> None:
    create(tables, name)
    key = new_key()

    first = keyed_append(tables, name, key)
    append(tables, name, some_rows(2))
    second = keyed_append(tables, name, key)

    assert first.replay_of is None
    assert (second.rows_appended, second.snapshot_id) == (3, first.snapshot_id)
    assert tables.describe(name).row_count == 5
    assert second.replay_of in {each.run_id for each in lake.writes()}


@pytest.mark.parametrize("count", [30, 2_000])
def test_an_append_of_many_rows(tables: TablePort, name: TableName, count: int) -> None:
    create(tables, name)
    key = new_key()
    outcomes = [keyed_append(tables, name, key, count) for _ in range(3)]
    assert len({outcome.snapshot_id for outcome in outcomes}) == 1
    assert tables.describe(name).row_count == count


def test_a_create_is_done_once(tables: TablePort, name: TableName) -> None:
    key = new_key()
    first = keyed_create(tables, name, key)
    append(tables, name, some_rows(4))

    second = keyed_create(tables, name, key)

    assert first.created
    assert second.created
    assert second.description == first.description
    assert second.replay_of is not None


def test_a_replace_is_done_once(tables: TablePort, name: TableName) -> None:
    create(tables, name)
    key = new_key()
    keyed_create(tables, name, key, IfExists.REPLACE)
    append(tables, name, some_rows(4))
    keyed_create(tables, name, key, IfExists.REPLACE)
    assert tables.describe(name).row_count == 4


def test_a_drop_is_done_once(tables: TablePort, name: TableName) -> None:
    create(tables, name)
    key = new_key()
    assert keyed_drop(tables, name, key).replay_of is None
    create(tables, name)

    assert keyed_drop(tables, name, key).replay_of is not None

    assert tables.describe(name).name == name


def test_what_changes_nothing_is_kept_too(tables: TablePort, name: TableName) -> None:
    made = create(tables, name)
    append_key, create_key = new_key(), new_key()

    nothing = keyed_append(tables, name, append_key, 0)
    there = keyed_create(tables, name, create_key, IfExists.IGNORE)
    assert tables.describe(name).snapshot_id == made.snapshot_id
    append(tables, name, some_rows(3))

    assert keyed_append(tables, name, append_key, 0).snapshot_id == nothing.snapshot_id
    again = keyed_create(tables, name, create_key, IfExists.IGNORE)
    assert not again.created
    assert again.description == there.description == made


def test_the_table_may_be_gone(tables: TablePort, name: TableName) -> None:
    create(tables, name)
    key, made = new_key(), keyed_create(tables, TableName(name.namespace, "u"), new_key())
    first = keyed_append(tables, name, key)
    tables.drop(name, write(name, "drop"))

    assert keyed_append(tables, name, key).snapshot_id == first.snapshot_id
    assert made.created
    with pytest.raises(TableNotFoundError):
        keyed_append(tables, name, new_key())


def test_another_payload(tables: TablePort, name: TableName) -> None:
    create(tables, name)
    key = new_key()
    keyed_append(tables, name, key, payload="one")
    with pytest.raises(IdempotencyKeyReusedError):
        keyed_append(tables, name, key, payload="two")
    with pytest.raises(IdempotencyKeyReusedError):
        keyed_drop(tables, name, key)
    assert tables.describe(name).row_count == 3


def test_scopes_have_their_own_keys(tables: TablePort, name: TableName) -> None:
    create(tables, name)
    text = uuid.uuid4().hex
    for scope in ("", "ann", "bob"):
        assert keyed_append(tables, name, IdempotencyKey(text, scope)).replay_of is None
    assert tables.describe(name).row_count == 9


def test_what_failed_is_not_kept(tables: TablePort, name: TableName) -> None:
    key = new_key()
    with pytest.raises(TableNotFoundError):
        keyed_append(tables, name, key)
    with pytest.raises(TableNotFoundError):
        keyed_drop(tables, name, key)
    create(tables, name)
    with pytest.raises(TableExistsError):
        keyed_create(tables, name, key)
    odd = FakeRows.of((COLUMNS[1],), {"label": ["no id"]})
    with pytest.raises(RowsDoNotFitError):
        tables.append(name, odd, write(name, "append", 1), under(key))

    assert keyed_append(tables, name, key).replay_of is None
    assert tables.describe(name).row_count == 3


def test_after_a_restart(lake: OpenedLake, name: TableName) -> None:
    keys = [new_key() for _ in range(4)]
    first: list[WriteOutcome] = [
        keyed_create(lake.tables, name, keys[0]),
        keyed_append(lake.tables, name, keys[1]),
        keyed_append(lake.tables, name, keys[2], 0),
        keyed_drop(lake.tables, name, keys[3]),
    ]
    with lake.again() as tables:
        second: list[WriteOutcome] = [
            keyed_create(tables, name, keys[0]),
            keyed_append(tables, name, keys[1]),
            keyed_append(tables, name, keys[2], 0),
            keyed_drop(tables, name, keys[3]),
        ]
        assert all(outcome.replay_of for outcome in second)
        assert told(second) == told(first)
        with pytest.raises(TableNotFoundError):
            tables.describe(name)


def told(outcomes: list[WriteOutcome]) -> list[object]:
    """What outcomes tell, but for whether they are told again."""
    return [
        (outcome.description, outcome.created)
        if isinstance(outcome, CreateOutcome)
        else (outcome.rows_appended, outcome.snapshot_id)
        if isinstance(outcome, AppendOutcome)
        else None
        for outcome in outcomes
    ]


def test_another_process_knows_at_once(lake: OpenedLake, name: TableName) -> None:
    create(lake.tables, name)
    with lake.again() as others:
        # It has looked at the keys by now.
        keyed_append(others, name, new_key())
        for turn in range(3):
            key = new_key()
            here, there = (lake.tables, others) if turn % 2 else (others, lake.tables)
            first = keyed_append(here, name, key)
            if lake.shared:
                assert keyed_append(there, name, key).snapshot_id == first.snapshot_id
                assert there.recall(key, lambda: b"rows") is not None
            assert keyed_append(here, name, key).snapshot_id == first.snapshot_id
    assert lake.tables.describe(name).row_count == 12


def test_many_at_once_under_one_key(tables: TablePort, name: TableName) -> None:
    create(tables, name)
    key = new_key()
    outcomes = at_once(lambda _: keyed_append(tables, name, key))
    assert [outcome.replay_of for outcome in outcomes].count(None) == 1
    assert len({outcome.snapshot_id for outcome in outcomes}) == 1
    assert tables.describe(name).row_count == 3


def test_many_keys_from_two_processes_at_once(lake: OpenedLake, name: TableName) -> None:
    create(lake.tables, name)
    keys = [new_key() for _ in range(6)]
    with lake.again() as others:

        def work(number: int) -> list[int]:
            tables = others if lake.shared and number % 2 else lake.tables
            return [keyed_append(tables, name, key, 1).snapshot_id for key in keys]

        told_by_each = at_once(work)

    assert all(snapshots == told_by_each[0] for snapshots in told_by_each)
    assert lake.tables.describe(name).row_count == len(keys)


def test_another_process_writes_while_the_keys_are_looked_through(
    lake: OpenedLake, name: TableName, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(lake.tables, name)
    key = new_key()
    tell = key_table.told_by_snapshots
    first: list[AppendOutcome] = []

    def told_meanwhile(*args: Any) -> key_table.Told:
        told = tell(*args)
        if not first:
            monkeypatch.setattr(key_table, "told_by_snapshots", tell)
            first.append(keyed_append(lake.tables, name, key, 1))
        return told

    with lake.again() as others:
        keyed_append(lake.tables, name, new_key(), 1)
        monkeypatch.setattr(key_table, "told_by_snapshots", told_meanwhile)
        second = keyed_append(others if lake.shared else lake.tables, name, key, 1)

    assert lake.tables.describe(name).row_count == 2
    if lake.shared:
        assert second.snapshot_id == first[0].snapshot_id


def test_a_bad_one_leaves_its_neighbours_alone(tables: TablePort, name: TableName) -> None:
    create(tables, name)
    key = new_key()
    keyed_append(tables, name, key, 1)

    def work(number: int) -> bool:
        if number % 2:
            return keyed_append(tables, name, new_key(), 1).replay_of is None
        try:
            keyed_append(tables, name, key, 1, payload="another")
        except IdempotencyKeyReusedError:
            return True
        return False

    assert all(at_once(work))
    assert tables.describe(name).row_count == 5


def test_recall(tables: TablePort, name: TableName) -> None:
    create(tables, name)
    key, digests = new_key(), []

    def digest() -> bytes:
        digests.append(1)
        return b"rows"

    assert tables.recall(key, digest) is None
    assert tables.recall(key, digest, thorough=True) is None
    assert digests == []
    first = keyed_append(tables, name, key)
    assert tables.may_wait(name, key)
    recalled = tables.recall(key, digest)
    assert isinstance(recalled, AppendOutcome)
    assert recalled.snapshot_id == first.snapshot_id
    with pytest.raises(IdempotencyKeyReusedError):
        tables.recall(key, lambda: b"other")


# -- the service's own table -------------------------------------------------------------


def test_the_table_of_keys_is_not_one_of_the_lakes_tables(
    tables: TablePort, name: TableName
) -> None:
    create(tables, name)
    keyed_append(tables, name, new_key(), 0)
    found = tables.list_tables(None, None, 10_000).tables
    assert "ducklake_backend" not in {table.namespace for table in found}


# -- entity tags -------------------------------------------------------------------------


def test_a_write_that_matches(tables: TablePort, name: TableName) -> None:
    tag = create(tables, name).snapshot_id
    rows = some_rows(1)
    done = tables.append(name, rows, write(name, "append", 1), matching("7777777", tag))
    tables.append(name, rows, write(name, "append", 1), matching("*"))
    replaced = tables.create(
        definition(name),
        IfExists.REPLACE,
        write(name, "create"),
        matching(tables.describe(name).snapshot_id),
    )
    assert done.snapshot_id > tag
    tables.drop(name, write(name, "drop"), matching(replaced.description.snapshot_id))


Writes = Callable[[TablePort, TableName, WriteTerms], object]
WRITES: dict[str, Writes] = {
    "append": lambda tables, name, terms: tables.append(
        name, some_rows(1), write(name, "append", 1), terms
    ),
    "append nothing": lambda tables, name, terms: tables.append(
        name, some_rows(0), write(name, "append", 0), terms
    ),
    "replace": lambda tables, name, terms: tables.create(
        definition(name), IfExists.REPLACE, write(name, "create"), terms
    ),
    "leave alone": lambda tables, name, terms: tables.create(
        definition(name), IfExists.IGNORE, write(name, "create"), terms
    ),
    "drop": lambda tables, name, terms: tables.drop(name, write(name, "drop"), terms),
}


@pytest.mark.parametrize("operation", WRITES)
def test_a_write_that_does_not_match(tables: TablePort, name: TableName, operation: str) -> None:
    old = create(tables, name).snapshot_id
    new = append(tables, name, some_rows(2)).snapshot_id
    for terms in (matching(old), matching(), matching(new + 1, "x")):
        with pytest.raises(PreconditionFailedError):
            WRITES[operation](tables, name, terms)
    described = tables.describe(name)
    assert (described.row_count, described.snapshot_id) == (2, new)
    WRITES[operation](tables, name, matching(new))


def test_no_table_matches_nothing(tables: TablePort, name: TableName) -> None:
    for if_exists in IfExists:
        with pytest.raises(PreconditionFailedError):
            tables.create(definition(name), if_exists, write(name, "create"), matching("*"))
    with pytest.raises(TableNotFoundError):
        tables.append(name, some_rows(1), write(name, "append", 1), matching("*"))
    with pytest.raises(TableNotFoundError):
        tables.drop(name, write(name, "drop"), matching("*"))
    assert tables.list_tables(NamespaceName(name.namespace), None, 10).tables == ()


def test_one_of_many_matches(lake: OpenedLake, name: TableName) -> None:
    tag = create(lake.tables, name).snapshot_id
    with lake.again() as others:

        def work(number: int) -> bool:
            tables = others if lake.shared and number % 2 else lake.tables
            try:
                tables.append(name, some_rows(1), write(name, "append", 1), matching(tag))
            except PreconditionFailedError:
                return False
            return True

        outcomes = list(at_once(work))

    assert outcomes.count(True) == 1
    assert lake.tables.describe(name).row_count == 1


def test_a_replay_needs_not_match(tables: TablePort, name: TableName) -> None:
    tag = create(tables, name).snapshot_id
    terms = WriteTerms(KeyedRequest(new_key(), b"rows"), (str(tag),))
    first = tables.append(name, some_rows(1), write(name, "append", 1), terms)
    second = tables.append(name, some_rows(1), write(name, "append", 1), terms)
    assert second.snapshot_id == first.snapshot_id
    assert second.replay_of is not None
    assert tables.describe(name).row_count == 1
