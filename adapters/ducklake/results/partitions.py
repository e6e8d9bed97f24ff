"""Results that are divided by the values of some of their columns.

The rows are made once, into a temporary table of the statement's own cursor, which spills to
disk as any of the engine's tables. They lie there in the order of their keys, so that reading one
partition passes over the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import duckdb

from adapters.ducklake.engine.lake import Lake
from adapters.ducklake.engine.watchdog import TimeLimit
from adapters.ducklake.results.columns import SelectedColumn
from adapters.ducklake.results.encoders import Encoder, encoder_for
from adapters.ducklake.results.results import BoundQuery, DuckLakeResult
from domain.errors import InvalidPartitionError
from domain.partitions import MAX_PARTITIONS, Partition, PartitionedResult, check_keys
from domain.queries import ResultEncoding

_ROWS = 'temp.main."rows of partitions"'
_POSITION = "position_in_result"

_KNOWN_BY_TEXT = frozenset(
    {
        "bigint",
        "boolean",
        "date",
        "decimal",
        "double",
        "enum",
        "float",
        "hugeint",
        "integer",
        "null",
        "smallint",
        "time",
        "timestamp",
        "timestamp with time zone",
        "timestamp_ms",
        "timestamp_ns",
        "timestamp_s",
        "tinyint",
        "ubigint",
        "uhugeint",
        "uinteger",
        "usmallint",
        "utinyint",
        "uuid",
        "varchar",
    }
)


def partitioned(
    lake: Lake,
    cursor: duckdb.DuckDBPyConnection,
    query: BoundQuery,
    encoding: ResultEncoding,
    keys: Sequence[str],
    limit: TimeLimit,
) -> PartitionedResult:
    """The result of a query, divided.

    Args:
        lake: The lake.
        cursor: The query's; it is given back when the result is closed.
        query: The query, with the caller's own statement.
        encoding: How the rows of each partition are written.
        keys: The columns that divide them.
        limit: How long it may take, all partitions together.

    Raises:
        InvalidPartitionError: When the query has no such columns, or no others.
        TooLargeError: When what is left is nested too deep for the format.
    """
    dividing = _dividing(query.columns, keys)
    kept = [column for column in query.columns if column not in dividing]
    if not kept:
        raise InvalidPartitionError("All columns divide the rows: there is none left to write.")
    return _DuckLakePartitions(
        lake, cursor, query, encoder_for(encoding, kept), limit, dividing=dividing, kept=kept
    )


def _dividing(columns: Sequence[SelectedColumn], keys: Sequence[str]) -> list[SelectedColumn]:
    """Raises: InvalidPartitionError: When there are no such columns."""
    known = {column.name.casefold(): column for column in columns}
    for key in keys:
        if key.casefold() not in known:
            raise InvalidPartitionError(f"The rows have no column {key[:200]!r} to be divided by.")
    found = [known[key.casefold()] for key in keys]
    check_keys([column.name for column in found])
    for column in found:
        if column.type.id not in _KNOWN_BY_TEXT:
            raise InvalidPartitionError(
                f"Rows are not divided by {column.name}, which is {str(column.type)[:100]}; "
                "cast it to VARCHAR."
            )
    return found


class _DuckLakePartitions(DuckLakeResult, PartitionedResult):
    """One result, read a partition at a time."""

    def __init__(
        self,
        lake: Lake,
        cursor: duckdb.DuckDBPyConnection,
        query: BoundQuery,
        encoder: Encoder,
        limit: TimeLimit,
        *,
        dividing: Sequence[SelectedColumn],
        kept: Sequence[SelectedColumn],
    ) -> None:
        super().__init__(lake, cursor, query, encoder, limit)
        self._whole = query
        self._dividing = dividing
        self._kept = kept
        self._texts = [f"key_{number}" for number in range(len(dividing))]

    @property
    def keys(self) -> tuple[str, ...]:
        """As `PartitionedResult.keys`."""
        return tuple(column.name for column in self._dividing)

    def partitions(self) -> Sequence[Partition]:
        """As `PartitionedResult.partitions`."""
        found = self._work(self._divided)
        if len(found) > MAX_PARTITIONS:
            names = ", ".join(self.keys)
            raise InvalidPartitionError(
                f"The rows have more than {MAX_PARTITIONS:,} different values of ({names[:200]})."
            )
        return [Partition(tuple(values), count) for *values, count in found]

    def rows(self, partition: Partition) -> Iterator[bytes]:
        """As `PartitionedResult.rows`."""
        conditions = [
            f"{text} IS NULL" if value is None else f"{text} = ?"
            for text, value in zip(self._texts, partition.values, strict=True)
        ]
        self._row_count = 0
        self._query = replace(
            self._whole,
            statement=(
                f"SELECT {self._encoder.select_list()} FROM {_ROWS} AS result "
                f"WHERE {' AND '.join(conditions)}"
            ),
            parameters=[value for value in partition.values if value is not None],
            row_limit=None,
        )
        return iter(self)

    def _divided(self) -> list[tuple[Any, ...]]:
        query, texts = self._whole, ", ".join(self._texts)
        names = ", ".join(column.source for column in query.columns)
        kept = ", ".join(column.source for column in self._kept)
        made = ", ".join(
            f"CAST({column.source} AS VARCHAR) AS {text}"
            for column, text in zip(self._dividing, self._texts, strict=True)
        )
        limit = "" if query.row_limit is None else f" LIMIT {query.row_limit}"
        self._cursor.execute(
            f"CREATE TEMP TABLE {_ROWS} AS SELECT * EXCLUDE ({_POSITION}) FROM ("
            f"SELECT {kept}, {made}, row_number() OVER () AS {_POSITION} FROM (\n"
            f"{query.statement}\n) AS result({names}){limit}"
            f") ORDER BY {texts}, {_POSITION}",
            query.parameters or None,
        )
        return self._cursor.execute(
            f"SELECT {texts}, count(*) FROM {_ROWS} GROUP BY {texts} "
            f"ORDER BY {texts} LIMIT {MAX_PARTITIONS + 1}"
        ).fetchall()
