"""Errors of which the engine tells only that they made it interrupt itself.

What one of its threads fails with interrupts the others, and now and then that is all that the
reader of the stream is told. What stands for the engine here tells no more than that each time.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import duckdb
import pytest

from adapters.ducklake import (
    DuckLakeQueries,
    Lake,
    LakeConfig,
    ObjectSources,
)
from adapters.filesystem.datasets import FilesystemDatasets
from domain.datasets import BucketName
from domain.errors import (
    InvalidParametersError,
    InvalidValueError,
    QueryCancelledError,
    QueryTimeoutError,
)
from domain.ports.queries import QueryPort
from domain.queries import Query
from domain.tables import AtVersion
from tests.contract.dataset_cases import put
from tests.contract.query_cases import ask, read
from tests.local_lake import local_lake


def failing(last: str, source: str = "range(500000) r(i)") -> str:
    """A statement whose last rows are no numbers."""
    return f"SELECT CAST(CASE WHEN i < 400000 THEN '1' ELSE {last} END AS INTEGER) FROM {source}"


REASON = "Could not convert string 'x' to INT32"


class _LosingCursor:
    """A cursor whose streams tell of an interrupt, whatever happened."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._cursor = cursor

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)

    def to_arrow_reader(self, _: int) -> Any:
        raise OSError("INTERRUPT Error: Interrupted!")


class _LosingLake(Lake):
    def take_cursor(self) -> duckdb.DuckDBPyConnection:
        return cast(duckdb.DuckDBPyConnection, _LosingCursor(super().take_cursor()))

    def return_cursor(self, cursor: duckdb.DuckDBPyConnection) -> None:
        super().return_cursor(cursor._cursor if isinstance(cursor, _LosingCursor) else cursor)


@pytest.fixture
def datasets(tmp_path: Path) -> FilesystemDatasets:
    datasets = FilesystemDatasets(tmp_path / "datasets")
    datasets.create_bucket(BucketName("files"))
    put(datasets, BucketName("files"), "x.csv", b"n\n1\nx\n")
    return datasets


@pytest.fixture
def config(tmp_path: Path, datasets: FilesystemDatasets) -> LakeConfig:
    return local_lake(tmp_path, datasets)


@pytest.fixture
def losing(config: LakeConfig, datasets: FilesystemDatasets) -> Iterator[QueryPort]:
    with closing(_LosingLake(config)) as lake:
        yield DuckLakeQueries(lake, ObjectSources(lake, datasets))


@pytest.mark.parametrize(
    "query",
    [
        Query(failing("'x'")),
        Query(failing("$x"), parameters={"x": "x"}),
        Query(failing("repeat($x, $times)"), parameters={"x": "x", "times": 1}),
        Query(failing("n", "range(500000) r(i), 's3://files/x.csv' WHERE n > '1'")),
        Query(failing("'x'"), at=AtVersion(0)),
    ],
    ids=["plain", "parameters", "checked function", "object", "time travel"],
)
def test_what_went_wrong_is_told(losing: QueryPort, query: Query) -> None:
    kind = InvalidParametersError if query.parameters else InvalidValueError
    with pytest.raises(kind, match=REASON):
        read(losing, query)


def test_what_was_interrupted_by_nobody_and_does_not_fail(losing: QueryPort) -> None:
    with pytest.raises(QueryCancelledError):
        ask(losing, "SELECT 1 AS a")


def test_it_does_not_take_longer_than_it_may(losing: QueryPort) -> None:
    with pytest.raises(QueryTimeoutError):
        read(losing, Query("SELECT sum(hash(i)) FROM range(1000000000000) r(i)", timeout_s=0.3))


def test_the_engine_as_it_is(config: LakeConfig) -> None:
    """It loses one error in thirty where several threads work."""
    with closing(Lake(config)) as lake:
        queries = DuckLakeQueries(lake)
        for _ in range(50):
            with pytest.raises(InvalidValueError, match=REASON):
                ask(queries, failing("'x'"))
