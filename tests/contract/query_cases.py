"""Asking questions and reading answers, for the query suite."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from domain.formats import DataFormat
from domain.ports.queries import QueryPort
from domain.queries import Parameters, Query, QueryResult, ResultEncoding
from domain.tables import TableName


@dataclass(frozen=True, slots=True)
class Answer:
    """A result that was read to its end and closed."""

    body: bytes
    result: QueryResult

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The rows of a JSON answer; numbers with a point come as Decimal."""
        # Not splitlines: that also splits at characters which JSON need not escape.
        lines = self.body.decode().removesuffix("\n").split("\n")
        return [json.loads(line, parse_float=Decimal) for line in lines if line]

    @property
    def value(self) -> Any:
        """The one value of the one row of a JSON answer."""
        ((value,),) = [row.values() for row in self.rows]
        return value


def read(queries: QueryPort, query: Query, encoding: ResultEncoding | None = None) -> Answer:
    """Ask, and read the whole answer (NDJSON unless said otherwise)."""
    with closing(queries.open(query, encoding or ResultEncoding(DataFormat.NDJSON))) as result:
        return Answer(b"".join(result), result)


def ask(
    queries: QueryPort,
    sql: str,
    parameters: Parameters = (),
    *,
    table: TableName | None = None,
    row_limit: int | None = None,
) -> Answer:
    """Ask in SQL, and read the whole answer as NDJSON."""
    return read(queries, Query(sql, table, parameters, row_limit))


def _read_json(body: bytes) -> tuple[list[str] | None, list[list[Any]]]:
    rows = [json.loads(line) for line in body.splitlines()]
    return (list(rows[0]) if rows else None), [list(row.values()) for row in rows]


def _read_csv(body: bytes) -> tuple[list[str] | None, list[list[Any]]]:
    names, *rows = csv.reader(io.StringIO(body.decode(), newline=""))
    return names, rows


def _read_table(table: pa.Table) -> tuple[list[str] | None, list[list[Any]]]:
    rows = zip(*(column.to_pylist() for column in table.columns), strict=True)
    return table.column_names, [list(row) for row in rows]


def _read_arrow(body: bytes) -> tuple[list[str] | None, list[list[Any]]]:
    with pa.ipc.open_stream(body) as reader:
        return _read_table(reader.read_all())


def _read_parquet(body: bytes) -> tuple[list[str] | None, list[list[Any]]]:
    return _read_table(pq.read_table(pa.BufferReader(body)))


@dataclass(frozen=True, slots=True)
class FormatCase:
    """How an answer in a format is read by others.

    Attributes:
        format: The format.
        read: Gives the columns' names (None where an answer without rows has none), and rows.
        has_types: Whether values come with their type, or all as text.
    """

    format: DataFormat
    read: Callable[[bytes], tuple[Sequence[str] | None, list[list[Any]]]]
    has_types: bool = True


FORMAT_CASES = (
    FormatCase(DataFormat.JSON, _read_json),
    FormatCase(DataFormat.NDJSON, _read_json),
    FormatCase(DataFormat.CSV, _read_csv, has_types=False),
    FormatCase(DataFormat.ARROW, _read_arrow),
    FormatCase(DataFormat.PARQUET, _read_parquet),
)
