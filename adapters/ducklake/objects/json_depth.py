"""How deep JSON is nested, found out without parsing it.

DuckDB's reader of JSON goes down into values by recursion, and takes the whole process with it
where they are nested some 50,000 deep.
"""

from __future__ import annotations

import re

from domain.errors import TooLargeError
from domain.json_depth import MAX_JSON_DEPTH, too_deep

MAX_OBJECT_DEPTH = MAX_JSON_DEPTH + 2
"""How deep a JSON object may be nested: its array and its records are a level each."""

_ESCAPED = re.compile(rb"\\.", re.DOTALL)
_KEPT = b'[]{}"'
_OTHERS = bytes(byte for byte in range(256) if byte not in _KEPT)


class JsonDepth:
    """Follows JSON chunk by chunk, whichever way its values are divided (lines, an array)."""

    def __init__(self) -> None:
        self._open = b""
        self._in_string = False
        self._carried = b""

    def feed(self, chunk: bytes) -> None:
        """Take what comes next.

        Raises:
            TooLargeError: When something in it is nested too deep.
        """
        chunk = self._carried + chunk
        self._carried = b""
        if b"\\" in chunk:
            chunk = _ESCAPED.sub(b"", chunk)
            if chunk.endswith(b"\\"):
                chunk, self._carried = chunk[:-1], b"\\"
        parts = chunk.translate(None, _OTHERS).split(b'"')
        outside = parts[1::2] if self._in_string else parts[::2]
        self._in_string ^= len(parts) % 2 == 0
        self._open = _unclosed(self._open + b"".join(outside))


def _unclosed(brackets: bytes) -> bytes:
    """What is left when all that is closed is taken away, level by level from the inside."""
    # One time more, to find that nothing is left to take away.
    for _ in range(MAX_OBJECT_DEPTH + 1):
        left = brackets.replace(b"[]", b"").replace(b"{}", b"")
        if len(left) == len(brackets):
            break
        brackets = left
    else:
        raise _too_deep()
    if len(brackets) > MAX_OBJECT_DEPTH:
        raise _too_deep()
    return brackets


def _too_deep() -> TooLargeError:
    error = too_deep()
    error.add("This is deeper, or its brackets do not match.")
    return error
