"""The servers as pytest fixtures: each is started when the first test asks for it.

Each pytest-xdist worker has its own: they start in a second or two, and nothing is shared.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.servers.endpoints import PostgresEndpoint, S3Endpoint
from tests.servers.minio import any_minio
from tests.servers.postgres import any_postgres, new_database
from tests.servers.s3 import Buckets
from tests.servers.seaweedfs import any_seaweedfs


@contextmanager
def reachable_directory() -> Iterator[Path]:
    """Make a directory with a short path that the user of PostgreSQL can reach: pytest's are not.

    Short, since a unix socket's path must be.
    """
    with tempfile.TemporaryDirectory(prefix="ducklake-") as directory:
        Path(directory).chmod(0o755)
        yield Path(directory)


@pytest.fixture(scope="session")
def server_directory() -> Iterator[Path]:
    """Where the servers that a worker's tests share have their data."""
    with reachable_directory() as directory:
        yield directory


@pytest.fixture
def own_server_directory() -> Iterator[Path]:
    """For the data of a server that one test starts for itself, to kill it for example."""
    with reachable_directory() as directory:
        yield directory


@pytest.fixture(scope="session")
def minio_server(server_directory: Path) -> Iterator[S3Endpoint]:
    with any_minio(server_directory / "minio") as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def seaweedfs_server(server_directory: Path) -> Iterator[S3Endpoint]:
    with any_seaweedfs(server_directory / "seaweedfs") as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def postgres_server(server_directory: Path) -> Iterator[PostgresEndpoint]:
    with any_postgres(server_directory / "postgres") as endpoint:
        yield endpoint


@pytest.fixture
def postgres_database(postgres_server: PostgresEndpoint) -> Iterator[PostgresEndpoint]:
    """An empty database, dropped afterwards."""
    with new_database(postgres_server) as database:
        yield database


@pytest.fixture
def minio_buckets(minio_server: S3Endpoint) -> Iterator[Buckets]:
    """Names for buckets, and empty buckets, that are removed afterwards."""
    buckets = Buckets(minio_server)
    yield buckets
    buckets.remove_all()


@pytest.fixture
def minio_bucket(minio_buckets: Buckets) -> str:
    """An empty bucket, removed afterwards."""
    return minio_buckets.create()


@pytest.fixture
def seaweedfs_buckets(seaweedfs_server: S3Endpoint) -> Iterator[Buckets]:
    """Names for buckets, and empty buckets, that are removed afterwards."""
    buckets = Buckets(seaweedfs_server)
    yield buckets
    buckets.remove_all()


@pytest.fixture
def seaweedfs_bucket(seaweedfs_buckets: Buckets) -> str:
    """An empty bucket, removed afterwards."""
    return seaweedfs_buckets.create()
