from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.bodies import ContentCoding
from domain.datasets import ByteStream
from domain.errors import NotAcceptableError
from domain.formats import DataFormat
from entrypoints.rest.content_coding import PackedStream, choose_coding

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

GZIP, ZSTD = ContentCoding.GZIP, ContentCoding.ZSTD


class Chunks(ByteStream):
    def __init__(self, *chunks: bytes, error: Exception | None = None) -> None:
        self._chunks = chunks
        self._error = error
        self.closed = False

    def __iter__(self) -> Iterator[bytes]:
        yield from self._chunks
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        self.closed = True


def unpack(coding: ContentCoding, packed: bytes) -> bytes:
    return gzip.decompress(packed) if coding is GZIP else zstd.decompress(packed)


def unpack_so_far(coding: ContentCoding, packed: bytes) -> bytes:
    if coding is GZIP:
        return zlib.decompressobj(wbits=31).decompress(packed)
    return zstd.ZstdDecompressor().decompress(packed)


@pytest.mark.parametrize(
    "accept_encoding, coding",
    [
        (None, None),
        ("", None),
        ("identity", None),
        ("br", None),
        ("gzip", GZIP),
        ("x-gzip", GZIP),
        ("GZip", GZIP),
        ("zstd", ZSTD),
        ("gzip, deflate, br, zstd", ZSTD),
        ("gzip;q=1.0, zstd;q=0.5", GZIP),
        ("gzip;q=0", None),
        ("gzip;q=0, *", ZSTD),
        ("*", ZSTD),
        ("*;q=0, gzip", GZIP),
        ("identity;q=0, gzip", GZIP),
        ("identity, gzip;q=0.5", None),
        ("identity;q=0.5, gzip;q=0.5", GZIP),
        ("gzip;q=much", None),
        (" gzip ; q=0.8 , ", GZIP),
    ],
)
def test_codings(accept_encoding: str | None, coding: ContentCoding | None) -> None:
    assert choose_coding(accept_encoding, DataFormat.NDJSON) is coding


@pytest.mark.parametrize(
    "accept_encoding", ["identity;q=0", "*;q=0", "identity;q=0, br", "gzip;q=0, identity;q=0"]
)
@pytest.mark.parametrize("data_format", list(DataFormat))
def test_no_coding_is_left(accept_encoding: str, data_format: DataFormat) -> None:
    with pytest.raises(NotAcceptableError):
        choose_coding(accept_encoding, data_format)


@pytest.mark.parametrize("data_format", [DataFormat.PARQUET, DataFormat.ARROW])
def test_what_does_not_pay_is_done_only_where_it_must_be(data_format: DataFormat) -> None:
    assert choose_coding("gzip, zstd", data_format) is None
    assert choose_coding("gzip, identity;q=0", data_format) is GZIP


@given(st.text(max_size=60), st.sampled_from(list(DataFormat)))
def test_any_header_is_read(accept_encoding: str, data_format: DataFormat) -> None:
    try:
        choose_coding(accept_encoding, data_format)
    except NotAcceptableError:
        assert "0" in accept_encoding or ";" in accept_encoding


@given(st.lists(st.binary(max_size=2000)), st.sampled_from(list(ContentCoding)))
def test_what_is_packed_is_what_was_there(chunks: list[bytes], coding: ContentCoding) -> None:
    stream = Chunks(*chunks)
    packed = PackedStream(stream, coding)

    assert unpack(coding, b"".join(packed)) == b"".join(chunks)

    packed.close()
    assert stream.closed


@pytest.mark.parametrize("coding", list(ContentCoding))
def test_the_first_rows_come_at_once(coding: ContentCoding) -> None:
    chunks = iter(PackedStream(Chunks(b"first\n", b"second\n"), coding))

    assert unpack_so_far(coding, next(chunks)) == b"first\n"


@pytest.mark.parametrize("coding", list(ContentCoding))
def test_what_fails_midway_has_no_end(coding: ContentCoding) -> None:
    stream = Chunks(b"first\n", b"second\n", error=ValueError("no"))
    packed: list[bytes] = []

    with pytest.raises(ValueError, match="no"):
        packed.extend(PackedStream(stream, coding))

    whole = b"".join(packed)
    assert unpack_so_far(coding, whole) == b"first\nsecond\n"
    with pytest.raises((EOFError, zstd.ZstdError)):
        unpack(coding, whole)


@pytest.mark.parametrize("coding", list(ContentCoding))
def test_what_fails_at_once_gives_nothing(coding: ContentCoding) -> None:
    packed: list[bytes] = []

    with pytest.raises(ValueError, match="no"):
        packed.extend(PackedStream(Chunks(error=ValueError("no")), coding))

    assert packed == []
