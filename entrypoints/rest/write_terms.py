"""On what terms a request writes a table: its `Idempotency-Key` and its `If-Match`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.datastructures import Headers
from starlette.types import Scope

from application.runs import Done
from application.writes import NO_TERMS, Fingerprint, Terms
from domain.errors import InvalidIdempotencyKeyError
from domain.idempotency import IdempotencyKey
from entrypoints.rest.conditions import tags_to_match
from entrypoints.rest.control import content_of
from entrypoints.rest.locations import Part, located
from entrypoints.rest.problems import raw_path

KEY_HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotent-Replayed"

_QUOTED = re.compile(r'"((?:[^"\\]|\\["\\])*)"')


@dataclass(frozen=True, slots=True)
class RequestTerms:
    """The terms that a request's headers say.

    Attributes:
        terms: For the use case.
        fingerprint: Tells the request from others; None when it has no key.
    """

    terms: Terms
    fingerprint: Fingerprint | None = None

    def body(self, chunks: Iterable[bytes]) -> Iterable[bytes]:
        """The request's body, whose bytes count for its fingerprint as they are read."""
        return chunks if self.fingerprint is None else self.fingerprint.of(chunks)


def key_of(headers: Headers) -> IdempotencyKey | None:
    """The request's key.

    Raises:
        InvalidIdempotencyKeyError: When it is against the rules, or given twice.
    """
    values = headers.getlist(KEY_HEADER)
    if not values:
        return None
    if len(values) > 1:
        raise InvalidIdempotencyKeyError(f"{KEY_HEADER} is given once.")
    return parse_key(values[0])


def parse_key(text: str) -> IdempotencyKey:
    """A key: as a structured string, in quotes, or as it stands.

    Raises:
        InvalidIdempotencyKeyError: When it is against the rules.
    """
    text = text.strip()
    if text.startswith('"'):
        # RFC 8941, 3.3.3: a quote and a backslash are escaped within a string.
        match = _QUOTED.fullmatch(text)
        if match is None:
            raise InvalidIdempotencyKeyError(f"{KEY_HEADER} does not end with its quote.")
        text = re.sub(r"\\(.)", r"\1", match[1])
    return IdempotencyKey(text)


async def terms_of(request: Request) -> RequestTerms:
    """The terms that a request's headers say.

    Raises:
        LocatedError: When the key is against the rules.
        MalformedError: When the list of entity tags is none.
    """
    if_match = tags_to_match(request.headers)
    with located(Part.HEADER, KEY_HEADER):
        key = key_of(request.headers)
    if key is None:
        return RequestTerms(NO_TERMS if if_match is None else Terms(if_match=if_match))
    return keyed_terms(
        request.scope,
        key,
        content_type=request.headers.get("content-type", ""),
        content_encoding=request.headers.get("content-encoding", ""),
        content=content_of(request),
        if_match=if_match,
    )


def keyed_terms(
    scope: Scope,
    key: IdempotencyKey,
    *,
    content_type: str = "",
    content_encoding: str = "",
    content: bytes = b"",
    if_match: tuple[str, ...] | None = None,
) -> RequestTerms:
    """The terms of a request under a key.

    Args:
        scope: The request.
        key: Its key.
        content_type: Its header of this name.
        content_encoding: The same.
        content: As much of its body as has been read.
        if_match: As `Terms.if_match`.
    """
    fingerprint = Fingerprint(
        scope["method"].encode(),
        raw_path(scope).encode(),
        scope["query_string"],
        content_type.strip().lower().encode(),
        content_encoding.strip().lower().encode(),
        content,
    )
    return RequestTerms(Terms(key, fingerprint.digest, if_match), fingerprint)


WriteTerms = Annotated[RequestTerms, Depends(terms_of)]
"""The terms of a request, for a route that writes a table."""


def replay_headers(done: Done[Any]) -> dict[str, str]:
    """The header that tells of an answer that it was given before."""
    return {REPLAYED_HEADER: "true"} if done.replayed else {}
