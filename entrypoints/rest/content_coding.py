"""Compression of answers (RFC 9110, 8.4 and 12.5.3), as they are streamed."""

from __future__ import annotations

import re
import sys
import time
import zlib
from collections.abc import Iterator
from typing import Protocol

from domain.bodies import ContentCoding
from domain.datasets import ByteStream
from domain.errors import NotAcceptableError
from domain.formats import DataFormat

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

WORTH_COMPRESSING = frozenset({DataFormat.JSON, DataFormat.NDJSON, DataFormat.CSV})
"""Texts get 3 to 7 times smaller. Parquet is compressed in itself, and Arrow is for clients that
can take more bytes a second than a compressor makes."""

FLUSH_AFTER_S = 0.1
"""No bytes stay in the compressor for longer than this, so long as more come."""

_QUALITY = re.compile(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?")
_IDENTITY = "identity"
_ALIASES = {"x-gzip": "gzip"}
_GZIP_FORM = 31
# The fastest of both: the next levels cost half of the speed for a tenth of the size.
_LEVEL = 1


def choose_coding(accept_encoding: str | None, data_format: DataFormat) -> ContentCoding | None:
    """How an answer is to be packed; None for not at all.

    Of codings that are liked equally, zstd goes before gzip, and both before none where
    packing pays. What does not pay is done only where nothing else is acceptable.

    Raises:
        NotAcceptableError: When the client takes none of them, and no answer as it is.
    """
    wishes = _wishes(accept_encoding or "")
    anything = wishes.get("*")
    plain = wishes.get(_IDENTITY, 1.0 if anything is None else anything)
    liked = [
        (wishes.get(coding.value, anything or 0.0), coding)
        for coding in (ContentCoding.ZSTD, ContentCoding.GZIP)
    ]
    quality, best = max(liked, key=lambda each: each[0])
    if plain <= 0 and quality <= 0:
        raise NotAcceptableError(
            "Accept-Encoding leaves no coding that is offered; these are: zstd, gzip, identity."
        )
    # A preference for no coding is one only when it is said.
    unpacked = _IDENTITY in wishes and plain > quality
    if quality > 0 and not unpacked and (plain <= 0 or data_format in WORTH_COMPRESSING):
        return best
    return None


def _wishes(accept_encoding: str) -> dict[str, float]:
    wishes: dict[str, float] = {}
    for element in accept_encoding.lower().split(","):
        coding, *parameters = (part.strip() for part in element.split(";"))
        quality = 1.0
        for parameter in parameters:
            name, _, value = parameter.partition("=")
            if name.strip() == "q":
                # A weight that cannot be read is no wish.
                quality = float(value) if _QUALITY.fullmatch(value.strip()) else 0.0
        if coding:
            wishes[_ALIASES.get(coding, coding)] = quality
    return wishes


class _Packer(Protocol):
    def pack(self, data: bytes, /) -> bytes: ...

    def flush(self) -> bytes: ...

    def end(self) -> bytes: ...


class _Gzip(_Packer):
    def __init__(self) -> None:
        self._made = zlib.compressobj(_LEVEL, wbits=_GZIP_FORM)

    def pack(self, data: bytes, /) -> bytes:
        return self._made.compress(data)

    def flush(self) -> bytes:
        return self._made.flush(zlib.Z_SYNC_FLUSH)

    def end(self) -> bytes:
        return self._made.flush()


class _Zstd(_Packer):
    def __init__(self) -> None:
        self._made = zstd.ZstdCompressor(_LEVEL)

    def pack(self, data: bytes, /) -> bytes:
        return self._made.compress(data)

    def flush(self) -> bytes:
        return self._made.flush(zstd.ZstdCompressor.FLUSH_BLOCK)

    def end(self) -> bytes:
        return self._made.flush()


_PACKERS: dict[ContentCoding, type[_Packer]] = {
    ContentCoding.GZIP: _Gzip,
    ContentCoding.ZSTD: _Zstd,
}


class PackedStream(ByteStream):
    """A stream, packed chunk by chunk where its chunks are made.

    The first rows are sent as they come, and a stream that is slow holds nothing back. One that
    fails ends without the coding's own end, and all that came before can be unpacked.
    """

    def __init__(self, stream: ByteStream, coding: ContentCoding) -> None:
        self._stream = stream
        self._coding = coding

    def __iter__(self) -> Iterator[bytes]:
        """The packed chunks."""
        packer = _PACKERS[self._coding]()
        flushed_at = 0.0
        began = False
        try:
            for chunk in self._stream:
                began = True
                packed = packer.pack(chunk)
                now = time.monotonic()
                if now - flushed_at >= FLUSH_AFTER_S:
                    packed += packer.flush()
                    flushed_at = now
                if packed:
                    yield packed
        except Exception:
            # What fails at once is told by a status, so nothing may be sent before it.
            if began:
                yield packer.flush()
            raise
        yield packer.end()

    def close(self) -> None:
        """Close what is packed."""
        self._stream.close()
