"""Results that were read to their end, kept to answer the same question of the same lake.

What an entity tag stands for never changes: it is made of the question, the way it is written,
and the lake's snapshot. So nothing kept is ever out of date; it is only asked for no more.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass

from domain.located_objects import FoundObject
from domain.queries import QueryResult, ResultColumn
from domain.tables import TableName

MAX_SHARE = 4
"""One result takes at most one part in so many of the cache, so that it leaves others room."""

OF_AN_ENTRY = 1024
"""About what an entry takes beside its rows, in bytes: many small ones count, too."""


@dataclass(frozen=True, slots=True)
class KeptRows:
    """The rows of a result, as they were answered.

    Attributes:
        chunks: The rows, encoded.
        row_count: As `QueryResult.row_count`.
        truncated: As `QueryResult.truncated`.
    """

    chunks: tuple[bytes, ...]
    row_count: int
    truncated: bool

    @property
    def size(self) -> int:
        """How much memory they take, in bytes."""
        return OF_AN_ENTRY + sum(map(len, self.chunks))


class ResultCache:
    """Keeps the results that were asked for last.

    Args:
        max_bytes: How much memory they may take, in bytes, with those that are on their way;
            0 keeps none.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._kept: OrderedDict[str, KeptRows] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def size(self) -> int:
        """How much memory is taken, in bytes."""
        return self._bytes

    @property
    def max_result(self) -> int:
        """The greatest result that is kept, in bytes."""
        return self._max_bytes // MAX_SHARE

    def through(self, tag: str | None, result: QueryResult) -> QueryResult:
        """A result with rows from memory where they are known, else the result, to be kept.

        Args:
            tag: Its entity tag; None for a result that may be another one the next time.
            result: A result of which nothing was read. It is closed when it is not needed.
        """
        if tag is None or not self._max_bytes:
            return result
        rows = self._known(tag)
        if rows is None:
            return _KeptOnTheWay(result, tag, self)
        result.close()
        return _FromMemory(result, rows)

    def take(self, size: int) -> bool:
        """Take so many bytes for a result on its way, for which others go; False without room."""
        with self._lock:
            while self._bytes + size > self._max_bytes and self._kept:
                # Those go that were not asked for longest.
                _, oldest = self._kept.popitem(last=False)
                self._bytes -= oldest.size
            fits = self._bytes + size <= self._max_bytes
            self._bytes += size if fits else 0
            return fits

    def give_back(self, size: int) -> None:
        """Give back what was taken for a result that is not kept."""
        with self._lock:
            self._bytes -= size

    def keep(self, tag: str, rows: KeptRows) -> None:
        """Keep the rows of a result, for which their size was taken."""
        with self._lock:
            before = self._kept.pop(tag, None)
            self._bytes -= 0 if before is None else before.size
            self._kept[tag] = rows

    def _known(self, tag: str) -> KeptRows | None:
        with self._lock:
            rows = self._kept.get(tag)
            if rows is not None:
                self._kept.move_to_end(tag)
            return rows


class _SameQuestion(QueryResult):
    """What is known of a result without its rows."""

    def __init__(self, result: QueryResult) -> None:
        self._result = result

    @property
    def columns(self) -> tuple[ResultColumn, ...]:
        return self._result.columns

    @property
    def snapshot_id(self) -> int:
        return self._result.snapshot_id

    @property
    def version(self) -> str | None:
        return self._result.version

    @property
    def tables(self) -> tuple[TableName, ...]:
        return self._result.tables

    @property
    def objects(self) -> tuple[FoundObject, ...]:
        return self._result.objects

    @property
    def progress(self) -> float | None:
        return self._result.progress

    def close(self) -> None:
        self._result.close()


class _FromMemory(_SameQuestion):
    """A result whose rows are known."""

    def __init__(self, result: QueryResult, rows: KeptRows) -> None:
        super().__init__(result)
        self._rows = rows

    @property
    def row_count(self) -> int:
        return self._rows.row_count

    @property
    def truncated(self) -> bool:
        return self._rows.truncated

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._rows.chunks)


class _KeptOnTheWay(_SameQuestion):
    """A result whose rows are kept when all of them were read, where there is room for them."""

    def __init__(self, result: QueryResult, tag: str, cache: ResultCache) -> None:
        super().__init__(result)
        self._tag = tag
        self._cache = cache

    @property
    def row_count(self) -> int:
        return self._result.row_count

    @property
    def truncated(self) -> bool:
        return self._result.truncated

    def __iter__(self) -> Iterator[bytes]:
        chunks: list[bytes] = []
        taken, fits = 0, self._cache.take(OF_AN_ENTRY)
        if fits:
            taken = OF_AN_ENTRY
        try:
            for chunk in self._result:
                if fits:
                    size = len(chunk)
                    fits = taken + size <= self._cache.max_result and self._cache.take(size)
                    taken += size if fits else 0
                    chunks.append(chunk)
                if not fits and taken:
                    chunks.clear()
                    self._cache.give_back(taken)
                    taken = 0
                yield chunk
            if fits:
                rows = KeptRows(tuple(chunks), self._result.row_count, self._result.truncated)
                taken = 0
                self._cache.keep(self._tag, rows)
        finally:
            # Who reads may leave at any time.
            self._cache.give_back(taken)
