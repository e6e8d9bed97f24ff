"""The messages of an Arrow IPC stream, taken from a body one by one.

See https://arrow.apache.org/docs/format/Columnar.html#encapsulated-message-format: each is
a length, metadata (a flatbuffer, `Message.fbs`) and a body. What the metadata claims is looked
at before the Arrow library is handed the message, since that would reserve the memory.
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from adapters.arrow.limits import MIB
from adapters.arrow.spool import fill, spool_file, storage_errors
from domain.errors import MalformedBodyError, TooLargeError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from adapters.arrow.limits import Limits

_CONTINUATION = b"\xff\xff\xff\xff"
_FILE_MAGIC = b"ARRO"
_METADATA_BYTES = 16 * MIB
_MAPPED_BYTES = 32 * MIB
_DICTIONARY_BATCH = 2
_RECORD_BATCH = 3
_BUFFER_BYTES = 16
_LENGTH_BYTES = 8


@dataclass(frozen=True, slots=True)
class _Metadata:
    """What of a message's metadata matters here.

    Attributes:
        body_bytes: The length of its body.
        compressed: Where its compressed buffers are in the body, and how long.
    """

    body_bytes: int
    compressed: tuple[tuple[int, int], ...]


class MessageStream:
    """A readable file of a stream's messages, each of which was looked at.

    A long body of a message is put into a nameless file and mapped, so that it takes no memory.

    Attributes:
        error: What was raised while reading, for the caller to raise again.
    """

    closed = False

    def __init__(self, chunks: Iterator[bytes], directory: Path, limits: Limits) -> None:
        self._chunks = chunks
        self._directory = directory
        self._limits = limits
        self._held = bytearray()
        self._parts = self._messages()
        self._part: memoryview = memoryview(b"")
        self.error: BaseException | None = None

    def read(self, size: int) -> memoryview | bytes:
        """The next bytes: as many as asked for, except where a message's part ends."""
        try:
            while not self._part:
                part = next(self._parts, None)
                if part is None:
                    return b""
                self._part = part
        except BaseException as error:
            self.error = error
            raise
        taken, self._part = self._part[:size], self._part[size:]
        return taken

    def drain(self) -> None:
        """Read what is left behind the end mark.

        Raises:
            MalformedBodyError: When there is anything.
        """
        if self._held or next(self._chunks, None) is not None:
            raise _malformed("there is more behind its end")

    def _messages(self) -> Iterator[memoryview]:
        while True:
            prefix = self._take(4, end_is_fine=True)
            if not prefix:
                return
            if prefix == _FILE_MAGIC:
                raise _malformed("it is an Arrow file; send the stream format")
            # Before Arrow 0.15 there was no continuation mark.
            length = self._take(4) if prefix == _CONTINUATION else prefix
            yield memoryview(_CONTINUATION)
            yield memoryview(length)
            (size,) = struct.unpack("<i", length)
            if size == 0:
                return
            if not 0 < size <= _METADATA_BYTES:
                raise _malformed("the length of a message is impossible")
            metadata = self._take(size)
            claims = _read_metadata(metadata)
            yield memoryview(metadata)
            if claims.body_bytes:
                body = self._body(claims.body_bytes)
                self._check_unpacked(body, claims)
                yield body

    def _body(self, size: int) -> memoryview:
        if size > self._limits.body_bytes:
            raise TooLargeError(f"A body has at most {self._limits.body_bytes} bytes.")
        if size <= _MAPPED_BYTES:
            return memoryview(self._take(size))
        with spool_file(self._directory) as file, storage_errors():
            fill(file, self._taken(size))
            return memoryview(mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ))

    def _taken(self, size: int) -> Iterator[bytes]:
        left = size
        while left:
            part = self._take(min(left, MIB))
            left -= len(part)
            yield part

    def _check_unpacked(self, body: memoryview, claims: _Metadata) -> None:
        total = 0
        for offset, length in claims.compressed:
            if length < _LENGTH_BYTES:
                continue
            try:
                (unpacked,) = struct.unpack_from("<q", body, offset)
            except struct.error:
                raise _malformed("a buffer is outside of its message") from None
            total += max(unpacked, 0)
        if total > self._limits.message_bytes:
            raise TooLargeError(
                f"A compressed record batch is at most {self._limits.message_bytes} bytes when "
                "unpacked; send smaller batches."
            )

    def _take(self, size: int, *, end_is_fine: bool = False) -> bytes:
        while len(self._held) < size:
            chunk = next(self._chunks, None)
            if chunk is None:
                if end_is_fine and not self._held:
                    return b""
                raise _malformed("it ends within a message")
            self._held += chunk
        taken = bytes(self._held[:size])
        del self._held[:size]
        return taken


def _malformed(what: str) -> MalformedBodyError:
    return MalformedBodyError(f"The body is not a valid Arrow stream: {what}.")


def _read_metadata(metadata: bytes) -> _Metadata:
    try:
        return _parse_message(metadata)
    except struct.error:
        raise _malformed("a message's metadata cannot be read") from None


def _parse_message(data: bytes) -> _Metadata:
    """Read the fields `header_type`, `header` and `bodyLength` of a `Message`."""
    message = _indirect(data, 0)
    kind_at, header_at, length_at = (_field(data, message, index) for index in (1, 2, 3))
    kind = data[kind_at] if kind_at and kind_at < len(data) else 0
    size = struct.unpack_from("<q", data, length_at)[0] if length_at else 0
    if size < 0:
        raise _malformed("the length of a message is impossible")
    buffers: tuple[tuple[int, int], ...] = ()
    if header_at and kind in (_DICTIONARY_BATCH, _RECORD_BATCH):
        batch: int | None = _indirect(data, header_at)
        if kind == _DICTIONARY_BATCH:
            data_at = _field(data, batch, 1)
            batch = _indirect(data, data_at) if data_at else None
        if batch is not None and _field(data, batch, 3):
            buffers = tuple(_buffers(data, batch))
    return _Metadata(size, buffers)


def _buffers(data: bytes, batch: int) -> Iterator[tuple[int, int]]:
    """The place and length of each buffer of a `RecordBatch`, from its vector `buffers`."""
    vector_at = _field(data, batch, 2)
    if not vector_at:
        return
    vector = _indirect(data, vector_at)
    (count,) = struct.unpack_from("<I", data, vector)
    if count * _BUFFER_BYTES > len(data):
        raise _malformed("a message's metadata cannot be read")
    for index in range(count):
        yield struct.unpack_from("<qq", data, vector + 4 + index * _BUFFER_BYTES)


def _indirect(data: bytes, place: int) -> int:
    """Follow an offset of a flatbuffer."""
    return int(place + struct.unpack_from("<I", data, place)[0])


def _field(data: bytes, table: int | None, index: int) -> int:
    """Where a field of a flatbuffer's table is; 0 when the table lacks it."""
    if table is None:
        return 0
    vtable = table - struct.unpack_from("<i", data, table)[0]
    if vtable < 0:
        raise struct.error
    slot = 4 + 2 * index
    if slot >= struct.unpack_from("<H", data, vtable)[0]:
        return 0
    offset = struct.unpack_from("<H", data, vtable + slot)[0]
    return table + offset if offset else 0
