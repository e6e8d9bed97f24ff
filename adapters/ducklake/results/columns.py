"""The columns of a result."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
from duckdb.sqltypes import DuckDBPyType

from adapters.ducklake.results.types import depth
from domain.errors import TooLargeError
from domain.queries import Parameters
from domain.sql.limits import MAX_RESULT_COLUMNS, MAX_TYPE_DEPTH


@dataclass(frozen=True, slots=True)
class SelectedColumn:
    """A column of the result.

    Attributes:
        name: Its name, unique in the result.
        type: Its type.
        source: How the column is called in the statement that is selected from.
    """

    name: str
    type: DuckDBPyType
    source: str


def described(
    cursor: duckdb.DuckDBPyConnection, sql: str, parameters: Parameters
) -> list[SelectedColumn]:
    """The columns of a statement, from binding it without running it.

    Raises:
        TooLargeError: When there are too many, or one is nested too deep.
    """
    cursor.execute(f"SELECT * FROM (\n{sql}\n) AS result LIMIT 0", parameters or None)
    description = cursor.description or []
    if len(description) > MAX_RESULT_COLUMNS:
        raise TooLargeError(f"An answer has at most {MAX_RESULT_COLUMNS} columns.")
    for name, result_type, *_ in description:
        if depth(result_type) > MAX_TYPE_DEPTH:
            raise TooLargeError(f"The type of {name} is nested more than {MAX_TYPE_DEPTH} deep.")
    return [
        SelectedColumn(name, result_type, f"column_{number}")
        for number, (name, result_type, *_) in enumerate(description)
    ]
