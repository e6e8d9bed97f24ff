"""What lies where a lake keeps its files, reached past the lake: to harm it, and to look."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest

from adapters.filesystem.lake_files import FilesystemLakeFiles
from adapters.minio.config import MinioEndpoint, MinioLimits
from adapters.minio.lake_files import MinioLakeFiles
from domain.datasets import BucketName
from domain.ports.lake_files import LakeFilePort
from tests.fakes.maintenance import FakeLakeFiles
from tests.servers.endpoints import S3Endpoint
from tests.servers.s3 import Buckets, connected

if TYPE_CHECKING:
    from collections.abc import Iterator


class LakeStorage(Protocol):
    """Files by their names below the lake's data path."""

    @property
    def port(self) -> LakeFilePort:
        """The port to them."""

    def read(self, name: str) -> bytes:
        """A file's bytes."""

    def write(self, name: str, content: bytes) -> None:
        """Put a file there, in place of the one that is."""

    def remove(self, name: str) -> None:
        """Take a file away."""


class MemoryStorage(LakeStorage):
    def __init__(self) -> None:
        self._files = FakeLakeFiles()

    @property
    def port(self) -> LakeFilePort:
        return self._files

    def read(self, name: str) -> bytes:
        return self._files.contents[name]

    def write(self, name: str, content: bytes) -> None:
        self._files.contents[name] = content

    def remove(self, name: str) -> None:
        del self._files.contents[name]


class DirectoryStorage(LakeStorage):
    def __init__(self, root: Path) -> None:
        self._root = root
        self._files = FilesystemLakeFiles(root)

    @property
    def port(self) -> LakeFilePort:
        return self._files

    def read(self, name: str) -> bytes:
        return (self._root / name).read_bytes()

    def write(self, name: str, content: bytes) -> None:
        path = self._root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def remove(self, name: str) -> None:
        (self._root / name).unlink()


class BucketStorage(LakeStorage):
    def __init__(self, server: S3Endpoint, bucket: str, prefix: str) -> None:
        self._server = server
        self._bucket = bucket
        self._prefix = prefix
        self._files = MinioLakeFiles(
            MinioEndpoint(
                server.address, server.access_key, server.secret_key, server.secure, server.region
            ),
            MinioLimits(),
            BucketName(bucket),
            prefix,
        )

    @property
    def port(self) -> LakeFilePort:
        return self._files

    def close(self) -> None:
        self._files.close()

    def read(self, name: str) -> bytes:
        with connected(self._server) as client:
            response = client.get_object(self._bucket, self._prefix + name)
            try:
                return response.read()
            finally:
                response.close()
                response.release_conn()

    def write(self, name: str, content: bytes) -> None:
        with connected(self._server) as client:
            client.put_object(self._bucket, self._prefix + name, BytesIO(content), len(content))

    def remove(self, name: str) -> None:
        with connected(self._server) as client:
            client.remove_object(self._bucket, self._prefix + name)


Opened = Callable[[pytest.FixtureRequest], AbstractContextManager[LakeStorage]]


@dataclass(frozen=True, slots=True)
class StorageOpener:
    """How to open an empty place for a lake's files: the suite of `LakeFilePort` runs on each."""

    name: str
    open: Opened
    marks: tuple[pytest.MarkDecorator, ...] = ()


@contextmanager
def open_memory(request: pytest.FixtureRequest) -> Iterator[LakeStorage]:
    yield MemoryStorage()


@contextmanager
def open_directory(request: pytest.FixtureRequest) -> Iterator[LakeStorage]:
    yield DirectoryStorage(request.getfixturevalue("tmp_path") / "data")


def bucket_of(s3: str) -> Opened:
    """A bucket in the store of that fixture."""

    @contextmanager
    def open_bucket(request: pytest.FixtureRequest) -> Iterator[LakeStorage]:
        server: S3Endpoint = request.getfixturevalue(s3)
        buckets = Buckets(server)
        storage = BucketStorage(server, buckets.create(), "some/data/")
        yield storage
        storage.close()
        buckets.remove_all()

    return open_bucket


STORAGES = (
    StorageOpener("fake", open_memory),
    StorageOpener("filesystem", open_directory),
    StorageOpener("minio", bucket_of("minio_server"), (pytest.mark.servers,)),
    StorageOpener("seaweedfs", bucket_of("seaweedfs_server"), (pytest.mark.servers,)),
)
