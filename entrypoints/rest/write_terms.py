"""On what terms a request writes a table: its `Idempotency-Key` and its `If-Match`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.datastructures import Headers

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
    """The request's key: as a structured string, in quotes, or as it stands.

    Raises:
        InvalidIdempotencyKeyError: When it is against the rules, or given twice.
    """
    values = headers.getlist(KEY_HEADER)
    if not values:
        return None
    if len(values) > 1:
        raise InvalidIdempotencyKeyError(f"{KEY_HEADER} is given once.")
    text = values[0].strip()
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
    fingerprint = Fingerprint(
        request.method.encode(),
        raw_path(request.scope).encode(),
        request.scope["query_string"],
        request.headers.get("content-type", "").strip().lower().encode(),
        request.headers.get("content-encoding", "").strip().lower().encode(),
        content_of(request),
    )
    return RequestTerms(Terms(key, fingerprint.digest, if_match), fingerprint)


WriteTerms = Annotated[RequestTerms, Depends(terms_of)]
"""The terms of a request, for a route that writes a table."""


def replay_headers(done: Done[Any]) -> dict[str, str]:
    """The header that tells of an answer that it was given before."""
    return {REPLAYED_HEADER: "true"} if done.replayed else {}
