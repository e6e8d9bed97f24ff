"""Where what takes long to make is kept: once per user and machine."""

import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock
from platformdirs import user_cache_path


def cache_directory() -> Path:
    """Give the project's folder in the user's cache directory."""
    return user_cache_path("ducklake-backend")


def machine_kind() -> str:
    """Tell programs for one kind of machine from another's: a home may be on several."""
    return f"{sys.platform}-{platform.machine().lower()}"


@contextmanager
def made_once(target: Path) -> Iterator[None]:
    """Hold the lock under which `target` is made, so that parallel workers make it once."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(target.with_name(f"{target.name}.lock")):
        yield
