"""Work of a query that hears no interrupt: who asked is answered, and its room is not given away.

What stands for the engine here waits for as long as a test wants, as DuckDB does while it finds
out how a file of text is written.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import httpx
import pytest
from dependency_injector import providers

from adapters.ducklake import (
    DuckLakeQueries,
    Lake,
    ObjectSources,
)
from adapters.filesystem.datasets import FilesystemDatasets
from domain.datasets import BucketName
from domain.errors import QueryTimeoutError
from domain.formats import DataFormat
from domain.located_objects import LocatedObjects
from domain.object_patterns import ObjectPattern
from domain.queries import Query, ResultEncoding
from entrypoints.container import build_container
from entrypoints.rest.app import create_app
from entrypoints.settings import load_settings
from tests.contract.dataset_cases import put
from tests.integration.rest.serving import served
from tests.local_lake import local_lake

TIMEOUT_S = 0.3
ANSWERED_WITHIN_S = 3.0
"""A second is promised; the machine that runs the tests may be busy."""

LONG_S = 60
CSV = ResultEncoding(DataFormat.CSV)
SLOW = "SELECT n FROM 's3://files/slow.csv'"
FAST = "SELECT n FROM 's3://files/fast.csv'"


class DeafDatasets(FilesystemDatasets):
    """Datasets of which some objects are found only when the test says so."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.goes_on = threading.Event()
        self.create_bucket(BucketName("files"))
        for name in ("slow.csv", "fast.csv"):
            put(self, BucketName("files"), name, b"n\n1\n")

    def locate(self, pattern: ObjectPattern) -> LocatedObjects:
        if "slow" in str(pattern):
            self.goes_on.wait(LONG_S)
        return super().locate(pattern)


@pytest.fixture
def datasets(tmp_path: Path) -> Iterator[DeafDatasets]:
    datasets = DeafDatasets(tmp_path / "datasets")
    try:
        yield datasets
    finally:
        datasets.goes_on.set()


def opened(tmp_path: Path, datasets: DeafDatasets) -> tuple[Lake, DuckLakeQueries]:
    config = local_lake(tmp_path, datasets)
    lake = Lake(config)
    queries = DuckLakeQueries(lake, ObjectSources(lake, datasets))
    queries.open(Query("SELECT $1", parameters=[1]), CSV).close()
    return lake, queries


def test_a_query_is_left_behind_soon_after_its_time(tmp_path: Path, datasets: DeafDatasets) -> None:
    lake, queries = opened(tmp_path, datasets)
    with closing(lake):
        for ask in (lambda query: queries.open(query, CSV), queries.plan):
            datasets.goes_on.clear()
            began = time.monotonic()
            with pytest.raises(QueryTimeoutError) as raised:
                ask(Query(SLOW, timeout_s=TIMEOUT_S))
            assert TIMEOUT_S <= time.monotonic() - began < TIMEOUT_S + ANSWERED_WITHIN_S
            assert raised.value.until_stopped is not None

            stopped = threading.Thread(target=raised.value.until_stopped)
            stopped.start()
            stopped.join(0.1)
            assert stopped.is_alive()
            datasets.goes_on.set()
            stopped.join(LONG_S)
            assert not stopped.is_alive()
        # What was left behind has given all back.
        with closing(queries.open(Query(FAST, timeout_s=LONG_S), CSV)) as result:
            assert b"".join(result) == b"n\n1\n"
        assert not list((tmp_path / "datasets" / ".located").glob("*"))


def test_a_lake_is_closed_while_the_engine_goes_on(
    tmp_path: Path, datasets: DeafDatasets, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.ducklake.engine.lake.CLOSE_WAITS_S", 0.1)
    lake, queries = opened(tmp_path, datasets)
    with pytest.raises(QueryTimeoutError) as raised:
        queries.open(Query(SLOW, timeout_s=TIMEOUT_S), CSV)
    lake.close()
    assert not datasets.goes_on.is_set()
    datasets.goes_on.set()
    assert raised.value.until_stopped is not None
    raised.value.until_stopped()
    lake.close()
    # Nothing of it holds the catalog.
    other, again = opened(tmp_path, datasets)
    with closing(other):
        again.open(Query(FAST), CSV).close()


@pytest.fixture
def url(tmp_path: Path, datasets: DeafDatasets) -> Iterator[str]:
    settings = load_settings({}, home=tmp_path / "home", lineage_flush_s=0, query_workers=1)
    container = build_container(settings)
    with ExitStack() as stack:
        stack.enter_context(container.datasets.override(providers.Object(datasets)))
        base = stack.enter_context(served(create_app(container)))
        httpx.post(f"{base}/query", json={"sql": FAST}, timeout=LONG_S).raise_for_status()
        # Before the service is stopped, which waits for what goes on.
        stack.callback(datasets.goes_on.set)
        yield base


def test_its_room_is_taken_until_the_engine_has_stopped(url: str, datasets: DeafDatasets) -> None:
    began = time.monotonic()
    late = httpx.post(f"{url}/query", json={"sql": SLOW, "timeout_s": TIMEOUT_S}, timeout=LONG_S)
    assert time.monotonic() - began < TIMEOUT_S + ANSWERED_WITHIN_S
    assert (late.status_code, late.json()["code"]) == (504, "query_timeout")

    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(httpx.post, f"{url}/query", json={"sql": FAST}, timeout=LONG_S)
        time.sleep(0.3)
        assert not other.done()
        assert httpx.get(f"{url}/healthz", timeout=LONG_S).is_success
        datasets.goes_on.set()
        assert other.result().json()["rows"] == [{"n": 1}]
