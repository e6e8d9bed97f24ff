"""Which keys may have been used: a file of their hashes, so that a new key costs no question.

It says "no" for certain and "perhaps" otherwise; then the lake is asked. A key takes about 20
bytes of disk, and of memory no more than the cache of the database that holds them (SQLite's:
5 microseconds a key to note it, 3 to look for it, at a million keys).
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import tempfile
import threading
from collections.abc import Iterable
from pathlib import Path

from domain.idempotency import IdempotencyKey

CACHE_KIB = 8 * 1024
SWEEPS = 256
"""In so many parts old keys are forgotten, so that nobody waits for more than one of them."""


def hash_of(key: IdempotencyKey) -> int:
    """A key's hash, in 64 bits; the same that `HASH_SQL` gives."""
    text = f"{key.scope} {key.value}".encode()
    digest = hashlib.md5(text, usedforsecurity=False).digest()
    return int.from_bytes(digest[8:], "little", signed=True)


HASH_SQL = "md5_number_lower(scope || ' ' || key)"
"""A key's hash in DuckDB, as an unsigned number."""


class KeyIndex:
    """The hashes of keys with the time when each was last used, in a file without a name."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        handle, path = tempfile.mkstemp(dir=directory, prefix="keys-")
        os.close(handle)
        self._lock = threading.Lock()
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        # It is built anew from the lake by each process: nothing of it need outlive a crash.
        for pragma in (
            "journal_mode=OFF",
            "synchronous=OFF",
            "locking_mode=EXCLUSIVE",
            f"cache_size=-{CACHE_KIB}",
        ):
            self._database.execute(f"PRAGMA {pragma}")
        self._database.execute("CREATE TABLE used (hash INTEGER PRIMARY KEY, at INTEGER)")
        Path(path).unlink()

    def add(self, used: Iterable[tuple[int, int]]) -> None:
        """Note hashes of keys, each with the second of its use."""
        with self._lock:
            self._database.execute("BEGIN")
            self._database.executemany("INSERT OR REPLACE INTO used VALUES (?, ?)", used)
            self._database.execute("COMMIT")

    def may_have(self, key: IdempotencyKey) -> bool:
        """Whether the key may have been used; False is certain."""
        with self._lock:
            found = self._database.execute(
                "SELECT 1 FROM used WHERE hash = ?", (hash_of(key),)
            ).fetchone()
        return found is not None

    def forget_before(self, second: int) -> None:
        """Forget what was used before a second, without keeping others waiting for long."""
        step = 2**64 // SWEEPS
        for start in range(-(2**63), 2**63, step):
            with self._lock:
                self._database.execute(
                    "DELETE FROM used WHERE hash BETWEEN ? AND ? AND at < ?",
                    (start, start + step - 1, second),
                )

    def __len__(self) -> int:
        with self._lock:
            row = self._database.execute("SELECT count(*) FROM used").fetchone()
        return int(row[0])

    def close(self) -> None:
        """Give the file back."""
        with self._lock:
            self._database.close()
