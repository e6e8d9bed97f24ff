"""Objects that could end the process, or lose rows, are told before the engine reads them."""

from __future__ import annotations

import gzip
import io
import json
import struct
import sys
from contextlib import suppress

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.ducklake.objects.csv_lines import (
    MAX_CSV_COLUMNS,
    MAX_CSV_LINE_BYTES,
    CsvLines,
    check_first_line,
)
from adapters.ducklake.objects.json_depth import MAX_OBJECT_DEPTH, JsonDepth
from adapters.ducklake.objects.parquet_footer import (
    MAX_PARQUET_COLUMNS,
    MAX_PARQUET_DEPTH,
    check_schema,
    footer_length,
)
from adapters.ducklake.objects.unpacking import FREE_BYTES, unpacked
from domain.errors import MalformedObjectError, TooLargeError
from domain.file_formats import Compression

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

VALUES = st.recursive(
    st.none() | st.text(st.sampled_from('ab[]{}"\\\n')) | st.integers(0, 9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=30,
)


def chunks(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


def follow(data: bytes, size: int = 1024) -> None:
    depth = JsonDepth()
    for chunk in chunks(data, size):
        depth.feed(chunk)


class TestJsonDepth:
    @given(st.lists(VALUES, max_size=4), st.integers(1, 40))
    def test_any_json_of_a_common_depth_passes(self, values: list[object], size: int) -> None:
        follow(b"\n".join(json.dumps(value).encode() for value in values), size)

    @given(st.lists(VALUES, max_size=4), st.integers(1, 40), st.sampled_from(["[]", "{}"]))
    def test_what_is_too_deep_behind_it_is_found(
        self, values: list[object], size: int, pair: str
    ) -> None:
        before = b"\n".join(json.dumps(value).encode() for value in values)
        deep = (pair[0] * (MAX_OBJECT_DEPTH + 1)).encode()
        with pytest.raises(TooLargeError):
            follow(before + b"\n" + deep, size)

    @pytest.mark.parametrize("opening", [b"[", b'{"a":'])
    @pytest.mark.parametrize("depth", [50_000, 3_000_000])
    def test_bombs_are_found(self, opening: bytes, depth: int) -> None:
        closing = b"]" if opening == b"[" else b"}"
        with pytest.raises(TooLargeError):
            follow(opening * depth + closing * depth, 1024 * 1024)

    def test_brackets_in_texts_do_not_count(self) -> None:
        follow(json.dumps("[" * 10_000 + '"\\"' + "{" * 10_000).encode() * 3, 7)


class TestUnpacking:
    @pytest.mark.parametrize("size", [1, 7, 10_000_000])
    def test_several_members_are_one_file(self, size: int) -> None:
        for compress, compression in (
            (gzip.compress, Compression.GZIP),
            (zstd.compress, Compression.ZSTD),
        ):
            packed = compress(b"a\n1\n") + compress(b"2\n") + compress(b"")
            assert b"".join(unpacked(chunks(packed, size), compression)) == b"a\n1\n2\n"

    @pytest.mark.parametrize(
        "data, compression",
        [
            (gzip.compress(b"1\n" * 10_000)[:-9], Compression.GZIP),
            (zstd.compress(b"1\n" * 10_000)[:-3], Compression.ZSTD),
            (gzip.compress(b"1\n") + b"garbage", Compression.GZIP),
            (zstd.compress(b"1\n") + b"garbage", Compression.ZSTD),
            (b"a,b\n1,2\n", Compression.GZIP),
            (b"a,b\n1,2\n", Compression.ZSTD),
        ],
        ids=["short gzip", "short zstd", "gzip and more", "zstd and more", "no gzip", "no zstd"],
    )
    def test_what_is_not_whole_is_told(self, data: bytes, compression: Compression) -> None:
        with pytest.raises(MalformedObjectError):
            list(unpacked(chunks(data, 1000), compression))

    @pytest.mark.parametrize("compression", [Compression.GZIP, Compression.ZSTD])
    def test_a_bomb_is_told(self, compression: Compression) -> None:
        zeros = bytes(FREE_BYTES + 1)
        compress = zstd.compress if compression is Compression.ZSTD else gzip.compress
        with pytest.raises(TooLargeError):
            for _ in unpacked(chunks(compress(zeros), 4096), compression):
                pass


def element(name: str, children: int | None = None) -> bytes:
    """One element of a schema, in Thrift's compact protocol."""
    named = bytes([len(name)]) + name.encode()
    if children is None:
        return bytes([0x15, 2, 0x25, 2, 0x18]) + named + b"\0"
    return bytes([0x35, 2, 0x18]) + named + bytes([0x15]) + varint(children * 2) + b"\0"


def varint(number: int) -> bytes:
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


def footer(elements: list[bytes]) -> bytes:
    count = (
        bytes([0xFC]) + varint(len(elements))
        if len(elements) > 14
        else bytes([len(elements) << 4 | 12])
    )
    return bytes([0x15, 2, 0x19]) + count + b"".join(elements) + b"\x16\0\x19\x0c\0"


class TestParquetFooter:
    def footer_of(self, table: pa.Table) -> bytes:
        out = io.BytesIO()
        pq.write_table(table, out)
        data = out.getvalue()
        length = footer_length(data[-8:])
        return data[-8 - length : -8]

    def test_the_footers_of_others_pass(self) -> None:
        deep: object = {"x": 1}
        for _ in range(15):
            deep = {"a": [deep]}
        table = pa.table(
            {"i": [1], "t": pa.array([0], pa.timestamp("us", "UTC")), "d": [deep], "s": ["x"]}
        )
        check_schema(self.footer_of(table))

    def test_deep_columns_are_told(self) -> None:
        def nested(depth: int) -> bytes:
            above = [element("a", 1) for _ in range(depth)]
            return footer([element("root", 1), *above, element("leaf")])

        check_schema(nested(MAX_PARQUET_DEPTH))
        for depth in (MAX_PARQUET_DEPTH + 1, 9_000):
            with pytest.raises(TooLargeError):
                check_schema(nested(depth))

    def test_many_columns_are_told(self) -> None:
        columns = [element(f"c{number}") for number in range(MAX_PARQUET_COLUMNS - 1)]
        check_schema(footer([element("root", len(columns)), *columns]))
        with pytest.raises(TooLargeError):
            check_schema(footer([element("root", len(columns) + 1), *columns, element("x")]))

    @given(st.binary(max_size=200))
    def test_any_bytes_are_told(self, data: bytes) -> None:
        with suppress(MalformedObjectError, TooLargeError):
            check_schema(data)

    @pytest.mark.parametrize(
        "tail", [b"", b"PAR1", b"<html></html>", struct.pack("<I", 9) + b"PARE"]
    )
    def test_what_is_no_parquet_is_told(self, tail: bytes) -> None:
        with pytest.raises(MalformedObjectError):
            footer_length(tail)


def test_a_line_of_too_many_columns_is_told() -> None:
    check_first_line(b"," * (MAX_CSV_COLUMNS - 1) + b"\n" + b"," * MAX_CSV_COLUMNS)
    for delimiter in (b",", b";", b"|", b"\t"):
        with pytest.raises(TooLargeError):
            check_first_line(delimiter * MAX_CSV_COLUMNS)


class TestCsvLines:
    @pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
    def test_a_line_may_be_so_long(self, end: bytes) -> None:
        longest = b"x" * (MAX_CSV_LINE_BYTES - len(end)) + end
        lines = CsvLines()
        for chunk in chunks(b"a" + end + longest + longest + b"y" * 100, 2**20):
            lines.feed(chunk)

    @pytest.mark.parametrize("behind", [b"\n", b"", b"\nb\n"])
    def test_and_no_longer(self, behind: bytes) -> None:
        lines = CsvLines()
        lines.feed(b"a\n" + b"x" * (MAX_CSV_LINE_BYTES - 10))
        with pytest.raises(TooLargeError):
            lines.feed(b"x" * 11 + behind)

    @pytest.mark.parametrize(
        "tail, found",
        [(b"xx", False), (b"xx\n", False), (b"xx\r\n", False), (b"x\ny", True), (b"\n\n", True)],
    )
    def test_the_end_of_a_line_is_found(self, tail: bytes, found: bool) -> None:
        assert CsvLines.has_end(tail) is found
