"""Statements for a table itself: some of its columns, and rows by a condition."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb

from adapters.ducklake.engine.sql import identifier, qualified
from adapters.ducklake.gate.parser import parse, tree_of
from domain.errors import InvalidSqlError, LakehouseError, StatementNotAllowedError
from domain.selection import chosen_columns
from domain.tables import TableName


@dataclass(frozen=True, slots=True)
class Selection:
    """A statement, and where in it the caller's own words begin.

    Attributes:
        sql: The statement.
        start: The place of the caller's words in it, in characters.
    """

    sql: str
    start: int = 0

    @contextmanager
    def positions(self) -> Iterator[None]:
        """Let errors in it tell their place in the caller's words."""
        try:
            yield
        except InvalidSqlError as error:
            if error.position is not None:
                error.position = max(0, error.position - self.start)
            raise


def select(
    cursor: duckdb.DuckDBPyConnection,
    table: TableName,
    known: Sequence[str],
    columns: Sequence[str] | None,
    where: str | None,
) -> Selection:
    """The statement that reads some columns of a table where a condition holds.

    Args:
        cursor: Locked, as for `parse`.
        table: The table, as the catalog spells it.
        known: The names of its columns; needed with `columns` only.
        columns: The names of those to read; None for all.
        where: An expression in SQL; None for all rows.

    Raises:
        InvalidColumnError: When the table has no such column.
        InvalidSqlError: When `where` is not one expression, with the position in it.
        StatementNotAllowedError, TooLargeError: As `parse`.
    """
    chosen = "*"
    if columns is not None:
        chosen = ", ".join(identifier(name) for name in chosen_columns(columns, known))
    bare = f"SELECT {chosen} FROM {qualified(table)}"
    if where is None:
        return Selection(bare)
    before = f"{bare} WHERE (\n"
    # The line break ends a comment that the condition may end with.
    selection = Selection(f"{before}{where}\n)", len(before))
    with selection.positions():
        _check_condition(cursor, bare, selection.sql)
    return selection


def _check_condition(cursor: duckdb.DuckDBPyConnection, bare: str, whole: str) -> None:
    """Check that the condition is nothing but a condition: `1=1) UNION (...` is more.

    Then the statement's tree without it is the tree of the statement that has none.
    """
    try:
        parse(cursor, whole)
        found = tree_of(cursor, whole)
    except StatementNotAllowedError as error:
        raise _no_condition() from error
    node = found.get("node")
    if not isinstance(node, dict) or not node.get("where_clause"):
        raise _no_condition()
    node["where_clause"] = None
    if found != tree_of(cursor, bare):
        raise _no_condition()


def _no_condition() -> LakehouseError:
    return InvalidSqlError("`where` is one condition, as it stands behind WHERE.")
