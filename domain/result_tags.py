"""Entity tags of results."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from domain.queries import Query, QueryResult, ResultEncoding

_WRITTEN_AS = 1
"""To be raised when the same rows come to be written in another way."""


def result_tag(query: Query, encoding: ResultEncoding, result: QueryResult) -> str | None:
    """A tag that two answers share only when they have the same rows, written the same way.

    It is a weak one (RFC 9110, 8.8.1): the order of rows may differ where the question leaves
    it open, and JSON answers tell how long they took.

    Returns:
        The tag; None when more than the lake decides which rows the question gives.
    """
    if result.version is None:
        return None
    # How long it may take does not change what it answers.
    asked = repr((_WRITTEN_AS, replace(query, timeout_s=None), encoding, result.version))
    return hashlib.blake2b(asked.encode(), digest_size=16).hexdigest()
