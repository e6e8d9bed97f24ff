"""The composition root: what is built of what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

from dependency_injector import containers, providers

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
from application.queries.result_cache import ResultCache
from application.queries.run import QueryAnswer, RunQuery, RunQueryCommand
from application.readiness import CheckReadiness
from application.runs import Tracked
from application.statements.rules import StatementRules
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
from domain.datasets import Bucket, ObjectPage, PutOutcome
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
from entrypoints.container import adapters, services
from entrypoints.health import AllOf, PartOfService
from entrypoints.home import Home
from entrypoints.settings import Settings

# No operation waits for lineage, so a replica whose events do not get out still serves.
ADVISORY_PARTS = frozenset({"lineage"})


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
        adapters.open_home, settings.home, closing_last
    )
    lake_bucket: providers.Provider[Any] = providers.Selector(
        settings.storage,
        file=providers.Object(None),
        minio=providers.ThreadSafeSingleton(adapters.build_lake_bucket, settings, closing),
    )
    datasets: providers.Provider[DatasetPort] = providers.Selector(
        settings.storage,
        file=providers.ThreadSafeSingleton(adapters.build_datasets_in_files, home),
        minio=providers.ThreadSafeSingleton(adapters.build_datasets_in_minio, settings, closing),
    )
    lake_config: providers.Provider[Any] = providers.ThreadSafeSingleton(
        adapters.build_lake_config, home, datasets, settings
    )
    lake: providers.Provider[Any] = providers.ThreadSafeSingleton(
        adapters.build_lake, lake_config, lake_bucket, closing
    )
    object_sources: providers.Provider[Any] = providers.ThreadSafeSingleton(
        adapters.build_object_sources, lake, datasets
    )
    tables: providers.Provider[TablePort] = providers.ThreadSafeSingleton(
        adapters.build_tables, lake, object_sources, settings.idempotency_keep_hours, closing
    )
    queries: providers.Provider[QueryPort] = providers.ThreadSafeSingleton(
        adapters.build_queries, lake, object_sources
    )
    rows: providers.Provider[RowReaderPort] = providers.ThreadSafeSingleton(
        adapters.build_rows, home, settings
    )
    statements: providers.Provider[StatementPort] = providers.Selector(
        settings.storage,
        file=providers.ThreadSafeSingleton(adapters.build_statements_in_files, home),
        minio=providers.ThreadSafeSingleton(adapters.build_statements_in_minio, settings, closing),
    )
    lineage: providers.Provider[LineagePort] = providers.ThreadSafeSingleton(
        adapters.build_lineage, home, lake_config, settings, closing_last
    )

    lake_files: providers.Provider[LakeFilePort] = providers.Selector(
        settings.storage,
        file=providers.ThreadSafeSingleton(adapters.build_lake_files_in_directory, home),
        minio=providers.ThreadSafeSingleton(
            adapters.build_lake_files_in_minio, lake_config, settings, closing
        ),
    )
    maintenance: providers.Provider[MaintenancePort] = providers.ThreadSafeSingleton(
        adapters.build_maintenance, lake, lake_files, tables
    )

    # How long the engine may work
    query_timeouts: providers.Provider[QueryTimeouts] = providers.Factory(
        QueryTimeouts, settings.query_timeout_s, settings.query_max_timeout_s
    )
    statement_timeouts: providers.Provider[QueryTimeouts] = providers.Factory(
        QueryTimeouts, settings.statement_timeout_s, settings.statement_max_timeout_s
    )

    result_cache: providers.Provider[ResultCache] = providers.ThreadSafeSingleton(
        ResultCache, settings.result_cache
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
        Tracked, providers.Factory(RunQuery, queries, query_timeouts, result_cache), lineage
    )
    statement_rules: providers.Provider[StatementRules] = providers.Factory(
        services.build_statement_rules, settings
    )
    statement_runner: providers.Provider[StatementRunner] = providers.ThreadSafeSingleton(
        services.build_statement_runner,
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
    probes: providers.Provider[ThreadPoolExecutor] = providers.ThreadSafeSingleton(
        services.build_probes, closing
    )
    storage_check: providers.Provider[HealthCheck] = providers.Selector(
        settings.storage,
        file=datasets,
        minio=providers.Factory(AllOf, lake_bucket, datasets),
    )
    parts: providers.Provider[Mapping[str, PartOfService]] = providers.ThreadSafeSingleton(
        services.build_parts,
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
