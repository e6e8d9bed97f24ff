"""The query port on DuckLake."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import duckdb

from adapters.ducklake.errors import translated
from adapters.ducklake.gate import Gate, Passed
from adapters.ducklake.lake import Lake
from adapters.ducklake.metadata import Metadata, TableEntry
from adapters.ducklake.names import Names
from adapters.ducklake.parser import Form
from adapters.ducklake.plans import plan_text, planned_reads
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
from domain.plans import QueryPlan
from domain.ports.queries import QueryPort
from domain.queries import (
    EncodedRows,
    Encoding,
    Parameters,
    Query,
    QueryResult,
    ResultColumn,
    ResultEncoding,
    SpoolEncoding,
)
from domain.sql.limits import MAX_RESULT_COLUMNS, MAX_TYPE_DEPTH
from domain.tables import DEFAULT_NAMESPACE, TableName

_BEFORE = "SELECT * FROM (\n"
_AFTER = "\n) AS result"
_EXPLAIN = "EXPLAIN "
_PLAN_ROW = "(CAST(? AS VARCHAR), CAST(? AS VARCHAR))"


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Checked:
    """A query that passed the gate and was bound.

    Attributes:
        metadata: The catalog at the snapshot that it sees.
        passed: What the gate let pass.
        statement: The statement to run.
        parameters: Its parameters.
        columns: The columns of its result.
    """

    metadata: Metadata
    passed: Passed
    statement: str
    parameters: Parameters
    columns: list[SelectedColumn]


class DuckLakeQueries(QueryPort):
    """Read-only statements on one DuckLake."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._names = Names()
        self._lake_id: str | None = None

    def open(self, query: Query, encoding: Encoding) -> QueryResult:
        """As `QueryPort.open`."""
        limit = TimeLimit(self._lake.watchdog, query.timeout_s)
        return self._in_time(
            limit,
            lambda: self._open(query, encoding, limit),
            discard=lambda result: result.close(),
        )

    def plan(self, query: Query) -> QueryPlan:
        """As `QueryPort.plan`."""
        limit = TimeLimit(self._lake.watchdog, query.timeout_s)
        return self._in_time(limit, lambda: self._planned(query, limit), discard=lambda _: None)

    def _in_time(
        self, limit: TimeLimit, call: Callable[[], T], discard: Callable[[T], object]
    ) -> T:
        answered_by = time.monotonic() + limit.answers_within_s
        try:
            return self._lake.deadline.run(
                lambda _: call(), discard, at_most_s=limit.answers_within_s
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
                return self._checked(
                    cursor,
                    query,
                    lambda checked: self._result(cursor, query, encoding, limit, checked),
                )
        except (duckdb.Error, OSError) as error:
            self._lake.return_cursor(cursor)
            raise translated(error, self._lake.redact) or error from error
        except BaseException:
            self._lake.return_cursor(cursor)
            raise

    def _planned(self, query: Query, limit: TimeLimit) -> QueryPlan:
        with self._lake.cursor() as cursor, limit.step(cursor):
            return self._checked(cursor, query, lambda checked: self._plan(cursor, query, checked))

    def _checked(
        self, cursor: duckdb.DuckDBPyConnection, query: Query, use: Callable[[_Checked], T]
    ) -> T:
        """Let a query through the gate, bind it, and use what that gave."""
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
            return use(self._bound(cursor, metadata, namespace, selection.sql, query))

    def _bound(
        self,
        cursor: duckdb.DuckDBPyConnection,
        metadata: Metadata,
        namespace: str,
        sql: str,
        query: Query,
    ) -> _Checked:
        passed = Gate(cursor, metadata, self._names, namespace).pass_through(sql)
        passed.prepare(cursor, namespace)
        statement, parameters = passed.sql, query.parameters
        before = _EXPLAIN if passed.form is Form.EXPLAIN else _BEFORE
        try:
            if passed.form is Form.EXPLAIN:
                statement, parameters = self._explained(cursor, passed, parameters)
            columns = _columns(cursor, statement, parameters)
        except duckdb.Error as error:
            offset = len(before) - passed.offset
            raise translated(error, self._lake.redact, offset, sql) or error from error
        return _Checked(metadata, passed, statement, parameters, columns)

    def _result(
        self,
        cursor: duckdb.DuckDBPyConnection,
        query: Query,
        encoding: Encoding,
        limit: TimeLimit,
        checked: _Checked,
    ) -> QueryResult:
        encoder = _encoder(encoding, checked.columns)
        lake_alone = checked.passed.lake_alone
        bound = BoundQuery(
            statement=_selected(encoder, checked.statement, checked.columns, query.row_limit),
            parameters=checked.parameters,
            columns=checked.columns,
            row_limit=query.row_limit,
            snapshot_id=checked.metadata.snapshot_id,
            tables=checked.passed.tables,
            version=self._version(checked.metadata) if lake_alone else None,
        )
        return DuckLakeResult(self._lake, cursor, bound, encoder, limit)

    def _plan(
        self, cursor: duckdb.DuckDBPyConnection, query: Query, checked: _Checked
    ) -> QueryPlan:
        limit = "" if query.row_limit is None else f" LIMIT {query.row_limit}"
        sql = f"{_BEFORE}{checked.passed.sql}{_AFTER}{limit}"
        tables = checked.passed.tables
        return QueryPlan(
            columns=tuple(
                ResultColumn(column.name, str(column.type)) for column in checked.columns
            ),
            text=self._lake.redact(plan_text(cursor, sql, query.parameters)),
            reads=planned_reads(cursor, checked.metadata, sql, query.parameters, tables),
            objects=(),
            snapshot_id=checked.metadata.snapshot_id,
        )

    def _version(self, metadata: Metadata) -> str:
        if self._lake_id is None:
            self._lake_id = metadata.lake_id()
        return f"{self._lake_id}.{metadata.snapshot_id}"

    def _explained(
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
