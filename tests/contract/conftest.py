"""Fixtures of the contract suites."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.stores import STORES, OpenedStore, Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domain.ports.datasets import DatasetPort


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
