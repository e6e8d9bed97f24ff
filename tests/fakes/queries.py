"""A query engine that knows one query: all rows of a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import ClassVar

import pyarrow as pa

from domain.datasets import ByteStream
from domain.errors import InvalidPartitionError, UnsupportedOperationError
from domain.formats import DataFormat
from domain.located_objects import FoundObject
from domain.partitions import MAX_PARTITIONS, Partition, PartitionedResult, check_keys
from domain.plans import PlannedRead, QueryPlan
from domain.ports.queries import QueryPort
from domain.queries import (
    EncodedRows,
    Encoding,
    Query,
    QueryResult,
    ResultColumn,
    ResultEncoding,
    SpoolEncoding,
)
from domain.selection import chosen_columns
from domain.tables import TableName
from tests.fakes.encodings import encode, spool, unspool
from tests.fakes.tables import FakeTable, FakeTables


class FakeQueries(QueryPort):
    """Answers with the table itself. It runs no SQL, and says so."""

    runs_sql: ClassVar[bool] = False

    def __init__(self, tables: FakeTables) -> None:
        self._tables = tables
        self.opened: list[FakeQueryResult] = []
        """Every result handed out, so that tests see whether it was read, and closed."""
        self.volatile = False
        """Whether something beside the lake is to decide which rows there are."""

    def open(self, query: Query, encoding: Encoding) -> QueryResult:
        result = self._open(query, encoding)
        self.opened.append(result)
        return result

    def _open(self, query: Query, encoding: Encoding) -> FakeQueryResult:
        if query.sql is not None or query.table is None:
            raise UnsupportedOperationError("This fake runs no SQL.")
        snapshot = self._tables.snapshot(query.at)
        if query.where is not None:
            raise UnsupportedOperationError("This fake runs no SQL.")
        table = self._tables.table(query.table, query.at)
        if query.columns is not None:
            table = _with_columns(table, query.columns)
        result = FakeQueryResult(table, snapshot.snapshot_id, query.row_limit, encoding)
        result.volatile = self.volatile
        return result

    def open_partitioned(
        self, query: Query, encoding: ResultEncoding, keys: Sequence[str]
    ) -> PartitionedResult:
        result = FakePartitions(self._open(query, encoding), encoding, keys)
        self.opened.append(result.whole)
        return result

    def plan(self, query: Query) -> QueryPlan:
        with closing(self._open(query, ResultEncoding(DataFormat.NDJSON))) as result:
            table = self._tables.table(result.tables[0])
            names = tuple(column.name for column in result.columns)
            size = table.rows.select(list(names)).nbytes
            return QueryPlan(
                columns=result.columns,
                text=f"SCAN {table.name}",
                reads=(PlannedRead(table.name, names, table.file_count, size),),
                objects=(),
                snapshot_id=result.snapshot_id,
            )

    def reopen(self, spool: ByteStream, encoding: ResultEncoding) -> EncodedRows:
        return FakeReopenedRows(spool, encoding)


def _with_columns(table: FakeTable, names: tuple[str, ...]) -> FakeTable:
    chosen = chosen_columns(names, [column.name for column in table.columns])
    columns = {column.name: column for column in table.columns}
    return replace(
        table,
        columns=tuple(columns[name] for name in chosen),
        rows=table.rows.select(list(chosen)),
    )


class FakeQueryResult(QueryResult):
    """A table's rows, encoded when they are read."""

    def __init__(
        self, table: FakeTable, snapshot_id: int, row_limit: int | None, encoding: Encoding
    ) -> None:
        self.table = table
        self._snapshot_id = snapshot_id
        self.rows: pa.Table = table.rows if row_limit is None else table.rows.slice(0, row_limit)
        self._encoding = encoding
        self._row_count = 0
        self._truncated = False
        self.volatile = False
        self.read = False
        self.closed = False

    @property
    def columns(self) -> tuple[ResultColumn, ...]:
        return tuple(ResultColumn(c.name, str(c.type)) for c in self.table.columns)

    @property
    def snapshot_id(self) -> int:
        return self._snapshot_id

    @property
    def version(self) -> str | None:
        return None if self.volatile else f"fake.{self._snapshot_id}"

    @property
    def tables(self) -> tuple[TableName, ...]:
        return (self.table.name,)

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
        return self._truncated

    def __iter__(self) -> Iterator[bytes]:
        self.read = True
        if isinstance(self._encoding, SpoolEncoding):
            content = spool(self.rows, self.table.columns)
        else:
            content = encode(self.rows, self.table.columns, self._encoding)
        self._row_count = self.rows.num_rows
        self._truncated = self.rows.num_rows < self.table.rows.num_rows
        if content:
            yield content

    def close(self) -> None:
        self.closed = True


class FakePartitions(PartitionedResult):
    """A table's rows, divided when they are asked for."""

    def __init__(
        self, whole: FakeQueryResult, encoding: ResultEncoding, keys: Sequence[str]
    ) -> None:
        self.whole = whole
        self._encoding = encoding
        known = {column.name.casefold(): column for column in whole.table.columns}
        if not {key.casefold() for key in keys} <= set(known):
            raise InvalidPartitionError("There is no such column.")
        self._dividing = [known[key.casefold()] for key in keys]
        check_keys(self.keys)
        self._kept = tuple(each for each in whole.table.columns if each not in self._dividing)
        if not self._kept:
            raise InvalidPartitionError("There is no other column.")

    @property
    def snapshot_id(self) -> int:
        return self.whole.snapshot_id

    @property
    def tables(self) -> tuple[TableName, ...]:
        return self.whole.tables

    @property
    def objects(self) -> tuple[FoundObject, ...]:
        return self.whole.objects

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(column.name for column in self._dividing)

    def partitions(self) -> Sequence[Partition]:
        counts = Counter(self._values())
        if len(counts) > MAX_PARTITIONS:
            raise InvalidPartitionError("There are too many.")
        last = (True, "")
        ordered = sorted(
            counts, key=lambda values: [last if v is None else (False, v) for v in values]
        )
        return [Partition(values, counts[values]) for values in ordered]

    def rows(self, partition: Partition) -> Iterator[bytes]:
        chosen = [values == partition.values for values in self._values()]
        rows = self.whole.rows.filter(pa.array(chosen, pa.bool_()))
        rows = rows.select([column.name for column in self._kept])
        yield encode(rows, self._kept, self._encoding)

    def close(self) -> None:
        self.whole.close()

    def _values(self) -> list[tuple[str | None, ...]]:
        columns = [self.whole.rows.column(key).to_pylist() for key in self.keys]
        return [
            tuple(None if value is None else str(value) for value in values)
            for values in zip(*columns, strict=True)
        ]


class FakeReopenedRows(EncodedRows):
    """Rows that were spooled, read when they are reopened."""

    def __init__(self, source: ByteStream, encoding: ResultEncoding) -> None:
        self._source = source
        self._encoding = encoding
        try:
            self._rows, self._columns = unspool(b"".join(source))
        except BaseException:
            source.close()
            raise
        self._row_count = 0

    @property
    def columns(self) -> tuple[ResultColumn, ...]:
        return tuple(ResultColumn(c.name, str(c.type)) for c in self._columns)

    @property
    def row_count(self) -> int:
        return self._row_count

    def __iter__(self) -> Iterator[bytes]:
        content = encode(self._rows, self._columns, self._encoding)
        self._row_count = self._rows.num_rows
        if content:
            yield content

    def close(self) -> None:
        self._source.close()
