"""An object store in memory."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import md5

from domain.datasets import (
    Bucket,
    BucketName,
    ByteRange,
    ByteStream,
    ListRequest,
    MediaType,
    ObjectInfo,
    ObjectMetadata,
    ObjectPage,
    ObjectRef,
    ObjectSummary,
    OpenObject,
    PutOutcome,
    WriteCondition,
)
from domain.errors import (
    BucketExistsError,
    BucketNotEmptyError,
    BucketNotFoundError,
    BucketReservedError,
    IncompleteBodyError,
    ObjectNotFoundError,
    PreconditionFailedError,
)
from domain.health import Health
from domain.located_objects import LocatedObject, LocatedObjects
from domain.object_patterns import ObjectPattern
from domain.ports.datasets import DatasetCapabilities, DatasetPort

_CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class _Stored:
    info: ObjectInfo
    content: bytes


@dataclass(slots=True)
class _FakeBucket:
    created_at: datetime
    objects: dict[str, _Stored] = field(default_factory=dict)


class FakeDatasets(DatasetPort):
    """Buckets and objects in memory, which hold whatever an S3 store may hold."""

    def __init__(self, reserved: frozenset[str] = frozenset()) -> None:
        self._reserved = reserved
        self._buckets: dict[str, _FakeBucket] = {}
        self._lock = threading.Lock()
        self.held = 0
        """How many times objects were located and not let go of yet."""

    @property
    def capabilities(self) -> DatasetCapabilities:
        return DatasetCapabilities(name_beside_prefix=True, foreign_names=True)

    def create_bucket(self, name: BucketName) -> Bucket:
        with self._lock:
            if name.value in self._reserved:
                raise BucketReservedError(f"The bucket name {name} is reserved.")
            if name.value in self._buckets:
                raise BucketExistsError(f"There is a bucket {name} already.")
            bucket = self._buckets[name.value] = _FakeBucket(datetime.now(UTC))
            return Bucket(name.value, bucket.created_at)

    def list_buckets(self) -> Sequence[Bucket]:
        with self._lock:
            return [Bucket(name, made.created_at) for name, made in sorted(self._buckets.items())]

    def delete_bucket(self, name: BucketName) -> None:
        with self._lock:
            if self._bucket(name).objects:
                raise BucketNotEmptyError(f"The bucket {name} still holds objects.")
            del self._buckets[name.value]

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
        ref.name.check_writable()
        with self._lock:
            self._judge(condition, self._bucket(ref.bucket).objects.get(ref.name.value))
        data = _read_all(content, size)
        with self._lock:
            objects = self._bucket(ref.bucket).objects
            old = objects.get(ref.name.value)
            self._judge(condition, old)
            stored = objects[ref.name.value] = _store(ref, data, media_type, metadata)
        return PutOutcome(stored.info, created=old is None)

    def write_foreign(self, ref: ObjectRef, content: bytes) -> None:
        """Put an object as another client would, under any name."""
        with self._lock:
            objects = self._bucket(ref.bucket).objects
            objects[ref.name.value] = _store(ref, content, MediaType(), ObjectMetadata())

    def stat_object(self, ref: ObjectRef) -> ObjectInfo:
        with self._lock:
            return self._stored(ref).info

    def open_object(self, ref: ObjectRef) -> OpenObject:
        with self._lock:
            return _FakeOpenObject(self._stored(ref))

    def delete_object(self, ref: ObjectRef) -> None:
        with self._lock:
            self._bucket(ref.bucket).objects.pop(ref.name.value, None)

    def list_objects(self, bucket: BucketName, request: ListRequest) -> ObjectPage:
        with self._lock:
            objects = dict(self._bucket(bucket).objects)
        entries: dict[str, ObjectInfo | None] = {}
        for name in sorted(objects, key=_order):
            if name.startswith(request.prefix):
                rolled_up = _roll_up(name, request)
                entries[rolled_up or name] = None if rolled_up else objects[name].info
        found = [
            (name, info)
            for name, info in entries.items()
            if request.after is None or _order(name) > _order(request.after)
        ]
        page, more = found[: request.page_size], found[request.page_size :]
        return ObjectPage(
            objects=tuple(
                ObjectSummary(name, info.size, info.etag, info.last_modified)
                for name, info in page
                if info is not None
            ),
            prefixes=tuple(name for name, info in page if info is None),
            next_after=page[-1][0] if more else None,
        )

    @property
    def location_roots(self) -> Sequence[str]:
        return ("memory://",)

    def locate(self, pattern: ObjectPattern) -> LocatedObjects:
        objects = [
            LocatedObject(found, f"memory://{found.etag}/{found.ref}")
            for found in self.find_objects(pattern)
        ]
        self.held += 1
        return LocatedObjects(tuple(objects), self._release)

    def _release(self) -> None:
        self.held -= 1

    def check(self) -> Health:
        return Health(ok=True)

    def _bucket(self, name: BucketName) -> _FakeBucket:
        try:
            return self._buckets[name.value]
        except KeyError as error:
            raise BucketNotFoundError(f"There is no bucket {name}.") from error

    def _stored(self, ref: ObjectRef) -> _Stored:
        try:
            return self._bucket(ref.bucket).objects[ref.name.value]
        except KeyError as error:
            raise ObjectNotFoundError(f"There is no object {ref}.") from error

    @staticmethod
    def _judge(condition: WriteCondition, old: _Stored | None) -> None:
        if condition.if_none_match and old is not None:
            raise PreconditionFailedError("The object is there already.")
        wanted = condition.if_match
        if wanted is not None and (
            old is None or ("*" not in wanted and old.info.etag not in wanted)
        ):
            raise PreconditionFailedError("The object is not the one that If-Match names.")


def _order(name: str) -> bytes:
    return name.encode("utf-8", "surrogatepass")


def _roll_up(name: str, request: ListRequest) -> str | None:
    if not request.delimiter:
        return None
    start = name.find(request.delimiter, len(request.prefix))
    return None if start < 0 else name[: start + len(request.delimiter)]


def _read_all(content: Iterable[bytes], size: int | None) -> bytes:
    data = bytearray()
    for chunk in content:
        data += chunk
        if size is not None and len(data) > size:
            raise IncompleteBodyError(f"The body goes on after the {size} bytes it should have.")
    if size is not None and len(data) < size:
        raise IncompleteBodyError(f"The body ended after {len(data)} of {size} bytes.")
    return bytes(data)


def _store(ref: ObjectRef, data: bytes, media_type: MediaType, metadata: ObjectMetadata) -> _Stored:
    info = ObjectInfo(
        ref=ref,
        size=len(data),
        etag=md5(data, usedforsecurity=False).hexdigest(),
        media_type=media_type.value,
        metadata=metadata,
        last_modified=datetime.now(UTC),
    )
    return _Stored(info, data)


class _FakeOpenObject(OpenObject):
    def __init__(self, stored: _Stored) -> None:
        self._stored = stored

    @property
    def info(self) -> ObjectInfo:
        return self._stored.info

    def read(self, part: ByteRange | None = None) -> ByteStream:
        content = self._stored.content
        if part is not None:
            content = content[part.start : part.start + part.length]
        return _FakeByteStream(content)

    def close(self) -> None:
        """Nothing is held."""


class _FakeByteStream(ByteStream):
    def __init__(self, content: bytes) -> None:
        self._content = content

    def __iter__(self) -> Iterator[bytes]:
        for start in range(0, len(self._content), _CHUNK):
            yield self._content[start : start + _CHUNK]

    def close(self) -> None:
        """Nothing is held."""
