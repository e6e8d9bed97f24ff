"""The lake's files in its own bucket."""

from __future__ import annotations

from collections.abc import Iterator

from minio.error import S3Error

from adapters.minio.client import S3Client
from adapters.minio.config import MinioEndpoint, MinioLimits
from adapters.minio.errors import domain_errors
from domain.datasets import BucketName
from domain.errors import BadUpstreamError
from domain.maintenance import LakeFile
from domain.ports.lake_files import LakeFilePort

_NOT_THERE = frozenset({"NoSuchKey", "NoSuchObject"})
_EMPTY = "InvalidRange"


class MinioLakeFiles(LakeFilePort):
    """What lies in a bucket behind a prefix, which ends with `/`."""

    def __init__(
        self, endpoint: MinioEndpoint, limits: MinioLimits, bucket: BucketName, prefix: str
    ) -> None:
        self._client = S3Client(endpoint, limits)
        self._bucket = str(bucket)
        self._prefix = prefix

    def list_files(self) -> Iterator[LakeFile]:
        """As `LakeFilePort.list_files`."""
        listed = self._client.minio.list_objects(self._bucket, prefix=self._prefix, recursive=True)
        while True:
            with domain_errors(self._bucket):
                found = next(listed, None)
            if found is None:
                return
            if not found.object_name or found.size is None or found.last_modified is None:
                raise BadUpstreamError("The object store listed an object without size or date.")
            # A folder's marker is none of the lake's.
            if not found.object_name.endswith("/"):
                name = found.object_name.removeprefix(self._prefix)
                yield LakeFile(name, found.size, found.last_modified)

    def size_of(self, name: str) -> int | None:
        """As `LakeFilePort.size_of`."""
        with domain_errors(self._bucket):
            try:
                size = self._client.minio.stat_object(self._bucket, self._prefix + name).size
            except S3Error as error:
                if error.code in _NOT_THERE:
                    return None
                raise
        if size is None:
            raise BadUpstreamError("The object store does not say how large an object is.")
        return size

    def read_end(self, name: str, count: int) -> bytes:
        """As `LakeFilePort.read_end`."""
        with domain_errors(self._bucket):
            try:
                response = self._client.minio.get_object(
                    self._bucket,
                    self._prefix + name,
                    # "A client can request the last N bytes" (RFC 9110, 14.1.2)
                    request_headers={"Range": f"bytes=-{count}"},
                )
            except S3Error as error:
                if error.code in _NOT_THERE or error.code == _EMPTY:
                    return b""
                raise
            try:
                return response.read()
            finally:
                response.close()
                response.release_conn()

    def delete(self, name: str) -> bool:
        """As `LakeFilePort.delete`."""
        if self.size_of(name) is None:
            return False
        with domain_errors(self._bucket):
            self._client.minio.remove_object(self._bucket, self._prefix + name)
        return True

    def close(self) -> None:
        """Close idle connections."""
        self._client.close()
