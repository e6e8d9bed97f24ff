"""SQL that writes a row as a JSON object.

Columns whose JSON the engine itself writes exactly are left to it, all in one call: that takes
two thirds of the time of putting the text together value by value (decision 0022).
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from duckdb.sqltypes import DuckDBPyType

from adapters.ducklake.engine.sql import literal
from adapters.ducklake.results.columns import SelectedColumn
from adapters.ducklake.results.texts import json_text

_EXACT = frozenset(
    {
        "boolean",
        "tinyint",
        "smallint",
        "integer",
        "utinyint",
        "usmallint",
        "uinteger",
        "varchar",
        "date",
        "time",
        "uuid",
    }
)
_WIDE = frozenset({"bigint", "ubigint"})


def json_row(columns: Sequence[SelectedColumn], *, wide_as_text: bool) -> str:
    """An expression for a row's JSON, on a line of its own; never NULL.

    Args:
        columns: The columns of the row.
        wide_as_text: Whether numbers that a double cannot hold are to be strings.
    """
    joined = _joined(columns, wide_as_text=wide_as_text)
    exact = _EXACT if wide_as_text else _EXACT | _WIDE
    doubles = [column.source for column in columns if column.type.id == "double"]
    if not all(column.type.id == "double" or _is(exact, column.type) for column in columns):
        return joined
    members = ", ".join(f"{literal(column.name)}, {column.source}" for column in columns)
    written = f"concat(json_object({members}), chr(10))"
    if not doubles:
        return written
    # It writes NaN and the infinities bare, which is no JSON.
    finite = " AND ".join(f"isfinite({double}) IS NOT FALSE" for double in doubles)
    return f"CASE WHEN {finite} THEN {written} ELSE {joined} END"


def _is(exact: frozenset[str], result_type: DuckDBPyType) -> bool:
    """Whether the engine's JSON of a type is as `json_text` has it."""
    # JSON is a VARCHAR, too, and may hold line breaks.
    return result_type.id in exact and str(result_type) != "JSON"


def _joined(columns: Sequence[SelectedColumn], *, wide_as_text: bool) -> str:
    pieces = []
    before = "{"
    for column in columns:
        name = json.dumps(column.name, ensure_ascii=False)
        pieces += [
            literal(f"{before}{name}:"),
            json_text(column.source, column.type, wide_as_text=wide_as_text),
        ]
        before = ","
    return f"concat({', '.join(pieces)}, '}}', chr(10))"
