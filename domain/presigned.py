"""Presigned URLs: leave to read or write one object for a while, without credentials."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.datasets import ObjectRef
from domain.errors import InvalidExpiryError

MAX_EXPIRY_S = 7 * 24 * 3600


class PresignedMethod(StrEnum):
    """What the holder of the URL may do."""

    GET = "GET"
    PUT = "PUT"


@dataclass(frozen=True, slots=True)
class PresignRequest:
    """Which URL is wanted.

    Attributes:
        ref: The object; for PUT its name must be writable.
        method: What the URL is for.
        expires_s: For how many seconds it is good, 1 to 604800 (7 days), as in S3.

    Raises:
        InvalidExpiryError: When `expires_s` is out of its bounds.
        InvalidObjectNameError: When the URL is to write a name that is not writable.
    """

    ref: ObjectRef
    method: PresignedMethod
    expires_s: int

    def __post_init__(self) -> None:
        if not 1 <= self.expires_s <= MAX_EXPIRY_S:
            raise InvalidExpiryError(f"A presigned URL is good for 1 to {MAX_EXPIRY_S} seconds.")
        if self.method is PresignedMethod.PUT:
            self.ref.name.check_writable()


@dataclass(frozen=True, slots=True)
class PresignedUrl:
    """A URL that needs no other credentials.

    Attributes:
        url: The URL.
        expires_at: From when on the store refuses it (UTC).
    """

    url: str
    expires_at: datetime
