"""What a query gives in any format, an append takes back: the same values, exactly."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from adapters.arrow.reader import ArrowRowReader
from domain.bodies import BodyFormat
from domain.formats import DataFormat
from domain.ports.queries import QueryPort
from domain.ports.tables import TablePort
from domain.queries import Query, ResultEncoding
from domain.tables import TableName
from tests.contract.lakes import OpenedLake, on_lakes_that_run_sql
from tests.contract.query_cases import read
from tests.contract.table_cases import ID, append, create, write
from tests.contract.values import VALUE_CASES, ValueCase
from tests.fakes.rows import FakeRows

pytestmark = on_lakes_that_run_sql


@pytest.fixture
def reader(tmp_path: Path) -> ArrowRowReader:
    return ArrowRowReader(tmp_path)


def as_body(body: bytes, data_format: DataFormat) -> bytes:
    """The rows as an entrypoint answers them: JSON gets an array around its lines."""
    if data_format is DataFormat.JSON:
        return b"[" + b",".join(body.splitlines()) + b"]"
    return body


ENCODINGS = (
    *(ResultEncoding(each) for each in DataFormat),
    ResultEncoding(DataFormat.NDJSON, wide_numbers_as_text=True),
)


@pytest.mark.parametrize(
    "encoding", ENCODINGS, ids=lambda each: f"{each.format}{'-text' * each.wide_numbers_as_text}"
)
@pytest.mark.parametrize("case", VALUE_CASES, ids=lambda case: case.type)
def test_round_trips(
    lake: OpenedLake,
    tables: TablePort,
    queries: QueryPort,
    reader: ArrowRowReader,
    name: TableName,
    case: ValueCase,
    encoding: ResultEncoding,
) -> None:
    if not lake.holds(case.type):
        return
    columns = (ID, case.column)
    copy = TableName(name.namespace, "copy")
    create(tables, name, *columns)
    create(tables, copy, *columns)
    numbers = range(len(case.carried))
    append(tables, name, FakeRows.of(columns, {"id": numbers, "c": case.carried}))

    given = as_body(read(queries, Query(table=name), encoding).body, encoding.format)
    with closing(reader.read([given], BodyFormat(encoding.format), tables.columns(copy))) as rows:
        tables.append(copy, rows, write(copy, "append", rows.row_count))

    taken = sorted(read(queries, Query(table=copy)).rows, key=lambda row: int(row["id"]))
    assert [str(case.read(row["c"])) for row in taken] == list(map(str, case.written))
