"""Parsing SQL with DuckDB's own parser into the domain's neutral statement."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

import duckdb

from adapters.ducklake.engine.errors import translated
from adapters.ducklake.engine.remembered import Remembered
from adapters.ducklake.gate.survey import survey
from adapters.ducklake.gate.tokens import PIVOTED_VALUES, Tokens
from adapters.ducklake.gate.tree import Json
from domain.errors import InvalidSqlError, LakehouseError, StatementNotAllowedError, TooLargeError
from domain.sql.limits import MAX_TOKENS
from domain.sql.statement import Statement

REMEMBERED_LENGTH = 10_000
"""Longer statements, in characters, are parsed each time."""

_NOT_A_SELECT = "Only one SELECT statement is allowed."


class Form(Enum):
    """How a statement is run."""

    QUERY = auto()
    EXPLAIN = auto()


@dataclass(frozen=True, slots=True)
class Parsed:
    """A statement that reads only, so far as its form goes.

    Attributes:
        statement: What it names.
        sql: Its text, without the semicolons at its end; of an EXPLAIN, what it explains.
        form: How it is run.
        offset: Where in the caller's text `sql` begins, in bytes of UTF-8.
    """

    statement: Statement
    sql: str
    form: Form = Form.QUERY
    offset: int = 0


# Programs ask the same again and again, with other parameters; parsing is a fifth of the time of
# a query for one row.
_remembered: Remembered[str, Parsed] = Remembered(1_000)


def parse(cursor: duckdb.DuckDBPyConnection, sql: str) -> Parsed:
    """Parse one SELECT statement, or the EXPLAIN of one.

    The connection must be locked: some statements act while they are parsed.

    Raises:
        InvalidSqlError: When it does not parse, or there is none, or more than one.
        StatementNotAllowedError: When it is not a SELECT.
        TooLargeError: When it has too many parts, or is nested too deep.
    """
    if len(sql) > REMEMBERED_LENGTH:
        return _parsed(cursor, sql)
    return _remembered.get(sql, lambda: _parsed(cursor, sql))


def _parsed(cursor: duckdb.DuckDBPyConnection, sql: str) -> Parsed:
    tokens = Tokens.of(sql)
    if len(tokens) > MAX_TOKENS:
        raise TooLargeError(f"A statement has at most {MAX_TOKENS} words and marks.")
    kinds = _kinds(cursor, sql)
    if kinds == [duckdb.StatementType.EXPLAIN]:
        return _explained(cursor, tokens)
    text = tokens.without_end_marks()
    made = {duckdb.StatementType.CREATE}
    if set(kinds[:-1]) == made and kinds[-1:] == [duckdb.StatementType.SELECT]:
        return Parsed(_pivoted(cursor, tokens), text)
    _check(kinds)
    return Parsed(survey(tree_of(cursor, sql)), text)


def _kinds(cursor: duckdb.DuckDBPyConnection, sql: str) -> list[duckdb.StatementType]:
    try:
        return [statement.type for statement in cursor.extract_statements(sql)]
    except duckdb.ParserException as error:
        raise translated(error, redact=str, sql=sql) or error from error
    except duckdb.Error as error:
        raise StatementNotAllowedError(_NOT_A_SELECT) from error


def _check(kinds: list[duckdb.StatementType]) -> None:
    if not kinds:
        raise InvalidSqlError("There is no SQL.")
    if any(kind != duckdb.StatementType.SELECT for kind in kinds):
        raise StatementNotAllowedError(_NOT_A_SELECT)
    if len(kinds) > 1:
        raise InvalidSqlError("There is more than one statement.")


def _explained(cursor: duckdb.DuckDBPyConnection, tokens: Tokens) -> Parsed:
    """The statement behind EXPLAIN, which is judged as if it stood alone."""
    if tokens.word(1) == "analyze":
        raise StatementNotAllowedError(
            "EXPLAIN ANALYZE is not allowed: it would tell where files lie. EXPLAIN is."
        )
    if tokens.word(1) in {"(", "verbose"}:
        raise StatementNotAllowedError("EXPLAIN takes no options here.")
    inner, offset = tokens.behind(1)
    parsed = parse(cursor, inner)
    if parsed.form is not Form.QUERY:
        raise StatementNotAllowedError(_NOT_A_SELECT)
    return Parsed(parsed.statement, parsed.sql, Form.EXPLAIN, offset)


def _pivoted(cursor: duckdb.DuckDBPyConnection, tokens: Tokens) -> Statement:
    """The statement of a PIVOT whose columns come from the data.

    DuckDB parses it to two statements, a type made of the values and the SELECT, and gives
    the tree of neither. With `IN (NULL)` behind each thing that is pivoted it is one SELECT
    that names all that the statement itself names.
    """
    if not tokens.has_word("pivot"):
        raise StatementNotAllowedError(_NOT_A_SELECT)
    sql = tokens.pivoted(PIVOTED_VALUES).text
    try:
        _check(_kinds(cursor, sql))
    except LakehouseError as error:
        raise StatementNotAllowedError(
            "This PIVOT cannot be read; say its columns with IN (...)."
        ) from error
    return survey(tree_of(cursor, sql))


def tree_of(cursor: duckdb.DuckDBPyConnection, sql: str) -> Json:
    """The engine's tree of one SELECT. What is parsed first must be within its limits.

    Raises:
        InvalidSqlError: When it does not parse.
        StatementNotAllowedError: When it is not one SELECT.
        TooLargeError: When it is nested too deep.
    """
    row = cursor.execute("SELECT json_serialize_sql($sql)", {"sql": sql}).fetchone()
    if row is None:
        raise AssertionError("a SELECT without FROM has a row")
    try:
        tree = json.loads(row[0])
    except RecursionError as error:
        raise TooLargeError("The statement is nested too deep.") from error
    if tree["error"] and tree["error_type"] != "not implemented":
        raise InvalidSqlError(tree["error_message"])
    if tree["error"] or len(tree["statements"]) != 1:
        # PRAGMA passes for a SELECT until here.
        raise StatementNotAllowedError(_NOT_A_SELECT)
    statement: Json = tree["statements"][0]
    return statement


def tree_with_places(
    cursor: duckdb.DuckDBPyConnection, sql: str
) -> tuple[Json, Callable[[int], int]]:
    """The tree of a statement, and where in it a place of the tree is."""
    pivoted = Tokens.of(sql).pivoted(PIVOTED_VALUES)
    try:
        return tree_of(cursor, sql), lambda place: place
    except StatementNotAllowedError:
        # A PIVOT that does not say its columns has a tree only when it does.
        return tree_of(cursor, pivoted.text), pivoted.original
