"""What a commit names is on the disk before the commit is: for files on this machine.

DuckDB syncs the log of the catalog at a commit, but never the Parquet files that it wrote for
it, nor a directory. After a power cut a snapshot would then name files that are empty or not
there, and the whole table could not be read. https://github.com/duckdb/duckdb/issues/12371
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import threading
import time
from pathlib import Path

from adapters.ducklake.config import FileCatalog, LakeConfig, LocalStorage
from adapters.ducklake.durability.new_entries import ListedTree, NewEntries, Tree, watch_tree
from domain.errors import LakehouseError, StorageFullError, UnavailableError

# On macOS fsync leaves the bytes in the disk's own memory (fsync(2) there).
_FULL_SYNC: int | None = getattr(fcntl, "F_FULLFSYNC", None)
_NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT})
COARSEST_TIME_S = 2.0
"""How coarse the times are that a file system keeps, at the worst (FAT)."""

_logger = logging.getLogger(__name__)


class Durability:
    """Syncs the files of each commit before it, and the catalog's directory behind it.

    Nothing where the files are in S3, which keeps what it has answered for, nor where the
    configuration says that commits may be lost with the power.
    """

    def __init__(self, config: LakeConfig) -> None:
        storage, catalog = config.storage, config.catalog
        synced = config.sync_files
        self._root = (
            storage.path.absolute() if synced and isinstance(storage, LocalStorage) else None
        )
        self._catalog = (
            _Entries(catalog.path.absolute().parent)
            if synced and isinstance(catalog, FileCatalog)
            else None
        )
        self._tree: Tree | None = None
        self._unsynced: set[Path] = set()
        self._made: set[Path] = set()
        self._lock = threading.Lock()

    def begin(self) -> None:
        """To be called before a transaction writes its first file."""
        if self._root is None:
            return
        with self._lock:
            if self._tree is None:
                self._tree = watch_tree(self._root)

    def before_commit(self) -> None:
        """Make durable what has been written since the last commit; returns when it is.

        Files that could not be synced are forgotten: a second sync of them would succeed
        though their bytes are lost, so the transaction that wrote them must never commit.

        Raises:
            StorageFullError: When the disk has no space for them after all.
            UnavailableError: When the disk does not take them.
        """
        with self._lock:
            if self._tree is None or self._root is None:
                return
            try:
                found = self._found(self._tree, self._root)
                self._made |= found.files
                self._unsynced |= found.directories
                for path in (*sorted(found.files), *sorted(self._unsynced)):
                    _sync(path)
            except OSError as error:
                raise _translated(error) from error
            self._unsynced.clear()

    def after_commit(self) -> None:
        """Make the entry of the catalog's log durable, if the commit made that file.

        What the transaction made is the lake's from now on.

        Raises:
            UnavailableError: When the disk does not take it.
        """
        with self._lock:
            self._made.clear()
            if self._catalog is None:
                return
            try:
                self._catalog.sync_if_changed()
            except OSError as error:
                raise _translated(error) from error

    def take_made(self) -> set[Path]:
        """The files that were made since the last commit, by a transaction that has failed.

        None where they cannot be known: they are not watched, or another process may have
        made them, which shares the catalog.

        Raises:
            OSError: When the data files cannot be listed.
        """
        with self._lock:
            if self._tree is None or self._root is None or self._catalog is None:
                return set()
            found = self._found(self._tree, self._root)
            self._unsynced |= found.directories
            made = self._made | found.files
            self._made = set()
            return made

    def close(self) -> None:
        """Watch the files no longer."""
        with self._lock:
            if self._tree is not None:
                self._tree.close()
                self._tree = None

    def _found(self, tree: Tree, root: Path) -> NewEntries:
        try:
            return tree.take()
        except OSError as error:
            _logger.warning("The data files are listed at each commit: %s.", error.strerror)
            tree.close()
            self._tree = ListedTree(root, all_new=True)
            return self._tree.take()


class _Entries:
    """The entries of one directory, synced when they have changed."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._changed_at = 0
        self._seen_at = 0.0
        self._settled = False

    def sync_if_changed(self) -> None:
        now = time.monotonic()
        changed_at = self._directory.stat().st_mtime_ns
        if changed_at != self._changed_at:
            self._changed_at, self._seen_at, self._settled = changed_at, now, False
        if self._settled:
            return
        _sync(self._directory)
        # A second change within the same tick of the directory's time would not be seen.
        self._settled = now - self._seen_at > COARSEST_TIME_S


def make_directory(path: Path) -> None:
    """Make a directory, and those above it, durably.

    Raises:
        OSError: When that cannot be done.
    """
    if path.is_dir():
        return
    make_directory(path.parent)
    path.mkdir(exist_ok=True)
    _sync(path.parent)


def _sync(path: Path) -> None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        # Of a transaction that was rolled back, which removes its files.
        return
    try:
        if _FULL_SYNC is None:
            os.fsync(descriptor)
        else:
            fcntl.fcntl(descriptor, _FULL_SYNC)
    finally:
        os.close(descriptor)


def _translated(error: OSError) -> LakehouseError:
    if error.errno in _NO_SPACE:
        return StorageFullError("There is no space left where the lake keeps its data.")
    reason = os.strerror(error.errno) if error.errno else "unknown error"
    return UnavailableError(f"The disk did not take the lake's files: {reason}.")
