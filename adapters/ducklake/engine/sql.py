"""Writing SQL: the only place where names and texts are put into it."""

from __future__ import annotations

from domain.column_types import (
    ColumnType,
    ListType,
    MapType,
    StructType,
)
from domain.tables import TableName

LAKE = "lake"
"""The name under which the lake is attached."""

METADATA = f"__ducklake_metadata_{LAKE}"
"""The name under which DuckLake attaches the catalog's own tables."""

STAGING = "memory.staging"
"""The schema of the tables in which rows wait to be committed."""


def identifier(name: str) -> str:
    """A name, quoted."""
    escaped = name.replace('"', '""')
    return f'"{escaped}"'


def literal(text: str) -> str:
    """A text, quoted: for the statements that take no parameters."""
    escaped = text.replace("'", "''")
    return f"'{escaped}'"


def qualified(name: TableName) -> str:
    """A table of the lake by its full name."""
    return f"{LAKE}.{identifier(name.namespace)}.{identifier(name.name)}"


def type_name(column_type: ColumnType) -> str:
    """A type as SQL, the names in it quoted."""
    if isinstance(column_type, ListType):
        return f"{type_name(column_type.element)}[]"
    if isinstance(column_type, StructType):
        fields = (
            f"{identifier(field.name)} {type_name(field.type)}" for field in column_type.fields
        )
        return f"STRUCT({', '.join(fields)})"
    if isinstance(column_type, MapType):
        return f"MAP({type_name(column_type.key)}, {type_name(column_type.value)})"
    return str(column_type)
