"""Bodies that are packed: unpacked as they come, in bounded memory, to their very end.

A gzip file is one member or several (RFC 1952, 2.2), and a zstd file one frame or several
(RFC 8878, 3.1): all of them are the body, and what follows them that is none is an error.
"""

from __future__ import annotations

import sys
import zlib
from typing import TYPE_CHECKING, Protocol

from adapters.arrow.body import unpacked_too_large
from adapters.arrow.limits import BATCH_BYTES, GIB, KIB
from domain.bodies import ContentCoding
from domain.errors import EmptyBodyError, MalformedBodyError, TooLargeError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from adapters.arrow.limits import Limits

_SLICE_BYTES = 16 * KIB
"""What is left behind a member is copied, so members that are small get little to leave."""

_WINDOW_LOG = 23
"""Frames reach back 8 MiB at most, which is what RFC 9659 allows in a content coding."""

_RATIO = 2_000
_RATIO_FROM = GIB
"""Beyond this size, only a body that was made to do harm unpacks to so many times its own."""


class _Member(Protocol):
    """One member of a gzip body, or one frame of a zstd body, as it is unpacked."""

    @property
    def eof(self) -> bool: ...

    @property
    def rest(self) -> bytes:
        """What was given and not used: it belongs to this member, or after its end to the next."""
        ...

    def unpack(self, data: bytes) -> bytes:
        """At most `BATCH_BYTES` more; nothing when more data is needed."""
        ...


class _GzipMember:
    def __init__(self) -> None:
        self._member = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)

    @property
    def eof(self) -> bool:
        return self._member.eof

    @property
    def rest(self) -> bytes:
        return self._member.unused_data if self.eof else self._member.unconsumed_tail

    def unpack(self, data: bytes) -> bytes:
        return self._member.decompress(data, BATCH_BYTES)


class _ZstdFrame:
    def __init__(self) -> None:
        self._frame = zstd.ZstdDecompressor(
            options={zstd.DecompressionParameter.window_log_max: _WINDOW_LOG}
        )

    @property
    def eof(self) -> bool:
        return self._frame.eof

    @property
    def rest(self) -> bytes:
        return self._frame.unused_data

    def unpack(self, data: bytes) -> bytes:
        return self._frame.decompress(data, BATCH_BYTES)


_MEMBERS: dict[ContentCoding, Callable[[], _Member]] = {
    ContentCoding.GZIP: _GzipMember,
    ContentCoding.ZSTD: _ZstdFrame,
}


def unpacked(
    chunks: Iterator[bytes], codings: Sequence[ContentCoding], limits: Limits
) -> Iterator[bytes]:
    """The body as it was before it was packed, in chunks of at most `BATCH_BYTES`.

    Args:
        chunks: The body as it came.
        codings: How it was packed, in the order in which that was done.
        limits: How much it may be.

    Raises:
        EmptyBodyError: When nothing was packed.
        MalformedBodyError: When it is damaged, cut short, or followed by something else.
        TooLargeError: When it unpacks to more than it may.
    """
    if not codings:
        yield from chunks
        return
    came = _Count(chunks)
    packed: Iterable[bytes] = came
    for coding in reversed(codings):
        packed = _bounded(_members(packed, coding), came, limits)
    empty = True
    for chunk in packed:
        empty = False
        yield chunk
    if empty:
        raise EmptyBodyError("The body is empty once it is unpacked.")


class _Count:
    """Counts the bytes that come."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = chunks
        self.size = 0

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            self.size += len(chunk)
            yield chunk


def _bounded(chunks: Iterable[bytes], came: _Count, limits: Limits) -> Iterator[bytes]:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > limits.expanded_bytes:
            raise unpacked_too_large(limits)
        if size > _RATIO_FROM and size > came.size * _RATIO:
            raise TooLargeError(f"A body unpacks to {_RATIO} times its size at most.")
        yield chunk


def _members(chunks: Iterable[bytes], coding: ContentCoding) -> Iterator[bytes]:
    start = _MEMBERS[coding]
    member: _Member | None = None
    for data in _slices(chunks):
        rest = data
        while True:
            if member is None:
                if not rest:
                    break
                member = start()
            part = _unpacked(member, rest, coding)
            if part:
                yield part
            if member.eof:
                rest, member = member.rest, None
            elif part:
                # There may be more of what was given, in the member or left by it.
                rest = member.rest
            else:
                break
    if member is not None:
        raise MalformedBodyError(f"The body ends within its {coding} coding: a part is missing.")


def _unpacked(member: _Member, data: bytes, coding: ContentCoding) -> bytes:
    try:
        return member.unpack(data)
    except (zlib.error, zstd.ZstdError) as error:
        if "too much memory" in str(error):
            raise TooLargeError(
                f"A zstd frame reaches back {2**_WINDOW_LOG} bytes at most (RFC 9659)."
            ) from error
        raise MalformedBodyError(
            f"The body is not valid {coding}, or is followed by something else."
        ) from error


def _slices(chunks: Iterable[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        for start in range(0, len(chunk), _SLICE_BYTES):
            yield chunk[start : start + _SLICE_BYTES]
