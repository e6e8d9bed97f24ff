"""Tables and queries on DuckDB and DuckLake."""

from adapters.ducklake.config import (
    FileCatalog,
    LakeConfig,
    LocalStorage,
    PostgresCatalog,
    S3Storage,
)
from adapters.ducklake.engine.lake import Lake
from adapters.ducklake.objects.sources import ObjectSources
from adapters.ducklake.queries import DuckLakeQueries
from adapters.ducklake.tables.port import DuckLakeTables

__all__ = [
    "DuckLakeQueries",
    "DuckLakeTables",
    "FileCatalog",
    "Lake",
    "LakeConfig",
    "LocalStorage",
    "ObjectSources",
    "PostgresCatalog",
    "S3Storage",
]
