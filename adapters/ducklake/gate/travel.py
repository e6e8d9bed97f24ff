"""A statement over a past snapshot: each table of it gets an AT, by edits of the caller's text.

The text stays the caller's but for these, so that errors keep their places. Where an AT has to
stand is worked out from the engine's tree and tokens, and proven: the edited text must parse to
the same tree, with an AT on each of these tables. The engine lets an AT on a common table be.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import duckdb

from adapters.ducklake.gate.calls import reference
from adapters.ducklake.gate.edits import Edit, EditedText
from adapters.ducklake.gate.parser import tree_with_places
from adapters.ducklake.gate.tokens import Tokens
from adapters.ducklake.gate.tree import Json, lay_out
from domain.errors import LakehouseError, StatementNotAllowedError
from domain.sql.statement import Reference

_LISTING = frozenset({"describe", "desc", "summarize", "show"})
_CANNOT = (
    "The tables of this statement cannot be moved to at_version or at_timestamp: say "
    "AT (VERSION => ...) behind each of them, or write FROM t in the place of a bare name."
)


def travelling(
    cursor: duckdb.DuckDBPyConnection,
    sql: str,
    snapshot_id: int,
    stays: Callable[[Reference], bool],
) -> list[Edit]:
    """The edits that let a statement see its tables as of a snapshot.

    Args:
        cursor: Locked, as for parsing.
        sql: A statement that was parsed before.
        snapshot_id: The snapshot.
        stays: Whether a name is none of a table of the lake. One that has an AT keeps it.

    Raises:
        StatementNotAllowedError: When it has a form in which no AT can stand.
    """
    before, original = tree_with_places(cursor, sql)
    tokens = Tokens.of(sql)
    edits: list[Edit] = []
    moved = 0
    for node in lay_out(before, frozenset()):
        table = node.json
        if table.get("type") != "BASE_TABLE" or table.get("at_clause"):
            continue
        if stays(reference(table, "catalog_name", "schema_name", "table_name")):
            continue
        start = original(int(table["query_location"]))
        edits += _edits(tokens, start, table, f" AT (VERSION => {snapshot_id})")
        moved += 1
    if moved:
        after, _ = _edited_tree(cursor, EditedText.of(sql, edits).text)
        had, expected = _without(before, snapshot_id)
        has, plain = _without(after, snapshot_id)
        if has != had + moved or plain != expected:
            raise StatementNotAllowedError(_CANNOT)
    return edits


def _edits(tokens: Tokens, start: int, table: Json, clause: str) -> list[Edit]:
    number = tokens.number_at(start)
    if number is None:
        raise StatementNotAllowedError(_CANNOT)
    last = number
    while tokens.word(last + 1) == ".":
        last += 2
    if table.get("alias"):
        last += 2 if tokens.word(last + 1) == "as" else 1
        if table.get("column_name_alias"):
            last = tokens.closing(last + 1)
    edits = [Edit(tokens.end(last), tokens.end(last), clause)]
    word = tokens.word(number - 1) if number else ""
    if word in _LISTING:
        edits.append(Edit(start, start, "FROM "))
    elif word == "table":
        above = tokens.starts[number - 1]
        edits.append(Edit(above, above + len("table"), "FROM"))
    return edits


def _without(tree: Json, snapshot_id: int) -> tuple[int, Any]:
    """How many tables have an AT of this snapshot, and the tree without these, and places."""
    found = 0

    def strip(value: Any) -> Any:
        nonlocal found
        if isinstance(value, list):
            return [strip(each) for each in value]
        if not isinstance(value, dict):
            return value
        kept = {key: strip(each) for key, each in value.items() if key != "query_location"}
        clause = kept.get("at_clause")
        if clause and clause["expr"].get("value", {}).get("value") == snapshot_id:
            found += 1
            kept["at_clause"] = None
        return kept

    stripped = strip(tree)
    return found, stripped


def _edited_tree(cursor: duckdb.DuckDBPyConnection, sql: str) -> tuple[Json, Callable[[int], int]]:
    try:
        return tree_with_places(cursor, sql)
    except LakehouseError as error:
        raise StatementNotAllowedError(_CANNOT) from error
