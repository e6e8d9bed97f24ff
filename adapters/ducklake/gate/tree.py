"""DuckDB's tree of a SELECT (`json_serialize_sql`), laid out for going up and down it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass(slots=True)
class Node:
    """One object of the tree.

    Attributes:
        json: The object.
        parent: The object that it stands in; None for the root.
        role: The key under which it stands there, through lists.
        place: Its place among what stands under that key.
        depth: How many expressions, queries and types it stands in.
        lambdas: How many lambdas that go through a list it stands in.
        select: The SELECT that it belongs to.
        kind: What it is: `FUNCTION`, `BASE_TABLE`, `SELECT_NODE`, ...; empty for a mere part.
    """

    json: Json
    parent: Node | None
    role: str
    place: int
    depth: int
    lambdas: int
    select: Node | None
    kind: str = field(init=False)

    def __post_init__(self) -> None:
        kind = self.json.get("class") or self.json.get("type")
        self.kind = kind if isinstance(kind, str) else ""

    @property
    def function(self) -> str:
        """The name of the function that it calls, in lower case; empty when it calls none."""
        return str(self.json.get("function_name") or "").casefold()


def lay_out(tree: Json, looping: frozenset[str]) -> Sequence[Node]:
    """Every object of the tree, each before those that stand in it.

    In reverse, each comes after those that stand in it, and these in their own order.

    Args:
        tree: A statement's tree.
        looping: The functions whose lambdas go through a list.
    """
    nodes: list[Node] = []
    waiting = [Node(tree, None, "", 0, 0, 0, None)]
    while waiting:
        node = waiting.pop()
        nodes.append(node)
        if node.kind == "CONSTANT":
            # What is in it is no part of the statement's own, and there may be many.
            continue
        for role, value in node.json.items():
            if value and isinstance(value, (dict, list)):
                waiting.extend(_inside(node, role, value, looping))
    return nodes


def _inside(node: Node, role: str, value: Json | list[Any], looping: frozenset[str]) -> list[Node]:
    depth = node.depth + bool(node.kind)
    select = node if node.kind == "SELECT_NODE" else node.select
    lambdas = node.lambdas + _goes_through_a_list(node, role, looping)
    found: list[Node] = []
    values = [value]
    while values:
        current = values.pop()
        if isinstance(current, dict):
            found.append(Node(current, node, role, 0, depth, lambdas, select))
        elif isinstance(current, list):
            values.extend(reversed(current))
    for place, inner in enumerate(found):
        inner.place = place
    return found


def _goes_through_a_list(node: Node, role: str, looping: frozenset[str]) -> bool:
    return (
        node.kind == "LAMBDA"
        and role == "expr"
        and node.parent is not None
        and node.parent.function in looping
    )
