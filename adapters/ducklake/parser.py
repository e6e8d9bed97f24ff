"""Parsing SQL with DuckDB's own parser into the domain's neutral statement."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import duckdb

from adapters.ducklake.errors import translated
from domain.errors import InvalidSqlError, StatementNotAllowedError, TooLargeError
from domain.statements import Reference, Statement

MAX_NODES = 50_000
MAX_DEPTH = 600

_NOT_A_SELECT = "Only one SELECT statement is allowed."


@dataclass(frozen=True, slots=True)
class _Found:
    tables: set[Reference]
    table_functions: set[Reference]
    functions: set[Reference]
    listings: set[str]
    common_tables: set[str]


def parse(cursor: duckdb.DuckDBPyConnection, sql: str) -> Statement:
    """Parse one SELECT statement.

    The connection must be locked: some statements act while they are parsed.

    Raises:
        InvalidSqlError: When it does not parse, or there is none, or more than one.
        StatementNotAllowedError: When it is not a SELECT.
        TooLargeError: When it has too many parts, or is nested too deep.
    """
    try:
        statements = cursor.extract_statements(sql)
    except duckdb.ParserException as error:
        raise translated(error, redact=str) or error from error
    except duckdb.Error as error:
        raise StatementNotAllowedError(_NOT_A_SELECT) from error
    if not statements:
        raise InvalidSqlError("There is no SQL.")
    if any(statement.type != duckdb.StatementType.SELECT for statement in statements):
        raise StatementNotAllowedError(_NOT_A_SELECT)
    if len(statements) > 1:
        raise InvalidSqlError("There is more than one statement.")
    found = _Found(set(), set(), set(), set(), set())
    for node in _nodes(_tree(cursor, sql)):
        _note(node, found)
    return Statement(
        frozenset(found.tables),
        frozenset(found.table_functions),
        frozenset(found.functions),
        frozenset(found.listings),
        frozenset(found.common_tables),
    )


def without_end_marks(sql: str) -> str:
    """A statement up to the semicolons at its end, so that it can stand in brackets."""
    text = sql.encode()
    end = len(text)
    for offset, _ in reversed(duckdb.tokenize(sql)):
        if text[offset : offset + 1] != b";":
            break
        end = offset
    return text[:end].decode()


def _tree(cursor: duckdb.DuckDBPyConnection, sql: str) -> object:
    row = cursor.execute("SELECT json_serialize_sql($sql)", {"sql": sql}).fetchone()
    if row is None:
        raise AssertionError("a SELECT without FROM has a row")
    try:
        tree = json.loads(row[0])
    except RecursionError as error:
        raise TooLargeError("The statement is nested too deep.") from error
    if tree["error"] or len(tree["statements"]) != 1:
        # PRAGMA passes for a SELECT until here.
        raise StatementNotAllowedError(_NOT_A_SELECT)
    return tree["statements"][0]


def _nodes(tree: object) -> Iterator[dict[str, object]]:
    """Every object of the tree; a stack of its own, since the tree may be deep."""
    waiting: list[tuple[object, int]] = [(tree, 0)]
    count = 0
    while waiting:
        node, depth = waiting.pop()
        if isinstance(node, dict):
            count += 1
            if count > MAX_NODES or depth > MAX_DEPTH:
                raise TooLargeError("The statement has too many parts, or is nested too deep.")
            yield node
            waiting.extend((value, depth + 1) for value in node.values())
        elif isinstance(node, list):
            waiting.extend((value, depth + 1) for value in node)


def _note(node: dict[str, object], found: _Found) -> None:
    match node:
        case {"cte_map": {"map": [*expressions]}} if expressions:
            found.common_tables.update(entry["key"].casefold() for entry in expressions)
        case {"type": "BASE_TABLE", "table_name": name}:
            found.tables.add(_reference(node, "catalog_name", "schema_name", name))
        case {"type": "TABLE_FUNCTION", "function": {"function_name": name}}:
            found.table_functions.add(_reference(node["function"], "catalog", "schema", name))
        case {"type": "TABLE_FUNCTION"}:
            found.table_functions.add(Reference("", "", "an unnamed table function"))
        case {"type": "SHOW_REF", "query": None, "table_name": name}:
            found.listings.add(str(name).strip('"').upper())
        case {"function_name": name}:
            found.functions.add(_reference(node, "catalog", "schema", name))
        case _:
            pass


def _reference(node: Any, catalog: str, schema: str, name: object) -> Reference:
    return Reference(str(node.get(catalog) or ""), str(node.get(schema) or ""), str(name))
