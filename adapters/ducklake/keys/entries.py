"""What is kept of a write under a key, and how a commit carries it.

A commit that holds keyed writes says so in its snapshot's `commit_extra_info`, which any client
can read from `snapshots()`:
`{"v": 1, "keys": [{"key", "scope"?, "digest", "run_id", "answer"}]}`. Readers must ignore members
they do not know.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.errors import IdempotencyKeyReusedError
from domain.idempotency import IdempotencyKey, KeyedRequest

VERSION = 1

Answer = Mapping[str, Any]
"""What came of a write, as JSON: `operation` and what an answer needs."""


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """What is kept of a write under a key.

    Attributes:
        key: The key.
        digest: The digest of the request, in hexadecimal digits.
        run_id: The lineage run that did it.
        answer: What came of it.
        written_at: When.
        snapshot_id: The snapshot that it was committed in; None while it is not committed.
    """

    key: IdempotencyKey
    digest: str
    run_id: str
    answer: Answer
    written_at: datetime
    snapshot_id: int | None = None

    def check(self, request: KeyedRequest) -> None:
        """Check that it is of the same request.

        Raises:
            IdempotencyKeyReusedError: When it is not.
        """
        if self.digest != request.digest.hex():
            raise IdempotencyKeyReusedError(
                f"The idempotency key {self.key.value!r} was used for another request."
            )


def to_extra_info(entries: Sequence[KeyEntry]) -> str | None:
    """What a commit of these says of them; None for none."""
    if not entries:
        return None
    keys = [
        {"key": entry.key.value}
        | ({"scope": entry.key.scope} if entry.key.scope else {})
        | {"digest": entry.digest, "run_id": entry.run_id, "answer": entry.answer}
        for entry in entries
    ]
    return json.dumps({"v": VERSION, "keys": keys}, separators=(",", ":"))


def from_extra_info(text: str, snapshot_id: int, committed_at: datetime) -> Iterable[KeyEntry]:
    """What a commit says of its keys; nothing when it is not one of ours."""
    try:
        said = json.loads(text)
        if said["v"] != VERSION:
            return []
        return [
            KeyEntry(
                IdempotencyKey(each["key"], each.get("scope", "")),
                each["digest"],
                each["run_id"],
                each["answer"],
                committed_at,
                snapshot_id,
            )
            for each in said["keys"]
        ]
    except (ValueError, TypeError, KeyError, AttributeError):
        return []
