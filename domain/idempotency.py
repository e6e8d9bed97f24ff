"""Writes that can be sent again: keys, and on what terms a write is asked for.

A key names one write. Whoever does not know whether a write was done sends it again under the
same key, and is told what the first one was told. (The header `Idempotency-Key` is described in
draft-ietf-httpapi-idempotency-key-header.)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from domain.conditions import ANY
from domain.errors import InvalidIdempotencyKeyError

MAX_KEY_LENGTH = 255


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """A key that a caller gave to a write: 1-255 visible ASCII characters.

    Attributes:
        value: The key.
        scope: Whose key it is; empty for keys that all callers of the lake share.

    Raises:
        InvalidIdempotencyKeyError: When `value` is against these rules.
    """

    value: str
    scope: str = ""

    def __post_init__(self) -> None:
        if not 1 <= len(self.value) <= MAX_KEY_LENGTH or not all(
            "!" <= character <= "~" for character in self.value
        ):
            raise InvalidIdempotencyKeyError(
                f"An idempotency key has 1 to {MAX_KEY_LENGTH} visible ASCII characters."
            )


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """A request under a key.

    Attributes:
        key: The key.
        digest: What tells this request from others, all of its payload included.
    """

    key: IdempotencyKey
    digest: bytes


@dataclass(frozen=True, slots=True)
class WriteTerms:
    """On what terms a write of a table is asked for.

    Attributes:
        request: The request under its key; None when it has none.
        if_match: Only when the table's entity tag, the number of the snapshot of its last
            change, is one of these; `*` stands for any. None asks for nothing.
    """

    request: KeyedRequest | None = None
    if_match: tuple[str, ...] | None = None

    def match(self, snapshot_id: int) -> bool:
        """Whether a table whose last change is in this snapshot may be written."""
        return self.if_match is None or ANY in self.if_match or str(snapshot_id) in self.if_match


NO_TERMS = WriteTerms()

Digest = Callable[[], bytes]
"""Gives a request's digest; reads what is left of its body first."""
