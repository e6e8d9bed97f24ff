"""Queries: what is asked, and what comes back."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from domain.errors import InvalidParametersError, InvalidSqlError, TooLargeError
from domain.formats import DataFormat
from domain.sql.limits import MAX_SQL_LENGTH
from domain.tables import TableName

MAX_PARAMETERS = 10_000

_NO_TEXT = re.compile(r"[\x00\ud800-\udfff]")

Value = str | int | float | bool | None
"""What a parameter can be; the statement casts it where another type is due."""

Parameters = Sequence[Value] | Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Query:
    """A question to the lake.

    Attributes:
        sql: One SELECT statement; None asks for the table itself.
        table: The table the question is put to: its namespace is searched for names that
            have none of their own. None when it is put to the lake as a whole.
        parameters: Values for `?` and `$1` (a sequence) or `$name` (a mapping).
        row_limit: At most so many rows are answered; None for all.

    Raises:
        InvalidSqlError: When there is neither SQL nor a table, or the SQL holds a NUL or
            a lone surrogate.
        TooLargeError: When the SQL is too long.
        InvalidParametersError: When there are too many, some and no SQL, or
            `row_limit` is below 0.
    """

    sql: str | None = None
    table: TableName | None = None
    parameters: Parameters = ()
    row_limit: int | None = None

    def __post_init__(self) -> None:
        if self.row_limit is not None and self.row_limit < 0:
            raise InvalidParametersError("row_limit is 0 or more.")
        if self.sql is None:
            if self.table is None:
                raise InvalidSqlError("There is no SQL.")
            if self.parameters:
                raise InvalidParametersError("Parameters need a statement that has them.")
            return
        if not self.sql.strip():
            raise InvalidSqlError("There is no SQL.")
        if len(self.sql) > MAX_SQL_LENGTH:
            raise TooLargeError(f"A statement has at most {MAX_SQL_LENGTH} characters.")
        no_text = _NO_TEXT.search(self.sql)
        if no_text is not None:
            # DuckDB stops reading at a NUL, so what follows would go unseen.
            raise InvalidSqlError("SQL has no NUL and no lone surrogate.", no_text.start())
        if len(self.parameters) > MAX_PARAMETERS:
            raise InvalidParametersError(f"A statement has at most {MAX_PARAMETERS} parameters.")


@dataclass(frozen=True, slots=True)
class ResultEncoding:
    """How rows are to be written.

    Attributes:
        format: The format. JSON rows are written one to a line, as in NDJSON: what goes
            around them is the entrypoint's to write.
        wide_numbers_as_text: In JSON and NDJSON, write the columns that a double cannot hold
            (integers of 64 bits and more, decimals) as strings.
    """

    format: DataFormat
    wide_numbers_as_text: bool = False


@dataclass(frozen=True, slots=True)
class ResultColumn:
    """A column of a result: its name, unique in the result, and its DuckDB type."""

    name: str
    type: str


class QueryResult(Protocol):
    """The answer to a query, while it is being read.

    It holds a cursor of the engine, so it must be closed, by any thread; closing it before
    its end stops the query.
    """

    @property
    def columns(self) -> tuple[ResultColumn, ...]:
        """The columns, in order."""
        ...

    @property
    def snapshot_id(self) -> int:
        """The snapshot of the lake that the query sees."""
        ...

    @property
    def tables(self) -> tuple[TableName, ...]:
        """The tables of the lake that the statement names."""
        ...

    @property
    def row_count(self) -> int:
        """How many rows have been written so far."""
        ...

    @property
    def truncated(self) -> bool:
        """Whether the row limit left rows out; known when the chunks have ended."""
        ...

    def __iter__(self) -> Iterator[bytes]:
        """The encoded rows, in chunks of about a megabyte. Can be taken once.

        Raises:
            QueryCancelledError: When the query was stopped from outside.
            ResourcesExhaustedError: When it needs more memory than it may use.
            InvalidValueError: When it met a value that it cannot work with.
        """
        ...

    def close(self) -> None:
        """Stop the query if it still runs, and give the cursor back. May be called twice."""
        ...
