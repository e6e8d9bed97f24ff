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
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule, run_state_machine_as_test

from adapters.ducklake import (
    DuckLakeQueries,
    DuckLakeTables,
    FileCatalog,
    Lake,
    LakeConfig,
    LocalStorage,
    ObjectSources,
)
from adapters.ducklake.maintenance.maintenance import DuckLakeMaintenance
from adapters.filesystem.datasets import FilesystemDatasets
from adapters.filesystem.lake_files import FilesystemLakeFiles
from application.runs import Tracked
from application.tables.export import ExportCommand, ExportToObject
from domain.datasets import BucketName
from domain.derived_tables import DerivedTable
from domain.errors import IdempotencyKeyReusedError, TableNotFoundError
from domain.formats import DataFormat
from domain.idempotency import IdempotencyKey
from domain.maintenance import no_progress
from domain.object_rows import ObjectRows
from domain.queries import Query
from domain.tables import AppendOutcome, IfExists, TableName
from tests.contract.dataset_cases import put, read, ref
from tests.contract.table_cases import ID, column, write
from tests.contract.test_table_model import NAMES, NAMESPACES, ModelTable, TableMachine
from tests.contract.test_table_terms import new_key, under
from tests.fakes.lineage import FakeLineage
from tests.fakes.rows import FakeRows

BUCKET = BucketName("raw-data")
EXPORTED = "out.csv"


class RestartedMachine(TableMachine):
    """The steps of `TableMachine` and more, on a lake of its own, and two ways to open it anew."""

    def __init__(self) -> None:
        super().__init__()
        self.scratch = Path(tempfile.mkdtemp())
        self.home = self.scratch / "0"
        self.opened = 0
        self.sent: list[tuple[TableName, IdempotencyKey, int, AppendOutcome]] = []
        self.datasets = FilesystemDatasets(self.scratch / "datasets")
        self.datasets.create_bucket(BUCKET)
        self.open()

    def open(self) -> None:
        self.lake = Lake(
            LakeConfig(
                catalog=FileCatalog(self.home / "catalog.ducklake"),
                storage=LocalStorage(self.home / "data"),
                temp_directory=self.scratch / "temp",
                readable=tuple(self.datasets.location_roots),
            )
        )
        sources = ObjectSources(self.lake, self.datasets)
        self.queries = DuckLakeQueries(self.lake, sources)
        # The class has the port, for suites that share a lake; here each run has its own.
        self.tables = DuckLakeTables(self.lake, objects=sources)
        self.__dict__["port"] = self.tables

    def rows_of(self, count: int) -> ObjectRows:
        """So many rows in an object."""
        content = b"id\n" + b"".join(b"%d\n" % number for number in range(count))
        put(self.datasets, BUCKET, f"{count}.csv", content)
        return ObjectRows.parse([f"{BUCKET}/{count}.csv"])

    @rule(namespace=NAMESPACES, name=NAMES, count=st.sampled_from([0, 3, 200]))
    def load(self, namespace: str, name: str, count: int) -> None:
        """Load an object; it needs nothing but what was there when it began."""
        table, rows = self._name(namespace, name), self.rows_of(count)
        if table not in self.model.tables:
            with pytest.raises(TableNotFoundError):
                self.tables.load(table, rows, write(table, "load"))
            return
        outcome = self.tables.load(table, rows, write(table, "load")).outcome
        assert outcome.rows_appended == count
        if count:
            self._grown(table, count, outcome.snapshot_id)

    @rule(
        namespace=NAMESPACES, name=NAMES, count=st.sampled_from([0, 3, 200]), objects=st.booleans()
    )
    def create_from(self, namespace: str, name: str, count: int, objects: bool) -> None:
        """Make a table of rows, in the place of any that is there."""
        table = self._name(namespace, name)
        query = Query(f"SELECT i AS id FROM range({count}) r(i)")
        source = self.rows_of(count) if objects and count else query
        derived = DerivedTable(table, source)
        made = self.tables.create_from(derived, IfExists.REPLACE, write(table, "create")).outcome
        columns = (column("id", "BIGINT"),)
        self._changed(table, ModelTable(columns, count, made.description.snapshot_id))

    @rule(namespace=NAMESPACES, name=NAMES, count=st.sampled_from([0, 1, 20]))
    def append_under_a_key(self, namespace: str, name: str, count: int) -> None:
        """Append rows in a way that can be sent again."""
        table, key = self._name(namespace, name), new_key()
        if table not in self.model.tables:
            with pytest.raises(TableNotFoundError):
                self.send(table, key, count)
            return
        outcome = self.send(table, key, count)
        assert outcome.replay_of is None
        self.sent.append((table, key, count, outcome))
        if count:
            self._grown(table, count, outcome.snapshot_id)

    def send(self, table: TableName, key: IdempotencyKey, count: int) -> AppendOutcome:
        """Append so many rows under a key."""
        rows = FakeRows.of((ID,), {"id": range(count)})
        return self.tables.append(table, rows, write(table, "append"), under(key, str(count)))

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def send_again(self, data: st.DataObject) -> None:
        """What was done is told again, whatever became of its table; a key is for one write."""
        table, key, count, first = data.draw(st.sampled_from(self.sent))
        again = self.send(table, key, count)
        assert again.replay_of is not None
        assert (again.rows_appended, again.snapshot_id) == (count, first.snapshot_id)
        with pytest.raises(IdempotencyKeyReusedError):
            self.send(table, key, count + 1)

    @rule(namespace=NAMESPACES, name=NAMES)
    def export(self, namespace: str, name: str) -> None:
        """Write a table to an object, in the place of what an earlier step wrote there."""
        table = self._name(namespace, name)
        use = Tracked(ExportToObject(self.queries, self.datasets), FakeLineage())
        command = ExportCommand(Query(table=table), ref(BUCKET, EXPORTED), DataFormat.CSV)
        if table not in self.model.tables:
            with pytest.raises(TableNotFoundError):
                use(command)
            return
        use(command)
        lines = read(self.datasets, BUCKET, EXPORTED).splitlines()
        known = self.model.tables[table]
        assert lines[0].decode() == ",".join(column.name for column in known.columns)
        assert len(lines) == 1 + known.row_count

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
