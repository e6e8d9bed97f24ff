"""Bodies made to break the reader: each is an error of its own kind, in bounded memory."""

from __future__ import annotations

import random
import struct
import subprocess
import sys

import pyarrow as pa
import pytest

from domain.errors import LakehouseError, MalformedBodyError, RowsDoNotFitError, TooLargeError
from domain.formats import DataFormat
from tests.unit.adapters.arrow.bodies import Bench, arrow_body, binary_body, parquet_body

ARROW = DataFormat.ARROW
PARQUET = DataFormat.PARQUET
MIB = 1024 * 1024
LIMITS = {"expanded_bytes": 64 * MIB, "row_bytes": 4 * MIB, "message_bytes": 8 * MIB}


@pytest.mark.parametrize("data_format", [ARROW, PARQUET])
@pytest.mark.parametrize(
    "body",
    [
        b"<!DOCTYPE html><html><body>Not found</body></html>",
        b"a,b\n1,2\n",
        b'[{"a": 1}]',
        b"\0" * 1000,
        b"\xff" * 1000,
        b"PAR1",
        b"PAR1PAR1",
        b"PAR1" + b"\xff\xff\xff\x7f" + b"PAR1",
        b"ARROW1\0\0" + b"\0" * 100,
        b"\xff\xff\xff\xff\xff\xff\xff\x7f",
        b"\xff\xff\xff\xff\x10\0\0\0" + b"\xff" * 16,
        b"\xff\xff\xff\xff\0\0\0\0",
    ],
)
def test_other_things_are_malformed(bench: Bench, data_format: DataFormat, body: bytes) -> None:
    with pytest.raises(MalformedBodyError):
        bench.read(body, data_format, "a INTEGER")


def test_an_arrow_file_is_told_from_a_stream(bench: Bench) -> None:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, pa.schema([("a", pa.int64())])) as writer:
        writer.write_table(pa.table({"a": [1]}))
    with pytest.raises(MalformedBodyError, match="stream format"):
        bench.read(sink.getvalue().to_pybytes(), ARROW, "a INTEGER")


def test_strings_that_are_not_utf8(bench: Bench) -> None:
    binary = pa.array([b"ok", b"\xff"])
    array = pa.Array.from_buffers(pa.string(), 2, binary.buffers())
    for data_format in (ARROW, PARQUET):
        with pytest.raises(MalformedBodyError):
            bench.read(binary_body(pa.table({"a": array}), data_format), data_format, "a VARCHAR")


@pytest.mark.parametrize("offsets", [(0, 2**31 - 1), (0, -1), (5, 2), (-4, 4)])
def test_offsets_that_lie(bench: Bench, offsets: tuple[int, int]) -> None:
    good = arrow_body(pa.table({"a": ["text"]}))
    true = struct.pack("<ii", 0, 4) + b"text"
    assert good.count(true) == 1
    body = good.replace(true, struct.pack("<ii", *offsets) + true[8:])
    with pytest.raises((MalformedBodyError, TooLargeError)):
        bench.read(body, ARROW, "a VARCHAR")


def test_dictionaries_that_unpack_to_too_much(bench: Bench) -> None:
    text = pa.array(["x" * MIB])
    array = pa.DictionaryArray.from_arrays(pa.array([0] * 60_000, pa.int32()), text)
    for data_format in (ARROW, PARQUET):
        body = binary_body(pa.table({"a": array}), data_format)
        with pytest.raises(TooLargeError):
            bench.read(body, data_format, "a VARCHAR", **LIMITS)
        nested = pa.ListArray.from_arrays(pa.array([0, 60_000], pa.int32()), array)
        body = binary_body(pa.table({"a": nested}), data_format)
        with pytest.raises(TooLargeError):
            bench.read(body, data_format, "a VARCHAR[]", **LIMITS)


def test_dictionaries_within_the_limit_are_unpacked(bench: Bench) -> None:
    array = pa.array(["x" * MIB]).dictionary_encode()
    table = pa.table({"a": pa.concat_arrays([array] * 20)})
    for data_format in (ARROW, PARQUET):
        body = binary_body(table, data_format)
        found = bench.table(body, data_format, "a VARCHAR", **LIMITS)
        assert [len(text) for (text,) in found] == [MIB] * 20


def test_views_that_unpack_to_too_much(bench: Bench) -> None:
    view = pa.array(["y" * MIB], pa.string_view()).buffers()
    views = pa.py_buffer(view[1].to_pybytes() * 60_000)
    array = pa.Array.from_buffers(pa.string_view(), 60_000, [None, views, view[2]])
    with pytest.raises(TooLargeError):
        bench.read(arrow_body(pa.table({"a": array})), ARROW, "a VARCHAR", **LIMITS)


@pytest.mark.parametrize("compression", ["lz4", "zstd"])
def test_compressed_messages_that_unpack_to_too_much(bench: Bench, compression: str) -> None:
    zeros = pa.array(bytes(MIB) for _ in range(12))
    body = arrow_body(pa.table({"a": zeros}), compression)
    with pytest.raises(TooLargeError, match="smaller batches"):
        bench.read(body, ARROW, "a BLOB", **LIMITS)
    small = pa.concat_tables([pa.table({"a": zeros.slice(0, 4)})] * 30)
    with pytest.raises(TooLargeError, match="unpacked"):
        bench.read(arrow_body(small, compression), ARROW, "a BLOB", **LIMITS)


def test_a_compressed_message_that_claims_a_terabyte(bench: Bench) -> None:
    body = arrow_body(pa.table({"a": pa.array([7] * 10_000)}), "zstd")
    true_size = struct.pack("<q", 80_000)
    assert body.count(true_size) >= 1
    claimed = body.replace(true_size, struct.pack("<q", 2**40))
    with pytest.raises(TooLargeError):
        bench.read(claimed, ARROW, "a INTEGER", **LIMITS)


def test_many_rows_of_nothing(bench: Bench) -> None:
    body = arrow_body(pa.table({"a": pa.nulls(500_000_000)}))
    assert len(body) < 1000
    with pytest.raises(TooLargeError):
        bench.read(body, ARROW, "a BIGINT", **LIMITS)


def test_parquet_that_claims_too_much(bench: Bench) -> None:
    numbers = pa.chunked_array([pa.array([7] * 1_000_000)] * 20)
    body = parquet_body(pa.table({"a": numbers}), compression="zstd")
    with pytest.raises(TooLargeError):
        bench.read(body, PARQUET, "a BIGINT", **LIMITS)


def test_a_row_that_is_too_large(bench: Bench) -> None:
    table = pa.table({"a": ["x", "y" * (5 * MIB), "z"]})
    for data_format in (ARROW, PARQUET):
        with pytest.raises(TooLargeError):
            bench.read(binary_body(table, data_format), data_format, "a VARCHAR", **LIMITS)


@pytest.mark.parametrize("seed", range(8))
def test_damaged_bodies_are_errors_or_other_rows(bench: Bench, seed: int) -> None:
    random_ = random.Random(seed)
    table = pa.table(
        {
            "a": pa.array([[number, None] for number in range(200)]),
            "b": pa.array([f"text {number % 7}" for number in range(200)]).dictionary_encode(),
        }
    )
    for good, data_format in (
        (arrow_body(table), ARROW),
        (arrow_body(table, "zstd"), ARROW),
        (parquet_body(table), PARQUET),
        (parquet_body(table, use_dictionary=False, compression="zstd"), PARQUET),
    ):
        for _ in range(40):
            body = bytearray(good)
            for _ in range(random_.choice((1, 1, 2, 8))):
                body[random_.randrange(len(body))] = random_.randrange(256)
            if random_.random() < 0.2:
                del body[random_.randrange(1, len(body)) :]
            try:
                rows = bench.read(bytes(body), data_format, "a BIGINT[]; b VARCHAR", **LIMITS)
            except LakehouseError:
                continue
            pa.table(rows).validate(full=True)
            rows.close()


@pytest.mark.parametrize("seed", range(4))
def test_damaged_texts_are_errors_or_other_rows(bench: Bench, seed: int) -> None:
    random_ = random.Random(seed)
    bodies = (
        (b'[{"a": [1, null], "b": "te\\"xt"}, {"a": null, "b": "\xc3\xa4"}]', DataFormat.JSON),
        (b'{"a": [1, null], "b": "text"}\n\n{"a": null, "b": "\xc3\xa4"}\n', DataFormat.NDJSON),
        (b'a,b\r\n"[1, null]","te""x\nt"\r\n,\xc3\xa4\r\n', DataFormat.CSV),
    )
    alphabet = b'[]{}",:\\\r\n \0\xff1au'
    for good, data_format in bodies:
        for _ in range(300):
            body = bytearray(good)
            for _ in range(random_.choice((1, 1, 2, 4))):
                place = random_.randrange(len(body))
                body[place : place + random_.randrange(2)] = bytes([random_.choice(alphabet)])
            try:
                bench.read(bytes(body), data_format, "a BIGINT[]; b VARCHAR").close()
            except LakehouseError:
                continue


def test_a_type_that_the_service_does_not_write(bench: Bench) -> None:
    columns = "a INTEGER; g GEOMETRY; l VARIANT[]"
    for body, data_format in (
        ('[{"a": 1, "g": "POINT (0 0)"}]', DataFormat.JSON),
        ('{"a": 1, "g": null}\n', DataFormat.NDJSON),
        ("a,g\n1,x\n", DataFormat.CSV),
        (arrow_body(pa.table({"a": [1], "g": ["x"]})), ARROW),
        (parquet_body(pa.table({"a": [1], "g": ["x"]})), PARQUET),
    ):
        with pytest.raises(RowsDoNotFitError, match="does not write values of the type GEOMETRY"):
            bench.read(body, data_format, columns)
    assert bench.read('[{"a": 1}]', DataFormat.JSON, columns).columns == ("a",)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="resident memory is counted in KiB on Linux")
def test_a_large_body_takes_little_memory() -> None:
    program = """
import resource, sys, tempfile, pathlib
from adapters.arrow.reader import ArrowRowReader
from domain.bodies import BodyFormat
from domain.column_types import parse_column_type
from domain.formats import DataFormat
from domain.tables import Column

columns = [Column("a", parse_column_type("BIGINT")), Column("b", parse_column_type("VARCHAR"))]
row = {
    "json": b'{"a": 12345, "b": "' + b"x" * 200 + b'"},',
    "ndjson": b'{"a": 12345, "b": "' + b"x" * 200 + b'"}\\n',
    "csv": b"12345," + b"x" * 200 + b"\\n",
}[sys.argv[1]]
start = {"json": b"[", "ndjson": b"", "csv": b"a,b\\n"}[sys.argv[1]]
end = {"json": b'{"a": 1}]', "ndjson": b"", "csv": b""}[sys.argv[1]]

def body(size):
    yield start
    chunk = row * (65536 // len(row))
    for _ in range(size // len(chunk)):
        yield chunk
    yield end

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

with tempfile.TemporaryDirectory() as directory:
    reader = ArrowRowReader(pathlib.Path(directory))
    reader.read(body(8_000_000), BodyFormat(DataFormat(sys.argv[1])), columns).close()
    before = peak()
    rows = reader.read(body(200_000_000), BodyFormat(DataFormat(sys.argv[1])), columns)
    print(rows.row_count, peak() - before)
    rows.close()
"""
    for data_format in ("json", "ndjson", "csv"):
        done = subprocess.run(
            [sys.executable, "-c", program, data_format],
            check=True,
            capture_output=True,
            text=True,
            timeout=250,
        )
        count, grown_mib = map(int, done.stdout.split())
        assert count > 800_000
        assert grown_mib < 64, data_format
