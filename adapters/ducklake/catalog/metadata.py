"""Reading the catalog's own tables (DuckLake specification 1.0).

They are the one place that knows a table's past, its files and its comments in a form that
can be asked for at any snapshot. https://ducklake.select/docs/stable/specification/introduction
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import duckdb

from adapters.ducklake.catalog.lifetimes import alive
from adapters.ducklake.catalog.stored_types import StoredColumn, columns_of
from adapters.ducklake.engine.sql import LAKE, METADATA
from domain.tables import (
    SERVICE_NAMESPACE,
    Column,
    PartitionKey,
    TableName,
    TableSummary,
    Transform,
)

_MILLISECONDS = 1000


@dataclass(frozen=True, slots=True)
class TableEntry:
    """A table as the catalog has it at one snapshot."""

    id: int
    uuid: UUID
    name: TableName
    path: str

    @property
    def uuid_time(self) -> datetime:
        """The time in its UUID, which is of version 7 (RFC 9562): just before it was committed."""
        return datetime.fromtimestamp((self.uuid.int >> 80) / _MILLISECONDS, UTC)


@dataclass(frozen=True, slots=True)
class NamedEntry:
    """What goes by a name in the lake.

    Attributes:
        kind: `table`, `view` or `macro`.
        schema: Its schema; empty for a macro.
        name: Its name, as it was made.
        sql: The SELECT behind a view; else None.
    """

    kind: str
    schema: str
    name: str
    sql: str | None


_FIRST_LOOK_BACK = 64
_LOOKS_GROW_BY = 64
"""How many snapshots are looked at for a change, and how many times as many after that."""


class Metadata:
    """The catalog's tables, seen through one cursor at one snapshot."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, snapshot_id: int | None = None) -> None:
        self._cursor = cursor
        self.snapshot_id = current_snapshot(cursor) if snapshot_id is None else snapshot_id

    def lake_id(self) -> str:
        """What no other lake is called: the id of the schema that each has from its beginning."""
        row = self._one(
            f"SELECT schema_uuid FROM {METADATA}.ducklake_schema ORDER BY schema_id LIMIT 1"
        )
        return "" if row is None else str(row[0])

    def table(self, name: TableName) -> TableEntry | None:
        """The table of that name, compared without case; None when there is none."""
        row = self._one(
            f"""
            SELECT t.table_id, t.table_uuid, s.schema_name, t.table_name, s.path || t.path
            FROM {METADATA}.ducklake_table t JOIN {METADATA}.ducklake_schema s USING (schema_id)
            WHERE lower(s.schema_name) = lower($schema) AND lower(t.table_name) = lower($table)
              AND {alive("s")} AND {alive("t")}
            """,
            schema=name.namespace,
            table=name.name,
        )
        if row is None:
            return None
        table_id, uuid, schema_name, table_name, path = row
        return TableEntry(table_id, UUID(str(uuid)), TableName(schema_name, table_name), path)

    def columns(self, table: TableEntry) -> tuple[Column, ...]:
        """The table's columns, in order."""
        rows = self._all(
            f"""
            SELECT c.column_id, c.parent_column, c.column_name, c.column_type, c.nulls_allowed,
                   g.value
            FROM {METADATA}.ducklake_column c
            LEFT JOIN {METADATA}.ducklake_column_tag g
              ON g.table_id = c.table_id AND g.column_id = c.column_id AND g.key = 'comment'
             AND {alive("g")}
            WHERE c.table_id = $table AND {alive("c")}
            ORDER BY c.column_order
            """,
            table=table.id,
        )
        return columns_of([StoredColumn(*row) for row in rows])

    def comment(self, table: TableEntry) -> str | None:
        """The table's comment."""
        row = self._one(
            f"""
            SELECT value FROM {METADATA}.ducklake_tag g
            WHERE object_id = $table AND key = 'comment' AND {alive("g")}
            """,
            table=table.id,
        )
        return None if row is None else row[0]

    def partition_by(self, table: TableEntry) -> tuple[str, ...]:
        """The table's partition keys, as `PartitionKey` writes them."""
        rows = self._all(
            f"""
            SELECT c.column_name, k.transform
            FROM {METADATA}.ducklake_partition_info i
            JOIN {METADATA}.ducklake_partition_column k USING (partition_id)
            JOIN {METADATA}.ducklake_column c
              ON c.table_id = i.table_id AND c.column_id = k.column_id AND {alive("c")}
            WHERE i.table_id = $table AND {alive("i")}
            ORDER BY k.partition_key_index
            """,
            table=table.id,
        )
        return tuple(str(_partition_key(column, transform)) for column, transform in rows)

    def files(self, table: TableEntry) -> tuple[int, int]:
        """How many data files the table has, and their size in bytes."""
        row = self._one(
            f"""
            SELECT count(*), coalesce(sum(file_size_bytes), 0)
            FROM {METADATA}.ducklake_data_file f WHERE table_id = $table AND {alive("f")}
            """,
            table=table.id,
        )
        return (0, 0) if row is None else (int(row[0]), int(row[1]))

    def last_change(self, table: TableEntry) -> int:
        """The snapshot of the table's last change, fit to be an entity tag: it never goes back.

        Snapshots that were expired take their changes with them. A change that is no longer
        known may lie in the last gap that they left, so the snapshot behind that gap stands
        for it.

        The history is read from its end, so what this costs depends on how long ago the change
        was and not on how long the history is.
        """
        made = self._one(
            f"SELECT min(begin_snapshot) FROM {METADATA}.ducklake_table WHERE table_id = $table",
            table=table.id,
        )
        if made is None:
            raise AssertionError("an aggregate has a row")
        created, last = int(made[0]), self.snapshot_id
        count = _FIRST_LOOK_BACK
        while last > created:
            first = max(created + 1, last - count + 1)
            found = self._change_within(table, first, last)
            if found is not None:
                return found
            last, count = first - 1, count * _LOOKS_GROW_BY
        return created

    def _change_within(self, table: TableEntry, first: int, last: int) -> int | None:
        """The last snapshot of some in which the table changed, or that has a gap before it."""
        # As numbers in the text, the bounds reach the catalog's own index; as parameters not.
        row = self._one(
            f"""
            SELECT greatest(
                (SELECT max(snapshot_id) FROM {METADATA}.ducklake_snapshot_changes
                 WHERE snapshot_id BETWEEN {first:d} AND {last:d}
                   AND regexp_matches(changes_made, $change)),
                (SELECT max(snapshot_id) FROM (
                    SELECT snapshot_id, lag(snapshot_id) OVER (ORDER BY snapshot_id) AS before
                    FROM {METADATA}.ducklake_snapshot
                    WHERE snapshot_id BETWEEN {first - 1:d} AND {last:d})
                 WHERE snapshot_id >= {first:d} AND before IS DISTINCT FROM snapshot_id - 1))
            """,
            change=(
                "(^|,)(inserted_into_table|deleted_from_table|altered_table"
                f"|inlined_insert|inlined_delete):{table.id}(,|$)"
            ),
        )
        return None if row is None or row[0] is None else int(row[0])

    def created_at(self, table: TableEntry) -> datetime:
        """When the table was made, also when its first snapshot has been expired."""
        row = self._one(
            f"""
            SELECT min(s.snapshot_time) FROM {METADATA}.ducklake_snapshot s
            WHERE s.snapshot_id = (SELECT min(begin_snapshot) FROM {METADATA}.ducklake_table
                                   WHERE table_id = $table)
            """,
            table=table.id,
        )
        return table.uuid_time if row is None or row[0] is None else row[0].astimezone(UTC)

    def committed_at(self, snapshot_id: int) -> datetime | None:
        """When a snapshot was committed; None when it has been expired."""
        row = self._one(
            f"SELECT snapshot_time FROM {METADATA}.ducklake_snapshot WHERE snapshot_id = $id",
            id=snapshot_id,
        )
        return None if row is None else row[0].astimezone(UTC)

    def snapshot_at(self, moment: datetime) -> int | None:
        """The newest snapshot that is not after a moment; None when all are."""
        row = self._one(
            f"""
            SELECT max(snapshot_id) FROM {METADATA}.ducklake_snapshot
            WHERE snapshot_time <= $moment AND snapshot_id <= $snapshot
            """,
            moment=moment,
        )
        return None if row is None else row[0]

    def tables(
        self, namespace: str | None, after: tuple[str, str] | None, limit: int
    ) -> list[TableSummary]:
        """Tables in the order of namespace and name, behind `after`."""
        after_schema, after_table = after or ("", "")
        rows = self._all(
            f"""
            SELECT s.schema_name, t.table_name, g.value
            FROM {METADATA}.ducklake_table t
            JOIN {METADATA}.ducklake_schema s USING (schema_id)
            LEFT JOIN {METADATA}.ducklake_tag g
              ON g.object_id = t.table_id AND g.key = 'comment' AND {alive("g")}
            WHERE {alive("s")} AND {alive("t")} AND s.schema_name != '{SERVICE_NAMESPACE}'
              AND ($namespace IS NULL OR lower(s.schema_name) = lower($namespace))
              AND (s.schema_name > $after_schema
                   OR (s.schema_name = $after_schema AND t.table_name > $after_table))
            ORDER BY s.schema_name, t.table_name LIMIT $limit
            """,
            namespace=namespace,
            after_schema=after_schema,
            after_table=after_table,
            limit=limit,
        )
        return [TableSummary(*row) for row in rows]

    def has_view(self, name: TableName) -> bool:
        """Whether a view goes by that name, compared without case."""
        return any(
            entry.kind == "view" and entry.schema.casefold() == name.namespace.casefold()
            for entry in self.entries([name.name])
        )

    def entries(self, names: Collection[str]) -> list[NamedEntry]:
        """The tables, views and macros of these names in any schema, compared without case."""
        return self._entries(names, alive)

    def entries_ever(self, names: Collection[str]) -> list[NamedEntry]:
        """As `entries`, of all snapshots that the catalog still knows anything of."""
        return self._entries(names, lambda _: "true")

    def _entries(self, names: Collection[str], holds: Callable[[str], str]) -> list[NamedEntry]:
        rows = self._all(
            f"""
            SELECT 'table', s.schema_name, t.table_name, NULL
            FROM {METADATA}.ducklake_table t JOIN {METADATA}.ducklake_schema s USING (schema_id)
            WHERE lower(t.table_name) IN (SELECT unnest($names))
              AND {holds("s")} AND {holds("t")}
            UNION ALL
            SELECT 'view', s.schema_name, v.view_name, v.sql
            FROM {METADATA}.ducklake_view v JOIN {METADATA}.ducklake_schema s USING (schema_id)
            WHERE lower(v.view_name) IN (SELECT unnest($names))
              AND {holds("s")} AND {holds("v")}
            UNION ALL
            SELECT 'macro', '', m.macro_name, NULL FROM {METADATA}.ducklake_macro m
            WHERE lower(m.macro_name) IN (SELECT unnest($names)) AND {holds("m")}
            """,
            names=[name.lower() for name in names],
        )
        return [
            NamedEntry(kind, schema, name, None if sql is None else _in_this_lake(sql))
            for kind, schema, name, sql in rows
        ]

    # A row of the catalog is whatever its query selects, so its members are Any.
    def _all(self, sql: str, **parameters: object) -> list[tuple]:  # type: ignore[type-arg]
        # DuckDB refuses a parameter that the statement does not have.
        if "$snapshot" in sql:
            parameters["snapshot"] = self.snapshot_id
        return self._cursor.execute(sql, parameters).fetchall()

    def _one(self, sql: str, **parameters: object) -> tuple | None:  # type: ignore[type-arg]
        rows = self._all(sql, **parameters)
        return rows[0] if rows else None


def current_snapshot(cursor: duckdb.DuckDBPyConnection) -> int:
    """The newest snapshot that the cursor's transaction sees."""
    row = cursor.execute(f"FROM {LAKE}.current_snapshot()").fetchone()
    if row is None:
        raise AssertionError("a lake has a snapshot from its beginning")
    return int(row[0])


def _in_this_lake(view_sql: str) -> str:
    # DuckLake writes this where a view names the lake that it is in.
    return view_sql.replace("{DUCKLAKE_CATALOG}", LAKE)


def _partition_key(column: str, transform: str) -> PartitionKey:
    if transform.startswith("bucket("):
        return PartitionKey(column, Transform.BUCKET, int(transform[len("bucket(") : -1]))
    return PartitionKey(column, Transform(transform))
