"""Making a table grow, in the transaction that inserts the rows which need it."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from adapters.ducklake.engine.errors import EngineMessage
from adapters.ducklake.engine.sql import identifier, qualified, type_name
from adapters.ducklake.writes.definitions import column_definition
from adapters.ducklake.writes.jobs import Transaction
from domain.errors import InvalidColumnError, RowProblem, TableChangedError, TableNotFoundError
from domain.growth import Growth
from domain.tables import Column, TableName


def grow(
    transaction: Transaction, name: TableName, columns: Sequence[Column], growth: Growth
) -> Growth:
    """Make a table grow; what had to be done of it.

    Args:
        transaction: What it is done in.
        name: The table.
        columns: The columns that it has in the transaction.
        growth: What is wanted.

    Raises:
        InvalidColumnError: When the lake cannot hold a column.
        TableChangedError: When the table has by now what leaves no room for it.
        TableNotFoundError: When the table is not there any more.
    """
    missing = growth.missing_in(columns)
    if missing is None:
        raise TableChangedError(
            RowProblem(None, None, f"The table {name} has changed while the rows were read.")
        )
    missing.applied_to(columns)
    statements = [f"ADD COLUMN {column_definition(column)}" for column in missing.added]
    statements += [
        f"ALTER COLUMN {identifier(column.name)} SET TYPE {type_name(column.type)}"
        for column in missing.widened
    ]
    try:
        for statement in statements:
            transaction.cursor.execute(f"ALTER TABLE {qualified(name)} {statement}")
    except duckdb.CatalogException as error:
        raise TableNotFoundError(f"There is no table {name} any more.") from error
    except (duckdb.InvalidInputException, duckdb.NotImplementedException) as error:
        raise InvalidColumnError(EngineMessage.of(error).text) from error
    return missing
