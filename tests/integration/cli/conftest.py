"""The command on fakes, and as a real process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from dependency_injector import providers
from typer.testing import CliRunner, Result

from adapters.arrow.reader import ArrowRowReader
from entrypoints.cli.app import app
from entrypoints.cli.session import Session
from entrypoints.container import Container, build_container
from entrypoints.settings import load_settings
from tests.fakes.datasets import FakeDatasets
from tests.fakes.lineage import FakeLineage
from tests.fakes.maintenance import FakeMaintenance
from tests.fakes.queries import FakeQueries
from tests.fakes.tables import FakeTables

DUCKLAKE = Path(sys.executable).with_name("ducklake")


@dataclass
class Command:
    """The command on fakes, in this process."""

    container: Container
    tables: FakeTables
    datasets: FakeDatasets
    lineage: FakeLineage
    maintenance: FakeMaintenance
    runner: CliRunner = field(default_factory=CliRunner)

    def __call__(self, *arguments: str, stdin: bytes | str | None = None) -> Result:
        return self.runner.invoke(
            app, list(arguments), input=stdin, obj=Session(container=self.container)
        )

    def json(self, *arguments: str, stdin: bytes | str | None = None) -> Any:
        """What it answers, which must be a success."""
        result = self(*arguments, stdin=stdin)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)


@pytest.fixture
def ducklake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.chdir(tmp_path)
    container = build_container(load_settings({}, home=tmp_path / "never-made"))
    tables, datasets, lineage = FakeTables(), FakeDatasets(), FakeLineage()
    container.tables.override(providers.Object(tables))
    container.queries.override(providers.Object(FakeQueries(tables)))
    maintenance = FakeMaintenance(tables)
    container.maintenance.override(providers.Object(maintenance))
    container.datasets.override(providers.Object(datasets))
    container.lineage.override(providers.Object(lineage))
    container.rows.override(providers.Object(ArrowRowReader(tmp_path)))
    return Command(container, tables, datasets, lineage, maintenance)


@dataclass
class Process:
    """The installed command, on a home of its own."""

    home: Path
    directory: Path

    @property
    def environment(self) -> dict[str, str]:
        kept = {
            name: text
            for name, text in os.environ.items()
            if not name.startswith(("DUCKLAKE_", "OPENLINEAGE_"))
        }
        return kept | {"DUCKLAKE_HOME": str(self.home)}

    def __call__(
        self, *arguments: str, stdin: bytes = b"", **more: str
    ) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [DUCKLAKE, *arguments],
            input=stdin,
            capture_output=True,
            check=False,
            cwd=self.directory,
            env=self.environment | more,
            timeout=240,
        )

    def start(self, *arguments: str, stdin: int | None = None) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [DUCKLAKE, *arguments],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.directory,
            env=self.environment,
        )

    def events(self) -> list[dict[str, Any]]:
        """What lineage was published."""
        file = self.home / "lineage" / "events.ndjson"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


@pytest.fixture
def process(tmp_path: Path) -> Process:
    directory = tmp_path / "here"
    directory.mkdir()
    return Process(tmp_path / "home", directory)
