"""What a partitioned export wrote, as a DuckDB reads it that knows nothing of the service."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from adapters.ducklake import (
    DuckLakeQueries,
    DuckLakeTables,
    Lake,
)
from adapters.filesystem.datasets import FilesystemDatasets
from adapters.minio.config import MinioEndpoint
from adapters.minio.datasets import MinioDatasets
from application.runs import Tracked
from application.tables.export_partitioned import ExportPartitioned, PartitionedExportCommand
from domain.formats import DataFormat
from domain.partitions import PartitionedPlace
from domain.ports.datasets import DatasetPort
from domain.queries import Query
from domain.tables import TableName
from tests.contract.dataset_cases import fresh_bucket
from tests.contract.table_cases import append, create, some_rows
from tests.extensions import extension_file
from tests.fakes.lineage import FakeLineage
from tests.local_lake import local_lake
from tests.servers.endpoints import S3Endpoint

NAME = TableName.parse("t")
VALUES = (
    *("plain", "a b", "a/b=c", "100%", "Zoë", "*?[a]{b}^", "'\"#", "x+y", "&;,:@$!()~|<>"),
    *("", " ", ".", "..", "NULL", "null", "Null", "nullable", "\t\n", "\x85", "%41", "\\"),
    *("__HIVE_DEFAULT_PARTITION__", "__hive_default_partition__", "日本", "🦆", "x" * 200),
)


@dataclass(frozen=True, slots=True)
class Store:
    """A store, and how a bare DuckDB reads it.

    Attributes:
        datasets: The port to it.
        root: What stands before a bucket's name for DuckDB.
        setting_up: What it runs first.
    """

    datasets: DatasetPort
    root: str
    setting_up: tuple[str, ...] = ()


@pytest.fixture(
    params=[
        "filesystem",
        pytest.param("minio_server", marks=pytest.mark.servers),
        pytest.param("seaweedfs_server", marks=pytest.mark.servers),
    ]
)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "filesystem":
        datasets = FilesystemDatasets(tmp_path / "datasets")
        yield Store(datasets, f"{tmp_path}/datasets/")
        return
    server: S3Endpoint = request.getfixturevalue(request.param)
    endpoint = MinioEndpoint(
        server.address, server.access_key, server.secret_key, server.secure, server.region
    )
    secret = (
        f"CREATE SECRET (TYPE s3, KEY_ID '{server.access_key}', SECRET '{server.secret_key}', "
        f"ENDPOINT '{server.address}', REGION '{server.region}', USE_SSL {server.secure}, "
        "URL_STYLE 'path')"
    )
    with closing(MinioDatasets(endpoint)) as remote:
        yield Store(remote, "s3://", (f"LOAD '{extension_file('httpfs')}'", secret))


def test_a_bare_duckdb_reads_every_value_back(store: Store, tmp_path: Path) -> None:
    config = local_lake(tmp_path)
    with ExitStack() as opened:
        lake = opened.enter_context(closing(Lake(config)))
        tables = opened.enter_context(closing(DuckLakeTables(lake)))
        bucket = opened.enter_context(fresh_bucket(store.datasets))
        create(tables, NAME)
        append(tables, NAME, some_rows(1))
        values = ", ".join(f"(${number}, {number})" for number in range(1, len(VALUES) + 1))
        query = Query(
            f"SELECT v AS value, n % 2 AS odd, n FROM (VALUES {values}, (NULL, 0)) r(v, n)",
            NAME,
            VALUES,
        )
        place = PartitionedPlace.parse(f"{bucket}/some where/")
        export = Tracked(ExportPartitioned(DuckLakeQueries(lake), store.datasets), FakeLineage())
        export(PartitionedExportCommand(query, place, DataFormat.PARQUET, ("value", "odd")))

        plain = opened.enter_context(duckdb.connect())
        for statement in store.setting_up:
            plain.execute(statement)
        rows = plain.execute(
            "SELECT n, value, odd FROM "
            f"read_parquet('{store.root}{bucket}/some where/**/*.parquet', "
            "hive_partitioning = true) ORDER BY n"
        ).fetchall()

    assert rows == [(n, value, n % 2) for n, value in enumerate((None, *VALUES))]
