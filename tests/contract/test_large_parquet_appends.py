"""The table port: large bodies in Parquet, which the engine may read by itself."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from adapters.arrow.limits import Limits
from adapters.arrow.parquet_rows import MANY_ROWS
from adapters.arrow.reader import ArrowRowReader
from domain.bodies import BodyFormat
from domain.errors import LakehouseError, MalformedBodyError, RowsDoNotFitError, TooLargeError
from domain.formats import DataFormat
from domain.growth import NO_GROWTH, Growth
from domain.ports.queries import QueryPort
from domain.ports.tables import TablePort
from domain.queries import Query, ResultEncoding
from domain.rows import ParquetFile, Rows
from domain.tables import Column, TableName
from tests.contract.lakes import OpenedLake
from tests.contract.table_cases import column, create, write
from tests.integration.hostile_parquet import zigzag

COUNT = MANY_ROWS + 7
INT64_MIN = -(2**63)
EPOCH_DAY = 18_000


class Watched(Rows):
    """Rows that know whether they were read value by value."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self.were_read = False

    @property
    def columns(self) -> tuple[str, ...]:
        return self._rows.columns

    @property
    def row_count(self) -> int:
        return self._rows.row_count

    @property
    def growth(self) -> Growth:
        return NO_GROWTH

    @property
    def parquet(self) -> ParquetFile | None:
        file = self._rows.parquet
        return None if file is None else replace(file, read=self._read)

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self._rows.__arrow_c_stream__(requested_schema)

    def close(self) -> None:
        self._rows.close()

    def _read(self) -> Rows:
        self.were_read = True
        file = self._rows.parquet
        assert file is not None
        return file.read()


@pytest.fixture
def spool(lake: OpenedLake, tmp_path: Path) -> Path:
    return lake.bodies or tmp_path


@pytest.fixture
def sent(
    tables: TablePort, name: TableName, spool: Path
) -> Iterator[Callable[..., tuple[int, bool]]]:
    """Appends a body; how many rows came of it, and whether they were read value by value."""

    def send(body: bytes, limits: Limits | None = None) -> tuple[int, bool]:
        reader = ArrowRowReader(spool, limits)
        known = tables.columns(name)
        with closing(Watched(reader.read([body], BodyFormat(DataFormat.PARQUET), known))) as rows:
            outcome = tables.append(name, rows, write(name, "append", rows.row_count))
            return outcome.rows_appended, rows.were_read

    yield send
    assert not list(spool.glob("body-*"))


def parquet(columns: dict[str, pa.Array], **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink, **options)
    return sink.getvalue()


def content(queries: QueryPort, name: TableName) -> pa.Table:
    with closing(queries.open(Query(table=name), ResultEncoding(DataFormat.ARROW))) as result:
        return pa.ipc.open_stream(b"".join(result)).read_all()


def all_kinds(table: TableName, tables: TablePort) -> dict[str, pa.Array]:
    """A table of each type that may be left as it is, and rows of it."""
    numbers = range(COUNT)
    kinds: dict[str, tuple[str, pa.Array]] = {
        "id": ("BIGINT", pa.array(numbers, pa.int64())),
        "whole": ("INTEGER", pa.array([None, *numbers[1:]], pa.int32())),
        "yes": ("BOOLEAN", pa.array([n % 3 == 0 for n in numbers])),
        "single": ("FLOAT", pa.array([n / 4 for n in numbers], pa.float32())),
        "double": ("DOUBLE", pa.array([float("nan"), *map(float, numbers[1:])])),
        "Text": ("VARCHAR", pa.array([f"täxt {n % 50}" for n in numbers])),
        "day": ("DATE", pa.array([EPOCH_DAY + n % 9 for n in numbers], pa.int32()).cast("date32")),
        "at": ("TIMESTAMP", pa.array(numbers, pa.int64()).cast(pa.timestamp("us"))),
        "zoned": (
            "TIMESTAMP WITH TIME ZONE",
            pa.array(numbers, pa.int64()).cast(pa.timestamp("us", "UTC")),
        ),
    }
    create(tables, table, *(column(each, kind) for each, (kind, _) in kinds.items()))
    return {each: values for each, (_, values) in kinds.items()}


def test_they_are_appended_as_they_are(
    lake: OpenedLake,
    tables: TablePort,
    queries: QueryPort,
    name: TableName,
    sent: Callable[..., tuple[int, bool]],
) -> None:
    columns = all_kinds(name, tables)
    # The file may spell names in another way, and have them in another order.
    body = parquet({each.lower(): columns[each] for each in reversed(columns)})

    count, were_read = sent(body)

    assert count == COUNT
    assert not were_read or lake.bodies is None
    taken = content(queries, name).select(list(columns))
    assert taken.column("double")[0].as_py() != taken.column("double")[0].as_py()
    for each, values in columns.items():
        found = taken.column(each).combine_chunks()
        assert str(found[1:].cast(values.type)) == str(values[1:]), each
    assert taken.column("whole")[0].as_py() is None


TEXTS = pa.array(["x"] * COUNT)
STRAY = COUNT - 3


def with_one(value: Any, plain: Any, kind: pa.DataType) -> pa.Array:
    return pa.array([plain] * STRAY + [value] + [plain] * (COUNT - STRAY - 1), kind)


@pytest.mark.parametrize(
    "wanted, values, told",
    [
        (column("a", "BIGINT", nullable=False), with_one(None, 1, pa.int64()), str(STRAY + 1)),
        (
            column("a", "TIMESTAMP"),
            with_one(INT64_MIN, 1, pa.int64()).cast(pa.timestamp("us")),
            str(STRAY + 1),
        ),
        (
            column("a", "DATE"),
            with_one(-(2**31), 1, pa.int32()).cast("date32"),
            str(STRAY + 1),
        ),
        (column("a", "INTEGER"), with_one(2**40, 1, pa.int64()), str(STRAY + 1)),
        (column("b", "BIGINT"), pa.array(range(COUNT)), "no such column"),
    ],
    ids=["required", "timestamp", "date", "overflow", "unknown"],
)
def test_what_does_not_fit_is_named(
    tables: TablePort,
    name: TableName,
    sent: Callable[..., tuple[int, bool]],
    wanted: Column,
    values: pa.Array,
    told: str,
) -> None:
    create(tables, name, wanted)

    with pytest.raises(RowsDoNotFitError) as raised:
        # Statistics do not give it away.
        sent(parquet({"a": values}, write_statistics=False))

    assert told in str([*raised.value.problems])
    assert tables.describe(name).row_count == 0


def damaged(body: bytes) -> bytes:
    """A file whose first page has no header that can be read, behind the first four bytes."""
    return body[:4] + b"\xff" * 40 + body[44:]


def test_a_damaged_file_harms_nothing(
    tables: TablePort, name: TableName, sent: Callable[..., tuple[int, bool]]
) -> None:
    create(tables, name, column("a", "BIGINT"))
    good = parquet({"a": pa.array(range(COUNT))}, use_dictionary=False, compression="zstd")

    # Nobody looks at such a column before the writer's turn.
    with pytest.raises(MalformedBodyError):
        sent(damaged(good))

    assert tables.describe(name).row_count == 0
    assert sent(good)[0] == COUNT


def with_row_count(body: bytes, count: int) -> bytes:
    """A file whose footer tells of another number of rows; its row groups stay as they are."""
    begin = len(body) - 8 - int.from_bytes(body[-8:-4], "little")
    # The first number of this kind and value in the footer: those of its groups come behind it.
    known, told = (b"\x16" + zigzag(number) for number in (COUNT, count))
    assert known in body[begin:]
    assert len(known) == len(told)
    return body[:begin] + body[begin:].replace(known, told, 1)


@pytest.mark.parametrize("count", [COUNT - 1, COUNT + 1])
def test_a_footer_that_lies_about_the_rows(
    tables: TablePort, name: TableName, spool: Path, count: int
) -> None:
    create(tables, name, column("a", "BIGINT"))
    body = with_row_count(parquet({"a": pa.array(range(COUNT))}), count)
    assert pq.ParquetFile(io.BytesIO(body)).metadata.num_rows == count

    reader = ArrowRowReader(spool)
    with closing(reader.read([body], BodyFormat(DataFormat.PARQUET), tables.columns(name))) as rows:
        # It is what the commit tells of itself.
        assert rows.row_count == COUNT
        assert tables.append(name, rows, write(name, "append", COUNT)).rows_appended == COUNT

    assert tables.describe(name).row_count == COUNT


def test_text_that_is_none_is_refused(
    tables: TablePort, name: TableName, sent: Callable[..., tuple[int, bool]]
) -> None:
    create(tables, name, column("a", "VARCHAR"))
    body = parquet({"a": TEXTS}, use_dictionary=False, compression="none")
    with pytest.raises(LakehouseError):
        sent(body.replace(b"\x01\x00\x00\x00x", b"\x01\x00\x00\x00\xff"))
    assert tables.describe(name).row_count == 0


def test_a_dictionary_that_unpacks_to_too_much(
    tables: TablePort, name: TableName, sent: Callable[..., tuple[int, bool]]
) -> None:
    create(tables, name, column("a", "VARCHAR"))
    # Ten gigabytes, which nobody here has to hold: the file is as one of plain texts would be.
    texts = pa.DictionaryArray.from_arrays(
        pa.nulls(COUNT, pa.int32()).fill_null(0), ["x" * 100_000]
    )
    body = parquet({"a": texts}, row_group_size=COUNT, store_schema=False)
    assert len(body) < 1024**2
    with pytest.raises(TooLargeError):
        sent(body, Limits(expanded_bytes=64 * 1024**2))
    assert tables.describe(name).row_count == 0
