"""The dataset port on a local directory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from adapters.filesystem.buckets import Buckets
from adapters.filesystem.directories import sync_directory
from adapters.filesystem.errors import reason, translated
from adapters.filesystem.held import HeldObjects, Holding
from adapters.filesystem.listing import list_page
from adapters.filesystem.locks import NameLocks
from adapters.filesystem.objects import Objects
from adapters.filesystem.opened import OpenFile
from adapters.filesystem.records import Record, Sidecars
from adapters.filesystem.scratch import Scratch
from adapters.filesystem.uploads import Upload, receive
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
    ObjectSummary,
    OpenObject,
    PutOutcome,
    WriteCondition,
)
from domain.errors import ObjectNotFoundError, PreconditionFailedError
from domain.health import Health
from domain.located_objects import FoundObject, LocatedObject, LocatedObjects
from domain.object_patterns import ObjectPattern
from domain.ports.datasets import DatasetCapabilities, DatasetPort


class FilesystemDatasets(DatasetPort):
    """Buckets and objects as directories and files: `<root>/<bucket>/<object name>`.

    Anyone may look at them, copy them, and lay files of their own among them. What else the
    adapter needs is in directories of the root that begin with a dot, as no bucket does:
    `.metadata` (media types, user metadata and entity tags), `.buckets` (when each was
    created), `.uploads` (files in the making) and `.located` (objects that an engine reads).
    One process owns the root; any number of its threads may use it.

    Args:
        root: The directory; it is made when it is not there.
        reserved: Bucket names that are the lake's own.

    Raises:
        UnavailableError, StorageFullError: When the root cannot be used.
    """

    def __init__(self, root: Path, reserved: frozenset[str] = frozenset()) -> None:
        with translated():
            if not root.is_dir():
                root.mkdir(parents=True, exist_ok=True)
                sync_directory(root.parent)
            root = root.resolve()
            metadata, notes, uploads = root / ".metadata", root / ".buckets", root / ".uploads"
            located = root / ".located"
            for own in (metadata, notes, uploads, located):
                own.mkdir(exist_ok=True)
            sync_directory(root)
            self._scratch = Scratch(uploads)
            self._scratch.clear()
            self._held = HeldObjects(located)
            self._held.clear()
        self._buckets = Buckets(root, notes, self._scratch, reserved)
        self._sidecars = Sidecars(metadata, self._scratch)
        self._objects = Objects(self._sidecars)
        self._locks = NameLocks()

    @property
    def capabilities(self) -> DatasetCapabilities:
        """A file cannot have a directory's name, and no file's name ends with a slash."""
        return DatasetCapabilities(name_beside_prefix=False, foreign_names=False)

    def create_bucket(self, name: BucketName) -> Bucket:
        """As the port says."""
        with translated(), self._locks.all():
            self._buckets.check_free(name)
            # What is left of a bucket that a person took away is not the new one's.
            self._sidecars.forget_bucket(name)
            return self._buckets.create(name)

    def list_buckets(self) -> Sequence[Bucket]:
        """As the port says; links to directories are no buckets."""
        with translated():
            return self._buckets.list()

    def delete_bucket(self, name: BucketName) -> None:
        """As the port says; a file that is no object (a link, a pipe) keeps it too."""
        with translated(), self._locks.all():
            self._buckets.remove(name)
            self._sidecars.forget_bucket(name)

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
        """As the port says; the entity tag is the MD5 of the bytes."""
        ref.name.check_writable()
        with translated(), self._buckets.open(ref.bucket) as bucket:
            _judge(condition, self._objects.find(bucket, ref))
            self._objects.check_place(bucket, ref)
        with receive(self._scratch, content, size) as upload, translated():
            return self._commit(ref, upload, media_type, metadata, condition)

    def stat_object(self, ref: ObjectRef) -> ObjectInfo:
        """As the port says."""
        with translated(), self._buckets.open(ref.bucket) as bucket:
            record = self._objects.find(bucket, ref)
            if record is None:
                raise ObjectNotFoundError(f"There is no object {ref}.")
            return record.info(ref)

    def open_object(self, ref: ObjectRef) -> OpenObject:
        """As the port says."""
        with translated(), self._buckets.open(ref.bucket) as bucket:
            opened = self._objects.open(bucket, ref)
            if opened is None:
                raise ObjectNotFoundError(f"There is no object {ref}.")
            descriptor, record = opened
            return OpenFile(descriptor, record.info(ref))

    def delete_object(self, ref: ObjectRef) -> None:
        """As the port says; directories that hold nothing any more go with it."""
        with translated(), self._locks.of(ref), self._buckets.open(ref.bucket) as bucket:
            self._objects.remove(bucket, ref)

    def list_objects(self, bucket: BucketName, request: ListRequest) -> ObjectPage:
        """As the port says; links and special files are not listed."""
        with translated(), self._buckets.open(bucket) as opened:

            def summarize(name: ObjectName) -> ObjectSummary | None:
                ref = ObjectRef(bucket, name)
                record = self._objects.find(opened, ref)
                if record is None:
                    return None
                info = record.info(ref)
                return ObjectSummary(name.value, info.size, info.etag, info.last_modified)

            return list_page(opened, request, summarize)

    @property
    def location_roots(self) -> Sequence[str]:
        """The directory of the objects that are held for an engine; no bucket itself."""
        return (f"{self._held.root}/",)

    def locate(self, pattern: ObjectPattern) -> LocatedObjects:
        """As the port says: each object is held under a path of its own, whatever its name."""
        found = self.find_objects(pattern)
        with translated(), self._buckets.open(pattern.bucket) as bucket, ExitStack() as undo:
            held = self._held.begin()
            undo.callback(held.release)
            objects = tuple(
                located
                for each in found
                if (located := self._locate(bucket, each.ref, held)) is not None
            )
            if not objects:
                raise ObjectNotFoundError(f"No object matches {pattern}.")
            undo.pop_all()
            return LocatedObjects(objects, held.release)

    def _locate(self, bucket: int, ref: ObjectRef, held: Holding) -> LocatedObject | None:
        location = held.place(ref.name.value)
        record = self._objects.hold(bucket, ref, location)
        if record is None:
            # It went away since it was found.
            return None
        return LocatedObject(FoundObject(ref, record.size, record.etag), str(location))

    def check(self) -> Health:
        """Whether a file can be written below the root."""
        try:
            self._scratch.probe()
        except OSError as error:
            return Health(ok=False, detail=f"The datasets cannot be written: {reason(error)}.")
        return Health(ok=True)

    def _commit(
        self,
        ref: ObjectRef,
        upload: Upload,
        media_type: MediaType,
        metadata: ObjectMetadata,
        condition: WriteCondition,
    ) -> PutOutcome:
        """Put received bytes in their place.

        A crash at any point leaves a file with its record: the old one until the file is
        moved, and the new one from then on.
        """
        with self._locks.of(ref), self._buckets.open(ref.bucket) as bucket:
            old = self._objects.find(bucket, ref)
            _judge(condition, old)
            self._objects.check_place(bucket, ref)
            if old is not None:
                upload.stamp_apart(old.size, old.mtime_ns)
            new = Record(upload.size, upload.mtime_ns, upload.etag, media_type, metadata)
            self._sidecars.write(ref, [new] if old is None else [new, old])
            try:
                self._objects.place(bucket, ref, upload.path)
            except BaseException:
                self._objects.settle(bucket, ref)
                raise
            if old is not None:
                # The object is in its place: that the old record stays is no failure.
                with suppress(OSError):
                    self._sidecars.write(ref, [new])
            return PutOutcome(new.info(ref), created=old is None)


def _judge(condition: WriteCondition, old: Record | None) -> None:
    if condition.if_none_match and old is not None:
        raise PreconditionFailedError("There is an object of this name already.")
    wanted = condition.if_match
    if wanted is None:
        return
    if old is None:
        raise PreconditionFailedError("There is no object of this name that If-Match could mean.")
    if "*" not in wanted and old.etag not in wanted:
        raise PreconditionFailedError("The object is not the one that If-Match names.")
