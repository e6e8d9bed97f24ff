"""The port to the object store."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from domain.datasets import (
    Bucket,
    BucketName,
    ListRequest,
    MediaType,
    ObjectInfo,
    ObjectMetadata,
    ObjectName,
    ObjectPage,
    ObjectRef,
    OpenObject,
    PutOutcome,
    WriteCondition,
)
from domain.errors import (
    InvalidObjectNameError,
    ObjectNotFoundError,
    TooLargeError,
    UnsupportedOperationError,
)
from domain.health import Health
from domain.located_objects import FoundObject, LocatedObjects
from domain.object_patterns import MAX_LISTED_OBJECTS, MAX_MATCHED_OBJECTS, ObjectPattern
from domain.presigned import PresignedUrl, PresignRequest


@dataclass(frozen=True, slots=True)
class DatasetCapabilities:
    """What a store can do beyond what all of them can.

    Attributes:
        name_beside_prefix: Holds an object `x` beside an object `x/y`.
        foreign_names: May hold objects under names that the service would not write
            (made by other S3 clients: `a/`, `a//b`).
        presigned_urls: Gives URLs that let others read and write objects.
        lists_name_beside_prefix: Lists an object `x/y` also while there is an object `x`.
        byte_order: Lists in the order of the names' UTF-8 bytes. Otherwise each level of
            names is ordered by itself (`a/b` before `a-b`); following `next_after` meets
            each name once all the same.
        exact_prefixes: Rolls up a prefix only while there is an object of it, not for some time
            after the last one was deleted, too.
        backslash: Takes a backslash in a name for itself; others take it for `/` somewhere.
        empty_metadata: Keeps user metadata whose value is empty.
        atomic_bucket_delete: Never deletes a bucket while an object is put into it.
    """

    name_beside_prefix: bool
    foreign_names: bool
    presigned_urls: bool = False
    lists_name_beside_prefix: bool = True
    byte_order: bool = True
    exact_prefixes: bool = True
    backslash: bool = True
    empty_metadata: bool = True
    atomic_bucket_delete: bool = True


class DatasetPort(Protocol):
    """The buckets and objects of one store.

    Any call raises `UnavailableError`, `UpstreamTimeoutError` or `BadUpstreamError` when the
    store does not serve.
    """

    @property
    @abstractmethod
    def capabilities(self) -> DatasetCapabilities:
        """What this store can do."""

    @abstractmethod
    def create_bucket(self, name: BucketName) -> Bucket:
        """Make a bucket.

        Raises:
            BucketExistsError: When it is there.
            BucketReservedError: When the name is the lake's own, or somebody else's.
        """

    @abstractmethod
    def list_buckets(self) -> Sequence[Bucket]:
        """All buckets by name, but for the lake's own."""

    @abstractmethod
    def delete_bucket(self, name: BucketName) -> None:
        """Delete an empty bucket.

        Raises:
            BucketNotFoundError: When it is not there.
            BucketNotEmptyError: When it still holds objects.
        """

    @abstractmethod
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
        """Write an object as a whole: a reader sees the old one or the new one.

        When it returns, the object is durable. When it raises, also because `content`
        raised, the old object is as it was and nothing of the new one stays.

        Args:
            ref: Where; its name must be writable.
            content: The bytes, in chunks of any size. What it raises passes through.
            size: How many bytes there will be, when that is known.
            media_type: What they are.
            metadata: The user's metadata.
            condition: When the write may go ahead; judged again as it takes effect.

        Raises:
            InvalidObjectNameError: When the name is not writable, or not on this store.
            BucketNotFoundError: When the bucket is not there.
            PreconditionFailedError: When the condition does not hold.
            ObjectNameConflictError: When the store cannot hold it beside what is there.
            IncompleteBodyError: When `content` ends before `size` bytes, or goes on after.
            TooLargeError: When it is larger than the store takes.
            StorageFullError: When there is no space for it.
        """

    @abstractmethod
    def stat_object(self, ref: ObjectRef) -> ObjectInfo:
        """What is known of an object.

        Raises:
            BucketNotFoundError, ObjectNotFoundError: When it is not there.
        """

    @abstractmethod
    def open_object(self, ref: ObjectRef) -> OpenObject:
        """Open an object for reading.

        Raises:
            BucketNotFoundError, ObjectNotFoundError: When it is not there.
        """

    @abstractmethod
    def delete_object(self, ref: ObjectRef) -> None:
        """Delete an object; one that is not there is no error, as in S3.

        Raises:
            BucketNotFoundError: When the bucket is not there.
        """

    @abstractmethod
    def list_objects(self, bucket: BucketName, request: ListRequest) -> ObjectPage:
        """List a page of a bucket's objects, in the order of their names' UTF-8 bytes.

        Raises:
            BucketNotFoundError: When it is not there.
        """

    def find_objects(self, pattern: ObjectPattern) -> Sequence[FoundObject]:
        """The objects that a pattern stands for, in the order of their names' UTF-8 bytes.

        Raises:
            BucketNotFoundError: When the bucket is not there.
            ObjectNotFoundError: When there is no such object.
            TooLargeError: When there are too many of them.
        """
        try:
            info = self.stat_object(ObjectRef(pattern.bucket, ObjectName(pattern.pattern)))
        except ObjectNotFoundError:
            if not pattern.has_wildcards:
                raise
        else:
            return (FoundObject(info.ref, info.size, info.etag),)
        found = self._matched(pattern)
        if not found:
            raise ObjectNotFoundError(f"No object matches {pattern}.")
        return sorted(found, key=lambda each: each.ref.name.value.encode())

    def _matched(self, pattern: ObjectPattern) -> Sequence[FoundObject]:
        found: list[FoundObject] = []
        listed = 0
        after: str | None = None
        while True:
            page = self.list_objects(
                pattern.bucket, ListRequest(prefix=pattern.prefix, after=after)
            )
            listed += len(page.objects)
            for each in page.objects:
                if pattern.matches(each.name):
                    # No engine reads an object of a name that is none.
                    with suppress(InvalidObjectNameError):
                        ref = ObjectRef(pattern.bucket, ObjectName(each.name))
                        found.append(FoundObject(ref, each.size, each.etag))
            if len(found) > MAX_MATCHED_OBJECTS or listed > MAX_LISTED_OBJECTS:
                raise TooLargeError(
                    f"{pattern} matches more than {MAX_MATCHED_OBJECTS} objects, or has more "
                    f"than {MAX_LISTED_OBJECTS} to be looked at; say more of their names."
                )
            after = page.next_after
            if after is None:
                return found

    @property
    @abstractmethod
    def location_roots(self) -> Sequence[str]:
        """How all locations begin: what an engine that reads there must be let read."""

    @abstractmethod
    def locate(self, pattern: ObjectPattern) -> LocatedObjects:
        """Find objects, and let an engine read them where they are.

        What is returned must be closed when nothing reads them any more.

        Raises:
            BucketNotFoundError: When the bucket is not there.
            ObjectNotFoundError: When there is no such object.
            TooLargeError: When there are too many of them.
            StorageFullError: When there is no space to hold them.
        """

    def presign(self, request: PresignRequest) -> PresignedUrl:
        """Give a URL for one object; whether that is there is not looked at.

        Raises:
            BucketNotFoundError: When the bucket is not there.
            UnsupportedOperationError: When the store has no such URLs, which is the default.
        """
        raise UnsupportedOperationError(
            f"This store gives no URLs to {request.method} objects with."
        )

    @abstractmethod
    def check(self) -> Health:
        """Whether the store answers. Never raises."""
