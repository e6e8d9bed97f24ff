"""Moments of the lake, as requests name them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Query

from domain.errors import InvalidError
from domain.tables import AtTimestamp, AtVersion, PointInTime
from entrypoints.rest.locations import Part, located
from entrypoints.rest.paging import WholeNumber


def point_in_time(at_version: int | None, at_timestamp: str | None) -> PointInTime | None:
    """The moment that a version, or a time in ISO 8601, names; None for neither.

    Raises:
        InvalidError: When both are given, or the time is none.
    """
    if at_timestamp is None:
        return AtVersion(at_version) if at_version is not None else None
    if at_version is not None:
        raise InvalidError("Only one of at_version and at_timestamp can be given.")
    return AtTimestamp(_moment(at_timestamp))


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise InvalidError("A time needs its zone: Z, or +01:00 (written %2B01:00 in a URL).")
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidError("This is no time in ISO 8601, such as 2026-01-31T12:00:00Z.") from error


async def asked_moment(
    at_version: Annotated[
        WholeNumber | None,
        Query(ge=0, le=2**63 - 1, description="As of this snapshot.", examples=[7]),
    ] = None,
    at_timestamp: Annotated[
        str | None,
        Query(
            description="As of this time: ISO 8601, with a time zone.",
            examples=["2026-01-31T12:00:00Z"],
            json_schema_extra={"format": "date-time"},
        ),
    ] = None,
) -> PointInTime | None:
    """The moment that a request's parameters name."""
    with located(Part.QUERY, "at_timestamp"):
        return point_in_time(at_version, at_timestamp)


MomentDep = Annotated[PointInTime | None, Depends(asked_moment)]
