"""Values that do not fit, and how they are shown."""

from __future__ import annotations

from collections.abc import Iterable

from adapters.arrow.limits import MAX_PROBLEMS
from domain.column_types import (
    INTEGER_BOUNDS,
    ColumnType,
    DecimalType,
    ListType,
    MapType,
    ScalarKind,
    ScalarType,
    StructType,
)
from domain.errors import RowProblem

_SHOWN_CHARACTERS = 80

REQUIRED = "a value is required, and there is none."
"""What is wrong with a NULL or nothing in a column that must have a value."""


class NotPlainError(Exception):
    """Rows that are not plain enough to be decoded at once; they may fit all the same."""


class UnfitValueError(Exception):
    """A value that does not fit its column's type; its text is a sentence for the user."""

    @classmethod
    def expected(cls, shown: str, column_type: ColumnType) -> UnfitValueError:
        """Say that the value is not what a column of this type takes."""
        wanted = expectation(column_type)
        return cls(f"{shown} does not fit {shortened(str(column_type))}: {wanted} is expected.")


class UnfitTypeError(Exception):
    """Values of an Arrow type for a column whose type takes none of them."""

    def __init__(self, arrow_type: object, column_type: ColumnType) -> None:
        super().__init__(
            f"values of the Arrow type {shortened(str(arrow_type))} "
            f"do not fit {shortened(str(column_type))}."
        )


class UnfitColumnError(Exception):
    """Values of one column of a batch that do not fit.

    Attributes:
        problems: Pairs of the row's index in the batch, from 0, and what is wrong.
    """

    def __init__(self, problems: Iterable[tuple[int, str]]) -> None:
        super().__init__()
        self.problems = tuple(problems)


class Problems:
    """What is wrong with the rows of one batch, collected up to a limit."""

    def __init__(self, first_row: int) -> None:
        """`first_row` is the number, in the body, of the batch's first row."""
        self._first_row = first_row
        self._found: list[tuple[int, int, RowProblem]] = []

    def __bool__(self) -> bool:
        return bool(self._found)

    def add(self, index: int, column: str | None, message: str) -> None:
        """Note a problem of the row with this index in the batch."""
        row = self._first_row + index
        self._found.append((row, len(self._found), RowProblem(row, column, message)))

    @property
    def full(self) -> bool:
        """Whether there are as many as will be reported."""
        return len(self._found) >= MAX_PROBLEMS

    def first(self) -> list[RowProblem]:
        """The problems in the order of rows, no more than are reported."""
        return [problem for _, _, problem in sorted(self._found, key=lambda found: found[:2])][
            :MAX_PROBLEMS
        ]


def shortened(text: str, characters: int = _SHOWN_CHARACTERS) -> str:
    """A text, cut when it is long."""
    return text if len(text) <= characters else f"{text[:characters]}..."


def shown(text: str) -> str:
    """A text as it stands in a message: cut, quoted, without raw control characters."""
    return repr(shortened(text))


_EXPECTATIONS = {
    ScalarKind.BOOLEAN: "true or false",
    ScalarKind.FLOAT: "a number that it can hold",
    ScalarKind.DOUBLE: "a number that it can hold",
    ScalarKind.VARCHAR: "a text without NUL",
    ScalarKind.BLOB: "base64",
    ScalarKind.UUID: "a UUID such as 550e8400-e29b-41d4-a716-446655440000",
    ScalarKind.JSON: "a JSON value",
    ScalarKind.DATE: "a date such as 2024-01-31",
    ScalarKind.TIME: "a time such as 12:30:00.5, of 6 digits of a second at most",
    ScalarKind.TIMETZ: "a time with its offset such as 12:30:00+02:00",
    ScalarKind.TIMESTAMP: "a time without offset such as 2024-01-31T12:30:00.5, of 6 digits "
    "of a second at most",
    ScalarKind.TIMESTAMP_S: "a time without offset such as 2024-01-31T12:30:00, in whole seconds",
    ScalarKind.TIMESTAMP_MS: "a time without offset such as 2024-01-31T12:30:00.5, of 3 digits "
    "of a second at most",
    ScalarKind.TIMESTAMP_NS: "a time without offset such as 2024-01-31T12:30:00.5, of 9 digits "
    "of a second at most, from 1677-09-22 to 2262-04-11",
    ScalarKind.TIMESTAMPTZ: "a time with its offset such as 2024-01-31T12:30:00Z, of 6 digits "
    "of a second at most",
    ScalarKind.INTERVAL: "a duration such as P1Y2M3DT4H5M6.5S or 1 year 2 days 00:00:03",
}


def expectation(column_type: ColumnType) -> str:
    """What a column of this type takes, in words."""
    match column_type:
        case ScalarType(kind) if kind in INTEGER_BOUNDS:
            least, greatest = INTEGER_BOUNDS[kind]
            words = f"a whole number from {least} to {greatest}"
        case ScalarType(kind):
            words = _EXPECTATIONS[kind]
        case DecimalType(precision, scale):
            words = (
                f"a number of at most {precision - scale} digits before the point "
                f"and {scale} behind it"
            )
        case ListType():
            words = "a list"
        case StructType():
            words = "an object with the struct's fields"
        case MapType():
            words = "an object, or a list of entries with a key and a value,"
        case _:
            words = "nothing that this service can write"
    return words
