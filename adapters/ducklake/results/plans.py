"""The engine's plan of a statement, and what the catalog knows of what it would read."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import duckdb

from adapters.ducklake.catalog.metadata import Metadata
from adapters.ducklake.catalog.sizes import read_size
from domain.plans import PlannedRead
from domain.queries import Parameters
from domain.tables import TableName

_SCAN = "DUCKLAKE_SCAN"


@dataclass(frozen=True, slots=True)
class _Scan:
    """One scan of a table: its name without its schema, and all that names columns of it."""

    table: str
    texts: tuple[str, ...]

    def reads(self, column: str) -> bool:
        """Whether the column is named; a word that only looks like it counts too."""
        word = re.compile(rf"(?<!\w){re.escape(column)}(?!\w)", re.IGNORECASE)
        return any(word.search(text) for text in self.texts)


def plan_text(cursor: duckdb.DuckDBPyConnection, sql: str, parameters: Parameters) -> str:
    """The plan as people read it."""
    rows = cursor.execute(f"EXPLAIN {sql}", parameters or None).fetchall()
    return "\n".join(str(text) for _, text in rows)


def planned_reads(
    cursor: duckdb.DuckDBPyConnection,
    metadata: Metadata,
    sql: str,
    parameters: Parameters,
    tables: Sequence[TableName],
) -> tuple[PlannedRead, ...]:
    """What the statement would read of these tables, by its plan."""
    rows = cursor.execute(f"EXPLAIN (FORMAT json) {sql}", parameters or None).fetchall()
    scans = [scan for _, text in rows for scan in _scans(json.loads(text))]
    return tuple(_read(cursor, metadata, table, scans) for table in tables)


def _read(
    cursor: duckdb.DuckDBPyConnection,
    metadata: Metadata,
    name: TableName,
    scans: Collection[_Scan],
) -> PlannedRead:
    entry = metadata.table(name)
    if entry is None:
        raise AssertionError("a table that the gate has found in the same transaction")
    # A plan names a table without its schema: of two that share a name, both are taken for each.
    own = [scan for scan in scans if scan.table.casefold() == entry.name.name.casefold()]
    columns = tuple(
        column.name
        for column in (metadata.columns(entry) if own else ())
        if any(scan.reads(column.name) for scan in own)
    )
    file_count, _ = metadata.files(entry)
    size = read_size(cursor, metadata.snapshot_id, entry.id, columns)
    return PlannedRead(entry.name, columns, file_count, size)


def _scans(nodes: Sequence[dict[str, object]]) -> Iterator[_Scan]:
    for node in nodes:
        info = node.get("extra_info")
        if node.get("name") == _SCAN and isinstance(info, dict):
            texts = (text for key in ("Projections", "Filters") for text in _texts(info.get(key)))
            yield _Scan(str(info.get("Table", "")), tuple(texts))
        children = node.get("children")
        if isinstance(children, list):
            yield from _scans(children)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        yield from map(str, value)
