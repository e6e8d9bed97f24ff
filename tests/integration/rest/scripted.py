"""Ports that do what a test tells them to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence

from domain.datasets import ByteStream
from domain.errors import UnsupportedOperationError
from domain.located_objects import FoundObject
from domain.partitions import PartitionedResult
from domain.plans import QueryPlan
from domain.ports.queries import QueryPort
from domain.queries import (
    EncodedRows,
    Encoding,
    Query,
    QueryResult,
    ResultColumn,
    ResultEncoding,
)
from domain.tables import TableName


class ScriptedResult(QueryResult):
    """A result whose chunks a test makes.

    Attributes:
        taken: How many bytes were taken of it.
        closed: Set when it was closed.
    """

    def __init__(
        self, chunks: Callable[[threading.Event], Iterator[bytes]], row_count: int = 0
    ) -> None:
        self._chunks = chunks
        self._row_count = row_count
        self.taken = 0
        self.closed = threading.Event()

    @property
    def columns(self) -> tuple[ResultColumn, ...]:
        return (ResultColumn("n", "INTEGER"),)

    @property
    def snapshot_id(self) -> int:
        return 1

    @property
    def version(self) -> str | None:
        return None

    @property
    def tables(self) -> tuple[TableName, ...]:
        return ()

    @property
    def objects(self) -> tuple[FoundObject, ...]:
        return ()

    @property
    def row_count(self) -> int:
        return self._row_count

    @property
    def progress(self) -> float | None:
        return None

    @property
    def truncated(self) -> bool:
        return False

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks(self.closed):
            self.taken += len(chunk)
            yield chunk

    def close(self) -> None:
        self.closed.set()


class ScriptedQueries(QueryPort):
    """Answers every query with what `script` makes of it, or raises that.

    Attributes:
        opened: What it answered.
    """

    def __init__(self, script: Callable[[Query], ScriptedResult | Exception]) -> None:
        self._script = script
        self.opened: list[ScriptedResult] = []
        self.seen: list[tuple[Query, ResultEncoding]] = []

    def open(self, query: Query, encoding: Encoding) -> QueryResult:
        if isinstance(encoding, ResultEncoding):
            self.seen.append((query, encoding))
        result = self._script(query)
        if isinstance(result, Exception):
            raise result
        self.opened.append(result)
        return result

    def open_partitioned(
        self, query: Query, encoding: ResultEncoding, keys: Sequence[str]
    ) -> PartitionedResult:
        raise UnsupportedOperationError("Nothing is divided.")

    def plan(self, query: Query) -> QueryPlan:
        raise UnsupportedOperationError("There is no plan.")

    def reopen(self, spool: ByteStream, encoding: ResultEncoding) -> EncodedRows:
        return ScriptedRows(spool)


class ScriptedRows(EncodedRows):
    """What was spooled, as it is."""

    def __init__(self, spool: ByteStream) -> None:
        self._spool = spool

    @property
    def columns(self) -> tuple[ResultColumn, ...]:
        return ()

    @property
    def row_count(self) -> int:
        return 0

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._spool)

    def close(self) -> None:
        self._spool.close()
