"""A body that is not packed (any more), read into rows."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from itertools import chain, islice
from typing import TYPE_CHECKING

from adapters.arrow.arrow_body import read_arrow
from adapters.arrow.columns import TableColumns
from adapters.arrow.csv_body import read_csv
from adapters.arrow.few_rows import FEW_BYTES, FEW_EXPANDED_BYTES
from adapters.arrow.json_body import read_few, read_json, read_ndjson
from adapters.arrow.parquet_body import open_parquet, read_parquet_file
from adapters.arrow.parquet_rows import left_as_it_is
from adapters.arrow.record_batches import BatchConverter
from adapters.arrow.spool import RowStore, fill, named_spool_file, rows_without_columns
from domain.formats import DataFormat
from domain.growth import NO_GROWTH, Growth

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import pyarrow as pa

    from adapters.arrow.limits import Limits
    from domain.bodies import BodyFormat
    from domain.rows import Rows
    from domain.tables import Column

_LINES = {DataFormat.JSON: False, DataFormat.NDJSON: True}


class BodyReader:
    """Reads bodies into record batches, which wait in memory or in a nameless file."""

    def __init__(self, directory: Path, limits: Limits) -> None:
        """`directory` is where rows wait that are too many for memory."""
        self.directory = directory
        self.limits = limits

    def rows(
        self,
        chunks: Iterator[bytes],
        body_format: BodyFormat,
        columns: Sequence[Column],
        growth: Growth = NO_GROWTH,
        left_out: Sequence[Column] = (),
    ) -> Rows:
        """Read rows that fit columns.

        Args:
            chunks: The body.
            body_format: What it claims to be.
            columns: The columns, those by which the table is to grow among them.
            growth: What the rows will say of that.
            left_out: More columns that the body may name, of which the rows will not have any.

        Raises:
            EmptyBodyError, MalformedBodyError, RowsDoNotFitError, TooLargeError,
            StorageFullError: As `RowReaderPort.read`.
        """
        if body_format.data_format in _LINES and not growth and not left_out:
            few, chunks = self._few(chunks, body_format, columns)
            if few is not None:
                return few
        table = TableColumns((*columns, *left_out))
        if body_format.data_format is DataFormat.PARQUET:
            return self._parquet(chunks, table, columns, growth, left_out)
        return self._stored(self._batches(chunks, body_format, table), columns, growth, left_out)

    def _parquet(
        self,
        chunks: Iterator[bytes],
        table: TableColumns,
        columns: Sequence[Column],
        growth: Growth,
        left_out: Sequence[Column],
    ) -> Rows:
        with ExitStack() as held:
            file = held.enter_context(named_spool_file(self.directory))
            fill(file, chunks)
            reader = open_parquet(file, self.limits)

            def read() -> Rows:
                batches = read_parquet_file(file, reader, self._converter(table))
                return self._stored(batches, columns, growth, left_out)

            if not growth and not left_out:
                rows = left_as_it_is(file, reader, table, self.limits, read)
                if rows is not None:
                    held.pop_all()
                    return rows
            return read()

    def _stored(
        self,
        batches: Iterator[pa.RecordBatch],
        columns: Sequence[Column],
        growth: Growth,
        left_out: Sequence[Column],
    ) -> Rows:
        """Rows that wait in memory or in a file of their own."""
        store = RowStore(columns, self.directory, self.limits)
        names = [column.name for column in left_out]
        try:
            for batch in batches:
                store.append(_without(batch, names) if names else batch)
            return store.finish(growth)
        except BaseException:
            store.close()
            raise

    def _few(
        self, chunks: Iterator[bytes], body_format: BodyFormat, columns: Sequence[Column]
    ) -> tuple[Rows | None, Iterator[bytes]]:
        """The rows of a small body, if they can be kept so; else the body again."""
        first = [*islice(chunks, 1)]
        if not first or len(first[0]) > FEW_BYTES:
            return None, chain(first, chunks)
        first += islice(chunks, 1)
        if len(first) > 1 or self.limits.expanded_bytes < FEW_EXPANDED_BYTES:
            return None, chain(first, chunks)
        lines = _LINES[body_format.data_format]
        few = read_few(first[0], tuple(columns), self.limits, lines=lines)
        return few, iter(first)

    def _batches(
        self, chunks: Iterator[bytes], body_format: BodyFormat, columns: TableColumns
    ) -> Iterator[pa.RecordBatch]:
        match body_format.data_format:
            case DataFormat.JSON:
                return read_json(chunks, columns, self.limits)
            case DataFormat.NDJSON:
                return read_ndjson(chunks, columns, self.limits)
            case DataFormat.CSV:
                return read_csv(chunks, columns, body_format.csv, self.limits)
            case _:  # Parquet waits in a file: see `_parquet`.
                convert = self._converter(columns)
                return read_arrow(chunks, convert, self.directory, self.limits)

    def _converter(self, columns: TableColumns) -> Callable[[pa.Schema], BatchConverter]:
        return partial(BatchConverter, columns=columns, limits=self.limits)


def _without(batch: pa.RecordBatch, names: Sequence[str]) -> pa.RecordBatch:
    dropped = [name for name in names if name in batch.schema.names]
    if len(dropped) == batch.num_columns:
        return rows_without_columns(batch.num_rows)
    return batch.drop_columns(dropped) if dropped else batch
