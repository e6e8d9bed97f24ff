"""The query port on DuckLake."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import duckdb

from adapters.ducklake.asking_again import AskedAgain
from adapters.ducklake.bindings import Asked, Bindings, Columns
from adapters.ducklake.catalog.metadata import Metadata, TableEntry
from adapters.ducklake.catalog.moments import metadata_at
from adapters.ducklake.catalog.names import Names
from adapters.ducklake.engine.answering import in_time
from adapters.ducklake.engine.deadline import Clock
from adapters.ducklake.engine.errors import ENGINE_ERRORS, Redact, translated
from adapters.ducklake.engine.lake import Lake
from adapters.ducklake.engine.progress import tell_progress
from adapters.ducklake.engine.watchdog import TimeLimit
from adapters.ducklake.gate.gate import Gate, Passed
from adapters.ducklake.gate.parser import Form
from adapters.ducklake.gate.selections import Selection, select
from adapters.ducklake.objects.sources import ObjectSources
from adapters.ducklake.objects.views import ObjectReader
from adapters.ducklake.results.columns import described
from adapters.ducklake.results.encoders import Encoder, encoder_for
from adapters.ducklake.results.partitions import partitioned
from adapters.ducklake.results.plans import plan_text, planned_reads
from adapters.ducklake.results.results import BoundQuery, DuckLakeResult
from adapters.ducklake.results.spool import SpoolEncoder, reopened
from domain.datasets import ByteStream
from domain.errors import (
    InvalidSqlError,
    LakehouseError,
    TableNotFoundError,
)
from domain.partitions import PartitionedResult
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
from domain.tables import DEFAULT_NAMESPACE, TableName

_BEFORE = "SELECT * FROM (\n"
_AFTER = "\n) AS result"
_EXPLAIN = "EXPLAIN "
_PLAN_ROW = "(CAST(? AS VARCHAR), CAST(? AS VARCHAR))"


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Work:
    """What works for one statement: a cursor, in so much time, and what holds its objects."""

    cursor: duckdb.DuckDBPyConnection
    limit: TimeLimit
    reader: ObjectReader


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
    columns: Columns


class DuckLakeQueries(QueryPort):
    """Read-only statements on one DuckLake."""

    def __init__(self, lake: Lake, sources: ObjectSources | None = None) -> None:
        """Args: sources: Where statements read objects from; None lets them read none."""
        self._lake = lake
        self._sources = sources
        self._names = Names()
        self._bindings = Bindings()
        self._lake_id: str | None = None

    def open(self, query: Query, encoding: Encoding) -> QueryResult:
        """As `QueryPort.open`."""
        limit = TimeLimit(self._lake.watchdog, query.timeout_s)
        return in_time(
            self._lake,
            limit,
            lambda clock: self._open(
                query,
                limit,
                clock,
                lambda work, checked: self._result(work, query, encoding, checked),
            ),
            discard=lambda result: result.close(),
        )

    def open_partitioned(
        self, query: Query, encoding: ResultEncoding, keys: Sequence[str]
    ) -> PartitionedResult:
        """As `QueryPort.open_partitioned`."""
        limit = TimeLimit(self._lake.watchdog, query.timeout_s)
        return in_time(
            self._lake,
            limit,
            lambda clock: self._open(
                query,
                limit,
                clock,
                lambda work, checked: partitioned(
                    self._lake,
                    work.cursor,
                    self._query(work, query, checked, checked.statement),
                    encoding,
                    keys,
                    limit,
                ),
            ),
            discard=lambda result: result.close(),
        )

    def plan(self, query: Query) -> QueryPlan:
        """As `QueryPort.plan`."""
        limit = TimeLimit(self._lake.watchdog, query.timeout_s)
        return in_time(
            self._lake,
            limit,
            lambda clock: self._planned(query, limit, clock),
            discard=lambda _: None,
        )

    def reopen(self, spool: ByteStream, encoding: ResultEncoding) -> EncodedRows:
        """As `QueryPort.reopen`."""
        return reopened(self._lake, spool, encoding)

    def _open(
        self, query: Query, limit: TimeLimit, clock: Clock, result: Callable[[_Work, _Checked], T]
    ) -> T:
        work = self._begin(limit, clock)
        try:
            with self._working(work, query):
                return self._checked(work, query, lambda checked: result(work, checked))
        except BaseException:
            self._end(work)
            raise

    def _planned(self, query: Query, limit: TimeLimit, clock: Clock) -> QueryPlan:
        work = self._begin(limit, clock)
        try:
            with self._working(work, query):
                return self._checked(work, query, lambda checked: self._plan(work, query, checked))
        finally:
            self._end(work)

    @contextmanager
    def _working(self, work: _Work, query: Query) -> Iterator[None]:
        """While this lasts, the engine begins a query; its errors come out as the domain's."""
        try:
            with work.limit.step(work.cursor):
                yield
        except ENGINE_ERRORS as error:
            known = work.reader.translated(error) or error
            raise self._again(work, query).blamed(known, error) from error
        except LakehouseError as error:
            told = self._again(work, query).blamed(error, error.__cause__)
            if told is error:
                raise
            raise told from error

    def _again(self, work: _Work, query: Query) -> AskedAgain:
        return AskedAgain(self._lake, self._sources, query, work.limit)

    def _begin(self, limit: TimeLimit, clock: Clock) -> _Work:
        reader = ObjectReader(self._lake, self._sources, limit.check, clock.stopped)
        return _Work(self._lake.take_cursor(), limit, reader)

    def _end(self, work: _Work) -> None:
        self._lake.return_cursor(work.cursor)
        work.reader.close()

    def _checked(self, work: _Work, query: Query, use: Callable[[_Checked], T]) -> T:
        """Let a query through the gate, bind it, and use what that gave."""
        cursor = work.cursor
        cursor.execute("BEGIN TRANSACTION READ ONLY")
        metadata = metadata_at(cursor, query.at)
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
            return use(self._bound(work, metadata, namespace, selection.sql, query))

    def _bound(
        self,
        work: _Work,
        metadata: Metadata,
        namespace: str,
        sql: str,
        query: Query,
    ) -> _Checked:
        cursor, reader = work.cursor, work.reader
        travels = query.at is not None
        gate = Gate(cursor, metadata, self._names, namespace, travels=travels)
        asked = None if travels else Asked(sql, namespace, metadata.snapshot_id)
        passed = self._bindings.passed(asked, lambda: gate.pass_through(sql))
        reader.open(cursor, passed.reads)
        passed.prepare(cursor, namespace)
        statement, parameters = passed.sql, query.parameters
        before = _EXPLAIN if passed.form is Form.EXPLAIN else _BEFORE
        try:
            if passed.form is Form.EXPLAIN:
                statement, parameters = _explained(cursor, passed, parameters, reader.redact)
            columns = self._bindings.columns(
                asked, passed, parameters, lambda: described(cursor, statement, parameters)
            )
        except duckdb.Error as error:
            raise (
                reader.of_objects(error)
                or translated(error, reader.redact, len(before), sql, passed.place)
                or error
            ) from error
        return _Checked(metadata, passed, statement, parameters, columns)

    def _result(
        self, work: _Work, query: Query, encoding: Encoding, checked: _Checked
    ) -> QueryResult:
        encoder = _encoder(work.cursor, encoding, checked.columns)
        statement = _selected(encoder, checked.statement, checked.columns, query.row_limit)
        bound = self._query(
            work, query, checked, statement, lambda: self._run_again(work, query, statement)
        )
        return DuckLakeResult(self._lake, work.cursor, bound, encoder, work.limit)

    def _run_again(self, work: _Work, query: Query, statement: str) -> None:
        # What it needs beside the lake, such as the views of its objects, ended with its
        # transaction.
        work.cursor.execute("ROLLBACK")
        self._checked(
            work,
            query,
            lambda checked: work.cursor.execute(
                f"EXPLAIN ANALYZE {statement}", checked.parameters or None
            ),
        )

    def _query(
        self,
        work: _Work,
        query: Query,
        checked: _Checked,
        statement: str,
        run_again: Callable[[], object] | None = None,
    ) -> BoundQuery:
        lake_alone = checked.passed.lake_alone
        return BoundQuery(
            statement=statement,
            parameters=checked.parameters,
            columns=checked.columns,
            row_limit=query.row_limit,
            snapshot_id=checked.metadata.snapshot_id,
            tables=checked.passed.tables,
            version=self._version(checked.metadata) if lake_alone else None,
            reader=work.reader,
            again=self._again(work, query),
            run_again=run_again,
        )

    def _plan(self, work: _Work, query: Query, checked: _Checked) -> QueryPlan:
        cursor = work.cursor
        limit = "" if query.row_limit is None else f" LIMIT {query.row_limit}"
        sql = f"{_BEFORE}{checked.passed.sql}{_AFTER}{limit}"
        tables = checked.passed.tables
        return QueryPlan(
            columns=tuple(
                ResultColumn(column.name, str(column.type)) for column in checked.columns
            ),
            text=work.reader.redact(plan_text(cursor, sql, query.parameters)),
            reads=planned_reads(cursor, checked.metadata, sql, query.parameters, tables),
            objects=tuple(f"s3://{each.ref}" for each in work.reader.objects),
            snapshot_id=checked.metadata.snapshot_id,
        )

    def _version(self, metadata: Metadata) -> str:
        if self._lake_id is None:
            self._lake_id = metadata.lake_id()
        return f"{self._lake_id}.{metadata.snapshot_id}"


def _explained(
    cursor: duckdb.DuckDBPyConnection, passed: Passed, parameters: Parameters, redact: Redact
) -> tuple[str, Parameters]:
    """A statement that answers the plan, as EXPLAIN does, and its parameters."""
    rows = cursor.execute(_EXPLAIN + passed.sql, parameters or None).fetchall()
    plan = f"FROM (VALUES {', '.join([_PLAN_ROW] * len(rows))}) p(explain_key, explain_value)"
    return plan, [redact(str(text)) for row in rows for text in row]


def _encoder(cursor: duckdb.DuckDBPyConnection, encoding: Encoding, columns: Columns) -> Encoder:
    if isinstance(encoding, SpoolEncoding):
        # Nobody watches other results for their progress: those are read as they are made.
        tell_progress(cursor)
        return SpoolEncoder(columns)
    return encoder_for(encoding, columns)


def _table(metadata: Metadata, name: TableName | None) -> TableEntry | None:
    if name is None:
        return None
    table = metadata.table(name)
    if table is None:
        raise TableNotFoundError(f"There is no table {name}.")
    return table


def _selected(encoder: Encoder, sql: str, columns: Columns, row_limit: int | None) -> str:
    sources = ", ".join(column.source for column in columns)
    limit = "" if row_limit is None else f" LIMIT {row_limit + 1}"
    return f"SELECT {encoder.select_list()} FROM (\n{sql}{_AFTER}({sources}){limit}"
