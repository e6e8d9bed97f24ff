"""A table's columns as the fields of OpenLineage's schema facet.

https://openlineage.io/docs/spec/facets/dataset-facets/schema: a struct has its own fields, a
list one that is called `_element`, a map `key` and `value`.
"""

from __future__ import annotations

from collections.abc import Iterable

from openlineage.client.facet_v2 import schema_dataset

from domain.column_types import ColumnType, ListType, MapType, StructType
from domain.tables import Column


def schema_fields(columns: Iterable[Column]) -> list[schema_dataset.SchemaDatasetFacetFields]:
    """The columns in their order, with DuckDB's names of their types."""
    return [
        schema_dataset.SchemaDatasetFacetFields(
            name=column.name,
            type=str(column.type),
            description=column.comment,
            ordinal_position=position,
            fields=_nested(column.type),
        )
        for position, column in enumerate(columns, start=1)
    ]


def _nested(column_type: ColumnType) -> list[schema_dataset.SchemaDatasetFacetFields] | None:
    match column_type:
        case StructType():
            return [_field(field.name, field.type) for field in column_type.fields]
        case ListType():
            return [_field("_element", column_type.element)]
        case MapType():
            return [_field("key", column_type.key), _field("value", column_type.value)]
        case _:
            return None


def _field(name: str, column_type: ColumnType) -> schema_dataset.SchemaDatasetFacetFields:
    return schema_dataset.SchemaDatasetFacetFields(
        name=name, type=str(column_type), fields=_nested(column_type)
    )
