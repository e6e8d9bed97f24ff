"""The bytes of an upload on their way from the caller to the store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from domain.errors import IncompleteBodyError

_SEND_SIZE = 256 * 1024

Bytes = bytes | memoryview


class ContentError(Exception):
    """The caller's content raised: so that nobody takes it for an error of the connection.

    Attributes:
        original: What it raised.
    """

    def __init__(self, original: Exception) -> None:
        super().__init__(str(original))
        self.original = original


def pulled(content: Iterable[bytes]) -> Iterator[bytes]:
    """Give the chunks, gathered into ones that are worth sending.

    Raises:
        ContentError: When the content raises.
    """
    gathered: list[bytes] = []
    size = 0
    for chunk in _guarded(content):
        gathered.append(chunk)
        size += len(chunk)
        if size >= _SEND_SIZE:
            yield gathered[0] if len(gathered) == 1 else b"".join(gathered)
            gathered, size = [], 0
    if size:
        yield b"".join(gathered)


def _guarded(content: Iterable[bytes]) -> Iterator[bytes]:
    try:
        chunks = iter(content)
    except Exception as error:
        raise ContentError(error) from error
    while True:
        try:
            chunk = next(chunks)
        except StopIteration:
            return
        except Exception as error:
            raise ContentError(error) from error
        if chunk:
            yield chunk


def exactly(chunks: Iterable[bytes], size: int) -> Iterator[bytes]:
    """Give the chunks on, the last of them only when there are `size` bytes in all.

    So a store that was told of `size` bytes never completes an object of any other content.

    Raises:
        IncompleteBodyError: When there are fewer bytes, or more.
    """
    held, total = b"", 0
    for chunk in chunks:
        total += len(chunk)
        if total > size:
            raise IncompleteBodyError(f"The body goes on after the {size} bytes it should have.")
        if held:
            yield held
        held = chunk
    if total < size:
        raise IncompleteBodyError(f"The body ended after {total} of {size} bytes.")
    if held:
        yield held


@dataclass(slots=True)
class Splitter:
    """Chunks, taken by numbers of bytes that need not be theirs."""

    chunks: Iterator[bytes]
    _rest: Bytes = field(default=b"", init=False)

    def take(self, size: int) -> Iterator[Bytes]:
        """Give up to `size` bytes; fewer only at the end of the chunks."""
        missing = size
        while missing and self._fill():
            # A view, since a chunk may be much larger than a part.
            piece = memoryview(self._rest)[:missing]
            self._rest = memoryview(self._rest)[len(piece) :]
            missing -= len(piece)
            yield piece

    @property
    def ended(self) -> bool:
        """Whether there are no more bytes; waits for the next chunk to know."""
        return not self._fill()

    def _fill(self) -> bool:
        if not self._rest:
            self._rest = next(self.chunks, b"")
        return bool(self._rest)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an upload, in memory.

    Attributes:
        pieces: Its bytes.
        size: How many there are.
        last: Whether it is the last part.
    """

    pieces: tuple[Bytes, ...]
    size: int
    last: bool


def parts(chunks: Iterator[bytes], size: int) -> Iterator[Part]:
    """Divide into parts of `size` bytes; the last one has fewer, and none if it is the only."""
    splitter = Splitter(chunks)
    while True:
        pieces = tuple(splitter.take(size))
        last = splitter.ended
        yield Part(pieces, sum(map(len, pieces)), last)
        if last:
            return
