"""Calls of the functions that read objects: from DuckDB's tree, and to SQL again."""

from __future__ import annotations

from collections.abc import Mapping

from adapters.ducklake.engine.sql import literal
from adapters.ducklake.gate.tree import Json
from domain.sql.objects import READ_FUNCTIONS, ObjectRead, OptionValue

_NOT_SAID = "WITHOUT_ORDINALITY"


def is_read(function: Json) -> bool:
    """Whether a function's node is a call of a reader, by its bare name."""
    qualified = function.get("schema") or function.get("catalog")
    return not qualified and str(function["function_name"]).casefold() in READ_FUNCTIONS


def read_of(table_function: Json) -> ObjectRead:
    """A table function's node as a read of objects."""
    function: Json = table_function["function"]
    names: tuple[str | None, ...] = ()
    options: list[tuple[str, OptionValue | None]] = []
    for number, child in enumerate(function.get("children") or ()):
        match child:
            case {
                "type": "COMPARE_EQUAL",
                "left": {"class": "COLUMN_REF", "column_names": [str(option)]},
                "right": value,
            }:
                options.append((option.casefold(), _value(value)))
            case {"alias": str(option)} if option:
                options.append((option.casefold(), _value(child)))
            case _ if number == 0:
                names = _names(child)
            case _:
                options.append(("", None))
    if table_function.get("with_ordinality", _NOT_SAID) != _NOT_SAID:
        options.append(("with ordinality", None))
    return ObjectRead(
        str(function["function_name"]).casefold(),
        names,
        tuple(options),
        int(table_function["query_location"]),
        str(table_function.get("alias") or ""),
    )


def options_of(read: ObjectRead) -> list[str]:
    """The options of a read as SQL, but for how it is compressed."""
    return [
        f"{option} = {_sql(value)}"
        for option, value in read.options
        if value is not None and option != "compression"
    ]


def _names(child: Json) -> tuple[str | None, ...]:
    value = _value(child)
    values = value if isinstance(value, tuple) else (value,)
    return tuple(each if isinstance(each, str) else None for each in values)


def _value(node: Json) -> OptionValue | None:
    match node:
        case {"class": "CONSTANT", "value": {"is_null": False, "type": kind, "value": value}}:
            # A decimal is told as a whole number, and its scale in its type.
            is_known = isinstance(value, str | int | float) and not kind.get("type_info")
            return value if is_known else None
        case {
            "type": "OPERATOR_CAST",
            "cast_type": {"id": "BOOLEAN"},
            "child": {"class": "CONSTANT", "value": {"value": "t" | "f" as told}},
        }:
            return bool(told == "t")
        case {"function_name": "list_value" | "array_value", "children": children}:
            values = [_value(each) for each in children]
            return None if None in values else tuple(each for each in values if each is not None)
        case {"function_name": "struct_pack", "children": children}:
            members = {str(each.get("alias")): _value(each) for each in children}
            given = {name: each for name, each in members.items() if each is not None}
            return given if len(given) == len(children) else None
        case _:
            return None


def _sql(value: OptionValue) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return literal(value)
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{literal(name)}: {_sql(each)}' for name, each in value.items())}}}"
    if isinstance(value, tuple):
        return f"[{', '.join(_sql(each) for each in value)}]"
    return repr(value)
