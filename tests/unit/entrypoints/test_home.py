import os
import subprocess
import sys
from pathlib import Path

import pytest

from domain.errors import ConfigurationError, LakeLockedError
from entrypoints.home import Home


def test_a_home_is_made_and_held(tmp_path: Path) -> None:
    root = tmp_path / "a" / "home"
    home = Home(root)
    assert home.layout.catalog_file == root / "lake" / "catalog.ducklake"
    assert home.layout.data.is_dir()
    assert home.layout.datasets.is_dir()
    assert home.layout.lineage_events.parent.is_dir()
    assert root.stat().st_mode & 0o777 == 0o700
    assert home.layout.lock_file.read_text().strip() == str(os.getpid())
    home.release()
    home.release()
    Home(root).release()


def test_one_process_holds_it(tmp_path: Path) -> None:
    held = Home(tmp_path)
    program = f"""
from pathlib import Path
from domain.errors import LakeLockedError
from entrypoints.home import Home
try:
    Home(Path({str(tmp_path)!r}))
except LakeLockedError as error:
    print(error.detail)
"""
    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    assert said == f"The lake in {tmp_path} is held by process {os.getpid()}.\n"
    held.release()


def test_it_is_held_within_one_process_too(tmp_path: Path) -> None:
    held = Home(tmp_path)
    with pytest.raises(LakeLockedError, match=str(os.getpid())):
        Home(tmp_path)
    held.release()


def test_the_lock_dies_with_the_process(tmp_path: Path) -> None:
    program = f"""
import os, signal
from pathlib import Path
from entrypoints.home import Home
home = Home(Path({str(tmp_path)!r}))
(home.layout.spool / "left").write_text("x")
os.kill(os.getpid(), signal.SIGKILL)
"""
    ended = subprocess.run([sys.executable, "-c", program], check=False, timeout=60)
    assert ended.returncode == -9
    home = Home(tmp_path)
    # What it was reading is nobody's any more.
    assert list(home.layout.spool.iterdir()) == []
    home.release()


def test_what_is_no_directory_cannot_be_a_home(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    for root in (file, file / "below"):
        with pytest.raises(ConfigurationError, match=r"^DUCKLAKE_HOME: .* cannot be used: .*\.$"):
            Home(root)
