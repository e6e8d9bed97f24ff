"""A lake with what the gate's tests attack."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.ducklake import (
    DuckLakeQueries,
    Lake,
    ObjectSources,
)
from adapters.filesystem.datasets import FilesystemDatasets
from domain.ports.datasets import DatasetPort
from tests.integration.gate.objects import put_objects
from tests.local_lake import local_lake

MADE_BY_ANOTHER_CLIENT = (
    "CREATE TABLE lake.main.t AS SELECT i AS id, 'row ' || i AS label FROM range(5) r(i)",
    "CREATE VIEW lake.main.v AS SELECT id, repeat(label, id::INT) AS labels FROM t",
    "CREATE VIEW lake.main.leaky AS FROM duckdb_settings()",
    "CREATE VIEW lake.main.outer_leaky AS FROM lake.main.leaky",
    "CREATE MACRO lake.main.mine(x) AS x + 1",
    "CREATE MACRO lake.main.upper(x) AS 'shadowed'",
    "CREATE MACRO lake.main.mine_too() AS TABLE SELECT 1 AS x",
)


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory under which all files lie."""
    return tmp_path_factory.mktemp("gate")


@pytest.fixture(scope="session")
def datasets(home: Path) -> DatasetPort:
    opened = FilesystemDatasets(home / "datasets")
    put_objects(opened)
    return opened


@pytest.fixture(scope="session")
def lake(home: Path, datasets: DatasetPort) -> Iterator[Lake]:
    """The lake, whose files lie there too."""
    opened = Lake(local_lake(home, datasets, memory_limit="1GB", threads=2))
    with opened.cursor() as cursor:
        for statement in MADE_BY_ANOTHER_CLIENT:
            cursor.execute(statement)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def queries(lake: Lake, datasets: DatasetPort) -> DuckLakeQueries:
    return DuckLakeQueries(lake, ObjectSources(lake, datasets))
