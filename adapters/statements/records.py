"""Statements as JSON: one object each, which every version of the service can read.

`{"v": 1, ...}`: members that are not known are skipped, and those that are missing are as if
they had not been said, so that replicas of neighbouring versions share a store.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from domain.errors import BadUpstreamError, LakehouseError
from domain.queries import ResultColumn
from domain.statements import Failure, Statement, StatementId, StatementState
from domain.tables import TableName

VERSION = 1


def to_json(statement: Statement) -> bytes:
    """A statement as JSON."""
    failure = statement.failure
    members = {
        "v": VERSION,
        "id": str(statement.id),
        "runner": statement.runner,
        "state": str(statement.state),
        "sql": statement.sql,
        "table": None if statement.table is None else str(statement.table),
        "row_limit": statement.row_limit,
        "submitted_at": _text(statement.submitted_at),
        "started_at": _text(statement.started_at),
        "ended_at": _text(statement.ended_at),
        "expires_at": _text(statement.expires_at),
        "run_id": statement.run_id,
        "snapshot_id": statement.snapshot_id,
        "columns": None
        if statement.columns is None
        else [{"name": column.name, "type": column.type} for column in statement.columns],
        "row_count": statement.row_count,
        "progress": statement.progress,
        "truncated": statement.truncated,
        "size_bytes": statement.size_bytes,
        "failure": None
        if failure is None
        else {"code": failure.code, "detail": failure.detail, "position": failure.position},
    }
    return json.dumps(members, ensure_ascii=False).encode()


def from_json(content: bytes) -> Statement:
    """The statement that JSON tells of.

    Raises:
        BadUpstreamError: When it tells of none.
    """
    try:
        return _read(json.loads(content))
    except (ValueError, TypeError, KeyError, AttributeError, LakehouseError) as error:
        raise BadUpstreamError("The record of a statement cannot be read.") from error


def _read(members: dict[str, Any]) -> Statement:
    if members["v"] != VERSION:
        raise ValueError(members["v"])
    table, failure, columns = (members.get(name) for name in ("table", "failure", "columns"))
    return Statement(
        id=StatementId(members["id"]),
        runner=members["runner"],
        submitted_at=_moment(members["submitted_at"]),
        sql=members.get("sql"),
        table=None if table is None else TableName.parse(table),
        row_limit=members.get("row_limit"),
        state=StatementState(members["state"]),
        started_at=_moment_or_none(members.get("started_at")),
        ended_at=_moment_or_none(members.get("ended_at")),
        expires_at=_moment_or_none(members.get("expires_at")),
        run_id=members.get("run_id"),
        snapshot_id=members.get("snapshot_id"),
        columns=None
        if columns is None
        else tuple(ResultColumn(column["name"], column["type"]) for column in columns),
        row_count=members.get("row_count", 0),
        progress=members.get("progress"),
        truncated=members.get("truncated", False),
        size_bytes=members.get("size_bytes"),
        failure=None
        if failure is None
        else Failure(failure["code"], failure["detail"], failure.get("position")),
    )


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat()


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _moment_or_none(text: str | None) -> datetime | None:
    return None if text is None else _moment(text)
