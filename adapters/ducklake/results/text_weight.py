"""How much work the engine has with nested values that are written as text.

It binds what goes through a list or a map twice as often at each level, and hears no interrupt
while it does.
"""

from __future__ import annotations

from collections.abc import Iterable

from duckdb.sqltypes import DuckDBPyType

from adapters.ducklake.results.types import NESTED, depth, parts
from domain.errors import TooLargeError
from domain.sql.limits import MAX_TEXT_DEPTH, MAX_TEXT_WEIGHT

_GOES_THROUGH = frozenset({"list", "array", "map"})


def check_text(columns: Iterable[tuple[str, DuckDBPyType]]) -> None:
    """Check that columns, each a name and a type, can be written as text.

    Raises:
        TooLargeError: When they are nested too deep for that.
    """
    weight = 0
    for name, column_type in columns:
        weight += _weight(column_type)
        if depth(column_type) > MAX_TEXT_DEPTH or weight > MAX_TEXT_WEIGHT:
            raise TooLargeError(
                f"{name} is nested too deep to be written as JSON or CSV. Arrow and Parquet carry "
                "it, and to_json makes one text of it."
            )


def _weight(column_type: DuckDBPyType) -> int:
    weight = 0
    waiting = [(column_type, 1)]
    # What weighs too much need not be weighed to its end.
    while waiting and weight <= MAX_TEXT_WEIGHT:
        current, factor = waiting.pop()
        weight += factor
        if current.id in NESTED:
            inner = 2 * factor if current.id in _GOES_THROUGH else factor
            waiting.extend((part.type, inner) for part in parts(current))
    return weight
