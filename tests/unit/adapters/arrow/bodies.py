"""Bodies in every format, and what the engine makes of the rows that were read from them."""

from __future__ import annotations

import io
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from adapters.arrow.limits import Limits
from adapters.arrow.reader import ArrowRowReader
from domain.bodies import BodyFormat
from domain.column_types import read_column_type
from domain.formats import DataFormat
from domain.rows import Rows
from domain.tables import Column


def columns_of(text: str) -> list[Column]:
    """Columns from `a INTEGER; b VARCHAR!`, where `!` means that there must be a value."""
    columns = []
    for part in text.split(";"):
        name, _, type_ = part.strip().partition(" ")
        columns.append(Column(name, read_column_type(type_.rstrip("!")), not type_.endswith("!")))
    return columns


def as_body_format(data_format: DataFormat | BodyFormat) -> BodyFormat:
    """A plain format is one of a body that is not packed."""
    return data_format if isinstance(data_format, BodyFormat) else BodyFormat(data_format)


class Bench:
    """A row reader with a spool directory of its own."""

    def __init__(self, spool: Path) -> None:
        self.spool = spool

    def read(
        self,
        body: bytes | str | Iterable[bytes],
        data_format: DataFormat | BodyFormat,
        columns: str,
        **limits: int,
    ) -> Rows:
        if isinstance(body, str):
            body = body.encode()
        chunks = [body] if isinstance(body, bytes) else body
        reader = ArrowRowReader(self.spool, Limits(**limits))
        return reader.read(chunks, as_body_format(data_format), columns_of(columns))

    def table(
        self,
        body: bytes | str | Iterable[bytes],
        data_format: DataFormat | BodyFormat,
        columns: str,
        **limits: int,
    ) -> list[tuple[Any, ...]]:
        """The rows as text, after they went into a table of the engine."""
        rows = self.read(body, data_format, columns, **limits)
        try:
            return in_table(rows, columns)
        finally:
            rows.close()


def in_table(rows: Rows, columns: str) -> list[tuple[Any, ...]]:
    """Insert rows into a table as the lake does, and read each value back as text."""
    types = {column.name: str(column.type) for column in columns_of(columns)}
    cursor = _engine()
    declared = ", ".join(f'"{name}" {type_}' for name, type_ in types.items())
    cursor.execute(f"CREATE OR REPLACE TABLE t ({declared})")
    if rows.columns:
        target = ", ".join(f'"{name}"' for name in rows.columns)
        casts = ", ".join(f'CAST("{name}" AS {types[name]})' for name in rows.columns)
        cursor.execute(f"INSERT INTO t ({target}) SELECT {casts} FROM rows")
    shown = ", ".join(f'CAST("{name}" AS VARCHAR)' for name in types)
    return cursor.execute(f"SELECT {shown} FROM t").fetchall()


def engine_text(literal: str, type_: str) -> str:
    """What the engine itself makes of a text as a type, as text again."""
    statement = f"SELECT CAST(CAST($1::VARCHAR AS {type_}) AS VARCHAR)"
    row = _engine().execute(statement, [literal]).fetchone()
    assert row is not None
    return str(row[0])


@cache
def _engine() -> duckdb.DuckDBPyConnection:
    """One for each process that runs tests: making one takes longer than most tests."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def arrow_body(table: pa.Table, compression: str | None = None) -> bytes:
    sink = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    return sink.getvalue()


def parquet_body(table: pa.Table, **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


def binary_body(table: pa.Table, data_format: DataFormat) -> bytes:
    return arrow_body(table) if data_format is DataFormat.ARROW else parquet_body(table)


def pieces(body: bytes, size: int) -> Iterable[bytes]:
    return (body[start : start + size] for start in range(0, len(body), size))
