"""The buckets of the store that are datasets."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from minio.error import S3Error
from minio.helpers import check_bucket_name

from adapters.minio.client import S3Client
from adapters.minio.errors import domain_errors
from adapters.minio.listing import Lister
from domain.datasets import Bucket, BucketName
from domain.errors import (
    BucketExistsError,
    BucketNotEmptyError,
    BucketNotFoundError,
    BucketReservedError,
    InvalidBucketNameError,
)


class Buckets:
    """The buckets, but for those whose names are reserved."""

    def __init__(self, client: S3Client, lister: Lister, reserved: frozenset[str]) -> None:
        self._minio = client.minio
        self._lister = lister
        self._reserved = reserved

    def create(self, name: BucketName) -> Bucket:
        """Make a bucket, as the port has it.

        Raises:
            InvalidBucketNameError: When the `minio` client, or the store, does not take it.
        """
        if name.value in self._reserved:
            raise BucketReservedError(f"The bucket name {name} belongs to the lake.")
        if not _is_taken_by_client(name):
            raise InvalidBucketNameError(
                "In this store, '-' and '.' do not stand side by side in a bucket name."
            )
        # Asked first, since some stores (S3 in its oldest region) make one's own bucket twice.
        if self._is_visible(name):
            raise BucketExistsError(f"There is a bucket {name} already.")
        with domain_errors(name):
            self._minio.make_bucket(str(name))
        made = [bucket for bucket in self.list() if bucket.name == name.value]
        return made[0] if made else Bucket(name.value, datetime.now(UTC))

    def list(self) -> Sequence[Bucket]:
        """All buckets by name."""
        with domain_errors():
            buckets = self._minio.list_buckets()
        return sorted(
            (
                Bucket(bucket.name, bucket.creation_date or datetime.fromtimestamp(0, UTC))
                for bucket in buckets
                if bucket.name not in self._reserved
            ),
            key=lambda bucket: bucket.name,
        )

    def delete(self, name: BucketName) -> None:
        """Delete an empty bucket, as the port has it."""
        self.check_usable(name)
        # Some stores (SeaweedFS as it comes) delete a bucket with all that is in it.
        if not self._lister.is_empty(name):
            raise BucketNotEmptyError(f"The bucket {name} still holds objects.")
        with domain_errors(name):
            self._minio.remove_bucket(str(name))

    def check_usable(self, name: BucketName) -> None:
        """Check, without asking the store, that a bucket can be a dataset.

        Raises:
            BucketNotFoundError: When it cannot.
        """
        if name.value in self._reserved or not _is_taken_by_client(name):
            raise BucketNotFoundError(f"There is no bucket {name}.")

    def check_there(self, name: BucketName) -> None:
        """Check that a bucket is there.

        Raises:
            BucketNotFoundError: When it is not.
        """
        self.check_usable(name)
        with domain_errors(name):
            there = self._minio.bucket_exists(str(name))
        if not there:
            raise BucketNotFoundError(f"There is no bucket {name}.")

    def _is_visible(self, name: BucketName) -> bool:
        with domain_errors(name):
            try:
                return self._minio.bucket_exists(str(name))
            except S3Error as error:
                # Of somebody else's bucket, S3 says no more than that.
                if error.code == "AccessDenied":
                    return False
                raise


def _is_taken_by_client(name: BucketName) -> bool:
    try:
        check_bucket_name(str(name), strict=True)
    except ValueError:
        return False
    return True
