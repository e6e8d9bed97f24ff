"""Rows in memory and in a file are the same rows, and nothing stays of either."""

from __future__ import annotations

import gc
import json
import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from domain.errors import RowsDoNotFitError, StorageFullError
from domain.formats import DataFormat
from domain.rows import Rows
from tests.unit.adapters.arrow.bodies import Bench, arrow_body, binary_body

COLUMNS = "a BIGINT; b VARCHAR; c HUGEINT; d INTEGER[]"
COUNT = 60_000


def values(number: int) -> dict[str, object]:
    row: dict[str, object] = {"a": number, "b": f"text {number}", "d": [number, None]}
    if number > COUNT // 2:
        row["c"] = 2**100 + number
    return row


@pytest.fixture(scope="module")
def body() -> bytes:
    return "\n".join(json.dumps(values(number)) for number in range(COUNT)).encode()


def read_both(bench: Bench, body: bytes) -> tuple[Rows, Rows]:
    held = bench.read(body, DataFormat.NDJSON, COLUMNS, memory_bytes=2**40)
    spilled = bench.read(body, DataFormat.NDJSON, COLUMNS, memory_bytes=0)
    return held, spilled


def test_spilled_rows_are_the_held_rows(bench: Bench, body: bytes) -> None:
    held, spilled = read_both(bench, body)
    assert held.columns == spilled.columns == ("a", "b", "c", "d")
    assert held.row_count == spilled.row_count == COUNT
    table = pa.table(held)
    assert table.equals(pa.table(spilled))
    assert table.column("c").null_count == COUNT // 2 + 1
    assert table.column("a").to_pylist() == list(range(COUNT))
    assert max(batch.num_rows for batch in table.to_batches()) <= 65_536
    held.close()
    spilled.close()


def test_rows_are_given_several_times_and_at_once(bench: Bench, body: bytes) -> None:
    for rows in read_both(bench, body):
        readers = [pa.RecordBatchReader.from_stream(rows) for _ in range(3)]
        first = [reader.read_next_batch() for reader in readers]
        assert first[0].equals(first[1])
        assert [1 + sum(1 for _ in reader) for reader in readers[1:]]
        found: list[int] = []

        def count(rows: Rows = rows, found: list[int] = found) -> None:
            with duckdb.connect() as connection:
                row = connection.execute("SELECT sum(a), count(*) FROM rows").fetchone()
                assert row is not None
                found.extend(row)

        threads = [threading.Thread(target=count) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == [COUNT * (COUNT - 1) // 2, COUNT] * 4
        rows.close()


def test_nothing_stays_in_the_spool_directory(bench: Bench, body: bytes) -> None:
    rows = bench.read(body, DataFormat.NDJSON, COLUMNS, memory_bytes=0)
    assert list(bench.spool.iterdir()) == []
    rows.close()
    table = pa.table({"a": list(range(COUNT))})
    for data_format in (DataFormat.PARQUET, DataFormat.ARROW):
        rows = bench.read(binary_body(table, data_format), data_format, COLUMNS, memory_bytes=0)
        assert list(bench.spool.iterdir()) == []
        rows.close()


def test_a_failed_read_closes_its_files(bench: Bench, body: bytes) -> None:
    before = open_files()
    with pytest.raises(RowsDoNotFitError):
        bench.read(body + b'\n{"a": "x"}', DataFormat.NDJSON, COLUMNS, memory_bytes=0)
    gc.collect()
    assert open_files() == before


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").exists() else 0


def test_rows_may_be_closed_twice_and_not_read_afterwards(bench: Bench, body: bytes) -> None:
    for rows in read_both(bench, body):
        begun = pa.RecordBatchReader.from_stream(rows)
        begun.read_next_batch()
        rows.close()
        rows.close()
        assert rows.row_count == COUNT
        with pytest.raises(ValueError, match="closed"):
            pa.table(rows)


def test_few_rows_need_no_directory(bench: Bench) -> None:
    rows = bench.read('[{"a": 1}]', DataFormat.JSON, COLUMNS)
    assert not bench.spool.exists()
    rows.close()


def test_small_batches_become_large_ones(bench: Bench) -> None:
    table = pa.concat_tables([pa.table({"a": [number]}) for number in range(3_000)])
    rows = bench.read(arrow_body(table), DataFormat.ARROW, COLUMNS)
    batches = list(pa.RecordBatchReader.from_stream(rows))
    assert len(batches) < 20
    assert sum(batch.num_rows for batch in batches) == 3_000
    rows.close()


def test_a_large_batch_becomes_smaller_ones(bench: Bench) -> None:
    # One message of 80 MB, which is not taken into memory
    table = pa.table({"a": pa.array(range(10_000_000), pa.int64())})
    rows = bench.read(arrow_body(table), DataFormat.ARROW, COLUMNS)
    batches = list(pa.RecordBatchReader.from_stream(rows))
    assert max(batch.num_rows for batch in batches) <= 131_072
    assert pa.Table.from_batches(batches).equals(table)
    rows.close()


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("data_format", [DataFormat.NDJSON, DataFormat.PARQUET, DataFormat.ARROW])
def test_no_space_is_an_error_of_its_own(
    bench: Bench, body: bytes, data_format: DataFormat
) -> None:
    if data_format is not DataFormat.NDJSON:
        table = pa.table({"a": pa.array(range(5_000_000), pa.int64())})
        body = binary_body(table, data_format)
    with files_of_at_most(500_000), pytest.raises(StorageFullError):
        bench.read(body, data_format, COLUMNS, memory_bytes=0)
    rows = bench.read(b'{"a": 1}', DataFormat.NDJSON, COLUMNS, memory_bytes=0)
    assert pa.table(rows).num_rows == 1
    rows.close()
