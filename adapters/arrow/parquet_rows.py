"""Large Parquet bodies that are left as they are, for who writes them to read them at once.

To read ten million rows and to check each value takes longer than to insert them. Where the
types are the table's own there is little that can be wrong with a value, and the engine finds
that out in less than a tenth of the time.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING

import pyarrow as pa

from adapters.arrow.parquet_body import check_footer, opened
from domain.column_types import ScalarKind, ScalarType
from domain.growth import NO_GROWTH, Growth
from domain.rows import ParquetFile, Rows

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow.parquet as pq

    from adapters.arrow.columns import TableColumns
    from adapters.arrow.limits import Limits

MANY_ROWS = 100_000
"""Of so many rows on, a file is left as it is."""

_KINDS = {
    pa.bool_(): ScalarKind.BOOLEAN,
    pa.int32(): ScalarKind.INTEGER,
    pa.int64(): ScalarKind.BIGINT,
    pa.float32(): ScalarKind.FLOAT,
    pa.float64(): ScalarKind.DOUBLE,
    pa.string(): ScalarKind.VARCHAR,
    pa.date32(): ScalarKind.DATE,
    pa.timestamp("us"): ScalarKind.TIMESTAMP,
    pa.timestamp("us", "UTC"): ScalarKind.TIMESTAMPTZ,
}
"""Types that a column of a file and one of a table have in common, value by value."""

_OLD_STAMP = "INT96"


def left_as_it_is(
    file: IO[bytes],
    columns: TableColumns,
    limits: Limits,
    read: Callable[[], Rows],
) -> ParquetRows | None:
    """The rows of a file that need not be read here; None where they must be.

    Args:
        file: The file, which has a name.
        columns: The table's.
        limits: What a body may hold and cost.
        read: Reads it, value by value.

    Raises:
        MalformedBodyError: When it is no Parquet file.
        RowsDoNotFitError: When the columns do not fit.
        TooLargeError: When it claims to unpack to more than it may.
    """
    reader = opened(file)
    if reader.metadata.num_rows < MANY_ROWS:
        return None
    check_footer(reader.metadata, limits)
    schema = reader.schema_arrow
    if not schema.names or not _is_plain(reader.metadata):
        return None
    found = columns.resolve(schema.names)
    columns.require([column.name for column in found], 1)
    for column, field in zip(found, schema, strict=True):
        kind = _KINDS.get(field.type)
        if kind is None or column.type != ScalarType(kind):
            return None
    return ParquetRows(
        file,
        ParquetFile(
            Path(file.name),
            dict(zip([column.name for column in found], schema.names, strict=True)),
            frozenset(column.name for column in found if not column.nullable),
            limits.row_bytes,
            limits.expanded_bytes,
            read,
        ),
        reader.metadata.num_rows,
    )


def _is_plain(metadata: pq.FileMetaData) -> bool:
    leaves = [metadata.schema.column(index) for index in range(len(metadata.schema))]
    return all(
        leaf.max_repetition_level == 0
        and leaf.max_definition_level <= 1
        and leaf.physical_type != _OLD_STAMP
        for leaf in leaves
    )


class ParquetRows(Rows):
    """Rows in a file, of which no value was looked at."""

    def __init__(self, file: IO[bytes], parquet: ParquetFile, row_count: int) -> None:
        """Args: file: Closed, and with that removed, as the rows are."""
        self._file = file
        self._parquet = replace(parquet, read=self._read_once)
        self._read = parquet.read
        self._row_count = row_count
        self._rows: Rows | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """As `Rows.columns`."""
        return tuple(self._parquet.names)

    @property
    def row_count(self) -> int:
        """As `Rows.row_count`, by what the file says."""
        return self._row_count

    @property
    def growth(self) -> Growth:
        """As `Rows.growth`."""
        return NO_GROWTH

    @property
    def parquet(self) -> ParquetFile:
        """As `Rows.parquet`."""
        return self._parquet

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self._read_once().__arrow_c_stream__(requested_schema)

    def close(self) -> None:
        """As `Rows.close`."""
        if self._rows is not None:
            self._rows.close()
        self._file.close()

    def _read_once(self) -> Rows:
        if self._rows is None:
            self._rows = self._read()
        return self._rows
