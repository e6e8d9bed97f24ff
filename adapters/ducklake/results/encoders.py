"""Results as bytes: one encoder for each format.

An encoder says how the engine is to select the columns, and makes bytes of the batches that
come back. For the text formats the engine writes each row as one text, and the bytes of these
texts, which lie one behind the other in the batch, are the answer.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from duckdb.sqltypes import DuckDBPyType

from adapters.ducklake.engine.sql import identifier
from adapters.ducklake.results.columns import SelectedColumn
from adapters.ducklake.results.json_rows import json_row
from adapters.ducklake.results.text_weight import check_text
from adapters.ducklake.results.texts import csv_name, csv_text
from adapters.ducklake.results.types import arrow_cast, parquet_cast
from domain.formats import DataFormat
from domain.queries import ResultEncoding

CHUNK_BYTES = 1 << 20
ROW_GROUP_ROWS = 122_880
ROW_GROUP_BYTES = 64 << 20

_TEXTS = frozenset({DataFormat.JSON, DataFormat.NDJSON, DataFormat.CSV})

Batches = Iterator[Any]
"""Record batches of pyarrow, which has no types."""


class Encoder(Protocol):
    """Makes bytes of a result."""

    @abstractmethod
    def select_list(self) -> str:
        """What the engine is to select."""

    @abstractmethod
    def encode(self, schema: Any, batches: Batches, /) -> Iterator[bytes]:
        """The bytes of the batches, whose pyarrow schema is `schema`."""


def encoder_for(encoding: ResultEncoding, columns: Sequence[SelectedColumn]) -> Encoder:
    """The encoder that writes these columns in a format.

    Raises:
        TooLargeError: When they are nested too deep for it.
    """
    if encoding.format in _TEXTS:
        check_text((column.name, column.type) for column in columns)
    match encoding.format:
        case DataFormat.JSON | DataFormat.NDJSON:
            return NdjsonEncoder(columns, encoding.wide_numbers_as_text)
        case DataFormat.CSV:
            return CsvEncoder(columns)
        case DataFormat.ARROW:
            return ArrowEncoder(columns)
        case DataFormat.PARQUET:
            return ParquetEncoder(columns)


@dataclass(frozen=True, slots=True)
class NdjsonEncoder(Encoder):
    """One JSON object to a line."""

    columns: Sequence[SelectedColumn]
    wide_numbers_as_text: bool

    def select_list(self) -> str:
        """Each row as one text."""
        return json_row(self.columns, wide_as_text=self.wide_numbers_as_text)

    def encode(self, _schema: Any, batches: Batches, /) -> Iterator[bytes]:
        """The rows' texts."""
        return _texts(batches)


@dataclass(frozen=True, slots=True)
class CsvEncoder(Encoder):
    """CSV with a header (RFC 4180, but for its line ends: one LF)."""

    columns: Sequence[SelectedColumn]

    def select_list(self) -> str:
        """Each row as one text."""
        fields = ", ',', ".join(csv_text(column.source, column.type) for column in self.columns)
        return f"concat({fields}, chr(10))"

    def encode(self, _schema: Any, batches: Batches, /) -> Iterator[bytes]:
        """The header, then the rows' texts."""
        yield (",".join(csv_name(column.name) for column in self.columns) + "\n").encode()
        yield from _texts(batches)


@dataclass(frozen=True, slots=True)
class ArrowEncoder(Encoder):
    """An Arrow IPC stream. One that ends early lacks its end-of-stream marker."""

    columns: Sequence[SelectedColumn]

    def select_list(self) -> str:
        """Each column in a type that Arrow carries exactly."""
        return _cast_columns(self.columns, arrow_cast)

    def encode(self, schema: Any, batches: Batches, /) -> Iterator[bytes]:
        """Schema, batches, end of stream."""
        # Imported late, here and below: it costs a tenth of a second of the service's start.
        import pyarrow as pa  # noqa: PLC0415

        sink = Sink(borrow=True)
        with pa.ipc.new_stream(sink, schema) as writer:
            yield sink.take()
            for batch in batches:
                writer.write_batch(batch)
                yield sink.take()
        yield sink.take()


@dataclass(frozen=True, slots=True)
class ParquetEncoder(Encoder):
    """A Parquet file, from its beginning to its end. One that ends early lacks its footer."""

    columns: Sequence[SelectedColumn]

    def select_list(self) -> str:
        """Each column in a type that Parquet carries exactly."""
        return _cast_columns(self.columns, parquet_cast)

    def encode(self, schema: Any, batches: Batches, /) -> Iterator[bytes]:
        """Row groups as they fill up, then the footer."""
        import pyarrow as pa  # noqa: PLC0415
        from pyarrow import parquet  # noqa: PLC0415

        sink = Sink()
        with parquet.ParquetWriter(sink, schema, compression="snappy") as writer:
            for group in _row_groups(batches):
                table = pa.Table.from_batches(group, schema)
                writer.write_table(table, row_group_size=table.num_rows)
                yield sink.take()
        yield sink.take()


def _cast_columns(columns: Sequence[SelectedColumn], cast_of: Callable[[DuckDBPyType], str]) -> str:
    return ", ".join(
        f"{_cast(column, cast_of(column.type))} AS {identifier(column.name)}" for column in columns
    )


def _cast(column: SelectedColumn, cast: str) -> str:
    return column.source if cast == str(column.type) else f"CAST({column.source} AS {cast})"


def _row_groups(batches: Batches) -> Iterator[list[Any]]:
    group: list[Any] = []
    rows = size = 0
    for batch in batches:
        group.append(batch)
        rows += batch.num_rows
        size += batch.nbytes
        if rows >= ROW_GROUP_ROWS or size >= ROW_GROUP_BYTES:
            yield group
            group, rows, size = [], 0, 0
    if rows:
        yield group


def _texts(batches: Batches) -> Iterator[bytes]:
    for batch in batches:
        yield from _bytes_of_texts(batch.column(0))


def _bytes_of_texts(texts: Any) -> Iterator[bytes]:
    """The bytes of an Arrow string array, which lie one behind the other."""
    _, offsets_buffer, data = texts.buffers()
    if not len(texts):
        return
    offsets = memoryview(offsets_buffer).cast("i")
    view = memoryview(data)[offsets[texts.offset] : offsets[texts.offset + len(texts)]]
    for start in range(0, len(view), CHUNK_BYTES):
        yield bytes(view[start : start + CHUNK_BYTES])


class Sink:
    """A file that pyarrow writes to, and whose content is taken away in between."""

    closed = False

    def __init__(self, *, borrow: bool = False) -> None:
        """Args: borrow: Whether what is written stays as it is until it is taken."""
        self._borrow = borrow
        self._chunks: list[Any] = []

    def write(self, data: Any) -> int:
        """Take some bytes, or a buffer of pyarrow's, which large ones come as."""
        self._chunks.append(data if self._borrow else bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """What was written stays to be taken."""

    def readable(self) -> bool:
        """Never."""
        return False

    def writable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Never."""
        return False

    def take(self) -> bytes:
        """What was written since it was last taken."""
        taken = b"".join(self._chunks)
        self._chunks.clear()
        return taken
