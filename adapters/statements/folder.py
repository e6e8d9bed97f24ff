"""Objects of one kind, in one bucket: those whose names begin alike."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass

from domain.datasets import (
    BucketName,
    ByteStream,
    ListRequest,
    MediaType,
    ObjectMetadata,
    ObjectName,
    ObjectRef,
    ObjectSummary,
    OpenObject,
    WriteCondition,
)
from domain.errors import (
    BucketExistsError,
    BucketNotFoundError,
    ObjectNotFoundError,
    PreconditionFailedError,
)
from domain.ports.datasets import DatasetPort

_ANYWAY = WriteCondition()
_READ_ATTEMPTS = 10


@dataclass(frozen=True, slots=True)
class Folder:
    """Objects of one kind. The bucket is made when something is first put into it.

    Attributes:
        store: Where the bucket is.
        bucket: The bucket.
        prefix: What the objects' names begin with.
        suffix: What they end with.
        media_type: What they are.
    """

    store: DatasetPort
    bucket: BucketName
    prefix: str
    suffix: str
    media_type: MediaType

    def put(
        self, name: str, content: Iterable[bytes], condition: WriteCondition = _ANYWAY
    ) -> tuple[str, int]:
        """Write an object; gives its entity tag and its size.

        Raises: what `DatasetPort.put_object` raises.
        """
        try:
            return self._put(name, content, condition)
        except BucketNotFoundError:
            # Nothing has been read of the content yet: the bucket is looked for before that.
            with suppress(BucketExistsError):
                self.store.create_bucket(self.bucket)
            return self._put(name, content, condition)

    def _put(
        self, name: str, content: Iterable[bytes], condition: WriteCondition
    ) -> tuple[str, int]:
        info = self.store.put_object(
            self._ref(name),
            content,
            size=None,
            media_type=self.media_type,
            metadata=ObjectMetadata(),
            condition=condition,
        ).info
        return info.etag, info.size

    def read(self, name: str) -> tuple[str, bytes]:
        """An object's entity tag and bytes.

        Raises:
            ObjectNotFoundError: When it is not there.
        """
        for _ in range(_READ_ATTEMPTS):
            with closing(self._opened(name)) as opened, suppress(PreconditionFailedError):
                return opened.info.etag, b"".join(opened.read())
        raise PreconditionFailedError("The object was replaced each time it was to be read.")

    def open(self, name: str) -> tuple[int, ByteStream]:
        """An object's size and its bytes.

        Raises:
            ObjectNotFoundError: When it is not there.
        """
        opened = self._opened(name)
        try:
            return opened.info.size, _Content(opened)
        except BaseException:
            opened.close()
            raise

    def delete(self, name: str) -> None:
        """Delete an object, if it is there."""
        with suppress(BucketNotFoundError):
            self.store.delete_object(self._ref(name))

    def list(self, after: str | None = None) -> Iterator[tuple[str, ObjectSummary]]:
        """The objects by name, those behind `after`, each with the name it has here."""
        behind = None if after is None else self._ref(after).name.value
        while True:
            request = ListRequest(prefix=self.prefix, after=behind)
            try:
                page = self.store.list_objects(self.bucket, request)
            except BucketNotFoundError:
                return
            for summary in page.objects:
                # What somebody else laid there is none of ours.
                if summary.name.endswith(self.suffix):
                    yield summary.name[len(self.prefix) : -len(self.suffix)], summary
            behind = page.next_after
            if behind is None:
                return

    def _opened(self, name: str) -> OpenObject:
        try:
            return self.store.open_object(self._ref(name))
        except BucketNotFoundError as error:
            raise ObjectNotFoundError(f"There is no object {name}.") from error

    def _ref(self, name: str) -> ObjectRef:
        return ObjectRef(self.bucket, ObjectName(f"{self.prefix}{name}{self.suffix}"))


class _Content(ByteStream):
    """The bytes of an open object; closing it closes the object."""

    def __init__(self, opened: OpenObject) -> None:
        self._opened = opened
        self._stream = opened.read()

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._stream)

    def close(self) -> None:
        self._stream.close()
        self._opened.close()
