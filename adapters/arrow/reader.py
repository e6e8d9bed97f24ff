"""The row reader: bodies in any format into rows that fit a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.arrow.arrow_body import read_arrow
from adapters.arrow.body import bounded
from adapters.arrow.columns import TableColumns
from adapters.arrow.csv_body import read_csv
from adapters.arrow.json_body import read_json, read_ndjson
from adapters.arrow.limits import Limits
from adapters.arrow.parquet_body import read_parquet
from adapters.arrow.spool import RowStore
from adapters.arrow.unpacking import unpacked
from domain.formats import DataFormat
from domain.ports.rows import RowReaderPort

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    import pyarrow as pa

    from domain.bodies import BodyFormat
    from domain.rows import Rows
    from domain.tables import Column


class ArrowRowReader(RowReaderPort):
    """Reads bodies into Arrow record batches, which wait in memory or in a nameless file."""

    def __init__(self, spool_directory: Path, limits: Limits | None = None) -> None:
        """Make a reader.

        Args:
            spool_directory: Where rows wait that are too many for memory. It is made when it is
                first needed; what is in it has no name, and is gone with the process.
            limits: What a body may hold and cost.
        """
        self._directory = spool_directory
        self._limits = limits or Limits()

    def read(
        self, body: Iterable[bytes], body_format: BodyFormat, columns: Sequence[Column]
    ) -> Rows:
        """As `RowReaderPort.read`."""
        chunks = unpacked(bounded(body, self._limits), body_format.codings, self._limits)
        store = RowStore(columns, self._directory, self._limits)
        try:
            for batch in self._batches(chunks, body_format.data_format, TableColumns(columns)):
                store.append(batch)
            return store.finish()
        except BaseException:
            store.close()
            raise

    def _batches(
        self, chunks: Iterator[bytes], data_format: DataFormat, columns: TableColumns
    ) -> Iterator[pa.RecordBatch]:
        match data_format:
            case DataFormat.JSON:
                return read_json(chunks, columns, self._limits)
            case DataFormat.NDJSON:
                return read_ndjson(chunks, columns, self._limits)
            case DataFormat.CSV:
                return read_csv(chunks, columns, self._limits)
            case DataFormat.PARQUET:
                return read_parquet(chunks, columns, self._directory, self._limits)
            case DataFormat.ARROW:
                return read_arrow(chunks, columns, self._directory, self._limits)
