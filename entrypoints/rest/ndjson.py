"""NDJSON answers that fail midway: their last record says so."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from starlette.types import Scope

from domain.datasets import ByteStream
from entrypoints.rest.problems import problem_of


class WithErrorRecord(ByteStream):
    """Rows in NDJSON; behind those of a stream that fails comes a record with the problem.

    Args:
        rows: The rows.
        scope: The request, which the problem names.
    """

    def __init__(self, rows: ByteStream, scope: Scope) -> None:
        self._rows = rows
        self._scope = scope

    def __iter__(self) -> Iterator[bytes]:
        """The chunks; raises what the rows raise, behind the record."""
        tail = b""
        try:
            for chunk in self._rows:
                yield chunk
                tail = chunk[-1:] or tail
        except Exception as error:
            # What fails before the first row is told by a status.
            if tail:
                record = msgspec.json.encode({"error": problem_of(self._scope, error)})
                yield (b"" if tail == b"\n" else b"\n") + record + b"\n"
            raise

    def close(self) -> None:
        """Close the rows."""
        self._rows.close()
