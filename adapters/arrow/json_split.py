"""Cuts JSON and NDJSON bodies into parts of whole rows, in bounded memory.

A cut in a JSON array is first guessed, at the last `},{` of what has come, and the JSON
decoder is the judge: if the text up to there reads as whole elements, it ends between two of
the array's. Where the guess is wrong (rows with lists of objects) a scan finds the cut.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from adapters.arrow.body import row_too_large, without_mark
from adapters.arrow.limits import BATCH_BYTES
from domain.errors import MalformedBodyError
from domain.json_depth import JSON_STRING, too_deep

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from adapters.arrow.limits import Limits

_SPACE = b" \t\r\n"
_GUESSES = 8
_NO_ROWS = (
    'A JSON body is an array of objects, or an object with such an array as its "rows" '
    "and nothing else."
)


def _nested(depth: int) -> bytes:
    """A pattern of what an object may hold, with objects and lists to a depth."""
    inside = rb'[^"{}\[\]]++|' + JSON_STRING
    return inside if depth == 0 else inside + rb"|[\[{](?:" + _nested(depth - 1) + rb")*+[\]}]"


_OBJECT = rb"\s*+\{(?:" + _nested(2) + rb")*+\}\s*+"
_FULL_ROWS = re.compile(rb"(?:" + _OBJECT + rb",)*+", re.DOTALL)
_TOKEN = re.compile(JSON_STRING + rb'|[\[\]{}"]', re.DOTALL)
_GUESS = re.compile(rb"\}\s*,\s*\{")
_START = re.compile(rb"\s*(?:\[|\{\s*\"rows\"\s*:\s*\[)")
_STRING_END = re.compile(JSON_STRING, re.DOTALL)
_SCALAR_END = re.compile(rb"[^,\]}\s]++")
_START_SO_FAR = re.compile(rb"\s*(\{\s*(\"(r(o(w(s(\"\s*(:\s*)?)?)?)?)?)?)?)?")

_decode_rows = msgspec.json.Decoder(list[msgspec.Raw]).decode


@dataclass(frozen=True, slots=True)
class JsonPart:
    """Some whole rows.

    Attributes:
        text: The rows: between commas of an array, or on lines.
        offset: Where in the body they begin, in bytes.
    """

    text: bytes
    offset: int


def malformed_json(what: str, offset: int) -> MalformedBodyError:
    """The error of a body that is no JSON, with the place in bytes."""
    return MalformedBodyError(f"The body is not valid JSON: {what} (at byte {offset}).")


def split_lines(chunks: Iterable[bytes], limits: Limits) -> Iterator[JsonPart]:
    """Cut NDJSON at ends of lines.

    Raises:
        TooLargeError: When a line is over the limit.
    """
    held, offset = bytearray(), 0
    searched = 0
    for chunk in without_mark(chunks):
        held += chunk
        if len(held) < BATCH_BYTES:
            continue
        cut = held.rfind(b"\n", searched) + 1
        searched = 0 if cut else len(held)
        if cut:
            yield JsonPart(bytes(held[:cut]), offset)
            del held[:cut]
            offset += cut
        if len(held) > limits.row_bytes:
            raise row_too_large(limits)
    if held:
        yield JsonPart(bytes(held), offset)


def split_array(chunks: Iterable[bytes], limits: Limits) -> Iterator[JsonPart]:
    """Cut a JSON array of objects, or the `rows` of an object, into parts of whole elements.

    The parts are not yet known to be valid. An element that is no object comes as it is, in a
    part of its own with what follows.

    Raises:
        MalformedBodyError: When the body is neither, or ends too early or too late.
        TooLargeError: When a row or its nesting is over its limit.
    """
    return _ArraySplitter(without_mark(chunks), limits).split()


class _ArraySplitter:
    """Holds what has come and is not cut off yet, always from an element's beginning on."""

    def __init__(self, chunks: Iterator[bytes], limits: Limits) -> None:
        self._chunks = chunks
        self._limits = limits
        self._held = bytearray()
        self._offset = 0
        self._guessing = True

    def split(self) -> Iterator[JsonPart]:
        in_object = self._take_start()
        trailing_comma = False
        while True:
            mark = self._next_mark("the array does not end")
            if mark == b"]" and not trailing_comma:
                self._drop(1)
                break
            yield self._take(self._find_cut())
            mark = self._next_mark("the array does not end")
            self._drop(1)
            if mark == b"]":
                break
            if mark != b",":
                raise malformed_json("a comma or the array's end is expected", self._offset - 1)
            trailing_comma = True
        if in_object:
            if self._next_mark("the object does not end") != b"}":
                raise MalformedBodyError(_NO_ROWS)
            self._drop(1)
        if self._next_mark(None):
            raise malformed_json("there is more behind its end", self._offset)

    def _take_start(self) -> bool:
        """Take what is before the first element; say whether the array is in an object."""
        while (match := _START.match(self._held)) is None:
            if not _START_SO_FAR.fullmatch(self._held) or not self._read():
                raise MalformedBodyError(_NO_ROWS)
            if len(self._held) > self._limits.row_bytes:
                raise row_too_large(self._limits)
        in_object = b"{" in match.group()
        self._drop(match.end())
        return in_object

    def _find_cut(self) -> int:
        """Where the last whole element ends that has come."""
        wanted = BATCH_BYTES
        while True:
            more = True
            while more and len(self._held) < wanted:
                more = self._read()
            cut = (self._guess() if more else 0) or self._scan(more=more)
            if cut:
                return cut
            if not more:
                raise malformed_json("it ends within a row", self._offset + len(self._held))
            if len(self._held) > self._limits.row_bytes:
                raise row_too_large(self._limits)
            # Twice as much, so that a long row is not scanned again with each chunk.
            wanted = 2 * len(self._held)

    def _guess(self) -> int:
        if not self._guessing:
            return 0
        end = len(self._held)
        for _ in range(_GUESSES):
            end = self._held.rfind(b"}", 0, end)
            if end < 0:
                return 0
            if _GUESS.match(self._held, end):
                try:
                    _decode_rows(b"[" + self._held[: end + 1] + b"]")
                except (msgspec.DecodeError, RecursionError):
                    break
                return end + 1
        self._guessing = False
        return 0

    def _scan(self, *, more: bool) -> int:
        match = _FULL_ROWS.match(self._held)
        if match is not None and match.end():
            return match.end() - 1
        first = bytes(self._held[:1])
        if first in (b"{", b"["):
            return self._end_of_nested()
        if first == b'"':
            match = _STRING_END.match(self._held)
        else:
            match = _SCALAR_END.match(self._held)
            if match is not None and match.end() == len(self._held) and more:
                return 0
        if match is None and first != b'"':
            raise malformed_json("a row is expected", self._offset)
        return match.end() if match else 0

    def _end_of_nested(self) -> int:
        level = 0
        for match in _TOKEN.finditer(self._held):
            token = match.group()
            if token in (b"{", b"["):
                level += 1
                # The row is one level itself, and its values may have as many as allowed.
                if level > self._limits.depth + 1:
                    raise too_deep(self._limits.depth)
            elif token in (b"}", b"]"):
                level -= 1
                if level == 0:
                    return match.end()
            elif token == b'"':
                break  # a string that has not come to its end
        return 0

    def _next_mark(self, missing: str | None) -> bytes:
        """The next byte that is no space, which stays; none is an error if that is named."""
        while True:
            spaces = len(self._held) - len(self._held.lstrip(_SPACE))
            self._drop(spaces)
            if self._held:
                return bytes(self._held[:1])
            if not self._read():
                if missing is None:
                    return b""
                raise malformed_json(missing, self._offset)

    def _take(self, cut: int) -> JsonPart:
        part = JsonPart(bytes(self._held[:cut]), self._offset)
        self._drop(cut)
        return part

    def _drop(self, count: int) -> None:
        del self._held[:count]
        self._offset += count

    def _read(self) -> bool:
        """Take one more chunk; False when there is none."""
        chunk = next(self._chunks, None)
        if chunk is not None:
            self._held += chunk
        return chunk is not None
