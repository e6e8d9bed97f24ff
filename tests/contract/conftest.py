"""Fixtures of the contract suites."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest

from domain.tables import TableName
from tests.contract.dataset_cases import fresh_bucket
from tests.contract.held_bucket import HeldBucket
from tests.contract.lakes import LAKES, LakeOpener, OpenedLake
from tests.contract.stores import STORES, OpenedStore, Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domain.datasets import BucketName
    from domain.ports.datasets import DatasetPort
    from domain.ports.queries import QueryPort
    from domain.ports.tables import TablePort


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what `LakeOpener.every_case` says; pytest counts it as deselected."""
    seen: set[tuple[object, str]] = set()
    left_out: list[pytest.Item] = []
    for item in items:
        if not isinstance(item, pytest.Function) or not hasattr(item, "callspec"):
            continue
        opener = item.callspec.params.get("lake")
        if not isinstance(opener, LakeOpener) or opener.every_case:
            continue
        key = (item.function, opener.name)
        if key in seen:
            left_out.append(item)
        seen.add(key)
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]


@pytest.fixture(
    scope="session",
    params=[pytest.param(store, id=store.name, marks=store.marks) for store in STORES],
)
def store(request: pytest.FixtureRequest) -> Iterator[OpenedStore]:
    opener: Store = request.param
    with opener.open(request) as opened:
        yield opened


@pytest.fixture(scope="session")
def datasets(store: OpenedStore) -> DatasetPort:
    return store.datasets


@pytest.fixture
def bucket(datasets: DatasetPort) -> Iterator[BucketName]:
    """An empty bucket that no other test uses."""
    with fresh_bucket(datasets) as name:
        yield name


@pytest.fixture(
    scope="session",
    params=[pytest.param(lake, id=lake.name, marks=lake.marks) for lake in LAKES],
)
def lake(request: pytest.FixtureRequest) -> Iterator[OpenedLake]:
    opener: LakeOpener = request.param
    with opener.open(request) as opened:
        yield opened


@pytest.fixture(scope="session")
def tables(lake: OpenedLake) -> TablePort:
    return lake.tables


@pytest.fixture(scope="session")
def queries(lake: OpenedLake) -> QueryPort:
    return lake.queries


@pytest.fixture
def namespace() -> str:
    """A namespace that no other test uses."""
    return f"ns_{uuid.uuid4().hex}"


@pytest.fixture
def name(namespace: str) -> TableName:
    """The name of a table that is not there yet."""
    return TableName(namespace, "t")


@pytest.fixture
def held(lake: OpenedLake) -> Iterator[HeldBucket]:
    """An empty bucket of the lake's store."""
    with fresh_bucket(lake.datasets) as name:
        yield HeldBucket(lake.datasets, name)
