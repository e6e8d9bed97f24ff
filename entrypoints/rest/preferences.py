"""What a client prefers, in the header Prefer (RFC 7240)."""

from __future__ import annotations

from starlette.datastructures import Headers

RESPOND_ASYNC = "respond-async"


def preferences(headers: Headers) -> frozenset[str]:
    """The names of the preferences, in lower case; those that are not known are ignored."""
    return frozenset(
        preference.partition(";")[0].partition("=")[0].strip().lower()
        for line in headers.getlist("prefer")
        for preference in line.split(",")
    )


def responds_async(headers: Headers) -> bool:
    """Whether the client would rather not wait for the answer (RFC 7240, 4.1)."""
    return RESPOND_ASYNC in preferences(headers)
