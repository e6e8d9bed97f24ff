"""How rows are handed to the engine.

The engine asks the interpreter for an Arrow table several times, from several of its threads, and
waits for the interpreter's lock each time: with few rows that takes twice as long as all else
that inserting them does, and far longer beside a busy event loop. So few rows go as lists of
values, which are parameters of the statement.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from itertools import chain
from typing import TYPE_CHECKING, Any

import duckdb

from adapters.ducklake.engine.sql import identifier, type_name
from adapters.ducklake.writes.parquet_files import relation
from domain.column_types import ColumnType, DecimalType, ScalarKind, ScalarType
from domain.rows import ArrowStream, ParquetFile, Rows

if TYPE_CHECKING:
    import pyarrow as pa

FEW_COLUMNS = 100
FEW_CELLS = 2_000
FEW_BYTES = 256 * 1024

MANY_CELLS = 20_000
"""So many values are handed over as parameters where they are Python's own already."""

_INCOMING = "incoming_rows"

_AS_THEY_ARE = frozenset(
    {
        ScalarKind.BOOLEAN,
        ScalarKind.TINYINT,
        ScalarKind.SMALLINT,
        ScalarKind.INTEGER,
        ScalarKind.BIGINT,
        ScalarKind.HUGEINT,
        ScalarKind.UTINYINT,
        ScalarKind.USMALLINT,
        ScalarKind.UINTEGER,
        ScalarKind.UBIGINT,
        ScalarKind.UHUGEINT,
        ScalarKind.VARCHAR,
        ScalarKind.BLOB,
        ScalarKind.UUID,
        ScalarKind.JSON,
        ScalarKind.TIMETZ,
        ScalarKind.INTERVAL,
    }
)
_FLOATS = frozenset({ScalarKind.FLOAT, ScalarKind.DOUBLE})
_DAYS = frozenset(
    {
        ScalarKind.DATE,
        ScalarKind.TIMESTAMP,
        ScalarKind.TIMESTAMP_S,
        ScalarKind.TIMESTAMP_MS,
        ScalarKind.TIMESTAMPTZ,
    }
)
_LAST_YEAR = 9998
"""DuckDB takes Python's greatest date and time, of 9999, for infinity."""

Parameters = Sequence[list[Any]]

Incoming = ArrowStream | Parameters
"""Rows as Arrow, or the values of each column."""

Source = Incoming | ParquetFile
"""Rows, or the file in which they stand."""


def incoming(rows: Rows) -> Incoming:
    """Rows of one append, of which few are in memory by now.

    So the commit, which others wait for, asks nothing of the interpreter for them.
    """
    values = rows.values
    if values is not None:
        return values

    # Imported late, here and below: it costs a tenth of a second of the service's start.
    import pyarrow as pa  # noqa: PLC0415

    table: ArrowStream = pa.table(rows)
    return table


def together(appends: Sequence[tuple[Rows, Incoming]]) -> Incoming:
    """The rows of several appends, which have the same columns, as those of one."""
    import pyarrow as pa  # noqa: PLC0415

    sources = [source for _, source in appends]
    if all(isinstance(source, Sequence) for source in sources):
        cells = sum(rows.row_count * len(rows.columns) for rows, _ in appends)
        if cells <= MANY_CELLS:
            return [[*chain.from_iterable(parts)] for parts in zip(*sources, strict=True)]
    tables = [
        pa.table(rows) if isinstance(source, Sequence) else source for rows, source in appends
    ]
    table: ArrowStream = pa.concat_tables(tables).combine_chunks()
    return table


@contextmanager
def handed_over(
    cursor: duckdb.DuckDBPyConnection, rows: Source, types: Mapping[str, ColumnType]
) -> Iterator[tuple[str, Parameters]]:
    """While this lasts, a query gives the rows.

    Args:
        cursor: Where it is to be asked.
        rows: The rows; values are in the order of the columns.
        types: Their columns, in the order that is wanted, and what is to become of the values.

    Returns: the query, and its parameters.
    """
    if isinstance(rows, ParquetFile):
        columns = ", ".join(_cast(rows.names[column], kind) for column, kind in types.items())
        yield f"SELECT {columns} FROM {relation(rows)}", ()
        return
    values = rows if isinstance(rows, Sequence) else _few_values(rows, types)
    if values is not None:
        columns = ", ".join(f"unnest(CAST(? AS {type_name(kind)}[]))" for kind in types.values())
        yield f"SELECT {columns}", values
        return
    columns = ", ".join(_cast(column, kind) for column, kind in types.items())
    cursor.register(_INCOMING, rows)
    try:
        yield f"SELECT {columns} FROM {_INCOMING}", ()
    finally:
        cursor.unregister(_INCOMING)


def _cast(column: str, kind: ColumnType) -> str:
    return f"CAST({identifier(column)} AS {type_name(kind)})"


def _few_values(rows: ArrowStream, types: Mapping[str, ColumnType]) -> list[list[Any]] | None:
    """The values, by columns; None when they are many, or of a type that is none of Python's."""
    import pyarrow as pa  # noqa: PLC0415

    if (
        not isinstance(rows, pa.Table)
        or len(types) > FEW_COLUMNS
        or rows.num_rows * len(types) > FEW_CELLS
        or rows.nbytes > FEW_BYTES
    ):
        return None
    values = []
    for column, kind in types.items():
        taker = _taker_of(kind)
        taken = None if taker is None else taker(rows.column(column))
        if taken is None:
            return None
        values.append(taken)
    return values


def _taker_of(kind: ColumnType) -> Callable[[pa.ChunkedArray], list[Any] | None] | None:
    match kind:
        case ScalarType(scalar) if scalar in _AS_THEY_ARE:
            return _as_they_are
        case ScalarType(scalar) if scalar in _FLOATS:
            return _floats
        case ScalarType(scalar) if scalar in _DAYS:
            return _days
        case DecimalType():
            return _digits
        case _:
            return None


def _as_they_are(column: pa.ChunkedArray) -> list[Any]:
    values: list[Any] = column.to_pylist()
    return values


def _floats(column: pa.ChunkedArray) -> list[float | None] | None:
    values: list[float | None] = column.to_pylist()
    # DuckDB takes a parameter's NaN for NULL.
    return None if any(value != value for value in values) else values  # noqa: PLR0124


def _days(column: pa.ChunkedArray) -> list[date | None] | None:
    try:
        values: list[date | None] = column.to_pylist()
    except (ValueError, OverflowError):
        return None
    return values if all(value is None or value.year <= _LAST_YEAR for value in values) else None


def _digits(column: pa.ChunkedArray) -> list[str | None]:
    values: list[Decimal | None] = column.to_pylist()
    return [None if value is None else f"{value:f}" for value in values]
