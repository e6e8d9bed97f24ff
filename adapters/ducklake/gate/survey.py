"""From DuckDB's tree of a SELECT to the domain's statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from adapters.ducklake.gate.calls import call_of, reference
from adapters.ducklake.gate.tree import Json, Node, lay_out
from adapters.ducklake.gate.weights import weigh
from adapters.ducklake.objects.calls import is_read, read_of
from domain.sql.objects import ObjectRead
from domain.sql.sizes import LOOPING
from domain.sql.statement import Call, Reference, Statement


@dataclass(slots=True)
class _Found:
    tables: set[Reference] = field(default_factory=set)
    table_functions: set[Reference] = field(default_factory=set)
    object_reads: list[ObjectRead] = field(default_factory=list)
    calls: set[Call] = field(default_factory=set)
    columns: set[str] = field(default_factory=set)
    types: set[str] = field(default_factory=set)
    listings: set[str] = field(default_factory=set)
    common_tables: set[str] = field(default_factory=set)
    recursive: bool = False
    travels: bool = False
    sampled: bool = False
    selects_columns_by_lambda: bool = False


def survey(tree: Json) -> Statement:
    """What a statement names, calls and costs, by its tree."""
    nodes = lay_out(tree, LOOPING)
    found = _found(nodes)
    size, uses = weigh(nodes)
    return Statement(
        tables=frozenset(found.tables),
        table_functions=frozenset(found.table_functions),
        object_reads=tuple(sorted(found.object_reads, key=lambda read: read.position)),
        calls=frozenset(found.calls),
        columns=frozenset(found.columns),
        types=frozenset(found.types),
        listings=frozenset(found.listings),
        common_tables=frozenset(found.common_tables),
        recursive=found.recursive,
        travels=found.travels,
        sampled=found.sampled,
        selects_columns_by_lambda=found.selects_columns_by_lambda,
        uses=uses,
        size=size,
    )


def _found(nodes: Sequence[Node]) -> _Found:
    found = _Found()
    for node in nodes:
        _note_names(node, found)
        _note_source(node, found)
        _note_call(node, found)
    return found


def _note_source(node: Node, found: _Found) -> None:
    if isinstance(node.json.get("sample"), dict):
        found.sampled = True
    if node.json.get("at_clause"):
        found.travels = True
    match node.json:
        case {"type": "BASE_TABLE"}:
            found.tables.add(reference(node.json, "catalog_name", "schema_name", "table_name"))
        case {"type": "TABLE_FUNCTION", "function": {"function_name": _} as function} if is_read(
            function
        ):
            found.object_reads.append(read_of(node.json))
        case {"type": "TABLE_FUNCTION", "function": {"function_name": _} as function}:
            found.table_functions.add(reference(function, "catalog", "schema", "function_name"))
        case {"type": "TABLE_FUNCTION"}:
            found.table_functions.add(Reference("", "", "an unnamed table function"))
        case {"type": "SHOW_REF", "query": None, "table_name": name}:
            # "tables", "databases", __show_tables_expanded; empty for SHOW TABLES FROM.
            listing = str(name).strip('"').removeprefix("__show_").removesuffix("_expanded")
            found.listings.add(listing.upper() or "TABLES")
        case {"type": "RECURSIVE_CTE_NODE"}:
            found.recursive = True
        case {"key": str(name), "value": {"query": _}} if node.role == "map":
            found.common_tables.add(name.casefold())
        case _:
            pass


def _note_names(node: Node, found: _Found) -> None:
    json = node.json
    for key in ("column_names", "using_columns", "groups"):
        names = json.get(key)
        if isinstance(names, list):
            found.columns.update(name.casefold() for name in names if isinstance(name, str))
    if isinstance(json.get("id"), str):
        found.types.add(json["id"].casefold())
    if str(json.get("type")).endswith("_TYPE_INFO"):
        # A type that is another underneath goes by its alias (GEOMETRY), one that is not known
        # before it is bound by its name.
        found.types.update(str(json.get(key) or "").casefold() for key in ("alias", "name"))


def _note_call(node: Node, found: _Found) -> None:
    if not node.function or (node.parent and node.parent.kind == "TABLE_FUNCTION"):
        return
    if node.parent is not None and node.parent.kind == "STAR":
        # COLUMNS(lambda ...) reads as list_filter(*, lambda ...), over the names of columns.
        found.selects_columns_by_lambda = True
        return
    found.calls.add(call_of(node))
