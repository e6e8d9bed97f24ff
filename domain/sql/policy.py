"""Whether a caller may run a statement.

It is the gate: inside one DuckDB process nothing else keeps a statement from what it names.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from domain.errors import StatementNotAllowedError, TooLargeError
from domain.sql.functions import (
    ALLOWED_FUNCTIONS,
    ENGINE_VIEWS,
    LAKE_FUNCTIONS,
    REFUSED_FUNCTIONS,
    TABLE_FUNCTIONS,
)
from domain.sql.limits import MAX_ARRAY_SIZE, MAX_COST, MAX_DEPTH, MAX_GROWTH
from domain.sql.objects import OBJECT_SCHEME, judge_read, read_by_name
from domain.sql.sizes import is_checked, judge_arguments, list_limit, makes_long_values
from domain.sql.statement import Call, Reference, Statement
from domain.tables import SERVICE_NAMESPACE

LAKE_CATALOG = "lake"
"""The catalog of the lake's own tables."""

REFUSED_COLUMNS = frozenset({"filename"})
"""Columns that each table of the lake has without being asked for, and that tell of the server."""

_FOREIGN_CATALOGS = frozenset({"memory", "temp", "system"})
_FOREIGN_SCHEMAS = frozenset(
    {"information_schema", "pg_catalog", "pg_temp", "temp", SERVICE_NAMESPACE}
)
_PATH_LIKE = re.compile(
    r"[/\\*?]|://|\.(parquet|csv|tsv|json|jsonl|ndjson|txt|arrow|db|duckdb|ducklake|xlsx)(\.|$)",
    re.IGNORECASE,
)
_METADATA = "__ducklake_metadata"
REFUSED_TYPES = frozenset({"geometry", "variant"})
"""Types, in lower case, to which nothing is cast: no answer can carry their values."""


def judge(
    statement: Statement,
    in_lake: Collection[Reference] = (),
) -> None:
    """Let a statement pass, or refuse it.

    Args:
        statement: What the statement names.
        in_lake: Those of its tables that are tables or views of the lake.

    Raises:
        StatementNotAllowedError: With what it names that it may not.
        TooLargeError: With the limit that it is over.
    """
    judge_size(statement)
    for table in statement.tables:
        if table not in in_lake:
            _judge_table(statement, table)
    for read in statement.object_reads:
        judge_read(read)
    for function in statement.table_functions:
        _judge_table_function(function)
    for call in statement.calls:
        _judge_call(call)
    for listing in statement.listings:
        raise StatementNotAllowedError(
            f"SHOW {listing} is not allowed; GET /tables lists the tables."
        )
    for column in statement.columns & REFUSED_COLUMNS:
        raise StatementNotAllowedError(
            f"The name {column} is not allowed: it would tell where a table's files lie."
        )
    for name in statement.types & REFUSED_TYPES:
        raise StatementNotAllowedError(f"The type {name.upper()} is not allowed.")


def judge_size(statement: Statement) -> None:
    """Refuse a statement that is too much work.

    Raises:
        TooLargeError: With the limit that it is over.
    """
    size = statement.size
    if size.depth > MAX_DEPTH:
        raise TooLargeError(f"The statement is nested more than {MAX_DEPTH} deep.")
    if size.cost > MAX_COST:
        raise TooLargeError("The statement has too many parts to be planned in time.")
    if size.growth > MAX_GROWTH:
        raise TooLargeError(
            f"The statement joins values into more than {MAX_GROWTH} times their length."
        )
    if size.array_size > MAX_ARRAY_SIZE:
        raise TooLargeError(f"An array type has at most {MAX_ARRAY_SIZE} elements.")


def unknown_functions(statement: Statement) -> frozenset[str]:
    """The names of called functions of which nothing is known here.

    They are refused when the engine has such a function (of an extension, or a macro that
    another client made), and else are wrong SQL, of which the engine says where.
    """
    return frozenset(
        call.name
        for call in statement.calls
        if call.name not in ALLOWED_FUNCTIONS and call.name not in REFUSED_FUNCTIONS
    )


def checked_list_limit(statement: Statement) -> int | None:
    """How long lists may be in the calls that must be checked while they run; None without any.

    Raises:
        StatementNotAllowedError: When its lambdas stand too deep in each other, or it has
            `COLUMNS(lambda ...)`, with which no check goes together.
    """
    limit = list_limit(statement)
    long_values = statement.recursive or makes_long_values(statement.calls)
    checked = sorted(
        call.name for call in statement.calls if is_checked(call, long_values=long_values)
    )
    if not checked:
        return None
    if statement.selects_columns_by_lambda:
        raise StatementNotAllowedError(
            f"COLUMNS with a lambda does not go together with {checked[0]}; "
            "name the columns, or use a regular expression."
        )
    return limit


def _judge_table(statement: Statement, table: Reference) -> None:
    """A name that is not one of the lake's: a common table, an object, or nothing yet known."""
    if is_foreign(table):
        hint = (
            "; DESCRIBE and GET /tables tell of tables and columns"
            if table.schema.casefold() == "information_schema"
            else ""
        )
        raise StatementNotAllowedError(f"{table} is not a table of the lake{hint}.")
    if table.name.casefold() in ENGINE_VIEWS:
        # A common table of that name may be in another scope, so it excuses nothing.
        raise StatementNotAllowedError(f"{table} is not a table of the lake.")
    if is_object(table):
        if statement.may_be_common(table):
            raise StatementNotAllowedError(f"{str(table)!r} is not a name for a common table.")
        judge_read(read_by_name(table.name))
    elif _PATH_LIKE.search(str(table)):
        raise StatementNotAllowedError(
            f"{str(table)!r} is not a table: files are not read by name."
        )


def is_object(table: Reference) -> bool:
    """Whether a name is one of objects, unless the lake has a table of that name."""
    return str(table) == table.name and table.name.startswith(OBJECT_SCHEME)


def is_foreign(table: Reference) -> bool:
    """Whether a name lies outside of the lake, whatever the lake has."""
    catalog, schema = table.catalog.casefold(), table.schema.casefold()
    # Of `a.b` only the engine knows whether `a` is a catalog or a schema, so both must do.
    return (
        catalog not in {"", LAKE_CATALOG}
        or schema in _FOREIGN_SCHEMAS
        or (not catalog and schema in _FOREIGN_CATALOGS)
        or schema.startswith(_METADATA)
    )


def _judge_table_function(function: Reference) -> None:
    name = function.name.casefold()
    qualifiers = {function.catalog.casefold(), function.schema.casefold()} - {""}
    allowed = (
        name in LAKE_FUNCTIONS
        if LAKE_CATALOG in qualifiers
        else name in TABLE_FUNCTIONS and qualifiers <= {"main"}
    )
    if not allowed:
        raise StatementNotAllowedError(f"The table function {function} is not allowed.")


def _judge_call(call: Call) -> None:
    if _is_qualified(call.function):
        raise StatementNotAllowedError(f"Call functions by their bare names, not {call.function}.")
    reason = REFUSED_FUNCTIONS.get(call.name)
    if reason is not None:
        raise StatementNotAllowedError(f"The function {call.function} is not allowed: it {reason}.")
    judge_arguments(call)


def _is_qualified(function: Reference) -> bool:
    """Whether a function is called in a place of its own, past what stands in front of it.

    The parser itself writes `main.` before the functions that stand for syntax, and
    `value.function()` reads like a schema's function too.
    """
    places = {function.catalog.casefold(), function.schema.casefold()}
    return bool(
        places & (_FOREIGN_CATALOGS | _FOREIGN_SCHEMAS | {LAKE_CATALOG})
        or any(place.startswith(_METADATA) for place in places)
    )
