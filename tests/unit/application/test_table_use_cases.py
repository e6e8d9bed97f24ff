"""The use cases on tables and queries, with fakes for every port."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace

import pyarrow as pa
import pytest

from application.queries.run import RunQuery, RunQueryCommand
from application.runs import Tracked
from application.tables.append import AppendRows, AppendRowsCommand
from application.tables.create import CreateTable, CreateTableCommand
from application.tables.describe import DescribeTable, DescribeTableCommand
from application.tables.drop import DropTable, DropTableCommand
from application.tables.list import ListTables, ListTablesCommand
from domain.bodies import BodyFormat
from domain.column_types import parse_column_type
from domain.commits import Write
from domain.errors import (
    MalformedBodyError,
    RowProblem,
    SnapshotNotFoundError,
    TableChangedError,
    TableExistsError,
    TableNotFoundError,
    UnsupportedOperationError,
)
from domain.formats import DataFormat
from domain.growth import Growth, OnNewColumns
from domain.idempotency import NO_TERMS, WriteTerms
from domain.lineage import Lifecycle, RunEvent, RunState, Usage
from domain.ports.rows import HeldBody, RowReaderPort
from domain.queries import Query, ResultEncoding
from domain.rows import Rows
from domain.tables import AppendOutcome, AtVersion, Column, IfExists, TableDefinition, TableName
from tests.fakes.lineage import FakeLineage
from tests.fakes.queries import FakeQueries
from tests.fakes.rows import FakeRows
from tests.fakes.tables import FakeTables

NAME = TableName.parse("flights")
COLUMNS = (Column("id", parse_column_type("INTEGER")),)
DEFINITION = TableDefinition(NAME, COLUMNS)


class JsonReader(RowReaderPort):
    """Reads a JSON list of numbers into the column `id`."""

    def __init__(self) -> None:
        self.read_rows: list[FakeRows] = []
        self.held: list[NumbersThatNeedABigint] = []

    def read(
        self, body: Iterable[bytes], body_format: BodyFormat, columns: Sequence[Column]
    ) -> Rows:
        try:
            numbers = json.loads(b"".join(body))
        except ValueError as error:
            raise MalformedBodyError("The body is no JSON.") from error
        rows = FakeRows(pa.table({"id": pa.array(numbers, pa.int32())}))
        self.read_rows.append(rows)
        return rows

    def hold(self, body: Iterable[bytes], body_format: BodyFormat) -> HeldBody:
        self.held.append(NumbersThatNeedABigint(self, b"".join(body), body_format))
        return self.held[-1]


class NumbersThatNeedABigint(HeldBody):
    """A body whose numbers need `id` to be a BIGINT, or to be there at all."""

    def __init__(self, reader: JsonReader, body: bytes, body_format: BodyFormat) -> None:
        self._reader = reader
        self._body = body
        self._format = body_format
        self.closed = False

    def rows(self, columns: Sequence[Column]) -> Rows:
        wide = Column("id", parse_column_type("BIGINT"))
        there = [column for column in columns if column.name == "id"]
        growth = Growth(added=() if there else (wide,))
        if there and there[0].type != wide.type:
            growth = Growth(widened=(replace(there[0], type=wide.type),))
        self._reader.read([self._body], self._format, columns)
        rows = FakeRows(self._reader.read_rows.pop().table, growth)
        self._reader.read_rows.append(rows)
        return rows

    def close(self) -> None:
        self.closed = True


class Lakehouse:
    """The use cases on fakes."""

    def __init__(self) -> None:
        self.lineage = FakeLineage()
        self.tables = FakeTables()
        self.queries = FakeQueries(self.tables)
        self.reader = JsonReader()
        self.create = Tracked(CreateTable(self.tables), self.lineage)
        self.append = Tracked(AppendRows(self.tables, self.reader), self.lineage)
        self.describe = Tracked(DescribeTable(self.tables), self.lineage)
        self.drop = Tracked(DropTable(self.tables), self.lineage)
        self.list = Tracked(ListTables(self.tables), self.lineage)
        self.query = Tracked(RunQuery(self.queries), self.lineage)

    def end_of(self, run_id: str) -> RunEvent:
        start, end = self.lineage.run(run_id)
        assert start.state is RunState.START
        return end

    @property
    def last(self) -> RunEvent:
        return self.lineage.events[-1]


@pytest.fixture
def lakehouse() -> Lakehouse:
    return Lakehouse()


@pytest.fixture
def filled(lakehouse: Lakehouse) -> Lakehouse:
    """With a table of three rows."""
    lakehouse.create(CreateTableCommand(DEFINITION))
    lakehouse.append(AppendRowsCommand(NAME, [b"[1, ", b"2, 3]"], BodyFormat(DataFormat.JSON)))
    return lakehouse


def test_create(lakehouse: Lakehouse) -> None:
    done = lakehouse.create(CreateTableCommand(DEFINITION))

    assert done.value.created
    end = lakehouse.end_of(done.run_id)
    assert end.state is RunState.COMPLETE
    assert end.outputs == (Usage(NAME, "1", COLUMNS, lifecycle=Lifecycle.CREATE),)
    assert end.inputs == ()
    (write,) = lakehouse.tables.writes
    assert (write.table, write.operation, write.run_id) == ("main.flights", "create", done.run_id)


def test_create_again(filled: Lakehouse) -> None:
    before = len(filled.tables.snapshots)

    with pytest.raises(TableExistsError) as raised:
        filled.create(CreateTableCommand(DEFINITION))

    assert raised.value.run_id == filled.last.run_id
    assert filled.last.state is RunState.FAIL
    assert filled.last.outputs == (Usage(NAME),)
    assert len(filled.tables.snapshots) == before


def test_create_what_may_be_there(filled: Lakehouse) -> None:
    done = filled.create(CreateTableCommand(DEFINITION, IfExists.IGNORE))

    assert not done.value.created
    assert filled.end_of(done.run_id).outputs == (Usage(NAME),)


def test_create_in_place_of_another(filled: Lakehouse) -> None:
    done = filled.create(CreateTableCommand(DEFINITION, IfExists.REPLACE))

    (written,) = filled.end_of(done.run_id).outputs
    assert written.lifecycle is Lifecycle.OVERWRITE
    assert filled.tables.writes[-1].operation == "replace"


def test_append(filled: Lakehouse) -> None:
    done = filled.append(AppendRowsCommand(NAME, [b"[4]"], BodyFormat(DataFormat.JSON)))

    assert done.value.rows_appended == 1
    assert filled.tables.describe(NAME).row_count == 4
    end = filled.end_of(done.run_id)
    assert end.outputs == (Usage(NAME, str(done.value.snapshot_id), COLUMNS, row_count=1),)
    write = filled.tables.writes[-1]
    assert (write.operation, write.rows, write.run_id) == ("append", 1, done.run_id)
    assert all(rows.closed for rows in filled.reader.read_rows)


def test_append_to_no_table_reads_no_body(lakehouse: Lakehouse) -> None:
    body = iter([b"[1]"])

    with pytest.raises(TableNotFoundError):
        lakehouse.append(AppendRowsCommand(NAME, body, BodyFormat(DataFormat.JSON)))

    assert list(body) == [b"[1]"]
    assert lakehouse.last.state is RunState.FAIL
    assert lakehouse.last.outputs == (Usage(NAME),)


GROWING = AppendRowsCommand(
    NAME, [b"[4]"], BodyFormat(DataFormat.JSON), on_new_columns=OnNewColumns.ADD
)


def test_append_to_a_table_that_grows(filled: Lakehouse) -> None:
    done = filled.append(GROWING)

    wide = replace(COLUMNS[0], type=parse_column_type("BIGINT"))
    assert done.value.columns_widened == (wide,)
    assert done.value.columns_added == ()
    assert filled.tables.columns(NAME) == (wide, *COLUMNS[1:])
    (output,) = filled.end_of(done.run_id).outputs
    assert output.columns == (wide, *COLUMNS[1:])
    assert all(rows.closed for rows in filled.reader.read_rows)
    assert [body.closed for body in filled.reader.held] == [True]


def test_a_growing_append_to_no_table_reads_no_body(lakehouse: Lakehouse) -> None:
    body = iter([b"[1]"])

    with pytest.raises(TableNotFoundError):
        lakehouse.append(replace(GROWING, body=body))

    assert list(body) == [b"[1]"]


class ChangesMeanwhile(FakeTables):
    """Tables that somebody else has changed whenever rows were read for them."""

    def __init__(self, changes: int) -> None:
        super().__init__()
        self.changes = changes
        self.appends = 0

    def append(
        self, name: TableName, rows: Rows, write: Write, terms: WriteTerms = NO_TERMS
    ) -> AppendOutcome:
        self.appends += 1
        if self.appends <= self.changes:
            raise TableChangedError(RowProblem(None, None, "The table has changed."))
        return super().append(name, rows, write, terms)


@pytest.mark.parametrize("changes, readings", [(0, 1), (1, 2), (4, 5), (5, 5), (100, 5)])
def test_a_body_is_read_again_for_a_table_that_changed(changes: int, readings: int) -> None:
    lakehouse = Lakehouse()
    tables = ChangesMeanwhile(changes)
    append = Tracked(AppendRows(tables, lakehouse.reader), lakehouse.lineage)
    Tracked(CreateTable(tables), lakehouse.lineage)(CreateTableCommand(DEFINITION, IfExists.ERROR))

    if changes < 5:
        assert append(GROWING).value.rows_appended == 1
    else:
        with pytest.raises(TableChangedError):
            append(GROWING)

    assert tables.appends == readings
    assert len(lakehouse.reader.read_rows) == readings
    assert all(rows.closed for rows in lakehouse.reader.read_rows)
    assert [body.closed for body in lakehouse.reader.held] == [True]


def test_append_what_cannot_be_read(filled: Lakehouse) -> None:
    with pytest.raises(MalformedBodyError) as raised:
        filled.append(AppendRowsCommand(NAME, [b"[4"], BodyFormat(DataFormat.JSON)))

    assert raised.value.run_id == filled.last.run_id
    assert filled.last.state is RunState.FAIL
    assert filled.last.error == "The body is no JSON."
    assert filled.tables.describe(NAME).row_count == 3


def test_rows_are_given_back_when_the_append_fails(filled: Lakehouse) -> None:
    class DropsMeanwhile(JsonReader):
        def read(
            self, body: Iterable[bytes], body_format: BodyFormat, columns: Sequence[Column]
        ) -> Rows:
            filled.drop(DropTableCommand(NAME))
            return super().read(body, body_format, columns)

    reader = DropsMeanwhile()
    append = Tracked(AppendRows(filled.tables, reader), filled.lineage)

    with pytest.raises(TableNotFoundError):
        append(AppendRowsCommand(NAME, [b"[4]"], BodyFormat(DataFormat.JSON)))

    assert reader.read_rows[0].closed


def test_describe(filled: Lakehouse) -> None:
    done = filled.describe(DescribeTableCommand(NAME))

    assert done.value.row_count == 3
    assert filled.end_of(done.run_id).inputs == (Usage(NAME, "2", COLUMNS),)
    past = filled.describe(DescribeTableCommand(NAME, AtVersion(1)))
    assert past.value.row_count == 0
    assert filled.end_of(past.run_id).inputs == (Usage(NAME, "1", COLUMNS),)


def test_describe_what_is_not_there(filled: Lakehouse) -> None:
    with pytest.raises(SnapshotNotFoundError):
        filled.describe(DescribeTableCommand(NAME, AtVersion(99)))

    assert filled.last.state is RunState.FAIL
    assert filled.last.inputs == (Usage(NAME),)


def test_drop(filled: Lakehouse) -> None:
    done = filled.drop(DropTableCommand(NAME))

    assert filled.end_of(done.run_id).outputs == (Usage(NAME, lifecycle=Lifecycle.DROP),)
    assert filled.tables.writes[-1].operation == "drop"
    with pytest.raises(TableNotFoundError):
        filled.drop(DropTableCommand(NAME))
    assert filled.last.outputs == (Usage(NAME),)


def test_list(filled: Lakehouse) -> None:
    done = filled.list(ListTablesCommand())

    assert [table.name for table in done.value.tables] == ["flights"]
    end = filled.end_of(done.run_id)
    assert (end.subject, end.inputs, end.outputs) == (None, (), ())


def test_query(filled: Lakehouse) -> None:
    command = RunQueryCommand(Query(table=NAME), ResultEncoding(DataFormat.NDJSON))

    done = filled.query(command)
    assert filled.last.state is RunState.START
    body = b"".join(done.value.body)
    done.value.body.close()

    assert body == b'{"id":1}\n{"id":2}\n{"id":3}\n'
    assert done.value.result.row_count == 3
    end = filled.end_of(done.run_id)
    assert end.state is RunState.COMPLETE
    assert end.inputs == (Usage(NAME, "2"),)
    assert filled.queries.opened[0].closed


def test_a_query_that_nobody_reads(filled: Lakehouse) -> None:
    command = RunQueryCommand(Query(table=NAME), ResultEncoding(DataFormat.NDJSON))

    done = filled.query(command)
    done.value.body.close()

    assert filled.end_of(done.run_id).state is RunState.ABORT
    assert filled.queries.opened[0].closed


def test_a_query_that_is_refused(filled: Lakehouse) -> None:
    command = RunQueryCommand(Query("SELECT 1", NAME), ResultEncoding(DataFormat.NDJSON))

    with pytest.raises(UnsupportedOperationError):
        filled.query(command)

    assert filled.last.state is RunState.FAIL
    assert filled.last.sql == "SELECT 1"
    assert filled.last.subject == NAME
    assert filled.last.inputs == ()
