"""How a table grows for rows that need more than it has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from domain.column_types import (
    INTEGER_BOUNDS,
    MAX_DECIMAL_DIGITS,
    ColumnType,
    DecimalType,
    ScalarKind,
    ScalarType,
)
from domain.errors import InvalidColumnError
from domain.tables import MAX_COLUMNS, Column, check_columns

_KEPT_INTEGERS = [kind for kind in INTEGER_BOUNDS if "HUGE" not in kind]


class OnNewColumns(StrEnum):
    """What an append does with what the table has no place for."""

    ERROR = "error"
    ADD = "add"


@dataclass(frozen=True, slots=True)
class Growth:
    """What a table must have before rows fit it.

    Attributes:
        added: Columns that it lacks.
        widened: Columns that it has, with the wider type that they need.
    """

    added: tuple[Column, ...] = ()
    widened: tuple[Column, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.widened)

    def applied_to(self, columns: Sequence[Column]) -> tuple[Column, ...]:
        """The columns of the table once it has grown.

        Raises:
            InvalidColumnError: When it cannot have these columns.
        """
        if self.added:
            check_columns(self.added)
            if len(columns) + len(self.added) > MAX_COLUMNS:
                raise InvalidColumnError(f"A table has at most {MAX_COLUMNS} columns.")
        wider = {column.name.casefold(): column.type for column in self.widened}
        grown = (
            replace(column, type=wider.get(column.name.casefold(), column.type))
            for column in columns
        )
        return (*grown, *self.added)

    def missing_in(self, columns: Sequence[Column]) -> Growth | None:
        """What is left to do for a table that has these columns by now.

        A column that somebody else added or widened meanwhile is left alone when its type has
        room for the rows, and widened when that makes the room. None says that it has none.
        """
        there = {column.name.casefold(): column for column in columns}
        added: list[Column] = []
        widened: list[Column] = []
        for column in (*self.added, *self.widened):
            found = there.get(column.name.casefold())
            if found is None:
                if column in self.widened:
                    return None
                added.append(column)
                continue
            needed = wider_type(found.type, column.type)
            if needed is None:
                return None
            if needed != found.type:
                widened.append(replace(found, type=needed))
        return Growth(tuple(added), tuple(widened))


NO_GROWTH = Growth()


def wider_type(first: ColumnType, second: ColumnType) -> ColumnType | None:
    """The least type that has room for all values of both, exactly; None when there is none.

    Only what a lake can widen a column to without touching its data (DuckLake specification
    1.0, "Schema Evolution"), and what is of the same kind: integers, floats, decimals.
    """
    if first == second:
        return first
    match first, second:
        case ScalarType(one), ScalarType(other) if {one, other} <= INTEGER_BOUNDS.keys():
            least = min(INTEGER_BOUNDS[one][0], INTEGER_BOUNDS[other][0])
            greatest = max(INTEGER_BOUNDS[one][1], INTEGER_BOUNDS[other][1])
            return integer_type(least, greatest)
        case ScalarType(ScalarKind.FLOAT), ScalarType(ScalarKind.DOUBLE):
            return second
        case ScalarType(ScalarKind.DOUBLE), ScalarType(ScalarKind.FLOAT):
            return first
        case DecimalType(), DecimalType():
            before = max(first.precision - first.scale, second.precision - second.scale)
            scale = max(first.scale, second.scale)
            if before + scale <= MAX_DECIMAL_DIGITS:
                return DecimalType(before + scale, scale)
        case _:
            pass
    return None


def integer_type(least: int, greatest: int) -> ScalarType | None:
    """The smallest integer type that has both numbers; None when none of up to 64 bits has.

    Of two of one size, the one with a sign.
    """
    fitting = [
        (INTEGER_BOUNDS[kind][1] - INTEGER_BOUNDS[kind][0], kind)
        for kind in _KEPT_INTEGERS
        if INTEGER_BOUNDS[kind][0] <= least and greatest <= INTEGER_BOUNDS[kind][1]
    ]
    return ScalarType(min(fitting, key=lambda size: size[0])[1]) if fitting else None
