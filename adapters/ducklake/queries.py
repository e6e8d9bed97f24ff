"""The query port on DuckLake."""

from __future__ import annotations

import time

import duckdb

from adapters.ducklake.errors import translated
from adapters.ducklake.gate import Gate, Passed
from adapters.ducklake.lake import Lake
from adapters.ducklake.metadata import Metadata, TableEntry
from adapters.ducklake.names import Names
from adapters.ducklake.parser import Form
from adapters.ducklake.result_encoders import Encoder, SelectedColumn, encoder_for
from adapters.ducklake.result_types import depth
from adapters.ducklake.results import BoundQuery, DuckLakeResult
from adapters.ducklake.selections import Selection, select
from adapters.ducklake.spool import SpoolEncoder, reopened
from adapters.ducklake.watchdog import TimeLimit
from domain.datasets import ByteStream
from domain.errors import (
    InvalidSqlError,
    TableNotFoundError,
    TooLargeError,
    UpstreamTimeoutError,
)
from domain.ports.queries import QueryPort
from domain.queries import (
    EncodedRows,
    Encoding,
    Parameters,
    Query,
    QueryResult,
    ResultEncoding,
    SpoolEncoding,
)
from domain.sql.limits import MAX_RESULT_COLUMNS, MAX_TYPE_DEPTH
from domain.tables import DEFAULT_NAMESPACE, TableName

_BEFORE = "SELECT * FROM (\n"
_AFTER = "\n) AS result"
_EXPLAIN = "EXPLAIN "
_PLAN_ROW = "(CAST(? AS VARCHAR), CAST(? AS VARCHAR))"


class DuckLakeQueries(QueryPort):
    """Read-only statements on one DuckLake."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._names = Names()
        self._lake_id: str | None = None

    def open(self, query: Query, encoding: Encoding) -> QueryResult:
        """As `QueryPort.open`."""
        limit = TimeLimit(self._lake.watchdog, query.timeout_s)
        answered_by = time.monotonic() + limit.answers_within_s
        try:
            return self._lake.deadline.run(
                lambda _: self._open(query, encoding, limit),
                discard=lambda result: result.close(),
                at_most_s=limit.answers_within_s,
            )
        except UpstreamTimeoutError as error:
            if time.monotonic() >= answered_by:
                raise limit.error() from error
            raise

    def reopen(self, spool: ByteStream, encoding: ResultEncoding) -> EncodedRows:
        """As `QueryPort.reopen`."""
        return reopened(self._lake, spool, encoding)

    def _open(self, query: Query, encoding: Encoding, limit: TimeLimit) -> QueryResult:
        cursor = self._lake.take_cursor()
        try:
            with limit.step(cursor):
                return self._opened(cursor, query, encoding, limit)
        except (duckdb.Error, OSError) as error:
            self._lake.return_cursor(cursor)
            raise translated(error, self._lake.redact) or error from error
        except BaseException:
            self._lake.return_cursor(cursor)
            raise

    def _opened(
        self,
        cursor: duckdb.DuckDBPyConnection,
        query: Query,
        encoding: Encoding,
        limit: TimeLimit,
    ) -> QueryResult:
        cursor.execute("BEGIN TRANSACTION READ ONLY")
        metadata = Metadata(cursor)
        table = _table(metadata, query.table)
        namespace = DEFAULT_NAMESPACE if table is None else table.name.namespace
        if query.sql is not None:
            selection = Selection(query.sql)
        elif table is not None:
            known = [] if query.columns is None else metadata.columns(table)
            names = [column.name for column in known]
            selection = select(cursor, table.name, names, query.columns, query.where)
        else:
            raise InvalidSqlError("There is no SQL.")
        with selection.positions():
            return self._bound(cursor, metadata, namespace, selection.sql, query, encoding, limit)

    def _bound(
        self,
        cursor: duckdb.DuckDBPyConnection,
        metadata: Metadata,
        namespace: str,
        sql: str,
        query: Query,
        encoding: Encoding,
        limit: TimeLimit,
    ) -> QueryResult:
        passed = Gate(cursor, metadata, self._names, namespace).pass_through(sql)
        passed.prepare(cursor, namespace)
        statement, parameters = passed.sql, query.parameters
        before = _EXPLAIN if passed.form is Form.EXPLAIN else _BEFORE
        try:
            if passed.form is Form.EXPLAIN:
                statement, parameters = self._plan(cursor, passed, parameters)
            columns = _columns(cursor, statement, parameters)
        except duckdb.Error as error:
            offset = len(before) - passed.offset
            raise translated(error, self._lake.redact, offset, sql) or error from error
        encoder = _encoder(encoding, columns)
        bound = BoundQuery(
            statement=_selected(encoder, statement, columns, query.row_limit),
            parameters=parameters,
            columns=columns,
            row_limit=query.row_limit,
            snapshot_id=metadata.snapshot_id,
            tables=passed.tables,
            version=self._version(metadata) if passed.lake_alone else None,
        )
        return DuckLakeResult(self._lake, cursor, bound, encoder, limit)

    def _version(self, metadata: Metadata) -> str:
        if self._lake_id is None:
            self._lake_id = metadata.lake_id()
        return f"{self._lake_id}.{metadata.snapshot_id}"

    def _plan(
        self, cursor: duckdb.DuckDBPyConnection, passed: Passed, parameters: Parameters
    ) -> tuple[str, Parameters]:
        """A statement that answers the plan, as EXPLAIN does, and its parameters."""
        rows = cursor.execute(_EXPLAIN + passed.sql, parameters or None).fetchall()
        plan = f"FROM (VALUES {', '.join([_PLAN_ROW] * len(rows))}) p(explain_key, explain_value)"
        return plan, [self._lake.redact(str(text)) for row in rows for text in row]


def _encoder(encoding: Encoding, columns: list[SelectedColumn]) -> Encoder:
    if isinstance(encoding, SpoolEncoding):
        return SpoolEncoder(columns)
    return encoder_for(encoding, columns)


def _table(metadata: Metadata, name: TableName | None) -> TableEntry | None:
    if name is None:
        return None
    table = metadata.table(name)
    if table is None:
        raise TableNotFoundError(f"There is no table {name}.")
    return table


def _columns(
    cursor: duckdb.DuckDBPyConnection, sql: str, parameters: Parameters
) -> list[SelectedColumn]:
    """The columns of a statement, from binding it without running it."""
    cursor.execute(f"{_BEFORE}{sql}{_AFTER} LIMIT 0", parameters or None)
    description = cursor.description or []
    if len(description) > MAX_RESULT_COLUMNS:
        raise TooLargeError(f"An answer has at most {MAX_RESULT_COLUMNS} columns.")
    for name, result_type, *_ in description:
        if depth(result_type) > MAX_TYPE_DEPTH:
            raise TooLargeError(f"The type of {name} is nested more than {MAX_TYPE_DEPTH} deep.")
    return [
        SelectedColumn(name, result_type, f"column_{number}")
        for number, (name, result_type, *_) in enumerate(description)
    ]


def _selected(
    encoder: Encoder, sql: str, columns: list[SelectedColumn], row_limit: int | None
) -> str:
    sources = ", ".join(column.source for column in columns)
    limit = "" if row_limit is None else f" LIMIT {row_limit + 1}"
    return f"SELECT {encoder.select_list()} FROM (\n{sql}{_AFTER}({sources}){limit}"
