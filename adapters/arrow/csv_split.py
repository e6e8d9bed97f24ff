"""Cuts CSV bodies into parts of whole records, and checks their quotes (RFC 4180).

A quote may only open a field, be doubled within, and close it. So whether a place is within
quotes is told by the number of quotes before it, and a record ends at a line's end with an
even number. What breaks that rule is refused: readers differ in what they make of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from adapters.arrow.body import without_mark
from adapters.arrow.limits import BATCH_BYTES
from domain.errors import MalformedBodyError, TooLargeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from adapters.arrow.limits import Limits
    from domain.bodies import CsvOptions

_NO_QUOTE = b"\0"
"""Stands for the quote where there is none: a NUL is refused anyway."""

_LINE_END = re.compile(rb"\r\n|\n|\r")


class _Quotes:
    """The quote, and patterns of where it may be."""

    def __init__(self, options: CsvOptions) -> None:
        self.mark = options.quote.encode() if options.quote is not None else _NO_QUOTE
        mark, edge = re.escape(self.mark), rb"[\r\n" + re.escape(options.delimiter.encode()) + rb"]"
        opened = rb"(?:(?<=%b)|\A)%b(?:[^%b]++|%b%b)*+" % (edge, mark, mark, mark, mark)
        self.in_order = re.compile(
            rb"(?:[^%b]++|%b%b(?=%b|\Z))*+" % (mark, opened, mark, edge), re.DOTALL
        )
        self.not_closed = re.compile(opened + rb"\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class CsvPart:
    """Some whole records.

    Attributes:
        text: The records with their line ends.
        line: The number of the body's line on which they begin, from 1.
    """

    text: bytes
    line: int


def split_records(
    chunks: Iterable[bytes], options: CsvOptions, limits: Limits
) -> Iterator[CsvPart]:
    """Cut a CSV body at ends of records. The header, where there is one, is a part of its own.

    Raises:
        MalformedBodyError: When a quote is where none may be, or is not closed, or when the
            text is not UTF-8 or has a NUL.
        TooLargeError: When a record is over the limit.
    """
    return _RecordSplitter(options, limits).split(without_mark(chunks))


class _RecordSplitter:
    def __init__(self, options: CsvOptions, limits: Limits) -> None:
        self._quotes = _Quotes(options)
        self._limits = limits
        self._held = bytearray()
        self._line = 1
        # How much must have come before a cut is looked for; more after each time in vain.
        self._wanted = 1 if options.header else BATCH_BYTES
        self._header = options.header

    def split(self, chunks: Iterable[bytes]) -> Iterator[CsvPart]:
        for chunk in chunks:
            self._held += chunk
            while len(self._held) >= self._wanted:
                cut = self._first_end() if self._header else self._last_end()
                if not cut:
                    self._check_size()
                    self._wanted = max(BATCH_BYTES, 2 * len(self._held))
                    break
                yield from self._take(cut)
        while self._held:
            cut = self._first_end() if self._header else 0
            yield from self._take(cut or len(self._held))

    def _take(self, cut: int) -> Iterator[CsvPart]:
        part = CsvPart(bytes(self._held[:cut]), self._line)
        _check(part, self._quotes)
        del self._held[:cut]
        self._line += _lines(part.text)
        # Empty lines before the header are no header.
        if not self._header:
            yield part
        elif part.text.strip(b"\r\n"):
            yield part
            self._header = False
            self._wanted = BATCH_BYTES

    def _check_size(self) -> None:
        if len(self._held) <= self._limits.row_bytes:
            return
        place = self._quotes.in_order.match(self._held)
        if place is not None and not self._quotes.not_closed.match(self._held, place.end()):
            _check(CsvPart(bytes(self._held), self._line), self._quotes)
        raise TooLargeError(
            f"A row has at most {self._limits.row_bytes} bytes; the one that begins on line "
            f"{self._line} has more. Perhaps a quote in it is not closed."
        )

    def _first_end(self) -> int:
        """Where the first record ends; 0 when that has not come."""
        text, mark = self._held, self._quotes.mark
        quotes = start = 0
        for match in _LINE_END.finditer(text):
            quotes += text.count(mark, start, match.start())
            start = match.end()
            if quotes % 2 == 0:
                # A line feed may be still to come.
                return 0 if match.group() == b"\r" and start == len(text) else start
        return 0

    def _last_end(self) -> int:
        """Where the last whole record ends; 0 when none has."""
        text, mark = self._held, self._quotes.mark
        end = len(text)
        within = text.count(mark) % 2
        while (line_end := text.rfind(b"\n", 0, end)) >= 0:
            within = (within + text.count(mark, line_end, end)) % 2
            if not within:
                return line_end + 1
            # All line ends from the quote before to here are within the same quotes.
            end = text.rfind(mark, 0, line_end)
            within = 0
        return 0


def _check(part: CsvPart, quotes: _Quotes) -> None:
    text = part.text
    if not text.isascii():
        try:
            text.decode()
        except UnicodeDecodeError as error:
            raise _malformed("the text is not UTF-8", part, error.start) from None
    if (nul := text.find(b"\0")) >= 0:
        raise _malformed("there is a NUL", part, nul)
    if quotes.mark not in text:
        return
    match = quotes.in_order.match(text)
    place = match.end() if match else 0
    if place == len(text):
        return
    if quotes.not_closed.match(text, place):
        raise _malformed("a quote is opened and not closed", part, place)
    raise _malformed(
        "a quote is neither at the beginning nor at the end of a field; "
        "a field with quotes is put in quotes, and those in it are doubled",
        part,
        place,
    )


def _malformed(what: str, part: CsvPart, place: int) -> MalformedBodyError:
    line = part.line + _lines(part.text[:place])
    return MalformedBodyError(f"The body is not valid CSV: on line {line} {what}.")


def _lines(text: bytes) -> int:
    return text.count(b"\n") or text.count(b"\r")
