"""Types of a result, and the casts with which Arrow and Parquet carry them exactly."""

from __future__ import annotations

from dataclasses import dataclass

from duckdb.sqltypes import DuckDBPyType

from adapters.ducklake.engine.sql import identifier

NESTED = frozenset({"list", "array", "struct", "map"})
_WITH_PARTS = NESTED | {"union"}

# Arrow has no such type, or DuckDB writes it there with a loss.
_TEXT_IN_ARROW = frozenset({"time with time zone", "bit", "bignum", "enum", "variant", "union"})

# pyarrow's Parquet writer refuses intervals as well.
_TEXT_IN_PARQUET = _TEXT_IN_ARROW | {"interval"}

# DuckDB gives Arrow a decimal128(38, 0) for these unchecked; the cast checks that it fits.
_WIDE_INTEGERS = frozenset({"hugeint", "uhugeint"})


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a nested type: a field, an element, a key or a value."""

    name: str
    type: DuckDBPyType


def parts(result_type: DuckDBPyType) -> list[Part]:
    """The parts of a list, array, struct, map or union, in order."""
    return [
        Part(name, part)
        for name, part in result_type.children
        # An array tells its size among its children.
        if isinstance(part, DuckDBPyType)
    ]


def depth(result_type: DuckDBPyType) -> int:
    """How deep a type is nested; one without parts is 1 deep."""
    deepest = 0
    # A stack of its own, since the type may be deep.
    waiting = [(result_type, 1)]
    while waiting:
        current, level = waiting.pop()
        deepest = max(deepest, level)
        if current.id in _WITH_PARTS:
            waiting.extend((part.type, level + 1) for part in parts(current))
    return deepest


def arrow_cast(result_type: DuckDBPyType) -> str:
    """The type to cast to so that Arrow carries the values exactly, or the cast fails."""
    return _cast(result_type, _TEXT_IN_ARROW)


def parquet_cast(result_type: DuckDBPyType) -> str:
    """The same for Parquet."""
    return _cast(result_type, _TEXT_IN_PARQUET)


def _cast(result_type: DuckDBPyType, as_text: frozenset[str]) -> str:
    kind = result_type.id
    if kind in as_text:
        return "VARCHAR"
    if kind in _WIDE_INTEGERS:
        return "DECIMAL(38,0)"
    if kind not in NESTED:
        return str(result_type)
    inner = [(part.name, _cast(part.type, as_text)) for part in parts(result_type)]
    match kind:
        case "struct":
            # Only a struct made by row() has fields without names, and Arrow needs names.
            fields = (
                f"{identifier(name or f'field_{number}')} {cast}"
                for number, (name, cast) in enumerate(inner, start=1)
            )
            return f"STRUCT({', '.join(fields)})"
        case "map":
            return f"MAP({inner[0][1]}, {inner[1][1]})"
        case _:
            return f"{inner[0][1]}[]"
