"""The columns of a result."""

from __future__ import annotations

from dataclasses import dataclass

from duckdb.sqltypes import DuckDBPyType


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
