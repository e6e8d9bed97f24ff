"""What came of writes, as the JSON that is kept under their keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from adapters.ducklake.keys.entries import Answer, KeyEntry
from domain.column_types import parse_column_type
from domain.errors import SnapshotNotFoundError, TableNotFoundError
from domain.growth import NO_GROWTH, Growth
from domain.tables import (
    AppendOutcome,
    AtVersion,
    Column,
    CreateOutcome,
    DropOutcome,
    TableDefinition,
    TableDescription,
    TableName,
    WriteOutcome,
)

DROPPED: Answer = {"operation": "drop"}


def appended(rows: int, grown: Growth = NO_GROWTH, *, snapshot_id: int | None = None) -> Answer:
    """The answer of an append; of one without rows it names a snapshot."""
    answer: dict[str, Any] = {"operation": "append", "rows_appended": rows}
    if grown:
        answer["columns_added"] = [_column(column) for column in grown.added]
        answer["columns_widened"] = [_column(column) for column in grown.widened]
    if snapshot_id is not None:
        answer["snapshot_id"] = snapshot_id
    return answer


def created(definition: TableDefinition, location: str, rows: int) -> Answer:
    """The answer of a create; what else there is to say of the table is in its snapshot."""
    table = _members(
        definition.name, definition.columns, definition.comment, definition.partition_by
    )
    more = {"location": location, "row_count": rows}
    return {"operation": "create", "created": True, "table": table | more}


def left_alone(table: TableDescription) -> Answer:
    """The answer of a create that found the table there."""
    members = _members(table.name, table.columns, table.comment, table.partition_by)
    members |= {
        "row_count": table.row_count,
        "file_count": table.file_count,
        "size_bytes": table.size_bytes,
        "snapshot_id": table.snapshot_id,
        "created_at": table.created_at.isoformat(),
        "updated_at": None if table.updated_at is None else table.updated_at.isoformat(),
        "location": table.location,
    }
    return {"operation": "create", "created": False, "table": members}


Describe = Callable[[TableName, AtVersion], TableDescription]


def outcome_of(entry: KeyEntry, describe: Describe) -> WriteOutcome:
    """What came of the write before.

    Args:
        entry: What was kept of it.
        describe: Describes a table at a moment of the past.
    """
    answer = entry.answer
    match answer["operation"]:
        case "append":
            snapshot_id = answer.get("snapshot_id", entry.snapshot_id)
            return AppendOutcome(
                answer["rows_appended"],
                int(snapshot_id),
                entry.run_id,
                tuple(map(_read_column, answer.get("columns_added", ()))),
                tuple(map(_read_column, answer.get("columns_widened", ()))),
            )
        case "create":
            table = _table(entry, describe)
            return CreateOutcome(table, answer["created"], entry.run_id)
        case _:
            return DropOutcome(entry.run_id)


def _table(entry: KeyEntry, describe: Describe) -> TableDescription:
    members = entry.answer["table"]
    name = TableName(members["namespace"], members["name"])
    if entry.answer["created"] and entry.snapshot_id is not None:
        try:
            return describe(name, AtVersion(entry.snapshot_id))
        except (SnapshotNotFoundError, TableNotFoundError):
            # Its snapshot was expired; of its first moment this much is known.
            members = members | {
                "file_count": 0,
                "size_bytes": 0,
                "snapshot_id": entry.snapshot_id,
                "created_at": entry.written_at.isoformat(),
                "updated_at": None,
            }
    return TableDescription(
        name=name,
        columns=tuple(map(_read_column, members["columns"])),
        comment=members["comment"],
        partition_by=tuple(members["partition_by"]),
        row_count=members["row_count"],
        file_count=members["file_count"],
        size_bytes=members["size_bytes"],
        snapshot_id=members["snapshot_id"],
        created_at=datetime.fromisoformat(members["created_at"]),
        updated_at=datetime.fromisoformat(members["updated_at"])
        if members["updated_at"] is not None
        else None,
        location=members["location"],
    )


def _members(
    name: TableName, columns: tuple[Column, ...], comment: str | None, partition_by: Any
) -> dict[str, Any]:
    return {
        "namespace": name.namespace,
        "name": name.name,
        "columns": [_column(column) for column in columns],
        "comment": comment,
        "partition_by": [str(key) for key in partition_by],
    }


def _column(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "type": str(column.type),
        "nullable": column.nullable,
        "comment": column.comment,
    }


def _read_column(members: Mapping[str, Any]) -> Column:
    return Column(
        members["name"],
        parse_column_type(members["type"]),
        members["nullable"],
        members["comment"],
    )
