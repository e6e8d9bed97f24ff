"""Which columns of a table a body names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.arrow.carriers import is_writable
from adapters.arrow.limits import MAX_PROBLEMS
from adapters.arrow.problems import REQUIRED, shortened, shown
from domain.errors import RowProblem, RowsDoNotFitError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from domain.tables import Column


class TableColumns:
    """The columns of a table, found by name without case, as DuckDB compares them."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self.all = tuple(columns)
        self.required = tuple(column for column in self.all if not column.nullable)
        self._exact = {column.name: column for column in self.all}
        self._folded = {column.name.casefold(): column for column in self.all}

    def find(self, name: str) -> Column | None:
        """The column that this spelling names; None when there is none."""
        return self._exact.get(name) or self._folded.get(name.casefold())

    def resolve(self, names: Iterable[str], row: int | None = None) -> list[Column]:
        """The column of each name.

        Args:
            names: As the body spells them.
            row: The row that names them; None when they hold for the whole body.

        Raises:
            RowsDoNotFitError: When a name is unknown, comes twice, or is of a column that the
                service cannot write.
        """
        resolved: list[Column] = []
        problems: list[RowProblem] = []
        seen: dict[str, str] = {}
        for name in names:
            column = self.find(name)
            if column is None:
                message = "the table has no such column."
                if not name:
                    message = "a column without a name does not fit the table."
                problems.append(RowProblem(row, shortened(name), message))
                continue
            if column.name in seen:
                problems.append(
                    RowProblem(
                        row,
                        column.name,
                        f"it is given twice, as {shown(seen[column.name])} and {shown(name)}.",
                    )
                )
            elif not is_writable(column.type):
                problems.append(RowProblem(row, column.name, unwritable(column)))
            seen[column.name] = name
            resolved.append(column)
        if problems:
            raise RowsDoNotFitError(*problems[:MAX_PROBLEMS])
        return resolved

    def require(self, present: Iterable[str], row: int) -> None:
        """Check that all columns which must have a value are among those present.

        Raises:
            RowsDoNotFitError: When one is not, for this row.
        """
        names = set(present)
        problems = [
            RowProblem(row, column.name, REQUIRED)
            for column in self.required
            if column.name not in names
        ]
        if problems:
            raise RowsDoNotFitError(*problems[:MAX_PROBLEMS])


def unwritable(column: Column) -> str:
    """Say that the service does not write this column."""
    return f"the service does not write values of the type {shortened(str(column.type))}."
