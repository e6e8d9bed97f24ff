"""The table port: what a table was, and when it changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from domain.errors import SnapshotNotFoundError, TableNotFoundError
from domain.ports.tables import TablePort
from domain.tables import AtTimestamp, AtVersion, IfExists, TableDescription, TableName
from tests.contract.table_cases import append, column, create, definition, some_rows, write


@pytest.fixture
def past(tables: TablePort, name: TableName) -> list[TableDescription]:
    """Each state that a table was in, oldest first, with changes of others in between."""
    other = TableName(name.namespace, "other")
    states = [create(tables, name)]
    create(tables, other)
    for count in (1, 100, 3):
        append(tables, name, some_rows(count))
        states.append(tables.describe(name))
        append(tables, other, some_rows(1))
    return states


def test_a_table_at_each_version(
    tables: TablePort, name: TableName, past: list[TableDescription]
) -> None:
    for state in past:
        assert tables.describe(name, AtVersion(state.snapshot_id)) == state
    assert [state.row_count for state in past] == [0, 1, 101, 104]


def test_a_table_between_its_changes(
    tables: TablePort, name: TableName, past: list[TableDescription]
) -> None:
    # The snapshot behind each change changed another table.
    for state in past:
        assert tables.describe(name, AtVersion(state.snapshot_id + 1)) == state


def test_a_table_at_each_time(
    tables: TablePort, name: TableName, past: list[TableDescription]
) -> None:
    for state in past:
        assert state.updated_at is not None
        assert tables.describe(name, AtTimestamp(state.updated_at)) == state


def test_a_time_means_the_same_in_every_zone(
    tables: TablePort, name: TableName, past: list[TableDescription]
) -> None:
    for state in past:
        assert state.updated_at is not None
        elsewhere = state.updated_at.astimezone(timezone(timedelta(hours=-11, minutes=-30)))
        assert tables.describe(name, AtTimestamp(elsewhere)) == state


def test_a_moment_before_the_change_is_the_state_before(
    tables: TablePort, name: TableName, past: list[TableDescription]
) -> None:
    assert past[1].updated_at is not None
    moment = past[1].updated_at - timedelta(microseconds=1)

    assert tables.describe(name, AtTimestamp(moment)) == past[0]


def test_the_future_is_as_now(
    tables: TablePort, name: TableName, past: list[TableDescription]
) -> None:
    for moment in (datetime.now(UTC) + timedelta(days=1), datetime(9999, 12, 31, tzinfo=UTC)):
        assert tables.describe(name, AtTimestamp(moment)) == past[-1]


def test_before_it_was_made_a_table_is_not_there(tables: TablePort, name: TableName) -> None:
    made = create(tables, name)
    assert made.updated_at is not None

    with pytest.raises(TableNotFoundError):
        tables.describe(name, AtVersion(made.snapshot_id - 1))
    with pytest.raises(TableNotFoundError):
        tables.describe(name, AtVersion(0))
    with pytest.raises(TableNotFoundError):
        tables.describe(name, AtTimestamp(made.updated_at - timedelta(microseconds=1)))


def test_after_it_was_dropped_a_table_is_not_there(tables: TablePort, name: TableName) -> None:
    made = create(tables, name)
    tables.drop(name, write(name, "drop"))

    assert tables.describe(name, AtVersion(made.snapshot_id)) == made
    with pytest.raises(TableNotFoundError):
        tables.describe(name, AtVersion(made.snapshot_id + 1))


@pytest.mark.parametrize("ahead", [1, 1_000_000])
def test_a_version_that_is_not_there_yet(tables: TablePort, name: TableName, ahead: int) -> None:
    made = create(tables, name)

    with pytest.raises(SnapshotNotFoundError):
        tables.describe(name, AtVersion(made.snapshot_id + ahead))


@pytest.mark.parametrize("version", [-1, -(2**63) - 1, 2**63, 2**200])
def test_a_version_that_never_is(tables: TablePort, name: TableName, version: int) -> None:
    create(tables, name)

    with pytest.raises(SnapshotNotFoundError):
        tables.describe(name, AtVersion(version))


@pytest.mark.parametrize("year", [1, 1969, 2000])
def test_a_time_before_the_lake(tables: TablePort, name: TableName, year: int) -> None:
    create(tables, name)

    with pytest.raises(SnapshotNotFoundError):
        tables.describe(name, AtTimestamp(datetime(year, 1, 1, tzinfo=UTC)))


def test_the_snapshot_of_a_table_changes_with_its_own_changes_alone(
    tables: TablePort, name: TableName
) -> None:
    other = TableName(name.namespace, "other")
    create(tables, name)
    seen = [append(tables, name, some_rows(2)).snapshot_id]

    create(tables, other)
    append(tables, other, some_rows(2))
    append(tables, other, some_rows(200))
    create(tables, other, column("c", "DATE"), if_exists=IfExists.REPLACE)
    tables.drop(other, write(other, "drop"))
    append(tables, name, some_rows(0))
    tables.create(definition(name), IfExists.IGNORE, write(name, "create"))

    assert tables.describe(name).snapshot_id == seen[0]
    for change in (some_rows(1), some_rows(500)):
        seen.append(append(tables, name, change).snapshot_id)
        assert tables.describe(name).snapshot_id == seen[-1]
    seen.append(create(tables, name, if_exists=IfExists.REPLACE).snapshot_id)
    assert seen == sorted(set(seen))
