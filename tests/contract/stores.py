"""The stores on which the dataset suite runs: to add one, add a `Store` to `STORES`.

A store is opened once per test process and shared by its tests: each makes buckets of its own,
and may find buckets of others in the store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

import pytest

from adapters.filesystem.datasets import FilesystemDatasets
from domain.datasets import ObjectRef
from domain.ports.datasets import DatasetPort
from tests.fakes.datasets import FakeDatasets

RESERVED = "reserved-by-the-lake"
"""Each store is opened with this bucket name reserved."""


@dataclass(frozen=True, slots=True)
class OpenedStore:
    """A store as the suite uses it.

    Attributes:
        datasets: The port to it, with the bucket `RESERVED` reserved.
        write_foreign: Puts an object there past the port, as another client of the store
            would; due where the capability `foreign_names` is declared.
        foreign_name: A name for it that the service would not write but this store takes.
    """

    datasets: DatasetPort
    write_foreign: Callable[[ObjectRef, bytes], None] | None = None
    foreign_name: str = "folder/"


@dataclass(frozen=True, slots=True)
class Store:
    """How to open a store.

    Attributes:
        name: The test's parameter.
        open: Opens it for a whole test process; the request gives session-wide fixtures
            (`request.getfixturevalue("tmp_path_factory")`, or a server's).
        marks: Marks for its tests, such as `pytest.mark.servers`.
    """

    name: str
    open: Callable[[pytest.FixtureRequest], AbstractContextManager[OpenedStore]]
    marks: tuple[pytest.MarkDecorator, ...] = ()


@contextmanager
def open_fake(request: pytest.FixtureRequest) -> Iterator[OpenedStore]:
    datasets = FakeDatasets(reserved=frozenset({RESERVED}))
    yield OpenedStore(datasets, datasets.write_foreign)


@contextmanager
def open_filesystem(request: pytest.FixtureRequest) -> Iterator[OpenedStore]:
    paths: pytest.TempPathFactory = request.getfixturevalue("tmp_path_factory")
    root = paths.mktemp("datasets")
    yield OpenedStore(FilesystemDatasets(root, reserved=frozenset({RESERVED})))


STORES = (Store("fake", open_fake), Store("filesystem", open_filesystem))
