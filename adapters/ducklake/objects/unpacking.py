"""Files of text, unpacked as a whole.

DuckDB gives what it can of a compressed file that ends too early, and says nothing of the rest.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from domain.errors import MalformedObjectError, TooLargeError
from domain.file_formats import Compression

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MAX_RATIO = 500
"""How many times larger than it is a file may become."""

FREE_BYTES = 256 * 1024**2
"""How large any file may become, whatever its ratio."""

_PIECE_BYTES = 1024 * 1024
_GZIP_WINDOW = 31
# 128 MiB, the most that the command-line tool takes without being told to.
_WINDOW_LOG = 27


class _Member(Protocol):
    """One member of a gzip file, or one frame of a zstd file."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


def unpacked(chunks: Iterable[bytes], compression: Compression) -> Iterator[bytes]:
    """The bytes of a file, in pieces of at most a megabyte where it is compressed.

    Raises:
        MalformedObjectError: When it is not compressed so, or ends too early.
        TooLargeError: When it is a bomb.
    """
    if compression is Compression.NONE:
        yield from chunks
        return
    begin: Callable[[], _Member] = _gzip_member if compression is Compression.GZIP else _zstd_frame
    member: _Member | None = None
    taken = given = 0
    for chunk in chunks:
        taken += len(chunk)
        waiting = chunk
        while waiting:
            member = member or begin()
            for piece in _pieces(member, waiting, compression):
                given += len(piece)
                if given > max(FREE_BYTES, MAX_RATIO * taken):
                    raise TooLargeError(f"It unpacks to more than {MAX_RATIO} times its size.")
                yield piece
            waiting = member.unused_data if member.eof else b""
            if member.eof:
                member = None
    if member is not None:
        raise MalformedObjectError(f"Its {compression.value} data ends too early.")


def _pieces(member: _Member, data: bytes, compression: Compression) -> Iterator[bytes]:
    while True:
        try:
            piece = member.decompress(data, _PIECE_BYTES)
        except (zlib.error, zstd.ZstdError) as error:
            raise MalformedObjectError(f"It is not {compression.value} data.") from error
        data = getattr(member, "unconsumed_tail", b"")
        if piece:
            yield piece
        if member.eof or (not data and len(piece) < _PIECE_BYTES):
            return


def _gzip_member() -> _Member:
    return zlib.decompressobj(_GZIP_WINDOW)


def _zstd_frame() -> _Member:
    return zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: _WINDOW_LOG})
