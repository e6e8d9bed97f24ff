"""The dataset port on an S3 store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from minio.error import S3Error
from urllib3 import Timeout

from adapters.minio.buckets import Buckets
from adapters.minio.client import S3Client, S3Request
from adapters.minio.conditions import conditions_for
from adapters.minio.config import MinioEndpoint, MinioLimits
from adapters.minio.errors import domain_errors
from adapters.minio.listing import Lister, byte_order, level_order
from adapters.minio.metadata import headers_of
from adapters.minio.reading import MinioObject, info_of
from adapters.minio.uploads import Upload, Uploader, Written
from domain.datasets import (
    Bucket,
    BucketName,
    ListRequest,
    MediaType,
    ObjectInfo,
    ObjectMetadata,
    ObjectPage,
    ObjectRef,
    OpenObject,
    PutOutcome,
    WriteCondition,
)
from domain.errors import InvalidObjectNameError, LakehouseError, ObjectNotFoundError
from domain.health import Health
from domain.located_objects import LocatedObject, LocatedObjects
from domain.object_patterns import ObjectPattern
from domain.ports.datasets import DatasetCapabilities, DatasetPort
from domain.presigned import PresignedUrl, PresignRequest

MINIO_CAPABILITIES = DatasetCapabilities(
    name_beside_prefix=True,
    foreign_names=True,
    presigned_urls=True,
    lists_name_beside_prefix=False,
    backslash=False,
    atomic_bucket_delete=False,
)
"""MinIO keeps `x/y` beside `x` and gives it to who asks by name, but lists `x` alone. It takes
a backslash for itself but where that makes a `..` between slashes, which it refuses. A bucket
that is deleted while an object is put into it may come back with that object."""


class MinioDatasets(DatasetPort):
    """Buckets and objects of MinIO, or of any store that speaks S3.

    Thread-safe. Opens no connection before it is used. Every call ends within the timeouts of
    its limits, but for an upload or download that goes on.

    What S3 cannot promise: whether an upload replaced another object is seen just before it,
    so of two that run at the same time both may say that they created it. MinIO lets a write
    with `If-Match` go ahead when the object was deleted after it was judged here. When the
    store's answer to the end of an upload is lost, the object may be there as a whole though
    an error is raised.
    """

    def __init__(
        self,
        endpoint: MinioEndpoint,
        reserved: frozenset[str] = frozenset(),
        limits: MinioLimits | None = None,
        capabilities: DatasetCapabilities = MINIO_CAPABILITIES,
    ) -> None:
        """Prepare the client.

        Args:
            endpoint: The server, and the credentials for it.
            reserved: Names of buckets that are no datasets: the lake's own.
            limits: Timeouts and sizes.
            capabilities: What the server does.

        Raises:
            ConfigurationError: When the endpoint's address or region cannot be one.
        """
        self._limits = limits or MinioLimits()
        self._capabilities = capabilities
        self._client = S3Client(endpoint, self._limits)
        self._minio = self._client.minio
        order = byte_order if capabilities.byte_order else level_order
        self._lister = Lister(self._client, order)
        self._buckets = Buckets(self._client, self._lister, reserved)
        self._uploader = Uploader(self._client, self._limits)

    @property
    def capabilities(self) -> DatasetCapabilities:
        """What this store can do."""
        return self._capabilities

    def create_bucket(self, name: BucketName) -> Bucket:
        """Make a bucket.

        Raises:
            BucketExistsError: When it is there.
            BucketReservedError: When the name is the lake's own, or somebody else's.
            InvalidBucketNameError: When the `minio` client, or the store, does not take it.
        """
        return self._buckets.create(name)

    def list_buckets(self) -> Sequence[Bucket]:
        """All buckets by name, but for the lake's own."""
        return self._buckets.list()

    def delete_bucket(self, name: BucketName) -> None:
        """Delete an empty bucket.

        Raises:
            BucketNotFoundError: When it is not there.
            BucketNotEmptyError: When it still holds objects.
        """
        self._buckets.delete(name)

    def put_object(
        self,
        ref: ObjectRef,
        content: Iterable[bytes],
        *,
        size: int | None,
        media_type: MediaType,
        metadata: ObjectMetadata,
        condition: WriteCondition,
    ) -> PutOutcome:
        """Write an object as a whole, as the port has it.

        With a known size it is one request, without one a multipart upload whose parts are
        sent side by side; what is smaller than a part is one request, too.
        """
        ref.name.check_writable()
        there = self._seen(ref)
        upload = Upload(
            ref, headers_of(media_type, metadata), conditions_for(condition, ref, there)
        )
        written = self._uploader.put(upload, content, size)
        info = self._info_after(ref, written) or ObjectInfo(
            ref, written.size, written.etag, str(media_type), metadata, written.at
        )
        return PutOutcome(info, created=there is None)

    def stat_object(self, ref: ObjectRef) -> ObjectInfo:
        """What is known of an object.

        Raises:
            BucketNotFoundError, ObjectNotFoundError: When it is not there.
        """
        info = self._seen(ref)
        if info is None:
            raise ObjectNotFoundError(f"There is no object {ref}.")
        return info

    def open_object(self, ref: ObjectRef) -> OpenObject:
        """Open an object for reading.

        Raises:
            BucketNotFoundError, ObjectNotFoundError: When it is not there.
        """
        return MinioObject(self._minio, self.stat_object(ref))

    def delete_object(self, ref: ObjectRef) -> None:
        """Delete an object; one that is not there is no error, as in S3.

        Raises:
            BucketNotFoundError: When the bucket is not there.
        """
        self._buckets.check_usable(ref.bucket)
        if self._is_another(ref):
            self._buckets.check_there(ref.bucket)
            return
        try:
            with domain_errors(ref=ref):
                self._minio.remove_object(str(ref.bucket), str(ref.name))
        except ObjectNotFoundError:
            return

    def list_objects(self, bucket: BucketName, request: ListRequest) -> ObjectPage:
        """List a page of a bucket's objects.

        Raises:
            BucketNotFoundError: When it is not there.
        """
        self._buckets.check_usable(bucket)
        try:
            return self._lister.page(bucket, request)
        except InvalidObjectNameError:
            # No name in this store can begin with such a prefix.
            self._buckets.check_there(bucket)
            return ObjectPage((), (), None)

    @property
    def location_roots(self) -> Sequence[str]:
        """Every bucket: which of them may be read is for those to judge who make the queries."""
        return ("s3://",)

    def locate(self, pattern: ObjectPattern) -> LocatedObjects:
        """As the port has it: an engine reads the store by itself.

        It must take names as they are, wildcards and percent signs included, and see by the
        entity tag that an object was replaced while it is read.
        """
        return LocatedObjects(
            tuple(LocatedObject(found, f"s3://{found.ref}") for found in self.find_objects(pattern))
        )

    def presign(self, request: PresignRequest) -> PresignedUrl:
        """Give a URL for one object, signed for the endpoint's address.

        Raises:
            BucketNotFoundError: When the bucket is not there.
        """
        self._buckets.check_there(request.ref.bucket)
        signed_at = datetime.now(UTC).replace(microsecond=0)
        good_for = timedelta(seconds=request.expires_s)
        with domain_errors(ref=request.ref):
            url = self._minio.get_presigned_url(
                str(request.method),
                str(request.ref.bucket),
                str(request.ref.name),
                expires=good_for,
                request_date=signed_at,
            )
        return PresignedUrl(url, signed_at + good_for)

    def check(self) -> Health:
        """Whether the store answers, and takes the credentials. Never raises."""
        try:
            with domain_errors():
                self._client.send(S3Request("GET"), timeout=Timeout(self._limits.check_timeout_s))
        except LakehouseError as error:
            return Health(ok=False, detail=error.detail)
        return Health(ok=True)

    def close(self) -> None:
        """Close idle connections, and stop what is tried in the background."""
        self._uploader.close()
        self._client.close()

    def _seen(self, ref: ObjectRef) -> ObjectInfo | None:
        """The object as it is now; None when it is not there, but its bucket is."""
        self._buckets.check_usable(ref.bucket)
        if not self._is_another(ref):
            with domain_errors(ref=ref):
                try:
                    return info_of(ref, self._minio.stat_object(str(ref.bucket), str(ref.name)))
                except S3Error as error:
                    if error.code not in {"NoSuchKey", "NoSuchBucket"}:
                        raise
        # An answer to HEAD has no body to say whether the object or the bucket is missing.
        self._buckets.check_there(ref.bucket)
        return None

    def _is_another(self, ref: ObjectRef) -> bool:
        """Whether the store would take another object for this one, or refuse its name.

        MinIO takes `/a` for `a`, SeaweedFS `a//b` for `a/b`: of the names that the service
        would not write, only those are meant that the store lists in just this spelling.
        """
        try:
            ref.name.check_writable()
        except InvalidObjectNameError:
            try:
                return not self._lister.is_listed(ref)
            except InvalidObjectNameError:
                return True
        return False

    def _info_after(self, ref: ObjectRef, written: Written) -> ObjectInfo | None:
        """The object as the store has it; None when another took its place, or it is silent.

        The upload itself has been answered, so what fails here does not fail it.
        """
        try:
            info = self._seen(ref)
        except LakehouseError:
            return None
        return info if info and written.etag in {"", info.etag} else None
