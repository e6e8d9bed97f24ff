"""The gate: what a statement may read, found out with the engine's own parser and catalog."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

import duckdb

from adapters.ducklake.catalog.metadata import Metadata, NamedEntry
from adapters.ducklake.catalog.names import Names
from adapters.ducklake.engine.sql import LAKE, identifier, literal
from adapters.ducklake.gate.edits import EditedText
from adapters.ducklake.gate.guards import GUARDS, LIST_LIMIT
from adapters.ducklake.gate.object_aliases import aliases
from adapters.ducklake.gate.parser import Form, Parsed, parse
from adapters.ducklake.gate.travel import travelling
from adapters.ducklake.objects.views import edits_of, view_names
from domain.errors import InvalidTableNameError, StatementNotAllowedError
from domain.sql.limits import MAX_VIEW_DEPTH
from domain.sql.objects import ObjectRead, read_by_name
from domain.sql.policy import (
    checked_list_limit,
    is_foreign,
    is_object,
    judge,
    unknown_functions,
)
from domain.sql.statement import Reference, Statement
from domain.sql.volatility import depends_on_lake_alone
from domain.tables import DEFAULT_NAMESPACE, TableName


@dataclass(frozen=True, slots=True)
class Passed:
    """A statement that may run.

    Attributes:
        sql: Its text, fit to stand in brackets; of an EXPLAIN, what it explains.
        form: How it is run.
        offset: Where `sql` begins in the caller's text, in bytes of UTF-8.
        tables: The tables of the lake that it and its views name.
        lake_alone: Whether nothing but the lake's snapshot decides which rows it gives.
        binds_alike: Whether it has the same columns each time that it sees the same snapshot.
            One that names a moment of its own need not: that the snapshot of the moment is
            expired makes no new one.
        reads: The objects that it reads, each by the name of the temporary view that is to
            stand for them.
        edits: Where `sql` was edited for that.
        list_limit: How long lists may be in the calls that are checked while it runs; None
            when no call is to be checked.
    """

    sql: str
    form: Form
    offset: int
    tables: tuple[TableName, ...]
    lake_alone: bool
    binds_alike: bool
    list_limit: int | None
    reads: Mapping[str, ObjectRead]
    edits: EditedText

    def place(self, position: int) -> int:
        """Where in the caller's text a place of `sql` comes from, both in bytes of UTF-8."""
        return self.edits.original(position) + self.offset

    def prepare(self, cursor: duckdb.DuckDBPyConnection, namespace: str) -> None:
        """Set where a cursor looks for the statement's names."""
        path = f"{LAKE}.{identifier(namespace)}"
        if self.list_limit is not None:
            cursor.execute(f"SET VARIABLE {LIST_LIMIT} = {self.list_limit}")
            path += f",{GUARDS}"
        cursor.execute(f"SET search_path = {literal(path)}")


class Gate:
    """Judges a statement, and with it the views that it names.

    Views are made by other clients of the lake; what stands in them is run as if the caller
    had written it, so it is judged like that.
    """

    def __init__(
        self,
        cursor: duckdb.DuckDBPyConnection,
        metadata: Metadata,
        names: Names,
        namespace: str,
        *,
        travels: bool = False,
    ) -> None:
        """Args: travels: Whether the statement is to see its tables as `metadata` does."""
        self._travels = travels
        self._cursor = cursor
        self._metadata = metadata
        self._names = names
        self._namespace = namespace
        self._tables: dict[TableName, None] = {}
        self._views: set[NamedEntry] = set()
        self._statements: list[Statement] = []
        self._named: dict[str, ObjectRead] = {}

    def pass_through(self, sql: str) -> Passed:
        """The statement, when it and all its views may run.

        Raises:
            InvalidSqlError: When it is not one statement that parses.
            StatementNotAllowedError: When it, or a view that it names, is refused.
            TooLargeError: When it is too much work.
        """
        parsed = parse(self._cursor, sql)
        self._pass(parsed, self._namespace, depth=0)
        called = view_names(parsed.statement.object_reads)
        edits = edits_of(parsed.sql, called)
        edits += aliases(self._cursor, parsed.sql, self._named)
        if self._travels:
            snapshot_id = self._metadata.snapshot_id
            edits += travelling(self._cursor, parsed.sql, snapshot_id, is_object)
        edited = EditedText.of(parsed.sql, edits)
        lake_alone = (
            parsed.form is Form.QUERY
            and not called
            and not self._named
            and all(map(depends_on_lake_alone, self._statements))
        )
        return Passed(
            edited.text,
            parsed.form,
            parsed.offset,
            tuple(self._tables),
            lake_alone,
            lake_alone and not any(statement.travels for statement in self._statements),
            checked_list_limit(_together(self._statements)),
            {**self._named, **called},
            edited,
        )

    def _pass(self, parsed: Parsed, namespace: str, depth: int) -> None:
        statement = parsed.statement
        called = {call.name for call in statement.calls}
        called |= {function.name.casefold() for function in statement.table_functions}
        entries = self._names.entries(
            self._metadata, called | {table.name for table in statement.tables}
        )
        found = {
            (entry.schema.lower(), entry.name.lower()): entry
            for entry in entries
            if entry.kind != "macro"
        }
        views: list[NamedEntry] = []
        in_lake: set[Reference] = set()
        for reference in statement.tables:
            schema, name = _resolved(reference, namespace)
            entry = found.get((schema.lower(), name.lower()))
            if entry is None or is_foreign(reference):
                if is_object(reference):
                    self._named[reference.name] = read_by_name(reference.name)
                continue
            in_lake.add(reference)
            if entry.sql is not None and self._travels:
                raise StatementNotAllowedError(
                    f"{reference} is a view, which has no past of its own: at_version and "
                    "at_timestamp go with the tables that it is made of."
                )
            if entry.sql is not None:
                views.append(entry)
            elif not statement.may_be_common(reference):
                self._note(entry)
        if depth and statement.object_reads:
            raise StatementNotAllowedError(
                "A view of the lake reads objects by a function; that is not allowed."
            )
        judge(statement, in_lake)
        if depth and (statement.object_reads or any(map(is_object, statement.tables - in_lake))):
            raise StatementNotAllowedError(
                "A view of the lake reads objects; only a statement itself does that here."
            )
        macros = {entry.name for entry in entries if entry.kind == "macro"}
        self._judge_functions(statement, {name for name in macros if name.casefold() in called})
        self._statements.append(statement)
        for view in sorted(views, key=lambda view: (view.schema, view.name)):
            self._pass_view(view, depth + 1)

    def _pass_view(self, view: NamedEntry, depth: int) -> None:
        if depth > MAX_VIEW_DEPTH:
            raise StatementNotAllowedError(f"Views are nested at most {MAX_VIEW_DEPTH} deep.")
        if view not in self._views and view.sql is not None:
            self._views.add(view)
            self._pass(parse(self._cursor, view.sql), view.schema, depth)

    def _note(self, table: NamedEntry) -> None:
        # What another client made under a name against the rules has no place in lineage.
        with suppress(InvalidTableNameError):
            self._tables[TableName(table.schema, table.name)] = None

    def _judge_functions(self, statement: Statement, macros: Collection[str]) -> None:
        """Refuse what would call a macro of another client, or a function not judged before."""
        for macro in sorted(macros):
            # It would be called even where the engine has a function of that name.
            raise StatementNotAllowedError(
                f"{macro} is a macro of the lake; macros are not called here."
            )
        for name in sorted(unknown_functions(statement)):
            if self._engine_has(name):
                raise StatementNotAllowedError(f"The function {name} is not allowed.")

    def _engine_has(self, function: str) -> bool:
        return bool(
            self._cursor.execute(
                "SELECT 1 FROM duckdb_functions() WHERE lower(function_name) = $name LIMIT 1",
                {"name": function},
            ).fetchall()
        )


def _together(statements: Iterable[Statement]) -> Statement:
    """What a statement and its views call, as of one."""
    statements = list(statements)
    weight = max(statement.size.lambda_weight for statement in statements)
    return Statement(
        calls=frozenset(call for statement in statements for call in statement.calls),
        recursive=any(statement.recursive for statement in statements),
        selects_columns_by_lambda=any(
            statement.selects_columns_by_lambda for statement in statements
        ),
        size=replace(statements[0].size, lambda_weight=weight),
    )


def _resolved(table: Reference, namespace: str) -> tuple[str, str]:
    if table.schema and table.schema.casefold() != LAKE:
        return table.schema, table.name
    # `lake.t` is the table of the default namespace, unless a namespace is called `lake`.
    return (DEFAULT_NAMESPACE if table.schema else namespace), table.name
