"""A table's last change, found in the catalog's history from its end."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import duckdb
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from adapters.ducklake.catalog.metadata import Metadata, TableEntry
from adapters.ducklake.engine.sql import METADATA
from domain.tables import TableName

TABLE = TableEntry(7, uuid.uuid4(), TableName.parse("t"), "")
LONGEST = 300
"""More snapshots than the first look back sees."""

snapshots = st.integers(1, LONGEST)


@pytest.fixture(scope="module")
def catalog() -> Iterator[duckdb.DuckDBPyConnection]:
    """The tables of a catalog that tell of its history, without a lake."""
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH ':memory:' AS {METADATA}")
        for columns in (
            "ducklake_table(table_id BIGINT, begin_snapshot BIGINT)",
            "ducklake_snapshot(snapshot_id BIGINT PRIMARY KEY)",
            "ducklake_snapshot_changes(snapshot_id BIGINT PRIMARY KEY, changes_made VARCHAR)",
        ):
            connection.execute(f"CREATE TABLE {METADATA}.{columns}")
        yield connection


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40
)
@given(
    last=snapshots,
    created=snapshots,
    changed=st.sets(snapshots, max_size=3),
    expired=st.lists(st.tuples(snapshots, st.integers(1, 100)), max_size=3),
)
@example(last=LONGEST, created=1, changed=set(), expired=[])
@example(last=LONGEST, created=1, changed=set(), expired=[(1, 200)])
@example(last=LONGEST, created=1, changed={LONGEST - 64}, expired=[])
@example(last=LONGEST, created=1, changed={LONGEST - 63}, expired=[(LONGEST - 64, 1)])
@example(last=LONGEST, created=LONGEST, changed={3}, expired=[])
def test_the_last_change_or_the_last_gap(
    catalog: duckdb.DuckDBPyConnection,
    last: int,
    created: int,
    changed: set[int],
    expired: list[tuple[int, int]],
) -> None:
    created = min(created, last)
    gone = {first + n for first, length in expired for n in range(length)}
    # The newest snapshot is never expired.
    kept = [each for each in range(last + 1) if each == last or each not in gone]
    for table in ("table", "snapshot", "snapshot_changes"):
        catalog.execute(f"DELETE FROM {METADATA}.ducklake_{table}")
    catalog.execute(f"INSERT INTO {METADATA}.ducklake_table VALUES (7, {created})")
    catalog.execute(f"INSERT INTO {METADATA}.ducklake_snapshot SELECT unnest(?)", [kept])
    # 77 is another table.
    made = ["inlined_insert:77,altered_table:7" if n in changed else "x:77" for n in kept]
    catalog.execute(
        f"INSERT INTO {METADATA}.ducklake_snapshot_changes SELECT unnest(?), unnest(?)",
        [kept, made],
    )

    found = Metadata(catalog, last).last_change(TABLE)

    behind_gaps = {each for each in kept if each > 0 and each - 1 not in kept}
    assert found == max({created, *behind_gaps, *(changed & set(kept))})
