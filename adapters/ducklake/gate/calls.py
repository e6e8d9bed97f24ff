"""Calls of functions, as DuckDB's tree has them, in the domain's words."""

from __future__ import annotations

from adapters.ducklake.gate.tree import Json, Node
from domain.sql.statement import Call, Literal, Reference

_UNSAID_FRAME = {
    "start": "UNBOUNDED_PRECEDING",
    "end": "CURRENT_ROW_RANGE",
    "exclude_clause": "NO_OTHER",
}


def call_of(node: Node) -> Call:
    """A function's node as a call."""
    function = reference(node.json, "catalog", "schema", "function_name")
    arguments = tuple(_literal(child) for child in node.json.get("children") or ())
    if function.schema and function.schema.casefold() != "main":
        # `value.function(argument)`: what stands before the dot is the first argument.
        arguments = (None, *arguments)
    return Call(
        function,
        arguments,
        windowed=node.kind == "WINDOW",
        framed=node.kind == "WINDOW" and _is_framed(node.json),
        distinct=bool(node.json.get("distinct")),
        lambdas=node.lambdas,
    )


def reference(json: Json, catalog: str, schema: str, name: str) -> Reference:
    """A name of up to three parts that stand under these keys."""
    return Reference(*(str(json.get(key) or "") for key in (catalog, schema, name)))


def _is_framed(window: Json) -> bool:
    # Without an order the frame that goes without saying is the whole partition.
    return bool(window.get("orders")) or any(
        window.get(key) != unsaid for key, unsaid in _UNSAID_FRAME.items()
    )


def _literal(child: Json) -> Literal | None:
    if child.get("class") != "CONSTANT":
        return None
    constant = child["value"]
    value = constant.get("value")
    # A decimal is told as a whole number, and its scale in its type.
    if isinstance(value, bool) or constant["type"].get("type_info"):
        return None
    return Literal(value) if isinstance(value, str | int) else None
