"""Where in a request something is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from domain.errors import LakehouseError


class Part(StrEnum):
    """A part of a request."""

    PATH = "path"
    QUERY = "query"
    HEADER = "header"
    BODY = "body"


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a request.

    Attributes:
        part: The part of the request.
        name: The parameter or header; in a body, a JSON pointer (RFC 6901).
    """

    part: Part
    name: str

    def members(self) -> dict[str, str]:
        """The place, as a problem tells it."""
        key = "pointer" if self.part is Part.BODY else "name"
        return {"in": self.part.value, key: self.name}


class LocatedError(Exception):
    """One of the domain's errors, and where in the request its cause is."""

    def __init__(self, error: LakehouseError, location: Location) -> None:
        super().__init__(error.detail)
        self.error = error
        self.location = location


@contextmanager
def located(part: Part, name: str) -> Iterator[None]:
    """Say where in the request the cause of an error is."""
    try:
        yield
    except LakehouseError as error:
        raise LocatedError(error, Location(part, name)) from error
