"""Keeping rows out of the catalog, which does not keep all of them as they are.

A catalog in PostgreSQL keeps rows that are inlined in it as text where they are nested, and
reads some of them back as others, or not at all (DuckLake 1.5.5: a quote within a struct's
text is lost, a struct with a date breaks the engine down).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from adapters.ducklake.engine.sql import LAKE, literal
from adapters.ducklake.writes.jobs import Transaction
from domain.errors import UnsupportedOperationError
from domain.tables import TableName

_DEFAULT_LIMIT = "ducklake_default_data_inlining_row_limit"


def keep_out_of_the_catalog(transaction: Transaction, name: TableName) -> None:
    """Have all rows of a table written to files, however few they are.

    Said in each transaction, since another client may have made the table; saying it again
    costs next to nothing.
    """
    transaction.cursor.execute(
        f"CALL {LAKE}.set_option('data_inlining_row_limit', 0, "
        f"schema => {literal(name.namespace)}, table_name => {literal(name.name)})"
    )


@contextmanager
def new_table_out_of_the_catalog(transaction: Transaction, name: TableName) -> Iterator[None]:
    """Have the rows of a table that this very transaction made written to files.

    Such a table takes no options yet, so for as long as this lasts the engine's default is
    another: nobody but the lake's one writer in this process, who is here, inserts rows.

    Raises:
        UnsupportedOperationError: When an option of the lake goes before the engine's default.
    """
    cursor = transaction.cursor
    options = cursor.execute(
        f"SELECT 1 FROM {LAKE}.options() WHERE option_name = 'data_inlining_row_limit' "
        "AND value <> '0' AND (scope = 'GLOBAL' OR (scope = 'SCHEMA' AND scope_entry = $schema))",
        {"schema": name.namespace},
    ).fetchall()
    if options:
        raise UnsupportedOperationError(
            "This lake's option data_inlining_row_limit keeps few rows in the catalog, where "
            "nested values do not stay as they are. Make the table by its columns first."
        )
    row = cursor.execute(f"SELECT current_setting('{_DEFAULT_LIMIT}')").fetchone()
    before = 0 if row is None else int(row[0])
    cursor.execute(f"SET GLOBAL {_DEFAULT_LIMIT} = 0")
    try:
        yield
    finally:
        cursor.execute(f"SET GLOBAL {_DEFAULT_LIMIT} = {before}")
