"""Parquet files that nobody writes, byte by byte: to find out what reading them does."""

from __future__ import annotations

import struct
from dataclasses import dataclass

_I32, _I64, _BINARY, _LIST, _STRUCT = 5, 6, 8, 9, 12
_STOP = b"\0"

BYTE_ARRAY, INT64 = 6, 2
PLAIN, RLE, DELTA_BINARY_PACKED, DELTA_BYTE_ARRAY, DICTIONARY = 0, 3, 5, 7, 8
UNCOMPRESSED, GZIP = 0, 2


def varint(number: int) -> bytes:
    """A number of up to 64 bits, seven to a byte."""
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def zigzag(number: int) -> bytes:
    """A number with a sign."""
    return varint(number << 1 if number >= 0 else (-number << 1) - 1)


def fields(*members: tuple[int, int, bytes]) -> bytes:
    """A struct in Thrift's compact protocol, from ids in their order, types and contents."""
    out, last = b"", 0
    for number, kind, content in members:
        out += bytes([(number - last) << 4 | kind]) + content
        last = number
    return out + _STOP


def _text(text: str) -> bytes:
    return varint(len(text)) + text.encode()


def _list(kind: int, *items: bytes) -> bytes:
    return bytes([len(items) << 4 | kind]) + b"".join(items)


@dataclass(frozen=True, slots=True)
class OneColumn:
    """A file of one required column `a` in one page; each number as it is claimed to be."""

    page: bytes = struct.pack("<10q", *range(10))
    encoding: int = PLAIN
    codec: int = UNCOMPRESSED
    rows: int = 10
    values: int = 10
    page_values: int = 10
    page_size: int = 80
    at: int = 4

    def written(self) -> bytes:
        """Its bytes."""
        size = zigzag(self.page_size)
        data = fields(
            (1, _I32, zigzag(self.page_values)),
            (2, _I32, zigzag(self.encoding)),
            (3, _I32, zigzag(RLE)),
            (4, _I32, zigzag(RLE)),
        )
        header = fields((1, _I32, zigzag(0)), (2, _I32, size), (3, _I32, size), (5, _STRUCT, data))
        meta = fields(
            (1, _I32, zigzag(INT64)),
            (2, _LIST, _list(_I32, zigzag(self.encoding))),
            (3, _LIST, _list(_BINARY, _text("a"))),
            (4, _I32, zigzag(self.codec)),
            (5, _I64, zigzag(self.values)),
            (6, _I64, zigzag(100)),
            (7, _I64, zigzag(100)),
            (9, _I64, zigzag(self.at)),
        )
        chunk = fields((2, _I64, zigzag(self.at)), (3, _STRUCT, meta))
        group = fields(
            (1, _LIST, _list(_STRUCT, chunk)), (2, _I64, zigzag(100)), (3, _I64, zigzag(self.rows))
        )
        root = fields((3, _I32, zigzag(0)), (4, _BINARY, _text("schema")), (5, _I32, zigzag(1)))
        leaf = fields((1, _I32, zigzag(INT64)), (3, _I32, zigzag(0)), (4, _BINARY, _text("a")))
        footer = fields(
            (1, _I32, zigzag(1)),
            (2, _LIST, _list(_STRUCT, root, leaf)),
            (3, _I64, zigzag(self.rows)),
            (4, _LIST, _list(_STRUCT, group)),
        )
        return b"PAR1" + header + self.page + footer + struct.pack("<I", len(footer)) + b"PAR1"


ENDS_AN_ENGINE = OneColumn(
    page=varint(2**40) + varint(1) + varint(2**50) + zigzag(2**60) + b"@" * 60,
    encoding=DELTA_BYTE_ARRAY,
)
"""DuckDB takes the number in it for a size, and asserts that nobody asks for so much."""

HOSTILE = {
    "rows": OneColumn(rows=2**62, values=2**62),
    "negative rows": OneColumn(rows=-5),
    "page size": OneColumn(page_size=2**31 - 1),
    "negative page size": OneColumn(page_size=-80),
    "page elsewhere": OneColumn(at=2**60),
    "unknown encoding": OneColumn(encoding=77),
    "encoding of others": OneColumn(encoding=RLE),
    "deltas": OneColumn(page=b"\xff" * 80, encoding=DELTA_BINARY_PACKED),
    "unknown codec": OneColumn(codec=77),
    "another codec": OneColumn(codec=GZIP),
    "ends an engine": ENDS_AN_ENGINE,
}
