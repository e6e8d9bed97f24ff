"""The home directory of an embedded lake: what lies where, and who holds it."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from domain.errors import ConfigurationError, LakeLockedError


@dataclass(frozen=True, slots=True)
class HomeLayout:
    """What lies where in the home directory."""

    root: Path

    @property
    def catalog_file(self) -> Path:
        """The DuckDB file that is the lake's catalog."""
        return self.root / "lake" / "catalog.ducklake"

    @property
    def data(self) -> Path:
        """The Parquet files of the lake's tables."""
        return self.root / "lake" / "data"

    @property
    def datasets(self) -> Path:
        """Buckets and their objects."""
        return self.root / "datasets"

    @property
    def service(self) -> Path:
        """What the service keeps for itself: statements and their results."""
        return self.root / "service"

    @property
    def lineage_events(self) -> Path:
        """Lineage events, when nothing else is configured for them."""
        return self.root / "lineage" / "events.ndjson"

    @property
    def spool(self) -> Path:
        """Bodies that are being read. Nothing here outlives the process."""
        return self.root / "tmp" / "spool"

    @property
    def spill(self) -> Path:
        """What queries put aside. Nothing here outlives the process."""
        return self.root / "tmp" / "spill"

    @property
    def lock_file(self) -> Path:
        """Locked by the process that holds the home; it says which."""
        return self.root / "ducklake.lock"


class Home:
    """A home directory that this process holds, until it releases it or ends.

    Args:
        root: The directory; it is made when it is not there.

    Raises:
        LakeLockedError: When another process holds it.
        ConfigurationError: When it cannot be made or written.
    """

    def __init__(self, root: Path) -> None:
        self.layout = HomeLayout(root)
        # The lock is the process's, not the thread's: it is taken and released by different ones.
        self._lock = FileLock(self.layout.lock_file, thread_local=False)
        try:
            _make_directory(root)
            self._lock.acquire(blocking=False)
        except Timeout as error:
            raise LakeLockedError(self._held_by_another()) from error
        except OSError as error:
            raise self._unusable(error) from error
        try:
            self.layout.lock_file.write_text(f"{os.getpid()}\n")
            self._make_directories()
        except OSError as error:
            self.release()
            raise self._unusable(error) from error

    def release(self) -> None:
        """Let another process hold the home. May be called twice."""
        self._lock.release()

    def _make_directories(self) -> None:
        # What a killed process left there belongs to nobody any more.
        shutil.rmtree(self.layout.root / "tmp", ignore_errors=True)
        for path in (
            self.layout.data,
            self.layout.datasets,
            self.layout.service,
            self.layout.lineage_events.parent,
            self.layout.spool,
            self.layout.spill,
        ):
            _make_directory(path)

    def _held_by_another(self) -> str:
        try:
            pid = self.layout.lock_file.read_text().strip()
        except (OSError, ValueError):
            pid = ""
        holder = f"process {pid}" if pid.isdigit() else "another process"
        return f"The lake in {self.layout.root} is held by {holder}."

    def _unusable(self, error: OSError) -> ConfigurationError:
        reason = (error.strerror or type(error).__name__).lower()
        return ConfigurationError(f"DUCKLAKE_HOME: {self.layout.root} cannot be used: {reason}.")


def _make_directory(path: Path, mode: int = 0o700) -> None:
    """Make a directory, and those above it, durably: a power cut must not take what is in it."""
    if path.is_dir():
        return
    _make_directory(path.parent, 0o777)
    path.mkdir(mode, exist_ok=True)
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
