"""Keys in a lake on this machine: their table, what expires, what nobody knows of."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from adapters.ducklake import DuckLakeTables, Lake
from adapters.ducklake.engine.extensions import load_extension
from adapters.ducklake.keys.index import HASH_SQL, KeyIndex, hash_of
from adapters.ducklake.writes.appends import MERGED_ROWS
from domain.errors import IdempotencyKeyInUseError, IdempotencyKeyReusedError, UnavailableError
from domain.idempotency import IdempotencyKey
from domain.tables import AppendOutcome, IfExists, TableName
from tests.contract.table_cases import create, definition, some_rows, write
from tests.contract.test_table_terms import keyed_append, keyed_create, new_key, under
from tests.fakes.rows import FakeRows
from tests.local_lake import local_lake

NAME = TableName("main", "t")


@dataclass
class OpenLake:
    lake: Lake
    tables: DuckLakeTables

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        with self.lake.cursor() as cursor:
            return cursor.execute(statement).fetchall()

    def expire_snapshots(self) -> None:
        self.sql("CALL ducklake_expire_snapshots('lake', older_than => now())")

    def archived(self) -> list[str]:
        found = self.sql("SELECT key FROM lake.ducklake_backend.idempotency_keys")
        return [key for (key,) in found]


@dataclass
class Home:
    path: Path

    @contextmanager
    def open(self, keep: timedelta = timedelta(hours=24)) -> Iterator[OpenLake]:
        with ExitStack() as cleanup:
            lake = cleanup.enter_context(closing(Lake(local_lake(self.path))))
            yield OpenLake(lake, cleanup.enter_context(closing(DuckLakeTables(lake, keep))))


class SlowRows(FakeRows):
    """Rows that do not come before a test lets them."""

    def __init__(self, table: pa.Table, begun: threading.Event, go_on: threading.Event) -> None:
        super().__init__(table)
        self._begun = begun
        self._go_on = go_on

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        self._begun.set()
        assert self._go_on.wait(30)
        return super().__arrow_c_stream__(requested_schema)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.mark.parametrize("archived", [False, True])
@pytest.mark.parametrize("restarted", [False, True])
def test_keys_outlive_their_snapshots(home: Home, archived: bool, restarted: bool) -> None:
    keys = [new_key() for _ in range(4)]

    def send(tables: DuckLakeTables) -> list[AppendOutcome]:
        return [keyed_append(tables, NAME, key) for key in keys[1:]]

    with home.open() as opened:
        made = keyed_create(opened.tables, NAME, keys[0])
        first = send(opened.tables)
        if archived:
            opened.tables.archive_keys()
            opened.expire_snapshots()
        if not restarted:
            if not archived:
                # What this process did it knows still, and archives it later.
                opened.expire_snapshots()
                assert [each.snapshot_id for each in send(opened.tables)] == [
                    each.snapshot_id for each in first
                ]
                opened.tables.archive_keys()
                assert set(opened.archived()) == {key.value for key in keys}
            assert keyed_create(opened.tables, NAME, keys[0]).replay_of
            return
    with home.open() as opened:
        assert [each.snapshot_id for each in send(opened.tables)] == [
            each.snapshot_id for each in first
        ]
        again = keyed_create(opened.tables, NAME, keys[0]).description
        if not archived:
            assert again == made.description
        assert (again.name, again.columns, again.row_count, again.snapshot_id, again.location) == (
            made.description.name,
            made.description.columns,
            0,
            made.description.snapshot_id,
            made.description.location,
        )
        assert opened.tables.describe(NAME).row_count == 9


def test_a_plain_client_reads_the_keys(home: Home) -> None:
    key = new_key("ann")
    with home.open() as opened:
        create(opened.tables, NAME)
        done = keyed_append(opened.tables, NAME, key)
        opened.tables.archive_keys()
        opened.tables.archive_keys()
    with duckdb.connect() as plain:
        load_extension(plain, "ducklake")
        plain.execute(f"ATTACH 'ducklake:{home.path}/catalog.ducklake' AS lake")
        rows = plain.execute(
            "SELECT scope, key, digest, snapshot, answer->>'rows_appended' "
            "FROM lake.ducklake_backend.idempotency_keys"
        ).fetchall()
        said = plain.execute(
            "SELECT commit_extra_info->'$.keys[0].key'->>'$' FROM lake.snapshots() "
            f"WHERE snapshot_id = {done.snapshot_id}"
        ).fetchall()
    assert rows == [("ann", key.value, b"rows".hex(), done.snapshot_id, "3")]
    assert said == [(key.value,)]


def test_keys_are_forgotten_and_deleted_in_time(home: Home) -> None:
    old, new = new_key(), new_key()
    with home.open() as opened:
        create(opened.tables, NAME)
        keyed_append(opened.tables, NAME, old)
        opened.tables.archive_keys()
        assert opened.archived() == [old.value]
    with home.open(timedelta(0)) as opened:
        assert keyed_append(opened.tables, NAME, old).replay_of is None
        assert keyed_append(opened.tables, NAME, old).replay_of is None
        keyed_append(opened.tables, NAME, new)
        opened.tables.archive_keys()
        assert opened.archived() == []


def test_a_commit_whose_answer_was_lost(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    from adapters.ducklake.writes import writer as module  # noqa: PLC0415 - what is patched

    key = new_key()
    with home.open() as opened:
        create(opened.tables, NAME)

        # Before a commit it is remembered, and not asked for.
        def fails_after_commit(_: duckdb.DuckDBPyConnection) -> int | None:
            raise UnavailableError("The catalog went away.")

        with monkeypatch.context() as patch:
            patch.setattr(module, "_last_committed", fails_after_commit)
            with pytest.raises(UnavailableError):
                keyed_append(opened.tables, NAME, key)

        assert keyed_append(opened.tables, NAME, key).replay_of is not None
        assert opened.tables.describe(NAME).row_count == 3


def test_a_key_that_is_in_use_for_too_long(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.ducklake.keys.ledger.IN_USE_WAIT_S", 0.05)
    key, begun, go_on = new_key(), threading.Event(), threading.Event()
    with home.open() as opened:
        create(opened.tables, NAME)
        # Few rows would be read before the commit, not in it.
        slow = SlowRows(some_rows(MERGED_ROWS + 1).table, begun, go_on)
        first = threading.Thread(
            target=lambda: opened.tables.append(
                NAME, slow, write(NAME, "append", 1), under(key, "rows")
            )
        )
        first.start()
        assert begun.wait(30)
        with pytest.raises(IdempotencyKeyInUseError):
            keyed_append(opened.tables, NAME, key, 1)
        go_on.set()
        first.join()
        assert keyed_append(opened.tables, NAME, key, 1).replay_of is not None


def test_a_key_of_another_operation(home: Home) -> None:
    key = new_key()
    with home.open() as opened:
        opened.tables.create(
            definition(NAME), IfExists.ERROR, write(NAME, "create"), under(key, "same")
        )
        with pytest.raises(IdempotencyKeyReusedError):
            keyed_append(opened.tables, NAME, key, payload="same")


def test_the_index(tmp_path: Path) -> None:
    with closing(KeyIndex(tmp_path)) as index:
        old, new, never = (IdempotencyKey(text) for text in ("old", "new", "never"))
        index.add([(hash_of(old), 10), (hash_of(new), 20)])
        index.add([(hash_of(new), 30)])
        assert [index.may_have(key) for key in (old, new, never)] == [True, True, False]
        index.forget_before(20)
        assert [index.may_have(key) for key in (old, new)] == [False, True]
        assert len(index) == 1
        assert list(tmp_path.iterdir()) == []


def test_the_hash_is_the_same_in_sql() -> None:
    keys = [IdempotencyKey(f"key-{number}", "scope" * (number % 2)) for number in range(200)]
    with duckdb.connect() as connection:
        for key in keys:
            row = connection.execute(
                f"SELECT {HASH_SQL} FROM (SELECT ? AS scope, ? AS key)", [key.scope, key.value]
            ).fetchone()
            assert row is not None
            assert row[0] % 2**64 == hash_of(key) % 2**64
