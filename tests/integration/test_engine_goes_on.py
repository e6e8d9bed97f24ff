"""An error of the engine's own, where the catalog is a file: no other engine could open it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import cast

import duckdb
import pytest

from adapters.ducklake import (
    DuckLakeQueries,
    DuckLakeTables,
    Lake,
    ObjectSources,
)
from adapters.filesystem.datasets import FilesystemDatasets
from domain.datasets import BucketName
from domain.errors import MalformedObjectError, UnavailableError
from domain.tables import TableName
from tests.contract.dataset_cases import put
from tests.contract.query_cases import ask
from tests.contract.table_cases import append, create, some_rows
from tests.integration.hostile_parquet import ENDS_AN_ENGINE
from tests.local_lake import local_lake

TABLE = TableName("main", "t")


@pytest.fixture
def datasets(tmp_path: Path) -> FilesystemDatasets:
    return FilesystemDatasets(tmp_path / "datasets")


@pytest.fixture
def lake(tmp_path: Path, datasets: FilesystemDatasets) -> Iterator[Lake]:
    config = local_lake(tmp_path, datasets)
    with closing(Lake(config)) as lake:
        yield lake


def test_it_reads_and_writes_on(lake: Lake, datasets: FilesystemDatasets) -> None:
    tables, queries = DuckLakeTables(lake), DuckLakeQueries(lake, ObjectSources(lake, datasets))
    bucket = BucketName("bucket")
    datasets.create_bucket(bucket)
    put(datasets, bucket, "o.parquet", ENDS_AN_ENGINE.written())
    create(tables, TABLE)

    for count in (3, 6):
        append(tables, TABLE, some_rows(3))
        with pytest.raises(MalformedObjectError, match="s3://bucket/o"):
            ask(queries, "FROM t, 's3://bucket/o.parquet'")
        assert ask(queries, "SELECT count(*) FROM t").value == count


class Broken:
    """A cursor whose commit breaks the engine down."""

    def __init__(self, error: duckdb.Error) -> None:
        self.error = error

    def execute(self, sql: str) -> None:
        raise self.error


@pytest.mark.parametrize("kind", [duckdb.FatalException, duckdb.InternalException])
def test_it_takes_no_work_after_a_commit_that_broke_it(
    lake: Lake, kind: type[duckdb.Error]
) -> None:
    queries = DuckLakeQueries(lake)
    assert ask(queries, "SELECT 1").value == 1

    with pytest.raises(kind):
        lake.commit(cast("duckdb.DuckDBPyConnection", Broken(kind("It failed."))))

    with pytest.raises(UnavailableError):
        ask(queries, "SELECT 1")
