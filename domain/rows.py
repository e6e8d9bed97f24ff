"""Rows on their way into a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from domain.growth import Growth


@dataclass(frozen=True, slots=True)
class ParquetFile:
    """Rows in a Parquet file, as it was sent.

    Attributes:
        path: Where it lies, as long as its rows are not closed.
        names: What the file calls each of the rows' columns.
        required: The columns that must have a value.
        value_bytes: The bytes that a value may have at most.
        bytes: The bytes that all values of a column may have at most.
        read: Reads all of it and checks each value; gives the rows, which are closed with those
            that stand in the file, or raises what `RowReaderPort.read` raises.
    """

    path: Path
    names: Mapping[str, str]
    required: frozenset[str]
    value_bytes: int
    bytes: int
    read: Callable[[], Rows]


class ArrowStream(Protocol):
    """Anything that gives its rows over the Arrow PyCapsule interface.

    See https://arrow.apache.org/docs/format/CDataInterface/PyCapsuleInterface.html. DuckDB,
    pyarrow, polars and others speak it, so the domain needs none of them.
    """

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Give a capsule of an ArrowArrayStream."""
        ...


class Rows(ArrowStream, Protocol):
    """Rows that were read and found to fit the columns they are meant for.

    Its stream can be taken several times, each time from the first row. Values whose type
    Arrow cannot carry exactly (integers over 64 bits, intervals, times with a zone) come as
    text, in a form that a cast to the column's type reads back exactly.
    """

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns that the rows have, as the table spells them."""
        ...

    @property
    def row_count(self) -> int:
        """How many rows there are."""
        ...

    @property
    def growth(self) -> Growth:
        """What the table must grow by before they fit it; most often nothing."""
        ...

    @property
    def values(self) -> Sequence[list[Any]] | None:
        """The values of each column, in the order of `columns`, as Python's own; None otherwise.

        They are there where the rows are few, so that making Arrow of them takes longer than all
        else that is done with them, and of types whose values Python's own carry exactly: bool,
        int, finite float and str.
        """
        return None

    @property
    def parquet(self) -> ParquetFile | None:
        """The file that the rows stand in; None where they are somewhere else.

        Only its footer was looked at: whoever reads it makes sure that the values fit.
        """
        return None

    def close(self) -> None:
        """Give back the memory or disk that holds the rows. May be called twice."""
        ...
