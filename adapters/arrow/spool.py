"""Where rows wait: in memory, and beyond a limit in a file without a name."""

from __future__ import annotations

import errno
import os
import tempfile
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

import pyarrow as pa

from adapters.arrow.body import unpacked_too_large
from adapters.arrow.carriers import carrier_of
from adapters.arrow.limits import BATCH_BYTES, BATCH_CELLS, BATCH_ROWS
from domain.errors import RowProblem, RowsDoNotFitError, StorageFullError
from domain.growth import NO_GROWTH, Growth
from domain.rows import Rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from adapters.arrow.limits import Limits
    from domain.tables import Column

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_PENDING_BATCHES = 256

_NO_COLUMN = ""
"""Stands in batches of rows that have no column at all: Arrow cannot count those."""


def rows_without_columns(count: int) -> pa.RecordBatch:
    """A batch of rows that have no column."""
    return pa.record_batch([pa.nulls(count)], names=[_NO_COLUMN])


@contextmanager
def storage_errors() -> Iterator[None]:
    """Turn "no space left" into the domain's error."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_SPACE:
            raise StorageFullError(
                "There is no space left to hold the rows until they are written."
            ) from error
        raise


def fill(file: IO[bytes], chunks: Iterable[bytes | bytearray | memoryview]) -> None:
    """Write all of the chunks to a file that has no buffer, and so may take a part of one.

    Raises:
        StorageFullError: When there is no space to hold them.
    """
    with storage_errors():
        for chunk in chunks:
            view = memoryview(chunk)
            while view:
                view = view[file.write(view) :]


def spool_file(directory: Path) -> IO[bytes]:
    """Open a file that has no name, so that nothing stays of it after a crash either."""
    with storage_errors():
        directory.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryFile(dir=directory, prefix="rows-", buffering=0)


def named_spool_file(directory: Path) -> IO[bytes]:
    """Open a file that is removed as it is closed, for readers who need its name.

    After a crash it stays until the directory is cleared, at the service's next start.
    """
    with storage_errors():
        directory.mkdir(parents=True, exist_ok=True)
        return tempfile.NamedTemporaryFile(
            dir=directory, prefix="body-", suffix=".parquet", buffering=0
        )


class RowStore:
    """Takes record batches while a body is read, and gives them as rows in the end.

    The batches may have different columns of the table, in any order.
    """

    def __init__(self, columns: Sequence[Column], directory: Path, limits: Limits) -> None:
        self._columns = columns
        self._directory = directory
        self._limits = limits
        self._pending: list[pa.RecordBatch] = []
        self._pending_bytes = 0
        self._pending_rows = 0
        self._held: list[pa.RecordBatch] = []
        self._held_bytes = 0
        self._total_bytes = 0
        self._file: IO[bytes] | None = None
        self._places: list[tuple[int, int]] = []
        self._end = 0
        self._present: set[str] = set()
        self.row_count = 0

    def append(self, batch: pa.RecordBatch) -> None:
        """Take a batch whose columns are carriers.

        Raises:
            TooLargeError: When all rows together are over the limit.
            StorageFullError: When there is no space to hold them.
        """
        if not batch.num_rows:
            return
        size = batch.nbytes
        self._total_bytes += size
        if self._total_bytes > self._limits.expanded_bytes:
            raise unpacked_too_large(self._limits)
        if self._pending and not self._pending[0].schema.equals(batch.schema):
            self._flush()
        self._pending.append(batch)
        self._pending_bytes += size
        self._pending_rows += batch.num_rows
        self.row_count += batch.num_rows
        self._present.update(batch.schema.names)
        if (
            self._pending_bytes >= BATCH_BYTES
            or self._pending_rows >= BATCH_ROWS
            or len(self._pending) >= _PENDING_BATCHES
        ):
            self._flush()

    def finish(self, growth: Growth = NO_GROWTH) -> ArrowRows:
        """Give what was taken. The store is not to be used any more.

        Args:
            growth: What the table must grow by for the rows.

        Raises:
            RowsDoNotFitError: When there are rows, and none of them has any column.
        """
        self._flush()
        self._present.discard(_NO_COLUMN)
        if self.row_count and not self._present:
            raise RowsDoNotFitError(RowProblem(None, None, "The rows have no column at all."))
        schema = pa.schema(
            [
                (column.name, carrier_of(column.type))
                for column in self._columns
                if column.name in self._present
            ]
        )
        rows = ArrowRows(
            schema, self.row_count, self._held, self._file, self._places, growth=growth
        )
        self._file = None
        return rows

    def close(self) -> None:
        """Drop what was taken and not given."""
        if self._file is not None:
            self._file.close()

    def _flush(self) -> None:
        if not self._pending:
            return
        batch = pa.concat_batches(self._pending) if len(self._pending) > 1 else self._pending[0]
        self._pending, self._pending_bytes, self._pending_rows = [], 0, 0
        self._held.append(batch)
        self._held_bytes += batch.nbytes
        if self._file is not None or self._held_bytes > self._limits.memory_bytes:
            self._spill()

    def _spill(self) -> None:
        if self._file is None:
            self._file = spool_file(self._directory)
        for batch in self._held:
            # One stream for each batch: their columns may differ, and each is found by its place.
            sink = pa.BufferOutputStream()
            with pa.ipc.new_stream(sink, batch.schema) as writer:
                writer.write_batch(batch)
            data = memoryview(sink.getvalue())
            self._places.append((self._end, len(data)))
            self._end += len(data)
            fill(self._file, [data])
        self._held, self._held_bytes = [], 0


class ArrowRows(Rows):
    """Rows in memory or in a file, or none at all."""

    def __init__(
        self,
        schema: pa.Schema,
        row_count: int,
        held: list[pa.RecordBatch],
        file: IO[bytes] | None = None,
        places: Sequence[tuple[int, int]] = (),
        growth: Growth = NO_GROWTH,
    ) -> None:
        self._schema = schema
        self._row_count = row_count
        self._held = held
        self._file = file
        self._places = places
        self._growth = growth
        self._closed = False

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns that the rows have, as the table spells them."""
        return tuple(self._schema.names)

    @property
    def row_count(self) -> int:
        """How many rows there are."""
        return self._row_count

    @property
    def growth(self) -> Growth:
        """What the table must grow by before they fit it."""
        return self._growth

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        reader = pa.RecordBatchReader.from_batches(self._schema, self._batches())
        return reader.__arrow_c_stream__(requested_schema)

    def close(self) -> None:
        """Give back the memory or disk that holds the rows. May be called twice."""
        self._closed = True
        self._held = []
        if self._file is not None:
            self._file.close()

    def _batches(self) -> Iterator[pa.RecordBatch]:
        if self._closed:
            raise ValueError("The rows are closed.")
        for start, length in self._places:
            yield from self._aligned(self._read(start, length))
        for batch in list(self._held):
            yield from self._aligned(batch)

    def _read(self, start: int, length: int) -> pa.RecordBatch:
        if self._file is None:  # pragma: no cover - places are of a file
            raise ValueError("The rows are in no file.")
        data = bytearray()
        # Positioned reads: several streams may be read at once.
        while len(data) < length:
            part = os.pread(self._file.fileno(), length - len(data), start + len(data))
            if not part:
                raise OSError(errno.EIO, "The file that holds the rows is too short.")
            data += part
        with pa.ipc.open_stream(pa.py_buffer(data)) as reader:
            return reader.read_next_batch()

    def _aligned(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        """The batch with all columns: NULL where it lacks one."""
        if batch.schema.equals(self._schema):
            yield batch
            return
        rows = max(1, BATCH_CELLS // len(self._schema))
        present = set(batch.schema.names)
        for start in range(0, batch.num_rows, rows):
            part = batch.slice(start, rows)
            yield pa.record_batch(
                [
                    part.column(field.name)
                    if field.name in present
                    else pa.nulls(part.num_rows, field.type)
                    for field in self._schema
                ],
                schema=self._schema,
            )
