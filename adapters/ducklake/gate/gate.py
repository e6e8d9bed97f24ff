"""The gate: what a statement may read, found out with the engine's own parser and catalog."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import duckdb

from adapters.ducklake.catalog.metadata import Metadata, NamedEntry
from adapters.ducklake.catalog.names import Names
from adapters.ducklake.engine.sql import LAKE, identifier, literal
from adapters.ducklake.gate.edits import EditedText
from adapters.ducklake.gate.guards import GUARDS, LIST_LIMIT
from adapters.ducklake.gate.meanings import Lookup, Meanings
from adapters.ducklake.gate.object_aliases import aliases
from adapters.ducklake.gate.parser import Form, Parsed, parse
from adapters.ducklake.gate.travel import travelling
from adapters.ducklake.gate.weights import with_views
from adapters.ducklake.objects.views import edits_of, view_names
from domain.errors import InvalidTableNameError, StatementNotAllowedError
from domain.sql.limits import MAX_VIEW_DEPTH
from domain.sql.objects import ObjectRead, read_by_name
from domain.sql.policy import (
    checked_list_limit,
    is_foreign,
    is_object,
    judge,
    judge_size,
    unknown_functions,
)
from domain.sql.statement import Reference, Size, Statement, Use
from domain.sql.volatility import depends_on_lake_alone
from domain.tables import TableName


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


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a statement stands that is judged: the caller's own, or a view's.

    Attributes:
        path: The namespaces in which its bare names are looked for.
        depth: In how many views it stands.
        ever: Whether it is judged by all that its names ever were, as it may be read as of any
            snapshot.
    """

    path: Sequence[str]
    depth: int = 0
    ever: bool = False

    def inside(self, view: NamedEntry, namespace: str, *, ever: bool) -> _Place:
        return _Place((view.schema, namespace), self.depth + 1, ever)


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
        self._lookup = Lookup(names, metadata, Metadata(cursor) if travels else None)
        self._namespace = namespace
        self._tables: dict[TableName, None] = {}
        self._views: dict[tuple[NamedEntry, bool], Size] = {}
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
        self._pass(parsed, _Place((self._namespace,)))
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

    def _pass(self, parsed: Parsed, place: _Place) -> Size:
        """Judge a statement or a view of it, and tell its size with that of its views."""
        statement = parsed.statement
        called = {call.name for call in statement.calls}
        called |= {function.name.casefold() for function in statement.table_functions}
        named = {table.name for table in statement.tables}
        meanings = self._lookup.of(named, called, ever=place.ever)
        in_lake = self._in_lake(statement, meanings, place)
        if place.depth and statement.object_reads:
            raise StatementNotAllowedError(
                "A view of the lake reads objects by a function; that is not allowed."
            )
        judge(statement, in_lake)
        if place.depth and any(map(is_object, statement.tables - in_lake)):
            raise StatementNotAllowedError(
                "A view of the lake reads objects; only a statement itself does that here."
            )
        self._judge_functions(
            statement, {name for name in meanings.macros if name.casefold() in called}
        )
        self._statements.append(statement)
        views = [
            (use, self._pass_view(view, inside))
            for use in sorted(statement.uses, key=lambda use: str(use.table))
            for view, inside in self._views_of(use, meanings, in_lake, place)
        ]
        size = with_views(statement.size, views)
        judge_size(replace(statement, size=size))
        return size

    def _in_lake(
        self, statement: Statement, meanings: Meanings, place: _Place
    ) -> frozenset[Reference]:
        """The names of a statement that are of the lake; what else it reads is noted."""
        in_lake: set[Reference] = set()
        for reference in statement.tables:
            entry = meanings.first(reference, place.path)
            if entry is not None and not is_foreign(reference):
                in_lake.add(reference)
                if entry.sql is None and not place.ever and not statement.may_be_common(reference):
                    self._note(entry)
            elif is_object(reference):
                self._named[reference.name] = read_by_name(reference.name)
        return frozenset(in_lake)

    def _views_of(
        self, use: Use, meanings: Meanings, in_lake: Collection[Reference], place: _Place
    ) -> Iterator[tuple[NamedEntry, _Place]]:
        """The views that a name stands for, and where what is in them is looked for."""
        if use.past or place.ever:
            past = meanings if place.ever else self._lookup.of({use.table.name}, (), ever=True)
            for entry in past.all(use.table, place.path):
                yield entry, place.inside(entry, self._namespace, ever=True)
        seen = meanings.first(use.table, place.path)
        if seen is not None and use.table in in_lake and not place.ever:
            yield seen, place.inside(seen, self._namespace, ever=False)

    def _pass_view(self, view: NamedEntry, place: _Place) -> Size:
        """Judge a view, once; what is none weighs nothing."""
        if view.sql is None:
            return Size()
        if place.depth > MAX_VIEW_DEPTH:
            raise StatementNotAllowedError(f"Views are nested at most {MAX_VIEW_DEPTH} deep.")
        key = (view, place.ever)
        if key not in self._views:
            # Of a view that stands in itself the engine says so.
            self._views[key] = Size()
            self._views[key] = self._pass(parse(self._cursor, view.sql), place)
        return self._views[key]

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
