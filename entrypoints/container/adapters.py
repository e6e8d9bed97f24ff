"""How each adapter is built of the settings.

Adapters are imported as they are built, not as this module is: their libraries (DuckDB,
pyarrow, the OpenLineage client) take longer to import than a server may take to listen.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

from domain.datasets import BucketName
from domain.ports.datasets import DatasetPort
from domain.ports.lake_files import LakeFilePort
from domain.ports.lineage import LineagePort
from domain.ports.maintenance import MaintenancePort
from domain.ports.queries import QueryPort
from domain.ports.rows import RowReaderPort
from domain.ports.statements import StatementPort
from domain.ports.tables import TablePort
from entrypoints.home import Home
from entrypoints.memory_limit import memory_of_process
from entrypoints.settings import Durability, Storage

# ruff: noqa: PLC0415 - see the module's docstring

PROJECT_URI = "urn:ducklake-backend"
STATEMENT_BUCKET = BucketName("statements")
STATEMENT_PREFIX = "statements/"


def open_home(root: Path, closing: ExitStack) -> Home:
    """The directory of the service, which one process may hold."""
    home = Home(root)
    closing.callback(home.release)
    return home


def build_lake(config: Any, bucket: Any, closing: ExitStack) -> Any:
    """The lake, which opens when it is first used."""
    from adapters.ducklake import Lake

    lake = Lake(config) if bucket is None else Lake(config, bucket.make)
    closing.callback(lake.close)
    return lake


def build_lake_config(home: Home, datasets: DatasetPort, settings: Mapping[str, Any]) -> Any:
    """Where the lake lies."""
    from adapters.ducklake.config import (
        FileCatalog,
        LakeConfig,
        LocalStorage,
        PostgresCatalog,
        S3Storage,
    )

    return LakeConfig(
        catalog=PostgresCatalog.parse(settings["catalog"].get_secret_value())
        if settings["catalog"] is not None
        else FileCatalog(home.layout.catalog_file),
        storage=S3Storage(
            endpoint=settings["minio_endpoint"],
            bucket=settings["minio_lake_bucket"],
            access_key=settings["minio_access_key"].get_secret_value(),
            secret_key=settings["minio_secret_key"].get_secret_value(),
            secure=settings["minio_secure"],
            region=settings["minio_region"],
            timeout_s=settings["store_timeout_s"],
        )
        if settings["storage"] is Storage.MINIO
        else LocalStorage(home.layout.data),
        temp_directory=settings["spill_directory"] or home.layout.spill,
        spill_limit=settings["spill_limit"],
        memory_limit=settings["memory_limit"],
        process_memory=memory_of_process(settings["process_memory"]),
        threads=settings["threads"],
        catalog_timeout_s=settings["store_timeout_s"],
        inline_rows=settings["inline_rows"],
        compact_after=settings["compact_after"],
        sync_files=settings["durability"] is Durability.FULL,
        # Large bodies in Parquet, which wait there, are read by the engine itself.
        readable=(*datasets.location_roots, f"{home.layout.spool.absolute()}/"),
    )


def build_lake_bucket(settings: Mapping[str, Any], closing: ExitStack) -> Any:
    """The lake's own bucket, which is made when it is missing."""
    from adapters.minio.lake_bucket import LakeBucket

    bucket = LakeBucket(*_store(settings), BucketName(settings["minio_lake_bucket"]))
    closing.callback(bucket.close)
    return bucket


def _store(settings: Mapping[str, Any]) -> tuple[Any, Any]:
    """Where the store is, and how long it may take."""
    from adapters.minio.config import MinioEndpoint, MinioLimits

    endpoint = MinioEndpoint(
        address=settings["minio_endpoint"],
        access_key=settings["minio_access_key"].get_secret_value(),
        secret_key=settings["minio_secret_key"].get_secret_value(),
        secure=settings["minio_secure"],
        region=settings["minio_region"],
    )
    timeout_s = settings["store_timeout_s"]
    limits = MinioLimits(
        connect_timeout_s=timeout_s,
        read_timeout_s=timeout_s,
        check_timeout_s=settings["ready_timeout_s"],
    )
    return endpoint, limits


def build_tables(lake: Any, object_sources: Any, keep_hours: int, closing: ExitStack) -> TablePort:
    """Tables of the lake."""
    from adapters.ducklake import DuckLakeTables

    tables = DuckLakeTables(lake, timedelta(hours=keep_hours), object_sources)
    closing.callback(tables.close)
    return tables


def build_object_sources(lake: Any, datasets: DatasetPort) -> Any:
    """Where statements and loads read objects from."""
    from adapters.ducklake import ObjectSources

    return ObjectSources(lake, datasets)


def build_queries(lake: Any, object_sources: Any) -> QueryPort:
    """Queries of the lake."""
    from adapters.ducklake import DuckLakeQueries

    return DuckLakeQueries(lake, object_sources)


def build_rows(home: Home, settings: Mapping[str, Any]) -> RowReaderPort:
    """The reader of bodies of rows."""
    from adapters.arrow.limits import Limits
    from adapters.arrow.reader import ArrowRowReader

    limits = Limits(
        body_bytes=settings["max_table_body"],
        expanded_bytes=settings["max_expanded_body"],
        depth=settings["max_nesting"],
        columns=settings["max_columns"],
    )
    return ArrowRowReader(home.layout.spool, limits)


def build_datasets_in_files(home: Home) -> DatasetPort:
    """Datasets in a directory of the home."""
    from adapters.filesystem.datasets import FilesystemDatasets

    return FilesystemDatasets(home.layout.datasets)


def build_datasets_in_minio(settings: Mapping[str, Any], closing: ExitStack) -> DatasetPort:
    """Datasets in an S3-compatible store; the lake's bucket is none."""
    from adapters.minio.datasets import MinioDatasets

    endpoint, limits = _store(settings)
    datasets = MinioDatasets(
        endpoint, reserved=frozenset({settings["minio_lake_bucket"]}), limits=limits
    )
    closing.callback(datasets.close)
    return datasets


def build_statements_in_files(home: Home) -> StatementPort:
    """Asynchronous statements in a directory of the home."""
    from adapters.filesystem.datasets import FilesystemDatasets
    from adapters.statements.store import ObjectStatements

    return ObjectStatements(FilesystemDatasets(home.layout.service), STATEMENT_BUCKET)


def build_statements_in_minio(settings: Mapping[str, Any], closing: ExitStack) -> StatementPort:
    """In the lake's own bucket, which is no dataset."""
    from adapters.minio.datasets import MinioDatasets
    from adapters.statements.store import ObjectStatements

    endpoint, limits = _store(settings)
    store = MinioDatasets(endpoint, limits=limits)
    closing.callback(store.close)
    return ObjectStatements(store, BucketName(settings["minio_lake_bucket"]), STATEMENT_PREFIX)


def build_lineage(
    home: Home, config: Any, settings: Mapping[str, Any], closing: ExitStack
) -> LineagePort:
    """The publisher of lineage, named as the settings say."""
    from adapters.openlineage.identity import Lake, Producer
    from adapters.openlineage.publisher import OpenLineagePublisher

    publisher = OpenLineagePublisher(
        home.layout.lineage_events,
        Lake(
            namespace=settings["lineage_namespace"] or f"ducklake://{config.catalog.authority}",
            data_location=config.data_path.rstrip("/"),
        ),
        Producer(
            PROJECT_URI,
            importlib.metadata.version("ducklake-backend"),
            importlib.metadata.version("duckdb"),
        ),
    )
    closing.callback(publisher.close, settings["lineage_flush_s"])
    return publisher


def build_lake_files_in_directory(home: Home) -> LakeFilePort:
    """The lake's files in a directory of the home."""
    from adapters.filesystem.lake_files import FilesystemLakeFiles

    return FilesystemLakeFiles(home.layout.data)


def build_lake_files_in_minio(
    config: Any, settings: Mapping[str, Any], closing: ExitStack
) -> LakeFilePort:
    """The lake's files in its bucket."""
    from adapters.minio.lake_files import MinioLakeFiles

    endpoint, limits = _store(settings)
    files = MinioLakeFiles(
        endpoint, limits, BucketName(config.storage.bucket), config.storage.prefix
    )
    closing.callback(files.close)
    return files


def build_maintenance(lake: Any, files: LakeFilePort, tables: Any) -> MaintenancePort:
    """Maintenance of the lake."""
    from adapters.ducklake.maintenance.maintenance import DuckLakeMaintenance

    return DuckLakeMaintenance(lake, files, tables.writer)
