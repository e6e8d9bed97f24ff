"""What a body shows of the columns that a table lacks, or has too narrow."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from adapters.arrow.columns import TableColumns
from adapters.arrow.evidence import Evidence
from domain.errors import InvalidColumnError
from domain.growth import Growth
from domain.tables import Column
from domain.value_kinds import needed_type, widens

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from adapters.arrow.limits import Limits
    from domain.column_types import ColumnType


@dataclass(frozen=True, slots=True)
class Found:
    """What a table needs for a body.

    Attributes:
        growth: What it must grow by.
        untyped: Columns that it lacks and that the body has nothing but NULLs for.
    """

    growth: Growth
    untyped: tuple[str, ...]


class Findings:
    """The evidence of each column, found by name without case."""

    def __init__(self, columns: Sequence[Column], limits: Limits) -> None:
        self._table = TableColumns(columns)
        self._limits = limits
        self._evidence: dict[str, Evidence | None] = {}
        self._new: dict[str, tuple[str, Evidence]] = {}
        self._narrow: dict[str, tuple[Column, Evidence]] = {}

    def of(self, name: str) -> Evidence | None:
        """Where to tell of the values that a body has under this name; None when it is no use."""
        if name not in self._evidence:
            self._evidence[name] = self._started(name)
        return self._evidence[name]

    def is_new(self, name: str) -> bool:
        """Whether the table lacks the column."""
        return self._table.find(name) is None

    def found(self, type_of: Callable[[Evidence], ColumnType | None]) -> Found:
        """What the table needs, the new columns in the order in which they came."""
        added: list[Column] = []
        untyped: list[str] = []
        for name, evidence in self._new.values():
            column_type = type_of(evidence)
            if column_type is None:
                untyped.append(name)
            else:
                added.append(Column(name, column_type))
        widened = []
        for column, evidence in self._narrow.values():
            needed = needed_type(evidence.kinds, evidence.numbers, column.type)
            if needed is not None and needed != column.type:
                widened.append(replace(column, type=needed))
        return Found(Growth(tuple(added), tuple(widened)), tuple(untyped))

    def _started(self, name: str) -> Evidence | None:
        column = self._table.find(name)
        if column is None:
            known = self._new.setdefault(name.casefold(), (name, Evidence()))
            if len(self._new) + len(self._table.all) > self._limits.columns:
                raise InvalidColumnError(
                    f"A table has at most {self._limits.columns} columns here."
                )
            return known[1]
        if not widens(column.type):
            return None
        return self._narrow.setdefault(column.name, (column, Evidence()))[1]
