"""The JSON answer of a query: one object around the rows, streamed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from domain.datasets import ByteStream
from domain.queries import ResultColumn


class JsonEnvelope(ByteStream):
    """Puts what is known of a result around its rows.

    The rows come one to a line, and JSON has no line breaks within a row.

    Args:
        columns: The columns of the result.
        rows: The rows as NDJSON.
        facts: What else is known of the result; asked when the rows have ended.
    """

    def __init__(
        self,
        columns: Sequence[ResultColumn],
        rows: ByteStream,
        facts: Callable[[], Mapping[str, Any]],
    ) -> None:
        self._columns = columns
        self._rows = rows
        self._facts = facts

    def __iter__(self) -> Iterator[bytes]:
        """The chunks of the object; the first comes with the first rows."""
        before = self._head()
        for chunk in self._rows:
            if not chunk:
                continue
            # A chunk may end within a row. The end of a line separates two rows when another
            # one follows, which is not known before the next chunk.
            line_ended = chunk.endswith(b"\n")
            yield before + (chunk[:-1] if line_ended else chunk).replace(b"\n", b",\n")
            before = b",\n" if line_ended else b""
        yield (before if before.startswith(b"{") else b"") + self._tail()

    def close(self) -> None:
        """Close the rows."""
        self._rows.close()

    def _head(self) -> bytes:
        columns = [{"name": column.name, "type": column.type} for column in self._columns]
        return b'{"columns":' + msgspec.json.encode(columns) + b',"rows":['

    def _tail(self) -> bytes:
        return b"]," + msgspec.json.encode(self._facts())[1:]
