"""Queries: what is asked, and what comes back."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from domain.errors import (
    InvalidColumnError,
    InvalidParametersError,
    InvalidSqlError,
    TooLargeError,
)
from domain.formats import DataFormat
from domain.located_objects import FoundObject
from domain.sql.limits import MAX_SQL_LENGTH
from domain.tables import PointInTime, TableName

MAX_PARAMETERS = 10_000

MIN_INTEGER, MAX_INTEGER = -(2**127), 2**128 - 1
"""The integers that a parameter can be: those of HUGEINT and UHUGEINT."""

_SURROGATE = re.compile(r"[\ud800-\udfff]")
_NO_TEXT = re.compile(r"[\x00\ud800-\udfff]")

Value = str | int | float | bool | None
"""What a parameter can be; the statement casts it where another type is due."""

Parameters = Sequence[Value] | Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Query:
    """A question to the lake.

    Attributes:
        sql: One SELECT statement; None asks for the table itself.
        columns: Of the table itself, these columns, compared without case; None for all.
        where: Of the table itself, the rows for which this expression in SQL is true.
        table: The table the question is put to: its namespace is searched for names that
            have none of their own. None when it is put to the lake as a whole.
        parameters: Values for `?` and `$1` (a sequence) or `$name` (a mapping).
        at: Which moment of the lake all its tables are read at that have no AT of their own;
            None for now.
        row_limit: At most so many rows are answered; None for all.
        timeout_s: How long the service may work for it, in seconds, from its parsing to its last
            row; time in which the reader is not ready for more does not count. None for as
            long as it takes.

    Raises:
        InvalidSqlError: When there is neither SQL nor a table, or the SQL holds a NUL or
            a lone surrogate.
        TooLargeError: When the SQL is too long.
        InvalidParametersError: When there are too many, some and no SQL, an integer of more
            than 128 bits, a text with a lone surrogate, `columns` or `where` with SQL, when
            `row_limit` is below 0, or `timeout_s` is not above 0.
        InvalidColumnError: When `columns` names none, or one twice.
    """

    sql: str | None = None
    table: TableName | None = None
    parameters: Parameters = ()
    row_limit: int | None = None
    timeout_s: float | None = None
    columns: tuple[str, ...] | None = None
    where: str | None = None
    at: PointInTime | None = None

    def __post_init__(self) -> None:
        if self.row_limit is not None and self.row_limit < 0:
            raise InvalidParametersError("row_limit is 0 or more.")
        if self.timeout_s is not None and not 0 < self.timeout_s < math.inf:
            raise InvalidParametersError("timeout_s is a number of seconds above 0.")
        if self.sql is None:
            if self.table is None:
                raise InvalidSqlError("There is no SQL.")
            if self.parameters:
                raise InvalidParametersError("Parameters need a statement that has them.")
            self._check_selection()
            return
        if self.columns is not None or self.where is not None:
            raise InvalidParametersError("columns and where go with a table itself, not with SQL.")
        _check_text(self.sql)
        if len(self.parameters) > MAX_PARAMETERS:
            raise InvalidParametersError(f"A statement has at most {MAX_PARAMETERS} parameters.")
        for name, value in named(self.parameters):
            _check_value(name, value)

    def _check_selection(self) -> None:
        if self.where is not None:
            _check_text(self.where)
        if self.columns is None:
            return
        if not self.columns:
            raise InvalidColumnError("columns names one column at least.")
        if len({name.casefold() for name in self.columns}) < len(self.columns):
            raise InvalidColumnError("columns names each column once.")


def named(parameters: Parameters) -> Iterator[tuple[str, Value]]:
    """Parameters by their places (from 1) or their names."""
    if isinstance(parameters, Mapping):
        yield from parameters.items()
    else:
        yield from ((str(place), value) for place, value in enumerate(parameters, start=1))


def _check_value(name: str, value: Value) -> None:
    if isinstance(value, int) and not MIN_INTEGER <= value <= MAX_INTEGER:
        raise InvalidParametersError(f"${name} is an integer of more than 128 bits.", name)
    if isinstance(value, str) and _SURROGATE.search(value):
        raise InvalidParametersError(f"${name} holds a lone surrogate, which is no text.", name)


def _check_text(sql: str) -> None:
    if not sql.strip():
        raise InvalidSqlError("There is no SQL.")
    if len(sql) > MAX_SQL_LENGTH:
        raise TooLargeError(f"A statement has at most {MAX_SQL_LENGTH} characters.")
    no_text = _NO_TEXT.search(sql)
    if no_text is not None:
        # DuckDB stops reading at a NUL, so what follows would go unseen.
        raise InvalidSqlError("SQL has no NUL and no lone surrogate.", no_text.start())


@dataclass(frozen=True, slots=True)
class QueryTimeouts:
    """How long queries may take.

    Attributes:
        default_s: The timeout of a query that asks for none, in seconds.
        max_s: The greatest timeout that can be asked for, in seconds.
    """

    default_s: float = 300
    max_s: float = 3_600

    def of(self, query: Query) -> float:
        """The timeout of a query, in seconds.

        Raises:
            InvalidParametersError: When it asks for more than it may have.
        """
        if query.timeout_s is None:
            return self.default_s
        if query.timeout_s > self.max_s:
            raise InvalidParametersError(f"timeout_s is at most {self.max_s:g} here.")
        return query.timeout_s


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
class SpoolEncoding:
    """The engine's own form: every value exactly, to be read by `QueryPort.reopen` alone."""


Encoding = ResultEncoding | SpoolEncoding
"""How the rows of a query are to be written."""


@dataclass(frozen=True, slots=True)
class ResultColumn:
    """A column of a result: its name, unique in the result, and its DuckDB type."""

    name: str
    type: str


class EncodedRows(Protocol):
    """Rows, while they are being read.

    They hold a cursor of the engine, so they must be closed, by any thread; closing them before
    their end stops what makes them.
    """

    @property
    def columns(self) -> tuple[ResultColumn, ...]:
        """The columns, in order."""
        ...

    @property
    def row_count(self) -> int:
        """How many rows have been written so far."""
        ...

    def __iter__(self) -> Iterator[bytes]:
        """The encoded rows, in chunks of about a megabyte. Can be taken once.

        Raises:
            QueryCancelledError: When the query was stopped from outside.
            QueryTimeoutError: When it runs longer than `Query.timeout_s`.
            ResourcesExhaustedError: When it needs more memory than it may use.
            InvalidValueError: When it met a value that it cannot work with.
        """
        ...

    def close(self) -> None:
        """Stop the query if it still runs, and give the cursor back. May be called twice."""
        ...


class QueryResult(EncodedRows, Protocol):
    """The answer to a query, while it is being read."""

    @property
    def snapshot_id(self) -> int:
        """The snapshot of the lake that the query sees."""
        ...

    @property
    def version(self) -> str | None:
        """The state of the lake that alone decides which rows the question gives.

        Another time, the same question of the same version gives the same rows, perhaps in
        another order. None when something else decides too: the time, chance, objects.
        """
        ...

    @property
    def tables(self) -> tuple[TableName, ...]:
        """The tables of the lake that the statement names."""
        ...

    @property
    def progress(self) -> float | None:
        """How much of the work is done, from 0 to 1; None where that is not known."""
        ...

    @property
    def objects(self) -> tuple[FoundObject, ...]:
        """The objects of the datasets that the statement reads."""
        ...

    @property
    def truncated(self) -> bool:
        """Whether the row limit left rows out; known when the chunks have ended."""
        ...
