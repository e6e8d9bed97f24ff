"""Tables against their model, with a lake that is opened anew between the steps.

Every time its files and its catalog must be as the last acknowledged step left them: a copy of
them, which is what a kill leaves, is opened like the lake itself.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import rule, run_state_machine_as_test

from adapters.ducklake import DuckLakeTables, FileCatalog, Lake, LakeConfig, LocalStorage
from adapters.ducklake.maintenance.maintenance import DuckLakeMaintenance
from adapters.filesystem.lake_files import FilesystemLakeFiles
from domain.maintenance import no_progress
from tests.contract.test_table_model import TableMachine


class RestartedMachine(TableMachine):
    """The steps of `TableMachine` on a lake of its own, and two ways to open it anew."""

    def __init__(self) -> None:
        super().__init__()
        self.scratch = Path(tempfile.mkdtemp())
        self.home = self.scratch / "0"
        self.opened = 0
        self.open()

    def open(self) -> None:
        self.lake = Lake(
            LakeConfig(
                catalog=FileCatalog(self.home / "catalog.ducklake"),
                storage=LocalStorage(self.home / "data"),
                temp_directory=self.scratch / "temp",
            )
        )
        # The class has the port, for suites that share a lake; here each run has its own.
        self.tables = DuckLakeTables(self.lake)
        self.__dict__["port"] = self.tables

    @rule()
    def restart(self) -> None:
        """Stop and start."""
        self.lake.close()
        self.open()

    @rule()
    def crash(self) -> None:
        """Go on with what was on the disk in this moment, as if it had been killed."""
        self.lake.open()
        self.opened += 1
        left = self.scratch / str(self.opened)
        shutil.copytree(self.home, left)
        self.lake.close()
        self.home = left
        self.open()

    @rule()
    def check(self) -> None:
        """No file is missing, and none is left over."""
        files = FilesystemLakeFiles(self.home / "data")
        report = DuckLakeMaintenance(self.lake, files, self.tables.writer).check(no_progress)
        assert report.ok
        assert report.orphan_files == 0

    def teardown(self) -> None:
        self.lake.close()
        shutil.rmtree(self.scratch)


@pytest.mark.slow
def test_a_lake_that_is_opened_anew_is_as_it_was() -> None:
    run_state_machine_as_test(
        RestartedMachine,
        settings=settings(
            max_examples=8,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
