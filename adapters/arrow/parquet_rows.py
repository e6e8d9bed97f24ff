"""Large Parquet bodies that are left as they are, for who writes them to read them at once.

To read ten million rows and to check each value takes longer than to insert them. Where the
types are the table's own there is little that can be wrong with a value, and the engine finds
that out in less than a tenth of the time.
"""

from __future__ import annotations

from pathlib import Path
from typing import IO, TYPE_CHECKING

import pyarrow as pa

from adapters.arrow.int96 import int96_columns
from domain.column_types import ScalarKind, ScalarType
from domain.growth import NO_GROWTH, Growth
from domain.rows import ParquetFile, Rows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pyarrow.parquet as pq

    from adapters.arrow.columns import TableColumns
    from adapters.arrow.limits import Limits
    from domain.tables import Column

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


def left_as_it_is(
    file: IO[bytes],
    reader: pq.ParquetFile,
    columns: TableColumns,
    limits: Limits,
    read: Callable[[], Rows],
) -> ParquetRows | None:
    """The rows of a file that need not be read here; None where they must be.

    Args:
        file: The file, which has a name.
        reader: It, opened.
        columns: The table's.
        limits: What a body may hold and cost.
        read: Reads it, value by value.

    Raises:
        RowsDoNotFitError: When the columns do not fit.
    """
    if reader.metadata.num_rows < MANY_ROWS:
        return None
    schema = reader.schema_arrow
    if not schema.names or not _is_plain(reader.metadata) or not _counts_its_rows(reader.metadata):
        return None
    found = columns.resolve(schema.names)
    columns.require([column.name for column in found], 1)
    for column, field in zip(found, schema, strict=True):
        kind = _KINDS.get(field.type)
        if kind is None or column.type != ScalarType(kind):
            return None
    return ParquetRows(
        file,
        dict(zip(schema.names, found, strict=True)),
        reader.metadata.num_rows,
        limits,
        read,
    )


def _is_plain(metadata: pq.FileMetaData) -> bool:
    leaves = [metadata.schema.column(index) for index in range(len(metadata.schema))]
    flat = all(leaf.max_repetition_level == 0 and leaf.max_definition_level <= 1 for leaf in leaves)
    return flat and not int96_columns(metadata)


def _counts_its_rows(metadata: pq.FileMetaData) -> bool:
    # The commit tells this number, and the engine reads as many rows as the groups have.
    groups = map(metadata.row_group, range(metadata.num_row_groups))
    return bool(sum(group.num_rows for group in groups) == metadata.num_rows)


class ParquetRows(Rows):
    """Rows in a file, of which no value was looked at."""

    def __init__(
        self,
        file: IO[bytes],
        columns: Mapping[str, Column],
        row_count: int,
        limits: Limits,
        read: Callable[[], Rows],
    ) -> None:
        """Take a file.

        Args:
            file: Closed, and with that removed, as the rows are.
            columns: The table's column for each that the file has.
            row_count: How many rows it says that it has.
            limits: What a body may hold and cost.
            read: Reads it, value by value.
        """
        self._file = file
        self._parquet = ParquetFile(
            Path(file.name),
            {column.name: name for name, column in columns.items()},
            frozenset(column.name for column in columns.values() if not column.nullable),
            limits.row_bytes,
            limits.expanded_bytes,
            self._read_once,
        )
        self._row_count = row_count
        self._read = read
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
