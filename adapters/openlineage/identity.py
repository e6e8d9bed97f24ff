"""Whose lineage it is: the lake that is worked on, and what makes the events."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Lake:
    """What a lake is called in lineage, and where its data lies.

    Attributes:
        namespace: The namespace of its tables.
        catalog: The first part of its tables' names.
        data_location: Where the tables' files lie: `s3://bucket/prefix`, or an absolute path
            of this machine; None when that is not to be told.
    """

    namespace: str = "ducklake://embedded"
    catalog: str = "lake"
    data_location: str | None = None


@dataclass(frozen=True, slots=True)
class Producer:
    """What makes the events.

    Attributes:
        uri: Where it can be found; stands in every event and facet.
        version: Its version.
        engine_version: DuckDB's version.
    """

    uri: str
    version: str
    engine_version: str
