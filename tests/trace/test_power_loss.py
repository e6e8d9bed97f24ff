"""At each commit nothing is unsynced that it names: proved by the system calls.

A power cut keeps what was synced, and of the rest whatever it likes. So when the log of the
catalog is synced, every data file, and every directory that has a new entry, must be.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the tracer is Linux's ptrace")

REPOSITORY = Path(__file__).parents[2]
STANDARD_OUTPUT = 1
SAID = {
    "append to a file": 6,
    "load": 4,
    "create from rows": 4,
    "archive keys": 2,
    "delete": 4,
    "merge": 2,
}
"""How often the traced program says of these writes that they were acknowledged."""
COMMITS_WITH_FILES = 16
"""How many of the traced writes make files, each time."""


@dataclass
class PowerCut:
    """What a power cut could take, at each moment of a trace.

    Attributes:
        lake: The directory that the catalog and the data lie in.
        commits: How often the log of the catalog was synced.
        named: Data files and directories that were made and have been synced since.
        at_risk: What was unsynced at a commit, or at an acknowledgement.
    """

    lake: Path
    commits: int = 0
    named: set[Path] = field(default_factory=set)
    at_risk: list[str] = field(default_factory=list)
    _bytes: set[Path] = field(default_factory=set)
    _entries: set[Path] = field(default_factory=set)

    def see(self, what: str, path: Path, descriptor: int | None) -> None:
        """The next event of the trace."""
        if what == "write" and descriptor == STANDARD_OUTPUT:
            self._judge("an acknowledgement", self._bytes | self._entries)
        elif what == "sync" and path.suffix == ".wal":
            self.commits += 1
            data = self.lake / "data"
            self._judge("a commit", {each for each in self._bytes if data in each.parents})
            self._judge("a commit", {each for each in self._entries if each != self.lake})
        elif what == "synced":
            if path in self._bytes | self._entries:
                self.named.add(path)
            self._bytes.discard(path)
            self._entries.discard(path)
        elif self.lake in (path, *path.parents):
            self._change(what, path)

    def _change(self, what: str, path: Path) -> None:
        if what == "unlink":
            self._bytes.discard(path)
            return
        if what in {"write", "create"}:
            self._bytes.add(path)
        if what in {"create", "mkdir", "rename"}:
            self._entries.add(path.parent)

    def _judge(self, moment: str, unsynced: set[Path]) -> None:
        self.at_risk += [f"{moment}: {path}" for path in sorted(unsynced)]


def traced(tmp_path: Path, durability: str) -> PowerCut:
    events, home = tmp_path / "events", tmp_path / "home"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "tests.trace.tracer", str(events)),
            *(sys.executable, "-m", "tests.trace.writes", str(home), durability),
        ],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert done.returncode == 0, (
        f"The traced program failed. Where the system forbids ptrace, allow it: "
        f"sysctl kernel.yama.ptrace_scope=1, or a container with CAP_SYS_PTRACE.\n{done.stderr}"
    )
    said = Counter(done.stdout.splitlines())
    assert {what: said[what] for what in SAID} == SAID
    assert "refuse\n" in done.stderr
    cut = PowerCut(home / "lake")
    for line in events.read_text().splitlines():
        event = json.loads(line)
        cut.see(event["what"], Path(event["path"]), event["descriptor"])
    return cut


def test_nothing_that_a_commit_names_is_unsynced(tmp_path: Path) -> None:
    cut = traced(tmp_path, "full")
    assert cut.at_risk == []
    assert cut.commits > 2 * COMMITS_WITH_FILES
    files = {path for path in cut.named if path.suffix == ".parquet"}
    assert files >= set((tmp_path / "home" / "lake" / "data").rglob("*.parquet"))
    assert len(files) > 2 * COMMITS_WITH_FILES
    assert any(path.stem.endswith("-delete") for path in files)
    assert {path.parent for path in files} <= cut.named


def test_the_trace_sees_what_is_not_synced(tmp_path: Path) -> None:
    cut = traced(tmp_path, "commit")
    unsynced = {line for line in cut.at_risk if line.endswith(".parquet")}
    assert unsynced, "DuckDB syncs data files itself now: the service need not"
