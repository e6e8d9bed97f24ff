"""The columns of a table that is made of rows: what the lake keeps, and what to cast else."""

from __future__ import annotations

from collections.abc import Sequence

from duckdb.sqltypes import DuckDBPyType

from adapters.ducklake.catalog.stored_types import reason_not_kept
from adapters.ducklake.results.types import NESTED, parts
from domain.column_types import parse_column_type
from domain.errors import InvalidColumnError
from domain.tables import Column

_CAST_TO = {
    "array": "a list of any length, such as INTEGER[]",
    "bignum": "DECIMAL(38,0) or VARCHAR",
    "bit": "VARCHAR",
    "enum": "VARCHAR",
    "geometry": "BLOB or VARCHAR",
    "time_ns": "TIME",
    "union": "the type of one of its members, or VARCHAR",
    "variant": "JSON",
}
_ANOTHER = "another type"


def derived_columns(described: Sequence[tuple[str, DuckDBPyType]]) -> tuple[Column, ...]:
    """The columns of a table that keeps rows of these names and types.

    Raises:
        InvalidColumnError: When the lake cannot keep values of a type as they are, with what
            to cast it to.
    """
    return tuple(_column(name, column_type) for name, column_type in described)


def _column(name: str, column_type: DuckDBPyType) -> Column:
    foreign = _foreign_part(column_type)
    if foreign is not None:
        raise InvalidColumnError(
            f"The column {name!r}: a table holds no {str(foreign)[:100]}; "
            f"cast it to {_CAST_TO.get(foreign.id, _ANOTHER)}."
        )
    if _has_fields_without_names(column_type):
        raise InvalidColumnError(
            f"The column {name!r}: the fields of a table's struct have names, and those of "
            f"{str(column_type)[:100]} have none; cast it to STRUCT(a ..., b ...)."
        )
    try:
        known = parse_column_type(str(column_type))
    except InvalidColumnError as error:
        raise InvalidColumnError(
            f"The column {name!r}: {error.detail} Cast it to {_ANOTHER}."
        ) from error
    reason = reason_not_kept(known)
    if reason is not None:
        raise InvalidColumnError(f"The column {name!r}: {reason}")
    return Column(name, known)


def _foreign_part(column_type: DuckDBPyType) -> DuckDBPyType | None:
    """The first part of a type that no table has, or the type itself."""
    if column_type.id in _CAST_TO:
        return column_type
    if column_type.id not in NESTED:
        return None
    return next(
        filter(None, (_foreign_part(part.type) for part in parts(column_type))),
        None,
    )


def _has_fields_without_names(column_type: DuckDBPyType) -> bool:
    if column_type.id not in NESTED:
        return False
    inner = parts(column_type)
    if column_type.id == "struct" and any(not part.name for part in inner):
        return True
    return any(_has_fields_without_names(part.type) for part in inner)
