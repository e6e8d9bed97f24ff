"""The table port: appending rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from domain.errors import RowsDoNotFitError
from domain.formats import DataFormat
from domain.growth import NO_GROWTH, Growth
from domain.ports.queries import QueryPort
from domain.ports.tables import TablePort
from domain.queries import Query, ResultEncoding
from domain.rows import Rows
from domain.tables import TableName
from tests.contract.lakes import OpenedLake
from tests.contract.table_cases import (
    COLUMNS,
    ID,
    LABEL,
    append,
    column,
    create,
    some_rows,
    write,
)
from tests.contract.values import VALUE_CASES, ValueCase
from tests.fakes.rows import FakeRows


def read_table(queries: QueryPort, name: TableName) -> list[dict[str, Any]]:
    """All rows of a table, from JSON; numbers with a point come as Decimal."""
    with closing(queries.open(Query(table=name), ResultEncoding(DataFormat.NDJSON))) as result:
        lines = b"".join(result).decode().splitlines()
    return [json.loads(line, parse_float=Decimal) for line in lines]


def values_of(rows: Sequence[Mapping[str, Any]], column_name: str) -> list[Any]:
    return [row[column_name] for row in rows]


def test_appended_rows_are_there(tables: TablePort, queries: QueryPort, name: TableName) -> None:
    made = create(tables, name)

    outcome = append(tables, name, some_rows(3))

    assert outcome.rows_appended == 3
    assert outcome.snapshot_id == made.snapshot_id + 1
    after = tables.describe(name)
    assert after.row_count == 3
    assert after.snapshot_id == outcome.snapshot_id
    assert after.updated_at is not None
    assert made.updated_at is not None
    assert after.updated_at > made.updated_at
    assert after.created_at == made.created_at
    assert read_table(queries, name) == [
        {"id": 0, "label": "row 0"},
        {"id": 1, "label": "row 1"},
        {"id": 2, "label": "row 2"},
    ]


def test_appends_add_up(tables: TablePort, queries: QueryPort, name: TableName) -> None:
    create(tables, name)
    sizes = (1, 10, 11, 1000, 1)
    first = 0

    snapshots = []
    for size in sizes:
        snapshots.append(append(tables, name, some_rows(size, first)).snapshot_id)
        first += size

    assert snapshots == sorted(set(snapshots))
    assert tables.describe(name).row_count == sum(sizes)
    assert sorted(values_of(read_table(queries, name), "id")) == list(range(sum(sizes)))


def test_many_rows_keep_their_order(tables: TablePort, queries: QueryPort, name: TableName) -> None:
    create(tables, name)

    append(tables, name, some_rows(50_000))

    assert sorted(values_of(read_table(queries, name), "id")) == list(range(50_000))
    described = tables.describe(name)
    assert described.row_count == 50_000
    assert described.file_count >= 1
    assert described.size_bytes > 0


def test_rows_in_several_batches(tables: TablePort, queries: QueryPort, name: TableName) -> None:
    create(tables, name)
    batches = [some_rows(size, first).table for first, size in ((0, 3), (3, 1), (4, 5000))]
    empty = some_rows(0).table

    outcome = append(tables, name, FakeRows(pa.concat_tables([empty, *batches, empty])))

    assert outcome.rows_appended == 5004
    # A table has no order: batches may be written side by side.
    assert sorted(values_of(read_table(queries, name), "id")) == list(range(5004))


@pytest.mark.parametrize("case", VALUE_CASES, ids=lambda case: case.type)
def test_values_are_kept_exactly(
    lake: OpenedLake, tables: TablePort, queries: QueryPort, name: TableName, case: ValueCase
) -> None:
    if not lake.holds(case.type):
        return
    columns = (ID, case.column)
    create(tables, name, *columns)
    numbers = range(len(case.carried))

    append(tables, name, FakeRows.of(columns, {"id": numbers, "c": case.carried}))

    rows = sorted(read_table(queries, name), key=lambda row: int(row["id"]))
    assert [case.read(row["c"]) for row in rows] == list(case.written)
    # 2.5 and 2.50 are equal, but not the same.
    assert [str(case.read(row["c"])) for row in rows] == list(map(str, case.written))


@pytest.mark.parametrize("case", VALUE_CASES, ids=lambda case: case.type)
def test_values_are_kept_exactly_in_files(
    lake: OpenedLake, tables: TablePort, queries: QueryPort, name: TableName, case: ValueCase
) -> None:
    # Few rows may be kept in the catalog, many are written as Parquet.
    if not lake.holds(case.type):
        return
    columns = (ID, case.column)
    create(tables, name, *columns)
    repeated = case.carried * 100
    numbers = range(len(repeated))

    append(tables, name, FakeRows.of(columns, {"id": numbers, "c": repeated}))

    rows = sorted(read_table(queries, name), key=lambda row: int(row["id"]))
    assert [str(case.read(row["c"])) for row in rows] == list(map(str, case.written * 100))


def test_columns_that_rows_lack_are_null(
    tables: TablePort, queries: QueryPort, name: TableName
) -> None:
    columns = (*COLUMNS, column("at", "TIMESTAMP"), column("list", "STRUCT(a INTEGER)[]"))
    create(tables, name, *columns)

    append(tables, name, FakeRows.of(columns, {"id": (1, 2)}))

    assert read_table(queries, name) == [
        {"id": 1, "label": None, "at": None, "list": None},
        {"id": 2, "label": None, "at": None, "list": None},
    ]


def test_columns_go_by_name_not_by_place(
    tables: TablePort, queries: QueryPort, name: TableName
) -> None:
    columns = (column("a", "VARCHAR"), column("b", "VARCHAR"), column("c", "VARCHAR"))
    create(tables, name, *columns)

    append(tables, name, FakeRows.of(columns[::-1], {"c": ("3",), "b": ("2",), "a": ("1",)}))

    assert read_table(queries, name) == [{"a": "1", "b": "2", "c": "3"}]


def test_columns_of_any_name(tables: TablePort, queries: QueryPort, name: TableName) -> None:
    columns = tuple(column(odd, "VARCHAR") for odd in ("a b", 'q"q', "select", "雪", "x;--"))
    create(tables, name, *columns)
    row = {each.name: f"value of {each.name}" for each in columns}

    append(tables, name, FakeRows.of(columns, {key: (text,) for key, text in row.items()}))

    assert read_table(queries, name) == [row]


def test_no_rows_are_no_commit(lake: OpenedLake, tables: TablePort, name: TableName) -> None:
    create(tables, name)
    append(tables, name, some_rows(3))
    before, said = tables.describe(name), lake.writes()
    other = create(tables, TableName(name.namespace, "other"))

    outcome = append(tables, name, some_rows(0))

    assert outcome.rows_appended == 0
    assert outcome.snapshot_id == before.snapshot_id
    assert tables.describe(name) == before
    assert len(lake.writes()) == len(said) + 1
    following = append(tables, name, some_rows(1))
    assert following.snapshot_id == other.snapshot_id + 1


def test_rows_stay_the_callers_to_close(tables: TablePort, name: TableName) -> None:
    create(tables, name)
    rows = some_rows(3)

    append(tables, name, rows)
    append(tables, name, rows)

    assert not rows.closed
    assert tables.describe(name).row_count == 6


NULLABLE_ID = column("id", "BIGINT")
TEXT_ID = column("id", "VARCHAR")
UNKNOWN = column("unknown", "BIGINT")


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(
            lambda count: FakeRows.of((ID, UNKNOWN), {"id": range(count), "unknown": range(count)}),
            id="a column that is not there",
        ),
        pytest.param(
            lambda count: FakeRows.of((LABEL,), {"label": ["a"] * count}),
            id="no value for NOT NULL",
        ),
        pytest.param(
            lambda count: FakeRows.of((NULLABLE_ID,), {"id": [*range(count - 1), None]}),
            id="NULL for NOT NULL",
        ),
        pytest.param(
            lambda count: FakeRows.of((TEXT_ID,), {"id": [*map(str, range(count - 1)), "x"]}),
            id="a value of another type",
        ),
    ],
)
@pytest.mark.parametrize("count", [2, 5000])
def test_rows_that_do_not_fit_leave_nothing(
    tables: TablePort,
    queries: QueryPort,
    name: TableName,
    rows: Callable[[int], FakeRows],
    count: int,
) -> None:
    create(tables, name)
    append(tables, name, some_rows(1))
    before = tables.describe(name)

    with pytest.raises(RowsDoNotFitError):
        append(tables, name, rows(count))

    assert tables.describe(name) == before
    assert values_of(read_table(queries, name), "id") == [0]
    assert append(tables, name, some_rows(1, 1)).rows_appended == 1


class _BrokenRows(Rows):
    """Rows that break off while they are read."""

    def __init__(self) -> None:
        self._table = some_rows(1000).table

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(self._table.column_names)

    @property
    def row_count(self) -> int:
        return 2000

    @property
    def growth(self) -> Growth:
        return NO_GROWTH

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        def batches() -> Any:
            yield from self._table.to_batches()
            raise OSError("the spilled rows cannot be read")

        reader = pa.RecordBatchReader.from_batches(self._table.schema, batches())
        return reader.__arrow_c_stream__(requested_schema)

    def close(self) -> None:
        """Nothing is held."""


def test_rows_that_break_off_leave_nothing(tables: TablePort, name: TableName) -> None:
    create(tables, name)
    append(tables, name, some_rows(1))
    before = tables.describe(name)

    with pytest.raises(Exception, match=r".+"):
        tables.append(name, _BrokenRows(), write(name, "append", 2000))

    assert tables.describe(name) == before
    assert append(tables, name, some_rows(1)).snapshot_id == before.snapshot_id + 1
