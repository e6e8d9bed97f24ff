"""The composition root: the one place that names adapters.

Adapters are imported as they are built, not as this module is: their libraries (DuckDB,
pyarrow, the OpenLineage client) take longer to import than a server may take to listen.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

from dependency_injector import containers, providers
from loguru import logger

from application.datasets.buckets import (
    BucketCommand,
    CreateBucket,
    DeleteBucket,
    ListBuckets,
    ListBucketsCommand,
)
from application.datasets.download import (
    DescribeObject,
    Download,
    DownloadObject,
    DownloadObjectCommand,
)
from application.datasets.objects import (
    DeleteObject,
    DeleteObjectCommand,
    ListObjects,
    ListObjectsCommand,
)
from application.datasets.presign import PresignObject, PresignObjectCommand
from application.datasets.upload import UploadObject, UploadObjectCommand
from application.maintenance.check import (
    CheckLake,
    CheckLakeCommand,
    DeleteOrphans,
    DeleteOrphansCommand,
)
from application.maintenance.repair import RepairLake
from application.queries.plan import PlanQuery
from application.queries.run import QueryAnswer, RunQuery, RunQueryCommand
from application.readiness import CheckReadiness
from application.runs import Tracked
from application.statements.rules import StatementParts, StatementRules
from application.statements.runner import StatementRunner
from application.statements.uses import (
    DeleteStatement,
    FindStatement,
    ListStatements,
    OpenResult,
    SubmitStatement,
)
from application.tables.append import AppendRows
from application.tables.begin_append import TrackedAppend
from application.tables.create import CreateTable, CreateTableCommand
from application.tables.create_from import CreateTableFrom, CreateTableFromCommand
from application.tables.describe import DescribeTable, DescribeTableCommand
from application.tables.drop import DropTable, DropTableCommand
from application.tables.export import ExportCommand, ExportToObject
from application.tables.export_partitioned import (
    ExportPartitioned,
    PartitionedExport,
    PartitionedExportCommand,
)
from application.tables.list import ListTables, ListTablesCommand
from application.tables.load import LoadObjects, LoadObjectsCommand
from application.writes import TrackedWrite, told_as, told_as_derived, told_as_loaded
from domain.datasets import Bucket, BucketName, ObjectPage, PutOutcome
from domain.derived_tables import DerivedOutcome
from domain.health import HealthCheck
from domain.maintenance import CheckReport
from domain.object_rows import LoadOutcome
from domain.ports.datasets import DatasetPort
from domain.ports.lake_files import LakeFilePort
from domain.ports.lineage import LineagePort
from domain.ports.maintenance import MaintenancePort
from domain.ports.queries import QueryPort
from domain.ports.rows import RowReaderPort
from domain.ports.statements import StatementPort
from domain.ports.tables import TablePort
from domain.presigned import PresignedUrl
from domain.queries import QueryTimeouts
from domain.tables import (
    CreateOutcome,
    DropOutcome,
    TableDescription,
    TablePage,
)
from entrypoints.health import AllOf, PartOfService
from entrypoints.home import Home
from entrypoints.settings import Durability, Settings, Storage

# ruff: noqa: PLC0415 - see the module's docstring

PROJECT_URI = "urn:ducklake-backend"
PROBE_THREADS = 8
STATEMENT_BUCKET = BucketName("statements")
STATEMENT_PREFIX = "statements/"
STATEMENTS_STOP_S = 10.0
"""How long statements may take to be stopped, and to be told so, at the end."""
# No operation waits for lineage, so a replica whose events do not get out still serves.
ADVISORY_PARTS = frozenset({"lineage"})


def _open_home(root: Path, closing: ExitStack) -> Home:
    home = Home(root)
    closing.callback(home.release)
    return home


def _lake(config: Any, bucket: Any, closing: ExitStack) -> Any:
    """The lake, which opens when it is first used."""
    from adapters.ducklake import Lake

    lake = Lake(config) if bucket is None else Lake(config, bucket.make)
    closing.callback(lake.close)
    return lake


def _lake_config(home: Home, datasets: DatasetPort, settings: Mapping[str, Any]) -> Any:
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
        threads=settings["threads"],
        catalog_timeout_s=settings["store_timeout_s"],
        inline_rows=settings["inline_rows"],
        compact_after=settings["compact_after"],
        sync_files=settings["durability"] is Durability.FULL,
        readable=tuple(datasets.location_roots),
    )


def _lake_bucket(settings: Mapping[str, Any], closing: ExitStack) -> Any:
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


def _tables(lake: Any, object_sources: Any, keep_hours: int, closing: ExitStack) -> TablePort:
    from adapters.ducklake import DuckLakeTables

    tables = DuckLakeTables(lake, timedelta(hours=keep_hours), object_sources)
    closing.callback(tables.close)
    return tables


def _object_sources(lake: Any, datasets: DatasetPort) -> Any:
    from adapters.ducklake import ObjectSources

    return ObjectSources(lake, datasets)


def _queries(lake: Any, object_sources: Any) -> QueryPort:
    from adapters.ducklake import DuckLakeQueries

    return DuckLakeQueries(lake, object_sources)


def _rows(home: Home, settings: Mapping[str, Any]) -> RowReaderPort:
    from adapters.arrow.limits import Limits
    from adapters.arrow.reader import ArrowRowReader

    limits = Limits(
        body_bytes=settings["max_table_body"],
        expanded_bytes=settings["max_expanded_body"],
        depth=settings["max_nesting"],
        columns=settings["max_columns"],
    )
    return ArrowRowReader(home.layout.spool, limits)


def _datasets_in_files(home: Home) -> DatasetPort:
    from adapters.filesystem.datasets import FilesystemDatasets

    return FilesystemDatasets(home.layout.datasets)


def _datasets_in_minio(settings: Mapping[str, Any], closing: ExitStack) -> DatasetPort:
    from adapters.minio.datasets import MinioDatasets

    endpoint, limits = _store(settings)
    datasets = MinioDatasets(
        endpoint, reserved=frozenset({settings["minio_lake_bucket"]}), limits=limits
    )
    closing.callback(datasets.close)
    return datasets


def _statements_in_files(home: Home) -> StatementPort:
    from adapters.filesystem.datasets import FilesystemDatasets
    from adapters.statements.store import ObjectStatements

    return ObjectStatements(FilesystemDatasets(home.layout.service), STATEMENT_BUCKET)


def _statements_in_minio(settings: Mapping[str, Any], closing: ExitStack) -> StatementPort:
    """In the lake's own bucket, which is no dataset."""
    from adapters.minio.datasets import MinioDatasets
    from adapters.statements.store import ObjectStatements

    endpoint, limits = _store(settings)
    store = MinioDatasets(endpoint, limits=limits)
    closing.callback(store.close)
    return ObjectStatements(store, BucketName(settings["minio_lake_bucket"]), STATEMENT_PREFIX)


def _statement_rules(settings: Mapping[str, Any]) -> StatementRules:
    return StatementRules(
        workers=settings["statement_workers"],
        waiting=settings["statement_queue"],
        max_result_bytes=settings["statement_max_result"],
        keep=timedelta(seconds=settings["statement_keep_s"]),
        lease_s=settings["statement_lease_s"],
        # A catalog in a file, and a home, are for one process.
        alone=settings["catalog"] is None,
    )


def _statement_runner(
    queries: QueryPort,
    timeouts: QueryTimeouts,
    statements: StatementPort,
    lineage: LineagePort,
    rules: StatementRules,
    closing: ExitStack,
) -> StatementRunner:
    parts = StatementParts(RunQuery(queries, timeouts), statements, lineage, rules, _report)
    runner = StatementRunner(parts)
    runner.start()
    # Built behind the lake and the store, so it is closed before them.
    closing.callback(runner.close, STATEMENTS_STOP_S)
    return runner


def _report(sentence: str, error: BaseException) -> None:
    logger.opt(exception=error).warning(sentence)


def _lineage(
    home: Home, config: Any, settings: Mapping[str, Any], closing: ExitStack
) -> LineagePort:
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


def _lake_files_in_directory(home: Home) -> LakeFilePort:
    from adapters.filesystem.lake_files import FilesystemLakeFiles

    return FilesystemLakeFiles(home.layout.data)


def _lake_files_in_minio(
    config: Any, settings: Mapping[str, Any], closing: ExitStack
) -> LakeFilePort:
    from adapters.minio.lake_files import MinioLakeFiles

    endpoint, limits = _store(settings)
    files = MinioLakeFiles(
        endpoint, limits, BucketName(config.storage.bucket), config.storage.prefix
    )
    closing.callback(files.close)
    return files


def _maintenance(lake: Any, files: LakeFilePort, tables: Any) -> MaintenancePort:
    from adapters.ducklake.maintenance.maintenance import DuckLakeMaintenance

    return DuckLakeMaintenance(lake, files, tables.writer)


def _probes(closing: ExitStack) -> ThreadPoolExecutor:
    pool = ThreadPoolExecutor(PROBE_THREADS, thread_name_prefix="probe")
    closing.callback(pool.shutdown, wait=False, cancel_futures=True)
    return pool


def _parts(
    tables: Callable[[], TablePort],
    storage: Callable[[], HealthCheck],
    lineage: Callable[[], LineagePort],
    timeout_s: float,
) -> Mapping[str, PartOfService]:
    return {
        "catalog": PartOfService(tables, timeout_s),
        "storage": PartOfService(storage, timeout_s),
        "lineage": PartOfService(lineage, timeout_s),
    }


class Container(containers.DeclarativeContainer):
    """All parts, built when they are first asked for.

    Tests override ports (`container.tables.override(...)`) and reset the singletons. Building
    may take long or fail (the lake is opened, the home is locked); one that failed is tried
    again when it is next asked for.
    """

    settings = providers.Configuration(strict=True)

    closing: providers.Provider[ExitStack] = providers.ThreadSafeSingleton(ExitStack)
    # What must outlive the rest: the lock, and lineage, which still hears how runs end.
    closing_last: providers.Provider[ExitStack] = providers.ThreadSafeSingleton(ExitStack)

    # The adapters
    home: providers.Provider[Home] = providers.ThreadSafeSingleton(
        _open_home, settings.home, closing_last
    )
    lake_bucket: providers.Provider[Any] = providers.Selector(
        settings.storage,
        file=providers.Object(None),
        minio=providers.ThreadSafeSingleton(_lake_bucket, settings, closing),
    )
    datasets: providers.Provider[DatasetPort] = providers.Selector(
        settings.storage,
        file=providers.ThreadSafeSingleton(_datasets_in_files, home),
        minio=providers.ThreadSafeSingleton(_datasets_in_minio, settings, closing),
    )
    lake_config: providers.Provider[Any] = providers.ThreadSafeSingleton(
        _lake_config, home, datasets, settings
    )
    lake: providers.Provider[Any] = providers.ThreadSafeSingleton(
        _lake, lake_config, lake_bucket, closing
    )
    object_sources: providers.Provider[Any] = providers.ThreadSafeSingleton(
        _object_sources, lake, datasets
    )
    tables: providers.Provider[TablePort] = providers.ThreadSafeSingleton(
        _tables, lake, object_sources, settings.idempotency_keep_hours, closing
    )
    queries: providers.Provider[QueryPort] = providers.ThreadSafeSingleton(
        _queries, lake, object_sources
    )
    rows: providers.Provider[RowReaderPort] = providers.ThreadSafeSingleton(_rows, home, settings)
    statements: providers.Provider[StatementPort] = providers.Selector(
        settings.storage,
        file=providers.ThreadSafeSingleton(_statements_in_files, home),
        minio=providers.ThreadSafeSingleton(_statements_in_minio, settings, closing),
    )
    lineage: providers.Provider[LineagePort] = providers.ThreadSafeSingleton(
        _lineage, home, lake_config, settings, closing_last
    )

    lake_files: providers.Provider[LakeFilePort] = providers.Selector(
        settings.storage,
        file=providers.ThreadSafeSingleton(_lake_files_in_directory, home),
        minio=providers.ThreadSafeSingleton(_lake_files_in_minio, lake_config, settings, closing),
    )
    maintenance: providers.Provider[MaintenancePort] = providers.ThreadSafeSingleton(
        _maintenance, lake, lake_files, tables
    )

    # How long the engine may work
    query_timeouts: providers.Provider[QueryTimeouts] = providers.Factory(
        QueryTimeouts, settings.query_timeout_s, settings.query_max_timeout_s
    )
    statement_timeouts: providers.Provider[QueryTimeouts] = providers.Factory(
        QueryTimeouts, settings.statement_timeout_s, settings.statement_max_timeout_s
    )

    # The use cases
    create_table: providers.Provider[TrackedWrite[CreateTableCommand, CreateOutcome]] = (
        providers.Factory(
            TrackedWrite,
            providers.Factory(CreateTable, tables),
            lineage,
            tables,
            told_as(CreateOutcome),
        )
    )
    create_table_from: providers.Provider[TrackedWrite[CreateTableFromCommand, DerivedOutcome]] = (
        providers.Factory(
            TrackedWrite,
            providers.Factory(CreateTableFrom, tables, statement_timeouts),
            lineage,
            tables,
            told_as_derived,
        )
    )
    list_tables: providers.Provider[Tracked[ListTablesCommand, TablePage]] = providers.Factory(
        Tracked, providers.Factory(ListTables, tables), lineage
    )
    describe_table: providers.Provider[Tracked[DescribeTableCommand, TableDescription]] = (
        providers.Factory(Tracked, providers.Factory(DescribeTable, tables), lineage)
    )
    append_rows: providers.Provider[TrackedAppend] = providers.Factory(
        TrackedAppend, providers.Factory(AppendRows, tables, rows), lineage, tables
    )
    drop_table: providers.Provider[TrackedWrite[DropTableCommand, DropOutcome]] = providers.Factory(
        TrackedWrite, providers.Factory(DropTable, tables), lineage, tables, told_as(DropOutcome)
    )
    load_objects: providers.Provider[TrackedWrite[LoadObjectsCommand, LoadOutcome]] = (
        providers.Factory(
            TrackedWrite,
            providers.Factory(LoadObjects, tables, statement_timeouts),
            lineage,
            tables,
            told_as_loaded,
        )
    )
    export_to_object: providers.Provider[Tracked[ExportCommand, PutOutcome]] = providers.Factory(
        Tracked, providers.Factory(ExportToObject, queries, datasets, statement_timeouts), lineage
    )
    export_partitioned: providers.Provider[Tracked[PartitionedExportCommand, PartitionedExport]] = (
        providers.Factory(
            Tracked,
            providers.Factory(ExportPartitioned, queries, datasets, statement_timeouts),
            lineage,
        )
    )
    plan_query: providers.Provider[PlanQuery] = providers.Factory(
        PlanQuery, queries, query_timeouts
    )
    run_query: providers.Provider[Tracked[RunQueryCommand, QueryAnswer]] = providers.Factory(
        Tracked, providers.Factory(RunQuery, queries, query_timeouts), lineage
    )
    statement_rules: providers.Provider[StatementRules] = providers.Factory(
        _statement_rules, settings
    )
    statement_runner: providers.Provider[StatementRunner] = providers.ThreadSafeSingleton(
        _statement_runner,
        queries,
        statement_timeouts,
        statements,
        lineage,
        statement_rules,
        closing,
    )
    submit_statement: providers.Provider[SubmitStatement] = providers.Factory(
        SubmitStatement, statement_runner
    )
    find_statement: providers.Provider[FindStatement] = providers.Factory(FindStatement, statements)
    list_statements: providers.Provider[ListStatements] = providers.Factory(
        ListStatements, statements
    )
    delete_statement: providers.Provider[DeleteStatement] = providers.Factory(
        DeleteStatement, find_statement, statement_runner, statement_rules
    )
    open_result: providers.Provider[OpenResult] = providers.Factory(
        OpenResult, find_statement, queries
    )
    create_bucket: providers.Provider[Tracked[BucketCommand, Bucket]] = providers.Factory(
        Tracked, providers.Factory(CreateBucket, datasets), lineage
    )
    list_buckets: providers.Provider[Tracked[ListBucketsCommand, Sequence[Bucket]]] = (
        providers.Factory(Tracked, providers.Factory(ListBuckets, datasets), lineage)
    )
    delete_bucket: providers.Provider[Tracked[BucketCommand, None]] = providers.Factory(
        Tracked, providers.Factory(DeleteBucket, datasets), lineage
    )
    upload_object: providers.Provider[Tracked[UploadObjectCommand, PutOutcome]] = providers.Factory(
        Tracked, providers.Factory(UploadObject, datasets), lineage
    )
    download_object: providers.Provider[Tracked[DownloadObjectCommand, Download]] = (
        providers.Factory(Tracked, providers.Factory(DownloadObject, datasets), lineage)
    )
    describe_object: providers.Provider[Tracked[DownloadObjectCommand, Download]] = (
        providers.Factory(Tracked, providers.Factory(DescribeObject, datasets), lineage)
    )
    delete_object: providers.Provider[Tracked[DeleteObjectCommand, None]] = providers.Factory(
        Tracked, providers.Factory(DeleteObject, datasets), lineage
    )
    list_objects: providers.Provider[Tracked[ListObjectsCommand, ObjectPage]] = providers.Factory(
        Tracked, providers.Factory(ListObjects, datasets), lineage
    )
    presign_object: providers.Provider[Tracked[PresignObjectCommand, PresignedUrl]] = (
        providers.Factory(Tracked, providers.Factory(PresignObject, datasets), lineage)
    )

    check_lake: providers.Provider[Tracked[CheckLakeCommand, CheckReport]] = providers.Factory(
        Tracked, providers.Factory(CheckLake, maintenance), lineage
    )
    delete_orphans: providers.Provider[Tracked[DeleteOrphansCommand, int]] = providers.Factory(
        Tracked, providers.Factory(DeleteOrphans, maintenance), lineage
    )
    repair_lake: providers.Provider[Tracked[CheckLakeCommand, CheckReport]] = providers.Factory(
        Tracked, providers.Factory(RepairLake, maintenance), lineage
    )

    # Whether it all works
    probes: providers.Provider[ThreadPoolExecutor] = providers.ThreadSafeSingleton(_probes, closing)
    storage_check: providers.Provider[HealthCheck] = providers.Selector(
        settings.storage,
        file=datasets,
        minio=providers.Factory(AllOf, lake_bucket, datasets),
    )
    parts: providers.Provider[Mapping[str, PartOfService]] = providers.ThreadSafeSingleton(
        _parts,
        tables.provider,
        storage_check.provider,
        lineage.provider,
        settings.ready_timeout_s,
    )
    check_readiness: providers.Provider[CheckReadiness] = providers.Factory(
        CheckReadiness, parts, probes, settings.ready_timeout_s, ADVISORY_PARTS
    )


def build_container(settings: Settings) -> Container:
    """The container of these settings; nothing is opened yet."""
    container = Container()
    container.settings.from_pydantic(settings)
    return container


def open_stores(container: Container) -> None:
    """Open the lake and the datasets, so that no request waits for it.

    Raises: what the adapters raise that cannot be opened; it is tried again when needed.
    """
    container.lake().open()
    container.tables()
    container.queries()
    container.datasets()
    # It ends what an earlier process left unfinished.
    container.statement_runner()


def import_libraries(container: Container) -> None:
    """Build what takes long to import and is not needed to be ready."""
    from adapters.ducklake.engine.lake import load_client
    from adapters.openlineage.publisher import OpenLineagePublisher

    container.rows()
    load_client()
    lineage = container.lineage()
    if isinstance(lineage, OpenLineagePublisher):
        # Its worker imports the client, which the first event would do otherwise.
        lineage.start()


def archive_keys(container: Container) -> None:
    """Before a server stops, write the keys of its last minute to where all others are."""
    from adapters.ducklake import DuckLakeTables

    tables = container.tables()
    if isinstance(tables, DuckLakeTables):
        tables.archive_keys()


def close_container(container: Container) -> None:
    """Close what was built: the lake closed, then lineage flushed, then the lock released."""
    container.closing().close()
    container.closing_last().close()
    container.reset_singletons()
