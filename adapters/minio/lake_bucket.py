"""The lake's own bucket: it is no dataset, so it has a client of its own."""

from __future__ import annotations

from minio.error import S3Error, ServerError
from urllib3 import Timeout

from adapters.minio.client import S3Client, S3Request
from adapters.minio.config import MinioEndpoint, MinioLimits
from adapters.minio.errors import domain_errors
from domain.datasets import BucketName
from domain.errors import BucketExistsError, LakehouseError
from domain.health import Health, HealthCheck

_NOT_FOUND = 404


class LakeBucket(HealthCheck):
    """The bucket that the lake's files are in."""

    def __init__(self, endpoint: MinioEndpoint, limits: MinioLimits, name: BucketName) -> None:
        self._client = S3Client(endpoint, limits)
        self._check_timeout = Timeout(limits.check_timeout_s)
        self._usual = Timeout(connect=limits.connect_timeout_s, read=limits.read_timeout_s)
        self._name = name

    def make(self) -> None:
        """Make it when it is not there.

        Raises:
            BucketReservedError: When it is somebody else's.
            UnavailableError, UpstreamTimeoutError, BadUpstreamError: When the store does not serve.
        """
        if self._is_there(self._usual):
            return
        try:
            with domain_errors(self._name):
                self._client.minio.make_bucket(str(self._name))
        except BucketExistsError:
            # Another replica was faster.
            return

    def check(self) -> Health:
        """Whether it is there, and the credentials are good for it. Never raises."""
        try:
            there = self._is_there(self._check_timeout)
        except LakehouseError as error:
            return Health(ok=False, detail=error.detail)
        if not there:
            return Health(
                ok=False,
                detail=f"The lake's own bucket {self._name} (DUCKLAKE_MINIO_LAKE_BUCKET) "
                "is not there.",
            )
        return Health(ok=True)

    def close(self) -> None:
        """Close idle connections."""
        self._client.close()

    def _is_there(self, timeout: Timeout) -> bool:
        with domain_errors(self._name):
            try:
                self._client.send(S3Request("HEAD", str(self._name)), timeout=timeout)
            except ServerError as error:
                if error.status_code == _NOT_FOUND:
                    return False
                raise
            except S3Error as error:
                if error.code == "NoSuchBucket":
                    return False
                raise
        return True
