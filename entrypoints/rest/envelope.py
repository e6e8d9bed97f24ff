"""The JSON answer of a query: one object around the rows, streamed."""

from __future__ import annotations

import time
from collections.abc import Iterator

import msgspec

from application.queries.run import QueryAnswer
from domain.datasets import ByteStream


class JsonEnvelope(ByteStream):
    """Puts what is known of a result around its rows.

    The rows come one to a line, and JSON has no line breaks within a row.

    Args:
        answer: The rows as NDJSON, and what is known of them.
        query_id: The query's id.
        run_id: The lineage run.
        began: When the query came, by `time.perf_counter`.
    """

    def __init__(self, answer: QueryAnswer, query_id: str, run_id: str, began: float) -> None:
        self._answer = answer
        self._query_id = query_id
        self._run_id = run_id
        self._began = began

    def __iter__(self) -> Iterator[bytes]:
        """The chunks of the object; the first comes with the first rows."""
        before = self._head()
        for chunk in self._answer.body:
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
        self._answer.body.close()

    def _head(self) -> bytes:
        columns = [
            {"name": column.name, "type": column.type} for column in self._answer.result.columns
        ]
        return b'{"columns":' + msgspec.json.encode(columns) + b',"rows":['

    def _tail(self) -> bytes:
        result = self._answer.result
        facts = {
            "row_count": result.row_count,
            "truncated": result.truncated,
            "query_id": self._query_id,
            "run_id": self._run_id,
            "snapshot_id": result.snapshot_id,
            "elapsed_ms": round((time.perf_counter() - self._began) * 1000, 3),
        }
        return b"]," + msgspec.json.encode(facts)[1:]
