"""What an object named in place of a table is called in the statement, as DuckDB calls a file.

`FROM 's3://bucket/x.csv'` reads a view that has the object's whole name, so `x.a` would find no
table. Where a statement says such a name, the object gets it as an alias, by an edit of the
text, and the edited text is proven: it must parse to the same tree but for the aliases.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator
from typing import Any

import duckdb

from adapters.ducklake.engine.sql import identifier
from adapters.ducklake.gate.edits import Edit, EditedText
from adapters.ducklake.gate.parser import tree_with_places
from adapters.ducklake.gate.tokens import Tokens
from adapters.ducklake.gate.tree import Node, lay_out
from domain.errors import LakehouseError
from domain.sql.objects import alias_of

_QUOTED = re.compile(rb"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"")
# No alias can stand behind the name there.
_NO_ALIAS_BEHIND = frozenset({"describe", "desc", "summarize", "show", "table"})


def aliases(cursor: duckdb.DuckDBPyConnection, sql: str, named: Collection[str]) -> list[Edit]:
    """The edits that give objects their aliases, where the statement says these.

    Args:
        cursor: Locked, as for parsing.
        sql: A statement that was parsed before.
        named: The names of its objects that stand in place of a table.
    """
    if not named:
        return []
    before, original = tree_with_places(cursor, sql)
    nodes = lay_out(before, frozenset())
    said = {name.casefold() for node in nodes for name in _said(node)}
    wanted = {name: alias for name in named if (alias := alias_of(name)).casefold() in said - {""}}
    objects = [node for node in nodes if _is_bare(node) and node.json["table_name"] in wanted]
    taken = Counter(_called(node) for node in nodes)
    taken.update((id(node.select), wanted[node.json["table_name"]].casefold()) for node in objects)
    tokens = Tokens.of(sql)
    edits: list[Edit] = []
    for node in objects:
        alias = wanted[node.json["table_name"]]
        number = tokens.number_at(original(int(node.json["query_location"])))
        # Where two would be called so, neither is, which leaves such a statement as it was.
        if number is None or taken[(id(node.select), alias.casefold())] > 1:
            continue
        quoted = _QUOTED.match(tokens.text, tokens.starts[number])
        if quoted is not None and tokens.word(number - 1) not in _NO_ALIAS_BEHIND:
            edits.append(Edit(quoted.end(), quoted.end(), f" AS {identifier(alias)}"))
    return edits if edits and _same(cursor, before, EditedText.of(sql, edits).text) else []


def _said(node: Node) -> Iterator[str]:
    """The names that may be of tables: the parts of a column's name, and of `x.*`."""
    names = node.json.get("column_names")
    if isinstance(names, list):
        yield from map(str, names)
    yield str(node.json.get("relation_name") or "")


def _is_bare(node: Node) -> bool:
    return node.kind == "BASE_TABLE" and not node.json.get("alias")


def _called(node: Node) -> tuple[int, str]:
    name = node.json.get("alias") or (node.json["table_name"] if _is_bare(node) else "")
    return id(node.select), str(name).casefold()


def _same(cursor: duckdb.DuckDBPyConnection, before: Any, edited: str) -> bool:
    try:
        after, _ = tree_with_places(cursor, edited)
    except LakehouseError:
        return False
    return bool(_without_names(before) == _without_names(after))


def _without_names(value: Any) -> Any:
    """A tree without places, and without what tables are called."""
    if isinstance(value, list):
        return [_without_names(each) for each in value]
    if not isinstance(value, dict):
        return value
    left = {"query_location"} | ({"alias"} if value.get("type") == "BASE_TABLE" else set())
    return {key: _without_names(each) for key, each in value.items() if key not in left}
