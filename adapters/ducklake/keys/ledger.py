"""What this process knows of keys, and how it learns of those that others used."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import duckdb

from adapters.ducklake.config import PostgresCatalog
from adapters.ducklake.engine.lake import Lake
from adapters.ducklake.keys import table as key_table
from adapters.ducklake.keys.entries import KeyEntry
from adapters.ducklake.keys.index import KeyIndex, hash_of
from domain.errors import IdempotencyKeyInUseError
from domain.idempotency import IdempotencyKey

IN_USE_WAIT_S = 30.0
"""How long a write waits for another one under its key."""


class KeyLedger:
    """The keys that were used in the lake, as far as this process has looked.

    It looks at the lake when it is first asked, and again behind that where others may have
    written, or where it is not known what became of a commit.

    Args:
        lake: The lake.
        keep: How long a key is kept.
    """

    def __init__(self, lake: Lake, keep: timedelta) -> None:
        self._lake = lake
        self._keep = keep
        self._shared = isinstance(lake.config.catalog, PostgresCatalog)
        self._loading = threading.Lock()
        self._index: KeyIndex | None = None
        # Keys that may not be in the table yet, whose snapshots tell of them.
        self._recent: dict[IdempotencyKey, KeyEntry] = {}
        self._seen = 0
        self._in_doubt = False
        self._changing = threading.Lock()
        self._in_use: dict[IdempotencyKey, threading.Event] = {}

    @property
    def recent(self) -> int:
        """How many keys may not be in the table yet."""
        return len(self._recent)

    def take(self, key: IdempotencyKey) -> threading.Event | None:
        """Keep other writes of this process from using a key, until `leave` is called.

        Returns: what another write that uses it sets at its end; None when the key is taken.
        """
        mine = threading.Event()
        with self._changing:
            other = self._in_use.setdefault(key, mine)
        return None if other is mine else other

    def leave(self, key: IdempotencyKey) -> None:
        """Let others use a key that was taken."""
        with self._changing:
            self._in_use.pop(key).set()

    def take_in_time(self, key: IdempotencyKey) -> None:
        """As `take`, and wait while another write uses the key.

        Raises:
            IdempotencyKeyInUseError: When it does for too long.
        """
        ends_at = time.monotonic() + IN_USE_WAIT_S
        while (other := self.take(key)) is not None:
            if not other.wait(max(0.0, ends_at - time.monotonic())):
                raise IdempotencyKeyInUseError(
                    "A write under this idempotency key goes on still; ask again later."
                )

    def is_new(self, key: IdempotencyKey) -> bool:
        """Whether a key is not in use and was never used, for all that is known without asking."""
        index = self._index
        return not (
            index is None
            or self._in_doubt
            or key in self._in_use
            or key in self._recent
            or index.might_have(key)
        )

    def find(self, key: IdempotencyKey, *, thorough: bool = False) -> KeyEntry | None:
        """What is kept of a key; None when it was not used, as far as this process knows.

        Args:
            key: The key.
            thorough: Whether to look for what other processes did a moment ago.
        """
        index = self._loaded()
        if self._in_doubt or (thorough and self._shared):
            self._lake.read(self.catch_up)
        recent = self._recent.get(key)
        if recent is not None:
            return recent if recent.written_at >= self.oldest() else None
        if not index.may_have(key):
            return None
        return self._lake.read(lambda cursor: key_table.find(cursor, key, self.oldest()))

    def catch_up(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Learn of what was committed since this process looked last."""
        if self._index is None:
            return
        with self._changing:
            in_doubt, self._in_doubt = self._in_doubt, False
            seen = self._seen
        try:
            told = key_table.told_by_snapshots(cursor, seen)
            self._note(told.entries)
            if not told.whole and key_table.is_there(cursor):
                # Snapshots that were expired meanwhile can tell nothing; the table can.
                for hashes in key_table.hashes(cursor, self.oldest()):
                    self._index.add(hashes)
        except BaseException:
            self._in_doubt = self._in_doubt or in_doubt
            raise
        with self._changing:
            self._seen = max(self._seen, told.last)

    def committed(self, entries: Sequence[KeyEntry], snapshot_id: int) -> None:
        """This process committed a snapshot, with these keys."""
        if self._index is None:
            return
        self._note(entries)
        with self._changing:
            # What others committed in between has not been looked at.
            if snapshot_id == self._seen + 1 or not (self._shared or self._in_doubt):
                self._seen = snapshot_id

    def doubt(self) -> None:
        """A commit of this process failed in a way that leaves open what became of it."""
        self._in_doubt = True

    def archive(self, cursor: duckdb.DuckDBPyConnection) -> int:
        """Write all keys that only snapshots tell of to the table, in the cursor's transaction.

        Returns: the snapshot up to which all keys are in the table when that is committed; to
            be told to `archived`.
        """
        done = key_table.archived_up_to(cursor)
        known = [
            (snapshot_id, entry)
            for entry in list(self._recent.values())
            if (snapshot_id := entry.snapshot_id) is not None
        ]
        after = min([done, *(snapshot_id - 1 for snapshot_id, _ in known)])
        told = key_table.told_by_snapshots(cursor, after)
        entries = [each for each in told.entries if each.snapshot_id and each.snapshot_id > done]
        # What was expired since could be told to nobody else who archived.
        entries += [each for snapshot_id, each in known if snapshot_id not in told.snapshots]
        if entries:
            key_table.store(cursor, entries)
        return max([done, *(each.snapshot_id or 0 for each in entries)])

    def archived(self, snapshot_id: int) -> None:
        """All keys up to this snapshot are in the table."""
        with self._changing:
            done = [
                entry
                for entry in self._recent.values()
                if entry.snapshot_id is not None and entry.snapshot_id <= snapshot_id
            ]
        if self._index is not None:
            self._index.add(_used(done))
        with self._changing:
            for entry in done:
                del self._recent[entry.key]

    def oldest(self) -> datetime:
        """Keys that were used before this are forgotten."""
        return datetime.now(UTC) - self._keep

    def forget_old(self) -> None:
        """Forget what this process knows of keys that are too old."""
        oldest = self.oldest()
        if self._index is not None:
            self._index.forget_before(int(oldest.timestamp()))

    def close(self) -> None:
        """Give the index back."""
        with self._loading:
            if self._index is not None:
                self._index.close()
                self._index = None

    def _note(self, entries: Sequence[KeyEntry]) -> None:
        if self._index is None or not entries:
            return
        # The index gets them when they are archived: that is not in a commit's way.
        with self._changing:
            for entry in entries:
                self._recent[entry.key] = entry

    def _loaded(self) -> KeyIndex:
        with self._loading:
            if self._index is None:
                self._index = self._lake.read(self._load)
            return self._index

    def _load(self, cursor: duckdb.DuckDBPyConnection) -> KeyIndex:
        """Look through all keys that are kept: once, when the first one is asked for."""
        index = KeyIndex(self._lake.config.temp_directory)
        oldest = self.oldest()
        archived = key_table.archived_up_to(cursor)
        if key_table.is_there(cursor):
            for hashes in key_table.hashes(cursor, oldest):
                index.add(hashes)
        # Not DuckLake's own current snapshot: that is read apart, and may be newer than what the
        # snapshots told, so that the keys of another process in between would never be seen.
        seen = key_table.newest_snapshot(cursor)
        told = key_table.told_by_snapshots(cursor, archived, oldest)
        with self._changing:
            self._recent = {entry.key: entry for entry in told.entries}
            self._seen = seen
        return index


def _used(entries: Sequence[KeyEntry]) -> list[tuple[int, int]]:
    return [(hash_of(entry.key), int(entry.written_at.timestamp())) for entry in entries]
