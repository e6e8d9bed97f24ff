"""The query port on DuckLake."""

from __future__ import annotations

import duckdb

from adapters.ducklake.errors import translated
from adapters.ducklake.lake import Lake
from adapters.ducklake.metadata import Metadata
from adapters.ducklake.parser import parse, without_end_marks
from adapters.ducklake.result_encoders import SelectedColumn, encoder_for
from adapters.ducklake.results import BoundQuery, DuckLakeResult
from adapters.ducklake.sql import LAKE, identifier, qualified
from domain.errors import (
    InvalidSqlError,
    InvalidTableNameError,
    StatementNotAllowedError,
    TableNotFoundError,
)
from domain.ports.queries import QueryPort
from domain.queries import Parameters, Query, QueryResult, ResultEncoding
from domain.statements import Reference, judge
from domain.tables import DEFAULT_NAMESPACE, TableName

_BEFORE = "SELECT * FROM (\n"
_AFTER = "\n) AS result"
MAX_VIEW_DEPTH = 16


class DuckLakeQueries(QueryPort):
    """Read-only statements on one DuckLake."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake

    def open(self, query: Query, encoding: ResultEncoding) -> QueryResult:
        """As `QueryPort.open`."""
        return self._lake.deadline.run(
            lambda _: self._open(query, encoding), discard=lambda result: result.close()
        )

    def _open(self, query: Query, encoding: ResultEncoding) -> QueryResult:
        cursor = self._lake.take_cursor()
        try:
            return self._opened(cursor, query, encoding)
        except (duckdb.Error, OSError) as error:
            self._lake.return_cursor(cursor)
            known = translated(error, self._lake.redact, offset=len(_BEFORE), sql=query.sql)
            raise known or error from error
        except BaseException:
            self._lake.return_cursor(cursor)
            raise

    def _opened(
        self, cursor: duckdb.DuckDBPyConnection, query: Query, encoding: ResultEncoding
    ) -> QueryResult:
        cursor.execute("BEGIN TRANSACTION READ ONLY")
        metadata = Metadata(cursor)
        namespace = DEFAULT_NAMESPACE
        if query.table is not None:
            table = metadata.table(query.table)
            if table is None:
                raise TableNotFoundError(f"There is no table {query.table}.")
            namespace = table.name.namespace
        sql = query.sql if query.sql is not None else f"FROM {qualified(_named(query.table))}"
        tables = _Gate(cursor, metadata, namespace).pass_through(sql)
        sql = without_end_marks(sql)
        cursor.execute(f"USE {LAKE}.{identifier(namespace)}")
        columns = _columns(cursor, sql, query.parameters)
        encoder = encoder_for(encoding, columns)
        sources = ", ".join(column.source for column in columns)
        limit = "" if query.row_limit is None else f" LIMIT {query.row_limit + 1}"
        bound = BoundQuery(
            statement=f"SELECT {encoder.select_list()} FROM (\n{sql}{_AFTER}({sources}){limit}",
            parameters=query.parameters,
            columns=columns,
            row_limit=query.row_limit,
            snapshot_id=metadata.snapshot_id,
            tables=tables,
        )
        return DuckLakeResult(self._lake, cursor, bound, encoder)


def _named(table: TableName | None) -> TableName:
    if table is None:
        raise InvalidSqlError("There is no SQL.")
    return table


def _columns(
    cursor: duckdb.DuckDBPyConnection, sql: str, parameters: Parameters
) -> list[SelectedColumn]:
    """The columns of a statement, from binding it without running it."""
    cursor.execute(f"{_BEFORE}{sql}{_AFTER} LIMIT 0", parameters or None)
    description = cursor.description or []
    return [
        SelectedColumn(name, result_type, f"column_{number}")
        for number, (name, result_type, *_) in enumerate(description)
    ]


class _Gate:
    """Judges a statement, and with it the views that it names.

    Views are made by other clients of the lake; what stands in them is run as if the caller
    had written it, so it is judged like that.
    """

    def __init__(
        self, cursor: duckdb.DuckDBPyConnection, metadata: Metadata, namespace: str
    ) -> None:
        self._cursor = cursor
        self._metadata = metadata
        self._namespace = namespace
        self._tables: dict[TableName, None] = {}

    def pass_through(self, sql: str) -> tuple[TableName, ...]:
        """The tables that the statement and its views name.

        Raises:
            StatementNotAllowedError: When it, or a view that it names, is refused.
        """
        self._pass(sql, self._namespace, depth=0)
        return tuple(self._tables)

    def _pass(self, sql: str, namespace: str, depth: int) -> None:
        if depth > MAX_VIEW_DEPTH:
            raise StatementNotAllowedError(f"Views are nested at most {MAX_VIEW_DEPTH} deep.")
        statement = parse(self._cursor, sql)
        judge(statement)
        for reference in sorted(statement.tables, key=str):
            schema, name = _resolved(reference, namespace)
            view = self._metadata.view_sql(schema, name)
            if view is not None:
                self._pass(view, schema, depth + 1)
                continue
            table = self._table(schema, name)
            if table is None and name.casefold() in _engine_views(self._cursor):
                # A common table of that name may be in another scope, so it excuses nothing.
                raise StatementNotAllowedError(f"{reference} is not a table of the lake.")
            if table is not None and not statement.may_be_common(reference):
                self._tables[table] = None

    def _table(self, schema: str, name: str) -> TableName | None:
        try:
            table = self._metadata.table(TableName(schema, name))
        except InvalidTableNameError:
            # Made by another client under a name that has no place in lineage.
            return None
        return None if table is None else table.name


def _engine_views(cursor: duckdb.DuckDBPyConnection) -> frozenset[str]:
    """The names of the engine's own views (`duckdb_databases`, `pg_class`), in lower case.

    They tell of the server, and a bare name that the lake does not have is looked up there.
    """
    rows = cursor.execute(
        "SELECT lower(view_name) FROM duckdb_views() WHERE internal AND database_name = 'system'"
    ).fetchall()
    return frozenset(name for (name,) in rows)


def _resolved(table: Reference, namespace: str) -> tuple[str, str]:
    if table.schema and table.schema.casefold() != LAKE:
        return table.schema, table.name
    # `lake.t` is the table of the default namespace, unless a namespace is called `lake`.
    return (DEFAULT_NAMESPACE if table.schema else namespace), table.name
