"""Which keys may have been used: a file of their hashes, so that a new key costs no question.

It says "no" for certain and "perhaps" otherwise; then the lake is asked. A key takes about 20
bytes of disk, and of memory no more than the cache of the database that holds them (SQLite's:
5 microseconds a key to note it, 3 to look for it, at a million keys).

Each call of the database gives up the interpreter's lock, and with hundreds of threads it takes
milliseconds to get it back. So a Bloom filter in memory answers first: for a new key, alone.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import tempfile
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

from domain.idempotency import IdempotencyKey

CACHE_KIB = 8 * 1024
FILTER_BITS = 1 << 27
"""16 MiB."""

FILTER_HASHES = 4
SWEEPS = 256
"""In so many parts old keys are forgotten, so that nobody waits for more than one of them."""


def hash_of(key: IdempotencyKey) -> int:
    """A key's hash, in 64 bits; the same that `HASH_SQL` gives."""
    text = f"{key.scope} {key.value}".encode()
    digest = hashlib.md5(text, usedforsecurity=False).digest()
    return int.from_bytes(digest[8:], "little", signed=True)


HASH_SQL = "md5_number_lower(scope || ' ' || key)"
"""A key's hash in DuckDB, as an unsigned number."""


class BloomFilter:
    """Which hashes were noted: "no" for certain, or perhaps (B. H. Bloom, 1970).

    What was noted stays. It errs for four new keys of a thousand at ten million noted ones, and
    more often beyond; then the database is asked for nothing.
    """

    def __init__(self) -> None:
        self._bits = bytearray(FILTER_BITS // 8)

    def noting(self, used: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
        """Note the hashes, each with a second, as they pass."""
        bits = self._bits
        for hash_, second in used:
            for bit in _bits_of(hash_):
                bits[bit >> 3] |= 1 << (bit & 7)
            yield hash_, second

    def may_have(self, hash_: int) -> bool:
        """Whether a hash may have been noted."""
        bits = self._bits
        return all(bits[bit >> 3] >> (bit & 7) & 1 for bit in _bits_of(hash_))


def _bits_of(hash_: int) -> Iterator[int]:
    """The places of a hash: its halves, and sums of them (Kirsch and Mitzenmacher, 2006)."""
    first, second = hash_ & 0xFFFF_FFFF, hash_ >> 32 | 1
    return ((first + number * second) % FILTER_BITS for number in range(FILTER_HASHES))


class KeyIndex:
    """The hashes of keys with the time when each was last used, in a file without a name."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        handle, path = tempfile.mkstemp(dir=directory, prefix="keys-")
        os.close(handle)
        self._lock = threading.Lock()
        self._filter = BloomFilter()
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
            noted = self._filter.noting(used)
            self._database.execute("BEGIN")
            self._database.executemany("INSERT OR REPLACE INTO used VALUES (?, ?)", noted)
            self._database.execute("COMMIT")

    def might_have(self, key: IdempotencyKey) -> bool:
        """As `may_have`, from memory alone: it says "perhaps" a little more often."""
        return self._filter.may_have(hash_of(key))

    def may_have(self, key: IdempotencyKey) -> bool:
        """Whether the key may have been used; False is certain."""
        hash_ = hash_of(key)
        if not self._filter.may_have(hash_):
            return False
        with self._lock:
            found = self._database.execute("SELECT 1 FROM used WHERE hash = ?", (hash_,)).fetchone()
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
