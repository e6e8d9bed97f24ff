"""The use cases between tables and objects, with fakes for every port."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from typing import Any

import pytest

from application.runs import Tracked
from application.tables.export import ExportCommand, ExportToObject
from application.tables.export_partitioned import ExportPartitioned, PartitionedExportCommand
from domain.column_types import parse_column_type
from domain.commits import Write
from domain.datasets import (
    BucketName,
    ListRequest,
    MediaType,
    ObjectMetadata,
    ObjectName,
    ObjectRef,
    PutOutcome,
    WriteCondition,
)
from domain.errors import (
    BucketNotFoundError,
    InvalidObjectNameError,
    InvalidPartitionError,
    InvalidSqlError,
    LakehouseError,
    PreconditionFailedError,
    StorageFullError,
    UnavailableError,
)
from domain.formats import DataFormat
from domain.lineage import Lifecycle, RunState, Usage, new_run_id
from domain.partitions import PartitionedPlace
from domain.queries import Query
from domain.tables import Column, IfExists, TableDefinition, TableName
from tests.fakes.datasets import FakeDatasets
from tests.fakes.lineage import FakeLineage
from tests.fakes.queries import FakeQueries
from tests.fakes.rows import FakeRows
from tests.fakes.tables import FakeTables

NAME = TableName.parse("flights")
COLUMNS = (
    Column("id", parse_column_type("INTEGER")),
    Column("K", parse_column_type("VARCHAR")),
)
BUCKET = BucketName("exports")


class ScriptedDatasets(FakeDatasets):
    """Fails at some objects."""

    def __init__(self) -> None:
        super().__init__()
        self.refused_puts: set[str] = set()
        self.refused_deletes: set[str] = set()

    def put_object(self, ref: ObjectRef, content: Iterable[bytes], **options: Any) -> PutOutcome:
        if str(ref.name) in self.refused_puts:
            raise StorageFullError("There is no space.")
        return super().put_object(ref, content, **options)

    def delete_object(self, ref: ObjectRef) -> None:
        if str(ref.name) in self.refused_deletes:
            raise UnavailableError("The store does not answer.")
        super().delete_object(ref)


class Lakehouse:
    """A table of three rows, a bucket, and the use cases on fakes."""

    def __init__(self) -> None:
        self.lineage = FakeLineage()
        self.tables = FakeTables()
        self.datasets = ScriptedDatasets()
        self.queries = FakeQueries(self.tables)
        self.export = Tracked(ExportToObject(self.queries, self.datasets), self.lineage)
        self.divide = Tracked(ExportPartitioned(self.queries, self.datasets), self.lineage)
        self.datasets.create_bucket(BUCKET)
        self.tables.create(
            TableDefinition(NAME, COLUMNS), IfExists.ERROR, Write(str(NAME), "create", new_run_id())
        )
        rows = FakeRows.of(COLUMNS, {"id": (1, 2, 3), "K": ("a", "b", "a")})
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
        assert b"".join(opened.read()) == b"id,K\n1,a\n2,b\n3,a\n"
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


PLACE = PartitionedPlace.parse("exports/p/")
A, B = "p/K=a/part-0.csv", "p/K=b/part-0.csv"


def partitioned(**changes: Any) -> PartitionedExportCommand:
    said: dict[str, Any] = {"place": PLACE, "data_format": DataFormat.CSV, "keys": ("k",)}
    return PartitionedExportCommand(Query(table=NAME), **said | changes)


def put(lakehouse: Lakehouse, *names: str) -> None:
    for name in names:
        lakehouse.datasets.put_object(
            ref(name),
            [b"old"],
            size=None,
            media_type=MediaType(),
            metadata=ObjectMetadata(),
            condition=WriteCondition(),
        )


def contents(lakehouse: Lakehouse) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for each in lakehouse.datasets.list_objects(BUCKET, ListRequest()).objects:
        with closing(lakehouse.datasets.open_object(ref(each.name))) as opened:
            found[each.name] = b"".join(opened.read())
    return found


def test_a_partitioned_export_writes_an_object_for_each_value(lakehouse: Lakehouse) -> None:
    done = lakehouse.divide(partitioned())

    assert contents(lakehouse) == {A: b"id\n1\n3\n", B: b"id\n2\n"}
    assert [(str(each.info.ref.name), each.row_count) for each in done.value.objects] == [
        (A, 2),
        (B, 1),
    ]
    assert (done.value.row_count, done.value.size, done.value.removed) == (3, 12, ())
    start, end = lakehouse.lineage.run(done.run_id)
    assert (start.inputs, start.outputs) == ((Usage(NAME),), ())
    assert end.state is RunState.COMPLETE
    assert end.inputs == (Usage(NAME, version="2"),)
    assert end.outputs == tuple(
        Usage(
            each.info.ref,
            version=each.info.etag,
            row_count=each.row_count,
            size_bytes=each.info.size,
            lifecycle=Lifecycle.CREATE,
        )
        for each in done.value.objects
    )
    assert [result.closed for result in lakehouse.queries.opened] == [True]


def test_json_of_each_partition_is_one_array(lakehouse: Lakehouse) -> None:
    lakehouse.divide(partitioned(data_format=DataFormat.JSON))
    assert contents(lakehouse)["p/K=a/part-0.json"] == b'[\n{"id":1},\n{"id":3}\n]\n'


def test_a_partitioned_export_takes_the_place_of_an_earlier_one(lakehouse: Lakehouse) -> None:
    others = ("p/K=x/part-0.parquet", "p/K=x/part-0.csv.gz", "p/notes.csv", "q/K=x/part-0.csv")
    put(lakehouse, A, "p/K=x/part-0.csv", "p/k=y/part-12.csv", *others)

    done = lakehouse.divide(partitioned())

    gone = ("p/K=x/part-0.csv", "p/k=y/part-12.csv")
    assert [str(each.name) for each in done.value.removed] == list(gone)
    assert set(contents(lakehouse)) == {A, B, *others}
    outputs = lakehouse.lineage.run(done.run_id)[-1].outputs
    assert [usage.lifecycle for usage in outputs] == [
        Lifecycle.OVERWRITE,
        Lifecycle.CREATE,
        Lifecycle.DROP,
        Lifecycle.DROP,
    ]


def test_a_partitioned_export_only_where_nothing_is(lakehouse: Lakehouse) -> None:
    put(lakehouse, "other", "p2")
    lakehouse.divide(partitioned(only_new=True))
    before = contents(lakehouse)

    with pytest.raises(PreconditionFailedError):
        lakehouse.divide(partitioned(only_new=True))
    put(lakehouse, "r/any")
    with pytest.raises(PreconditionFailedError):
        lakehouse.divide(partitioned(only_new=True, place=PartitionedPlace.parse("exports/r")))

    assert contents(lakehouse) == before | {"r/any": b"old"}
    assert len(lakehouse.queries.opened) == 1


def test_what_was_added_goes_again_when_a_partitioned_export_fails(lakehouse: Lakehouse) -> None:
    lakehouse.datasets.refused_puts = {B}
    with pytest.raises(StorageFullError) as caught:
        lakehouse.divide(partitioned())
    assert caught.value.detail == "There is no space."
    assert contents(lakehouse) == {}
    assert caught.value.run_id is not None
    end = lakehouse.lineage.run(caught.value.run_id)[-1]
    assert (end.state, end.outputs) == (RunState.FAIL, ())
    assert [result.closed for result in lakehouse.queries.opened] == [True]


def test_a_partitioned_export_that_fails_says_what_stands(lakehouse: Lakehouse) -> None:
    put(lakehouse, A, "p/K=x/part-0.csv")
    lakehouse.datasets.refused_puts = {B}
    with pytest.raises(StorageFullError, match="1 had been replaced and 0 had been added"):
        lakehouse.divide(partitioned())
    assert contents(lakehouse) == {A: b"id\n1\n3\n", "p/K=x/part-0.csv": b"old"}

    lakehouse.datasets.delete_object(ref(A))
    lakehouse.datasets.refused_deletes = {A}
    with pytest.raises(StorageFullError, match="0 had been replaced and 1 had been added"):
        lakehouse.divide(partitioned())


def test_no_object_is_written_when_one_cannot_be(lakehouse: Lakehouse) -> None:
    rows = FakeRows.of(COLUMNS, {"id": (4,), "K": ("x" * 255,)})
    lakehouse.tables.append(NAME, rows, Write(str(NAME), "append", new_run_id(), 1))
    with pytest.raises(InvalidPartitionError):
        lakehouse.divide(partitioned())
    assert contents(lakehouse) == {}


@pytest.mark.parametrize(
    "changes, error",
    [
        ({"place": PartitionedPlace.parse("other/p")}, BucketNotFoundError),
        ({"keys": ("nothing",)}, InvalidPartitionError),
        ({"keys": ("id", "K")}, InvalidPartitionError),
    ],
)
def test_a_partitioned_export_that_cannot_be(
    lakehouse: Lakehouse, changes: dict[str, Any], error: type[LakehouseError]
) -> None:
    with pytest.raises(error):
        lakehouse.divide(partitioned(**changes))
    assert contents(lakehouse) == {}
    assert all(result.closed for result in lakehouse.queries.opened)


def test_a_partitioned_export_that_is_cancelled_before_it_begins(lakehouse: Lakehouse) -> None:
    command = partitioned()
    command.cancellation.cancel()
    lakehouse.divide(command)
    assert lakehouse.queries.opened[0].closed


def test_a_partitioned_export_is_put_to_a_table() -> None:
    with pytest.raises(InvalidSqlError):
        PartitionedExportCommand(Query("SELECT 1"), PLACE, DataFormat.CSV, ("a",))
