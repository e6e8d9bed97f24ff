"""Which column of a table each column of objects goes to, in SQL that refuses what is lost."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from adapters.ducklake.catalog.stored_types import reason_not_kept
from adapters.ducklake.engine.sql import identifier, literal
from adapters.ducklake.loads.texts import Conversion
from domain.errors import RowProblem, RowsDoNotFitError
from domain.tables import Column

OBJECT = "__object_of_the_row"
"""The column that tells which object a row is from."""

OBJECT_OPTION = f"filename = {literal(OBJECT)}"
"""The option with which a reader gives it."""

_MARK = "ducklake: a value does not fit: "
_SHOWN = 80


@dataclass(frozen=True, slots=True)
class LoadedColumn:
    """A column of the objects, and the table's column of its name.

    Attributes:
        column: The table's.
        value: The value as the objects have it, in SQL; NULL where there is none.
        conversion: How it becomes a value of the table's.
    """

    column: Column
    value: str
    conversion: Conversion


Loaded = tuple[list[LoadedColumn], str]
"""The columns that are loaded, and the relation that they are selected from."""


def matched(names: Sequence[str], columns: Sequence[Column]) -> dict[str, Column]:
    """The table's column for each name, compared without case.

    Raises:
        RowsDoNotFitError: When the table lacks one, a name comes twice, a column that must
            have values is missing, or the lake would not keep its values as they are.
    """
    known = {column.name.casefold(): column for column in columns}
    found: dict[str, Column] = {}
    problems: list[RowProblem] = []
    taken: set[str] = set()
    for name in names:
        folded = name.casefold()
        if folded not in known:
            problems.append(RowProblem(None, name, "the table has no such column."))
        elif folded in taken:
            problems.append(RowProblem(None, name, "it is there twice, but for case."))
        else:
            found[name] = known[folded]
            reason = reason_not_kept(known[folded].type)
            if reason is not None:
                problems.append(RowProblem(None, name, reason))
        taken.add(folded)
    problems += [
        RowProblem(None, column.name, "it must have a value, and the objects have none.")
        for column in columns
        if not column.nullable and column.name.casefold() not in taken
    ]
    if problems:
        raise RowsDoNotFitError(*problems)
    return found


def check_spelling(names: Sequence[str]) -> None:
    """Check that no two names are the same but for case.

    Raises:
        RowsDoNotFitError: When two are.
    """
    taken: set[str] = set()
    for name in names:
        if name.casefold() in taken:
            raise RowsDoNotFitError(RowProblem(None, name, "it is there twice, but for case."))
        taken.add(name.casefold())


def select(columns: Sequence[LoadedColumn], relation: str) -> str:
    """The values of all columns; running it raises an error for the first that does not fit."""
    items = ", ".join(_checked(number, each) for number, each in enumerate(columns))
    return f"SELECT {items} FROM {relation}"


def _checked(number: int, each: LoadedColumn) -> str:
    value = each.value
    if each.column.nullable and each.conversion.fits == "true":
        return f"{each.conversion.value} AS {identifier(each.column.name)}"
    told = f"{{'column': {number}, 'value': left(CAST({value} AS VARCHAR), {_SHOWN + 1}), "
    told += f"'object': {identifier(OBJECT)}}}"
    refuse = f"error(concat({literal(_MARK)}, to_json({told})))"
    none = "NULL" if each.column.nullable else refuse
    return (
        f"CASE WHEN {value} IS NULL THEN {none} WHEN {each.conversion.fits} "
        f"THEN {each.conversion.value} ELSE {refuse} END AS {identifier(each.column.name)}"
    )


def problem_of(
    text: str, columns: Sequence[LoadedColumn], shown: Callable[[str], str]
) -> RowProblem | None:
    """What an error of `select` says of a value; None when it is about something else.

    Args:
        text: The error's message.
        columns: As given to `select`.
        shown: Puts the name of an object in the place of where it is read.
    """
    _, mark, told = text.partition(_MARK)
    if not mark:
        return None
    said: Mapping[str, str | int | None] = json.JSONDecoder().raw_decode(told)[0]
    column = columns[int(said["column"] or 0)].column
    place = shown(str(said["object"]))
    value = said["value"]
    if value is None:
        return RowProblem(None, column.name, f"a value is required, and a row of {place} has none.")
    cut = str(value) if len(str(value)) <= _SHOWN else f"{str(value)[:_SHOWN]}..."
    return RowProblem(
        None, column.name, f"{cut!r} in {place} does not fit {str(column.type)[:_SHOWN]}."
    )
