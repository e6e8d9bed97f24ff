"""What a commit says of itself: one JSON, kept by the lake with the snapshot for good.

`{"v": 1, "writes": [{"table", "operation", "run_id", "rows", "author"}]}`. Any DuckLake
client can read it from `snapshots()`. Readers must ignore members they do not know.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Self

VERSION = 1


@dataclass(frozen=True, slots=True)
class Write:
    """One write that a commit holds.

    Attributes:
        table: The table's full name, `namespace.name`.
        operation: What was done: `create`, `replace`, `append`, `drop`, ...
        run_id: The lineage run that did it.
        rows: How many rows were written; None where it is not about rows.
        author: Who did it; None when nobody said.
    """

    table: str
    operation: str
    run_id: str
    rows: int | None = None
    author: str | None = None


@dataclass(frozen=True, slots=True)
class CommitMessage:
    """The message of one commit."""

    writes: tuple[Write, ...]

    def to_json(self) -> str:
        """The message as the lake keeps it: compact JSON, members without a value left out."""
        writes = [
            {
                member: value
                for member, value in (
                    ("table", write.table),
                    ("operation", write.operation),
                    ("run_id", write.run_id),
                    ("rows", write.rows),
                    ("author", write.author),
                )
                if value is not None
            }
            for write in self.writes
        ]
        return json.dumps({"v": VERSION, "writes": writes}, separators=(",", ":"))

    @classmethod
    def parse(cls, text: str | None) -> Self | None:
        """Read a message; None when it is not one of ours (another client's commit)."""
        try:
            message = json.loads(text or "")
            if message["v"] != VERSION:
                return None
            return cls(
                tuple(
                    Write(
                        table=write["table"],
                        operation=write["operation"],
                        run_id=write["run_id"],
                        rows=write.get("rows"),
                        author=write.get("author"),
                    )
                    for write in message["writes"]
                )
            )
        except (ValueError, TypeError, KeyError):
            return None
