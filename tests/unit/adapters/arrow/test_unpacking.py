"""Bodies that are packed: all that was packed is read, and no more memory is taken than allowed."""

from __future__ import annotations

import gzip
import sys
from collections import deque
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.arrow.limits import BATCH_BYTES, Limits
from adapters.arrow.unpacking import unpacked
from domain.bodies import BodyFormat, ContentCoding
from domain.errors import EmptyBodyError, MalformedBodyError, RowsDoNotFitError, TooLargeError
from domain.formats import DataFormat
from tests.unit.adapters.arrow.bodies import Bench, pieces

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

GZIP, ZSTD = ContentCoding.GZIP, ContentCoding.ZSTD
PACK: dict[ContentCoding, Callable[[bytes], bytes]] = {GZIP: gzip.compress, ZSTD: zstd.compress}
MIB = 1024**2


def unpack(body: bytes, *codings: ContentCoding, size: int = BATCH_BYTES, **limits: int) -> bytes:
    return b"".join(unpacked(iter(pieces(body, size)), codings, Limits(**limits)))


@given(
    parts=st.lists(st.binary(max_size=300), min_size=1, max_size=4),
    codings=st.lists(st.sampled_from(ContentCoding), min_size=1, max_size=2),
    size=st.integers(1, 50),
)
def test_all_members_are_unpacked(
    parts: list[bytes], codings: list[ContentCoding], size: int
) -> None:
    whole = b"".join(parts)
    body = b"".join(map(PACK[codings[0]], parts))
    for coding in codings[1:]:
        body = PACK[coding](body)
    if not whole:
        with pytest.raises(EmptyBodyError):
            unpack(body, *codings, size=size)
    else:
        assert unpack(body, *codings, size=size) == whole


@pytest.mark.parametrize("coding", ContentCoding)
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_what_is_cut_short_is_malformed(coding: ContentCoding, size: int) -> None:
    member = PACK[coding](bytes(range(256)) * 3)
    for body in (member, member * 2):
        for end in range(len(body) - len(member) + 1, len(body)):
            with pytest.raises(MalformedBodyError):
                unpack(body[:end], coding, size=size)


@pytest.mark.parametrize("coding", ContentCoding)
@pytest.mark.parametrize("garbage", [b"x", b"\0", b"garbage behind it", b"\0" * 512])
def test_what_follows_and_is_no_member_is_malformed(coding: ContentCoding, garbage: bytes) -> None:
    for size in (1, 10_000):
        with pytest.raises(MalformedBodyError):
            unpack(PACK[coding](b"abc") + garbage, coding, size=size)


@pytest.mark.parametrize("coding", ContentCoding)
def test_what_is_not_packed_so_is_malformed(coding: ContentCoding) -> None:
    other = PACK[ZSTD if coding is GZIP else GZIP](b"abc")
    for body in (b'[{"a": 1}]', other):
        with pytest.raises(MalformedBodyError, match=coding):
            unpack(body, coding)


def test_a_damaged_byte_is_found() -> None:
    body = bytearray(gzip.compress(bytes(range(256))))
    body[-6] ^= 1
    with pytest.raises(MalformedBodyError):
        unpack(bytes(body), GZIP)


@pytest.mark.parametrize("coding", ContentCoding)
def test_chunks_are_bounded(coding: ContentCoding) -> None:
    body = PACK[coding](b"\n" * (20 * MIB))
    sizes = [len(chunk) for chunk in unpacked(iter([body]), (coding,), Limits())]
    assert max(sizes) <= BATCH_BYTES
    assert sum(sizes) == 20 * MIB


@pytest.mark.parametrize("coding", ContentCoding)
def test_more_than_is_allowed_is_too_large(coding: ContentCoding) -> None:
    body = PACK[coding](b"\n" * (20 * MIB))
    with pytest.raises(TooLargeError, match=str(10 * MIB)):
        unpack(body, coding, expanded_bytes=10 * MIB)
    with pytest.raises(TooLargeError):
        unpack(PACK[coding](body), coding, coding, expanded_bytes=10 * MIB)
    assert len(unpack(body, coding, expanded_bytes=20 * MIB)) == 20 * MIB


def test_a_bomb_ends_long_before_the_limit() -> None:
    compressor = zstd.ZstdCompressor()
    block = bytes(16 * MIB)
    body = b"".join(compressor.compress(block) for _ in range(80)) + compressor.flush()
    chunks = unpacked(iter([zstd.compress(body)]), (ZSTD, ZSTD), Limits())
    with pytest.raises(TooLargeError, match="times"):
        deque(chunks, maxlen=0)


def test_a_zstd_window_is_bounded() -> None:
    window: dict[int, int] = {zstd.CompressionParameter.window_log: 24}
    compressor = zstd.ZstdCompressor(options=window)
    with pytest.raises(TooLargeError, match="RFC 9659"):
        unpack(compressor.compress(b"abc") + compressor.flush(), ZSTD)


def test_rows_of_all_members_are_read(bench: Bench) -> None:
    lines = [b'{"a": %d}\n' % number for number in range(100)]
    for coding, pack in PACK.items():
        packed = BodyFormat(DataFormat.NDJSON, (coding,))
        rows = bench.table(b"".join(map(pack, lines)), packed, "a INTEGER")
        assert rows == [(str(number),) for number in range(100)]


def test_a_row_that_does_not_fit_in_the_second_member(bench: Bench) -> None:
    body = gzip.compress(b"a\n1\n") + gzip.compress(b"x\n")
    with pytest.raises(RowsDoNotFitError) as caught:
        bench.read(body, BodyFormat(DataFormat.CSV, (GZIP,)), "a INTEGER")
    assert caught.value.problems[0].row == 2


def test_a_packed_body_that_is_too_large_as_it_comes(bench: Bench) -> None:
    body = gzip.compress(bytes(1000), compresslevel=0)
    with pytest.raises(TooLargeError):
        bench.read(body, BodyFormat(DataFormat.CSV, (GZIP,)), "a INTEGER", body_bytes=500)


def test_nothing_packed_is_an_empty_body(bench: Bench) -> None:
    for coding, pack in PACK.items():
        with pytest.raises(EmptyBodyError):
            bench.read(pack(b""), BodyFormat(DataFormat.JSON, (coding,)), "a INTEGER")
        with pytest.raises(EmptyBodyError):
            bench.read(b"", BodyFormat(DataFormat.JSON, (coding,)), "a INTEGER")
