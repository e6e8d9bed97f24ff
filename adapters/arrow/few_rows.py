"""Few rows, as Python's own values.

Arrow's calls give up the interpreter's lock, and wait for it again: for the few rows of a small
body that takes far longer, beside a busy writer, than to read them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from adapters.arrow.carriers import carrier_of
from adapters.arrow.problems import NotPlainError
from domain.column_types import INTEGER_BOUNDS, ColumnType, ScalarKind, ScalarType
from domain.growth import NO_GROWTH, Growth
from domain.rows import Rows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from domain.tables import Column

FEW_BYTES = 4 * 1024
"""The greatest body whose rows are kept so."""

FEW_EXPANDED_BYTES = 16 * FEW_BYTES
"""They take no more than this as Arrow values."""


def check_of(column_type: ColumnType) -> Callable[[Any], bool] | None:
    """What tells whether a decoded value is the column's as it stands; None where none can be."""
    match column_type:
        case ScalarType(ScalarKind.VARCHAR):
            return _is_text
        case ScalarType(ScalarKind.BOOLEAN):
            return _is_boolean
        case ScalarType(ScalarKind.DOUBLE):
            return _is_finite
        case ScalarType(kind) if kind in INTEGER_BOUNDS and "HUGE" not in kind:
            least, greatest = INTEGER_BOUNDS[kind]
            return lambda value: type(value) is int and least <= value <= greatest
        case _:
            return None


def _is_text(value: Any) -> bool:
    return type(value) is str and "\0" not in value


def _is_boolean(value: Any) -> bool:
    return type(value) is bool


def _is_finite(value: Any) -> bool:
    return type(value) is float and math.isfinite(value)


def check_values(column: Column, values: Sequence[Any], check: Callable[[Any], bool]) -> None:
    """Check that a column takes values as they stand.

    Raises:
        NotPlainError: When there is one that it does not.
    """
    for value in values:
        if not (column.nullable if value is None else check(value)):
            raise NotPlainError


class FewRows(Rows):
    """Few rows in memory."""

    def __init__(self, columns: Sequence[Column], values: Sequence[list[Any]]) -> None:
        """Args: values: Those of each column, that it takes as they stand."""
        self._columns = columns
        self._values = values
        self._names = tuple(column.name for column in columns)

    @property
    def columns(self) -> tuple[str, ...]:
        """As `Rows.columns`."""
        return self._names

    @property
    def row_count(self) -> int:
        """As `Rows.row_count`."""
        return len(self._values[0])

    @property
    def growth(self) -> Growth:
        """As `Rows.growth`."""
        return NO_GROWTH

    @property
    def values(self) -> Sequence[list[Any]]:
        """As `Rows.values`."""
        return self._values

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        carriers = [carrier_of(column.type) for column in self._columns]
        arrays = [
            pa.array(values, carrier)
            for values, carrier in zip(self._values, carriers, strict=True)
        ]
        return pa.table(arrays, names=self._names).__arrow_c_stream__(requested_schema)

    def close(self) -> None:
        """As `Rows.close`."""
