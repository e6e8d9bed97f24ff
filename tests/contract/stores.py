"""The stores on which the dataset suite runs: to add one, add a `Store` to `STORES`.

A store is opened once per test process and shared by its tests: each makes buckets of its own,
and may find buckets of others in the store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from io import BytesIO

import pytest

from adapters.filesystem.datasets import FilesystemDatasets
from adapters.minio.config import MIN_PART_SIZE, MinioEndpoint, MinioLimits
from adapters.minio.datasets import MINIO_CAPABILITIES, MinioDatasets
from domain.datasets import ObjectRef
from domain.ports.datasets import DatasetCapabilities, DatasetPort
from tests.fakes.datasets import FakeDatasets
from tests.servers.endpoints import S3Endpoint
from tests.servers.s3 import connected

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


@contextmanager
def open_minio(request: pytest.FixtureRequest) -> Iterator[OpenedStore]:
    with _open_s3(request.getfixturevalue("minio_server"), MINIO_CAPABILITIES) as opened:
        yield opened


SEAWEEDFS_CAPABILITIES = DatasetCapabilities(
    name_beside_prefix=True,
    foreign_names=False,
    presigned_urls=True,
    lists_name_beside_prefix=False,
    byte_order=False,
    exact_prefixes=False,
    backslash=False,
    empty_metadata=False,
    atomic_bucket_delete=False,
)


@contextmanager
def open_seaweedfs(request: pytest.FixtureRequest) -> Iterator[OpenedStore]:
    with _open_s3(request.getfixturevalue("seaweedfs_server"), SEAWEEDFS_CAPABILITIES) as opened:
        yield opened


@contextmanager
def _open_s3(server: S3Endpoint, capabilities: DatasetCapabilities) -> Iterator[OpenedStore]:
    datasets = MinioDatasets(
        MinioEndpoint(
            server.address, server.access_key, server.secret_key, server.secure, server.region
        ),
        reserved=frozenset({RESERVED}),
        # The smallest parts, so that a few MiB are several.
        limits=MinioLimits(part_size=MIN_PART_SIZE),
        capabilities=capabilities,
    )

    def write_foreign(ref: ObjectRef, content: bytes) -> None:
        with connected(server) as client:
            client.put_object(str(ref.bucket), str(ref.name), BytesIO(content), len(content))

    yield OpenedStore(datasets, write_foreign if capabilities.foreign_names else None)
    datasets.close()


STORES = (
    Store("fake", open_fake),
    Store("filesystem", open_filesystem),
    Store("minio", open_minio, (pytest.mark.servers,)),
    Store("seaweedfs", open_seaweedfs, (pytest.mark.servers,)),
)
