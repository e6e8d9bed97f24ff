"""The use cases between tables and objects, with fakes for every port."""

from __future__ import annotations

from contextlib import closing

import pytest

from application.runs import Tracked
from application.tables.export import ExportCommand, ExportToObject
from domain.column_types import parse_column_type
from domain.commits import Write
from domain.datasets import BucketName, ObjectName, ObjectRef
from domain.errors import BucketNotFoundError, InvalidObjectNameError, InvalidSqlError
from domain.formats import DataFormat
from domain.lineage import Lifecycle, RunState, Usage, new_run_id
from domain.queries import Query
from domain.tables import Column, IfExists, TableDefinition, TableName
from tests.fakes.datasets import FakeDatasets
from tests.fakes.lineage import FakeLineage
from tests.fakes.queries import FakeQueries
from tests.fakes.rows import FakeRows
from tests.fakes.tables import FakeTables

NAME = TableName.parse("flights")
COLUMNS = (Column("id", parse_column_type("INTEGER")),)
BUCKET = BucketName("exports")


class Lakehouse:
    """A table of three rows, a bucket, and the use cases on fakes."""

    def __init__(self) -> None:
        self.lineage = FakeLineage()
        self.tables = FakeTables()
        self.datasets = FakeDatasets()
        self.queries = FakeQueries(self.tables)
        self.export = Tracked(ExportToObject(self.queries, self.datasets), self.lineage)
        self.datasets.create_bucket(BUCKET)
        self.tables.create(
            TableDefinition(NAME, COLUMNS), IfExists.ERROR, Write(str(NAME), "create", new_run_id())
        )
        rows = FakeRows.of(COLUMNS, {"id": (1, 2, 3)})
        self.tables.append(NAME, rows, Write(str(NAME), "append", new_run_id(), 3))


@pytest.fixture
def lakehouse() -> Lakehouse:
    return Lakehouse()


def ref(name: str, bucket: str = "exports") -> ObjectRef:
    return ObjectRef(BucketName(bucket), ObjectName(name))


def test_an_export_writes_the_table_and_says_so(lakehouse: Lakehouse) -> None:
    command = ExportCommand(Query(table=NAME), ref("a.csv"), DataFormat.CSV)

    done = lakehouse.export(command)

    info = done.value.info
    with closing(lakehouse.datasets.open_object(command.ref)) as opened:
        assert b"".join(opened.read()) == b"id\n1\n2\n3\n"
    start, end = lakehouse.lineage.run(done.run_id)
    assert start.state is RunState.START
    assert start.inputs == (Usage(NAME),)
    assert end.state is RunState.COMPLETE
    assert end.subject == NAME
    assert end.inputs == (Usage(NAME, version="2"),)
    assert end.outputs == (
        Usage(
            command.ref,
            version=info.etag,
            row_count=3,
            size_bytes=info.size,
            lifecycle=Lifecycle.CREATE,
        ),
    )


def test_an_export_gives_its_query_back(lakehouse: Lakehouse) -> None:
    lakehouse.export(ExportCommand(Query(table=NAME), ref("a.json"), DataFormat.JSON))
    with pytest.raises(BucketNotFoundError):
        lakehouse.export(ExportCommand(Query(table=NAME), ref("a", "other"), DataFormat.JSON))
    assert [result.closed for result in lakehouse.queries.opened] == [True, True]


def test_an_export_asks_nothing_when_its_object_cannot_be(lakehouse: Lakehouse) -> None:
    with pytest.raises(InvalidObjectNameError):
        lakehouse.export(ExportCommand(Query(table=NAME), ref("a//b"), DataFormat.CSV))
    assert lakehouse.queries.opened == []


def test_an_export_is_put_to_a_table() -> None:
    with pytest.raises(InvalidSqlError):
        ExportCommand(Query("SELECT 1"), ref("a.csv"), DataFormat.CSV)
