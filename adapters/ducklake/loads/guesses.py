"""Types for columns of text that keep all of its values as they are.

The engine guesses a type that it can cast all values to. That may still lose what they said: the
digits of a long number, the zone of a time, a zero in front. So each guess is held against all
values, and where it would lose something, a type is taken that does not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import duckdb

from adapters.ducklake.engine.sql import identifier, literal
from adapters.ducklake.loads.texts import from_text, matches
from domain.column_types import MAX_DECIMAL_DIGITS, ColumnType, DecimalType, ScalarKind, ScalarType
from domain.errors import RowProblem, RowsDoNotFitError

_TEXT = ScalarType(ScalarKind.VARCHAR)
_UTC = ScalarType(ScalarKind.TIMESTAMPTZ)
_WHOLE = DecimalType(MAX_DECIMAL_DIGITS, 0)

_PLAIN_INTEGER = r"0|-?[1-9][0-9]*"
_PLAIN_NUMBER = r"-?(0|[1-9][0-9]*)(\.[0-9]*)?"
_IN_UTC = r".*(Z|\+00(:?00)?)"
_FRACTION = r"\.([0-9]*)"
_SURELY_EXACT = 15
"""So many decimal digits a double always keeps."""

_GUESSED = frozenset(
    {
        ScalarKind.BOOLEAN,
        ScalarKind.BIGINT,
        ScalarKind.DOUBLE,
        ScalarKind.DATE,
        ScalarKind.TIME,
        ScalarKind.TIMESTAMP,
        ScalarKind.TIMESTAMPTZ,
    }
)

_ZONED = r'"[0-9]{4,}-[0-9]{2}-[0-9]{2}[T ][0-9:.]+ ?(Z|[+-][0-9]{2}(:?[0-9]{2})?)"'


def types_of_texts(
    cursor: duckdb.DuckDBPyConnection, relation: str, guessed: Mapping[str, ColumnType]
) -> dict[str, ColumnType]:
    """The types for columns of texts, which stay texts where nothing else keeps them.

    Args:
        cursor: Reads them.
        relation: Has them as VARCHAR.
        guessed: What each could be.
    """
    checks = {
        name: _Check(identifier(name), found.kind)
        for name, found in guessed.items()
        if isinstance(found, ScalarType) and found.kind in _GUESSED
    }
    types: dict[str, ColumnType] = dict.fromkeys(guessed, _TEXT)
    if not checks:
        return types
    items = ", ".join(check.sql for check in checks.values())
    (found,) = cursor.execute(f"SELECT {items} FROM {relation}").fetchall()
    types.update(
        {
            name: check.type_for(found[3 * n : 3 * n + 3])
            for n, (name, check) in enumerate(checks.items())
        }
    )
    return types


@dataclass(frozen=True, slots=True)
class _Check:
    """Whether the values of a column are those of a kind, and which decimal they need else."""

    text: str
    kind: ScalarKind

    @property
    def sql(self) -> str:
        fits = from_text(self.text, ScalarType(self.kind)).fits
        digits = decimals = "0"
        if self.kind is ScalarKind.BIGINT:
            fits = f"{matches(self.text, _PLAIN_INTEGER)} AND {fits}"
        elif self.kind is ScalarKind.TIMESTAMPTZ:
            fits = f"{matches(self.text, _IN_UTC)} AND {fits}"
        elif self.kind is ScalarKind.DOUBLE:
            exact = f"CAST(TRY_CAST({self.text} AS DOUBLE) AS VARCHAR) = {self.text}"
            fits = f"{fits} AND (length({self.text}) <= {_SURELY_EXACT} OR {exact})"
            fraction = f"length(system.main.regexp_extract({self.text}, {literal(_FRACTION)}, 1))"
            whole = f"length(system.main.regexp_extract({self.text}, '^-?([0-9]+)', 1))"
            plain = matches(self.text, _PLAIN_NUMBER)
            # What is no plain number needs more digits than there are.
            digits = f"max(CASE WHEN {plain} THEN {whole} ELSE {MAX_DECIMAL_DIGITS + 1} END)"
            decimals = f"max({fraction})"
        return f"bool_and({self.text} IS NULL OR ({fits})), {digits}, {decimals}"

    def type_for(self, found: tuple[bool | None, int | None, int | None]) -> ColumnType:
        fits, digits, scale = found
        if fits or fits is None:
            return ScalarType(self.kind)
        if self.kind is not ScalarKind.DOUBLE or digits is None or scale is None:
            return _TEXT
        if digits + scale > MAX_DECIMAL_DIGITS:
            return _TEXT
        return DecimalType(digits + scale, scale) if scale else _WHOLE


def has_zones(cursor: duckdb.DuckDBPyConnection, relation: str) -> bool:
    """Whether there is a time with a zone anywhere in JSON records (column `json`)."""
    found = cursor.execute(
        "SELECT bool_or(system.main.regexp_matches(CAST(json AS VARCHAR), "
        f"{literal(_ZONED)})) FROM {relation}"
    ).fetchone()
    return bool(found and found[0])


def types_of_json(
    cursor: duckdb.DuckDBPyConnection, relation: str, guessed: Mapping[str, tuple[str, ColumnType]]
) -> dict[str, ColumnType]:
    """The types for columns of JSON that differ from those that were guessed.

    Args:
        cursor: Reads them.
        relation: Has the records, in its column `json`.
        guessed: For each column its value's text in SQL, and its type. Times with a zone are
            texts there.

    Raises:
        RowsDoNotFitError: When no type keeps the numbers of a column.
    """
    looked_at = [name for name, (_, found) in guessed.items() if found in _IN_DOUBT]
    if not looked_at:
        return {}
    items = ", ".join(_IN_DOUBT[guessed[name][1]](guessed[name][0]) for name in looked_at)
    (found,) = cursor.execute(f"SELECT {items} FROM {relation}").fetchall()
    others: dict[str, ColumnType] = {}
    for number, name in enumerate(looked_at):
        as_guessed, other = found[2 * number : 2 * number + 2]
        if as_guessed in {True, None}:
            continue
        if guessed[name][1] == _TEXT:
            if other:
                others[name] = _UTC
        elif other:
            others[name] = _WHOLE
        else:
            message = "it has whole numbers of more digits than a DOUBLE keeps: "
            message += "make the table by its columns, and load the objects."
            raise RowsDoNotFitError(RowProblem(None, name, message))
    return others


def _numbers(text: str) -> str:
    whole = f"TRY_CAST({text} AS {_WHOLE})"
    kept = f"coalesce(TRY_CAST(TRY_CAST({text} AS DOUBLE) AS {_WHOLE}) = {whole}, false)"
    long = matches(text, rf"-?[0-9]{{{_SURELY_EXACT + 1},}}")
    return (
        f"bool_and({text} IS NULL OR NOT {long} OR {kept}), "
        f"bool_and({text} IS NULL OR ({matches(text, '-?[0-9]+')} AND {whole} IS NOT NULL))"
    )


def _times(text: str) -> str:
    fits = f"{matches(text, _IN_UTC)} AND {from_text(text, _UTC).fits}"
    return f"NOT bool_or({matches(text, _IN_UTC)}), bool_and({text} IS NULL OR ({fits}))"


_IN_DOUBT: Mapping[ColumnType, Callable[[str], str]] = {
    ScalarType(ScalarKind.DOUBLE): _numbers,
    _TEXT: _times,
}
