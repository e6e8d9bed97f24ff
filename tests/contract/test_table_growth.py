"""The table port: appends that a table grows for."""

from __future__ import annotations

import datetime as dt
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from decimal import Decimal
from typing import Any

import pytest

from domain.errors import InvalidColumnError, RowsDoNotFitError, TableChangedError
from domain.formats import DataFormat
from domain.growth import Growth
from domain.ports.queries import QueryPort
from domain.ports.tables import TablePort
from domain.queries import Query, ResultEncoding
from domain.tables import AppendOutcome, Column, TableName
from tests.contract.table_cases import COLUMNS, append, column, create, some_rows
from tests.fakes.rows import FakeRows

EXTRA = column("extra", "VARCHAR")


def grown(*columns: Column, widened: tuple[Column, ...] = (), **values: list[Any]) -> FakeRows:
    """Rows that need columns to be added, or widened."""
    return FakeRows.of((*COLUMNS, *columns, *widened), values, Growth(columns, widened))


def read_table(queries: QueryPort, name: TableName) -> list[dict[str, Any]]:
    with closing(queries.open(Query(table=name), ResultEncoding(DataFormat.NDJSON))) as result:
        lines = b"".join(result).decode().splitlines()
    rows = [json.loads(line, parse_float=Decimal) for line in lines]
    return sorted(rows, key=lambda row: row["id"])


@pytest.mark.parametrize("before, count", [(0, 1), (2, 2), (50, 2), (2, 50), (50, 50)])
def test_columns_are_added_with_the_rows_that_need_them(
    tables: TablePort,
    queries: QueryPort,
    name: TableName,
    before: int,
    count: int,
) -> None:
    made = create(tables, name)
    last = made.snapshot_id
    if before:
        last = append(tables, name, some_rows(before)).snapshot_id
    numbers = range(before, before + count)
    rows = grown(EXTRA, id=list(numbers), extra=[f"new {number}" for number in numbers])

    outcome = append(tables, name, rows)

    assert outcome == AppendOutcome(count, last + 1, columns_added=(EXTRA,))
    after = tables.describe(name)
    assert after.columns == (*COLUMNS, EXTRA)
    assert after.snapshot_id == last + 1
    assert after.row_count == before + count
    assert tables.columns(name) == (*COLUMNS, EXTRA)
    assert read_table(queries, name) == [
        {
            "id": number,
            "label": f"row {number}" if number < before else None,
            "extra": f"new {number}" if number >= before else None,
        }
        for number in range(before + count)
    ]


@pytest.mark.parametrize(
    "type_, value",
    [
        ("BOOLEAN", True),
        ("BIGINT", 2**63 - 1),
        ("DOUBLE", Decimal("0.1")),
        ("DECIMAL(38,0)", 10**37),
        ("DATE", "2024-01-31"),
        ("TIMESTAMP", "2024-01-31T12:30:00"),
        ("TIMESTAMP WITH TIME ZONE", "2024-01-31T12:30:00Z"),
        ("JSON", {"a": [1, None]}),
        ("BIGINT[]", [1, None, 3]),
        ("VARCHAR[][]", [["a"], []]),
        ("STRUCT(a INTEGER, b VARCHAR)", {"a": 1, "b": 'it\'s "x"'}),
    ],
)
def test_new_columns_of_each_type(
    tables: TablePort,
    queries: QueryPort,
    name: TableName,
    type_: str,
    value: Any,
) -> None:
    """Both for few rows, which may stay in the catalog, and for many, which go to a file."""
    create(tables, name)
    append(tables, name, some_rows(3))
    added = column("Col umn", type_)
    given = _carried(value, type_)
    rows = {"id": [10, 11], "Col umn": [given, None]}
    append(tables, name, FakeRows.of((*COLUMNS, added), rows, Growth((added,))))
    append(tables, name, FakeRows.of((*COLUMNS, added), {"id": [*range(12, 40)]}))

    found = {row["id"]: row["Col umn"] for row in read_table(queries, name)}

    assert _as_utc(found[10]) == value
    assert [found[number] for number in found if number != 10] == [None] * 32


def _as_utc(value: Any) -> Any:
    # The fake spells UTC in the other of the two ways.
    return value.replace("+00:00", "Z") if isinstance(value, str) else value


def _carried(value: Any, type_: str) -> Any:
    """A value as rows carry it, from the form in which JSON has it."""
    match type_:
        case "DATE":
            return dt.date.fromisoformat(value)
        case "TIMESTAMP" | "TIMESTAMP WITH TIME ZONE":
            return dt.datetime.fromisoformat(value)
        case "JSON":
            return json.dumps(value)
        case "DOUBLE":
            return float(value)
        case _:
            return value


@pytest.mark.parametrize(
    "types, values",
    [
        (("TINYINT", "SMALLINT"), (-128, 300)),
        (("INTEGER", "BIGINT"), (2**31 - 1, 2**62)),
        (("UTINYINT", "INTEGER"), (255, -70_000)),
        (("UINTEGER", "UBIGINT"), (2**32 - 1, 2**64 - 1)),
        (("FLOAT", "DOUBLE"), (0.5, 1e300)),
        (("DECIMAL(4,2)", "DECIMAL(9,4)"), (Decimal("12.34"), Decimal("12345.6789"))),
        (("DECIMAL(18,0)", "DECIMAL(38,10)"), (Decimal(10**17), Decimal("0.0000000001"))),
    ],
)
@pytest.mark.parametrize("count", [1, 30])
def test_columns_are_widened_and_keep_their_values(
    tables: TablePort,
    queries: QueryPort,
    name: TableName,
    types: tuple[str, str],
    values: tuple[Any, Any],
    count: int,
) -> None:
    narrow, wide = (column("n", type_) for type_ in types)
    before, after = values
    create(tables, name, COLUMNS[0], narrow)
    numbers = list(range(count))
    append(tables, name, FakeRows.of((COLUMNS[0], narrow), {"id": numbers, "n": [before] * count}))
    later = [number + count for number in numbers]

    outcome = append(
        tables,
        name,
        FakeRows.of(
            (COLUMNS[0], wide), {"id": later, "n": [after] * count}, Growth(widened=(wide,))
        ),
    )

    assert outcome.columns_widened == (wide,)
    assert tables.describe(name).columns == (COLUMNS[0], wide)
    found = [Decimal(str(row["n"])) for row in read_table(queries, name)]
    assert found == [Decimal(str(before))] * count + [Decimal(str(after))] * count


def test_what_is_there_already_is_left_as_it_is(tables: TablePort, name: TableName) -> None:
    create(tables, name)
    first = append(tables, name, grown(EXTRA, id=[1], extra=["a"]))
    shouted = column("EXTRA", "VARCHAR")

    second = append(tables, name, grown(EXTRA, id=[2], extra=["b"]))

    assert first.columns_added == (EXTRA,)
    assert second.columns_added == ()
    assert Growth((shouted,)).missing_in(tables.columns(name)) == Growth()
    assert tables.describe(name).columns == (*COLUMNS, EXTRA)


def test_what_is_there_with_more_room_is_left_as_it_is(
    tables: TablePort, queries: QueryPort, name: TableName
) -> None:
    create(tables, name)
    append(tables, name, grown(column("n", "BIGINT"), id=[1], n=[2**40]))

    outcome = append(tables, name, grown(column("n", "SMALLINT"), id=[2], n=[5]))

    assert (outcome.columns_added, outcome.columns_widened) == ((), ())
    assert [row["n"] for row in read_table(queries, name)] == [2**40, 5]


def test_what_is_there_with_less_room_is_widened(
    tables: TablePort, queries: QueryPort, name: TableName
) -> None:
    create(tables, name)
    append(tables, name, grown(column("n", "SMALLINT"), id=[1], n=[5]))
    wide = column("n", "BIGINT")

    outcome = append(tables, name, grown(wide, id=[2], n=[2**40]))

    assert (outcome.columns_added, outcome.columns_widened) == ((), (wide,))
    assert [row["n"] for row in read_table(queries, name)] == [5, 2**40]


@pytest.mark.parametrize(
    "growth",
    [
        Growth((column("extra", "BIGINT"),)),
        Growth(widened=(column("gone", "BIGINT"),)),
        Growth(widened=(column("label", "BIGINT"),)),
    ],
)
def test_a_table_that_has_no_room_for_it_has_changed(
    tables: TablePort, name: TableName, growth: Growth
) -> None:
    create(tables, name)
    append(tables, name, grown(EXTRA, id=[1], extra=["a"]))
    before = tables.describe(name)
    rows = FakeRows.of(COLUMNS, {"id": [2]}, growth)

    with pytest.raises(TableChangedError):
        append(tables, name, rows)

    assert tables.describe(name) == before


@pytest.mark.parametrize("bad", ["rowid", "", "x" * 129, "a\nb"])
def test_names_against_the_rules_leave_nothing(
    tables: TablePort, name: TableName, bad: str
) -> None:
    create(tables, name)
    before = tables.describe(name)

    with pytest.raises(InvalidColumnError):
        append(tables, name, grown(column(bad, "BIGINT"), id=[1]))

    assert tables.describe(name) == before


def test_rows_that_do_not_fit_leave_the_table_as_it_was(tables: TablePort, name: TableName) -> None:
    create(tables, name)
    before = tables.describe(name)

    with pytest.raises(RowsDoNotFitError):
        # `id` is due in each row.
        append(tables, name, grown(EXTRA, id=[1, None], extra=["a", "b"]))

    assert tables.describe(name) == before
    assert tables.columns(name) == COLUMNS


def test_no_rows_make_no_growth(tables: TablePort, name: TableName) -> None:
    made = create(tables, name)

    outcome = append(tables, name, grown(EXTRA, id=[], extra=[]))

    assert outcome == AppendOutcome(0, made.snapshot_id)
    assert tables.describe(name) == made


def test_many_at_once_add_the_same_column_once(tables: TablePort, name: TableName) -> None:
    create(tables, name)
    count = 8
    together = threading.Barrier(count)

    def one(number: int) -> AppendOutcome:
        rows = grown(EXTRA, id=[number], extra=[str(number)])
        together.wait()
        return append(tables, name, rows)

    with ThreadPoolExecutor(count) as pool:
        outcomes = list(pool.map(one, range(count)))

    assert [outcome.rows_appended for outcome in outcomes] == [1] * count
    assert sum(len(outcome.columns_added) for outcome in outcomes) == 1
    after = tables.describe(name)
    assert after.columns == (*COLUMNS, EXTRA)
    assert after.row_count == count


def test_of_two_types_at_once_one_is_added(tables: TablePort, name: TableName) -> None:
    create(tables, name)
    together = threading.Barrier(2)

    def one(added: Column) -> str:
        rows = grown(added, id=[1], extra=[None])
        together.wait()
        try:
            append(tables, name, rows)
        except TableChangedError:
            return "changed"
        return str(added.type)

    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(one, (EXTRA, column("extra", "DATE"))))

    (winner,) = (result for result in results if result != "changed")
    assert str(tables.describe(name).columns[-1].type) == winner
    assert tables.describe(name).row_count == 1
