"""Which Parquet objects have the same columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import duckdb

from adapters.ducklake.objects.sources import ObjectSource

_SCHEMA = "name, type, type_length, num_children, converted_type, scale, precision, logical_type"


def one_of_each_schema(
    cursor: duckdb.DuckDBPyConnection, source: ObjectSource
) -> Sequence[ObjectSource]:
    """One object for each schema that the objects have, as sources that need no closing."""
    if len(source.objects) == 1:
        return [source]
    relation = source.relation(function="parquet_schema")
    firsts = cursor.execute(
        f"SELECT min(file_name) FROM (SELECT file_name, list(({_SCHEMA})) AS schema "
        f"FROM {relation} GROUP BY file_name) GROUP BY schema"
    ).fetchall()
    locations = {location for (location,) in firsts}
    return [
        replace(source, objects=(each,)) for each in source.objects if each.location in locations
    ]
