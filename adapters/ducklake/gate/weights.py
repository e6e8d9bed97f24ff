"""How much work DuckDB has with a statement before it runs it.

The figures were measured on DuckDB 1.5.5 (docs/reference/sql.md says how): what is over the
limit takes seconds in which no interrupt is heard.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from adapters.ducklake.gate.calls import call_of, reference
from adapters.ducklake.gate.tree import Node
from domain.sql.functions import MACROS, OPERATORS
from domain.sql.limits import MAX_COST
from domain.sql.sizes import REPLACING, replacing_factor
from domain.sql.statement import Reference, Size, Use

_EXPRESSION = 10
_COSTS = {
    "BASE_TABLE": 1_000,
    "JOIN": 100,
    "SET_OPERATION_NODE": 300,
    "STAR": 2_000,
    "SUBQUERY": 2_000,
    "TABLE_FUNCTION": 1_000,
    "WINDOW": 1_000,
}
_PIVOTED_VALUE = 60
_GROUPING_SET = 1_000
_EACH_PAIR_OF_TABLES = 60
_EACH_PAIR_OF_COLUMNS = 2_000
_NAMED_FUNCTION_STEPS = 10
# The planner goes through the whole expression again at each of its levels.
_STEPS_OF_HEIGHT_IN_ONE = 25

_JOINING = frozenset(
    {
        *("||", "+", "array_cat", "array_concat", "array_value", "array_zip", "concat"),
        *("concat_ws", "format", "json_array", "json_object", "list_cat", "list_concat"),
        *("list_pack", "list_value", "list_zip", "map", "printf", "row", "struct_concat"),
        *("struct_insert", "struct_pack", "struct_update", "array_append", "array_prepend"),
        *("array_push_back", "array_push_front", "list_append", "list_prepend"),
    }
)
"""Functions whose value holds all their arguments."""


@dataclass(slots=True)
class _Weight:
    cost: int = 0
    height: int = 0
    growth: int = 0
    source_growth: int = 1
    steps: int = 0
    array: int = 1
    tables: dict[Reference, int] = field(default_factory=dict)
    aliases: dict[str, _Weight] = field(default_factory=dict)


def weigh(nodes: Sequence[Node]) -> tuple[Size, frozenset[Use]]:
    """The size of a statement, and how it reads its tables."""
    return _Scale().weigh(nodes)


def with_views(size: Size, views: Iterable[tuple[Use, Size]]) -> Size:
    """The size of a statement with that of the views it names, which are planned in its midst.

    Args:
        size: Its size without them.
        views: How it reads each, and the view's own size, with that of those in it.
    """
    views = list(views)
    tables = size.tables + sum(use.places * view.tables for use, view in views)
    cost = size.cost - _pairs(size) + _EACH_PAIR_OF_TABLES * tables**2
    return replace(
        size,
        depth=max([size.depth, *(use.depth + view.depth for use, view in views)]),
        cost=cost + sum(use.times * (view.cost - _pairs(view)) for use, view in views),
        # What a statement makes of its values grows with these, wherever they come from.
        growth=size.growth * max([1, *(view.growth for _, view in views)]),
        tables=tables,
    )


def _pairs(size: Size) -> int:
    return _EACH_PAIR_OF_TABLES * size.tables**2


class _Scale:
    def __init__(self) -> None:
        self._weights: dict[int, _Weight] = {}
        self._common: dict[str, int] = {}
        self._lambda_weight = 1
        self._counts_tables = True

    def weigh(self, nodes: Sequence[Node]) -> tuple[Size, frozenset[Use]]:
        for node in nodes:
            self._weights[id(node)] = _Weight()
        tables = sum(node.kind in {"BASE_TABLE", "TABLE_FUNCTION"} for node in nodes)
        # With more than can be planned, it is not asked how often each is.
        self._counts_tables = _EACH_PAIR_OF_TABLES * tables**2 <= MAX_COST
        for node in reversed(nodes):
            self._finish(node)
        root = self._weights[id(nodes[0])]
        columns = sum(node.kind == "STAR" and bool(node.json.get("columns")) for node in nodes)
        size = Size(
            depth=max(node.depth for node in nodes),
            cost=root.cost + _EACH_PAIR_OF_TABLES * tables**2 + _EACH_PAIR_OF_COLUMNS * columns**2,
            growth=max(1, root.growth),
            lambda_weight=self._lambda_weight,
            array_size=root.array,
            tables=tables,
        )
        return size, _uses(nodes, root.tables)

    def _finish(self, node: Node) -> None:
        """Add a node's own weight to what stands in it, and all of it to what it stands in."""
        weight = self._weights[id(node)]
        is_expression = "class" in node.json
        if is_expression:
            weight.height += 1
            weight.cost += _EXPRESSION + weight.height**2 // _STEPS_OF_HEIGHT_IN_ONE
            weight.steps += _steps(node)
        weight.cost += _own_cost(node)
        if node.kind == "COLUMN_REF":
            self._refer(node, weight)
        elif node.kind == "SELECT_NODE":
            weight.growth = max(1, weight.growth) * weight.source_growth
        elif node.kind == "BASE_TABLE":
            self._read(node, weight)
        elif node.kind == "FUNCTION" and node.function in REPLACING:
            weight.growth = max(1, weight.growth) * (replacing_factor(call_of(node)) or 1)
        elif node.kind == "LAMBDA":
            self._lambda_weight = max(self._lambda_weight, weight.steps)
        elif node.json.get("type") == "ARRAY_TYPE_INFO":
            weight.array *= int(node.json.get("size") or 1)
        if node.role == "map" and "key" in node.json:
            self._common[str(node.json["key"]).casefold()] = max(1, weight.growth)
        if node.parent is not None:
            self._add(node, weight, node.parent)

    def _read(self, node: Node, weight: _Weight) -> None:
        weight.growth = self._common.get(str(node.json["table_name"]).casefold(), 1)
        if self._counts_tables:
            weight.tables[_table(node)] = 1

    def _refer(self, node: Node, weight: _Weight) -> None:
        """A column that is another of the same SELECT is planned as that one."""
        weight.growth = 1
        names = node.json.get("column_names") or []
        if node.select is None or len(names) != 1:
            return
        alias = self._weights[id(node.select)].aliases.get(str(names[0]).casefold())
        if alias is not None:
            weight.cost += alias.cost
            _count(alias.tables, 1, weight.tables)
            weight.height = max(weight.height, alias.height)
            weight.growth = max(1, alias.growth)

    def _add(self, node: Node, weight: _Weight, parent: Node) -> None:
        above = self._weights[id(parent)]
        times = _times(node, parent)
        above.cost += weight.cost * times
        _count(weight.tables, times, above.tables)
        above.height = max(above.height, weight.height)
        above.steps += weight.steps
        above.array = max(above.array, weight.array)
        if parent.kind == "SELECT_NODE" and node.role == "from_table":
            above.source_growth = max(above.source_growth, weight.growth)
        elif parent.kind == "FUNCTION" and parent.function in _JOINING:
            above.growth += weight.growth
        elif not (parent.kind == "SELECT_NODE" and node.role == "cte_map"):
            above.growth = max(above.growth, weight.growth)
        alias = node.json.get("alias")
        if alias and parent.kind == "SELECT_NODE" and node.role == "select_list":
            above.aliases[str(alias).casefold()] = weight


def _count(tables: Mapping[Reference, int], times: int, above: dict[Reference, int]) -> None:
    for table, count in tables.items():
        above[table] = above.get(table, 0) + count * times


def _uses(nodes: Sequence[Node], times: Mapping[Reference, int]) -> frozenset[Use]:
    places: dict[Reference, list[Node]] = {}
    for node in nodes:
        if node.kind == "BASE_TABLE":
            places.setdefault(_table(node), []).append(node)
    return frozenset(
        Use(
            table,
            places=len(found),
            times=times.get(table, 0),
            depth=max(node.depth for node in found),
            past=any(node.json.get("at_clause") for node in found),
        )
        for table, found in places.items()
    )


def _table(node: Node) -> Reference:
    return reference(node.json, "catalog_name", "schema_name", "table_name")


def _steps(node: Node) -> int:
    named = node.function and node.function not in OPERATORS
    return _NAMED_FUNCTION_STEPS if named else 1


def _times(node: Node, parent: Node) -> int:
    """How often a part is planned where it stands once."""
    if parent.kind == "BETWEEN" and node.role == "input":
        return 2
    if parent.kind == "SUBQUERY" and parent.json.get("subquery_type") == "SCALAR":
        return 2
    if parent.kind == "FUNCTION" and parent.function in MACROS:
        return 2
    return 1


def _own_cost(node: Node) -> int:
    cost = _COSTS.get(node.kind, 0)
    if node.kind == "SELECT_NODE":
        cost += _GROUPING_SET * max(0, len(node.json.get("group_sets") or []) - 1)
    elif node.role == "entries":
        cost += _PIVOTED_VALUE
    return cost
