"""What is known of an object beside its bytes, kept in a sidecar file.

A file and its sidecar cannot be replaced in one step. So a sidecar holds records, each tied
to its file by size and time: before a new file takes the old one's place, the sidecar gets the
new record beside the old one; whichever file a reader then finds, it finds its record.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from shutil import rmtree
from typing import Any, Self

from adapters.filesystem.directories import sync_directory
from adapters.filesystem.scratch import Scratch
from domain.datasets import BucketName, MediaType, ObjectInfo, ObjectMetadata, ObjectRef
from domain.errors import LakehouseError
from domain.media_types import guess_media_type

_VERSION = 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Record:
    """What a sidecar says of one file.

    Attributes:
        size: The file's size in bytes.
        mtime_ns: When it was written, in nanoseconds since 1970.
        etag: Its entity tag.
        media_type: What its bytes are.
        metadata: The user's metadata.
    """

    size: int
    mtime_ns: int
    etag: str
    media_type: MediaType
    metadata: ObjectMetadata

    def fits(self, file: os.stat_result) -> bool:
        """Whether it is the record of this file."""
        return (self.size, self.mtime_ns) == (file.st_size, file.st_mtime_ns)

    def info(self, ref: ObjectRef) -> ObjectInfo:
        """The object as the port gives it."""
        return ObjectInfo(
            ref=ref,
            size=self.size,
            etag=self.etag,
            media_type=self.media_type.value,
            metadata=self.metadata,
            last_modified=_moment(self.mtime_ns),
        )

    def to_json(self) -> dict[str, Any]:
        """The record as a sidecar keeps it."""
        return {
            "size": self.size,
            "mtime_ns": self.mtime_ns,
            "etag": self.etag,
            "media_type": self.media_type.value,
            "metadata": dict(self.metadata.entries),
        }

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Self:
        """Read what `to_json` gave."""
        return cls(
            size=int(record["size"]),
            mtime_ns=int(record["mtime_ns"]),
            etag=str(record["etag"]),
            media_type=MediaType(record["media_type"]),
            metadata=ObjectMetadata(record["metadata"]),
        )


def fitting(records: Sequence[Record], file: os.stat_result) -> Record | None:
    """The record of this very file."""
    return next((record for record in records if record.fits(file)), None)


def assumed(records: Sequence[Record], file: os.stat_result, ref: ObjectRef) -> Record:
    """A record for a file that has none of its own: a person put it there.

    When the only record of its size can be meant (the tree was copied or restored without the
    files' times), its media type and metadata stand. Its entity tag does not, for the file may
    just as well have been edited: the tag then comes from size and time.
    """
    same_size = [record for record in records if record.size == file.st_size]
    etag = f"{file.st_mtime_ns:x}-{file.st_size:x}"
    if len(same_size) == 1:
        return replace(same_size[0], mtime_ns=file.st_mtime_ns, etag=etag)
    return Record(
        size=file.st_size,
        mtime_ns=file.st_mtime_ns,
        etag=etag,
        media_type=guess_media_type(ref.name.value),
        metadata=ObjectMetadata(),
    )


def _moment(mtime_ns: int) -> datetime:
    try:
        return _EPOCH + timedelta(microseconds=mtime_ns // 1000)
    except OverflowError:
        # Some file systems keep times beyond the year 9999.
        return datetime.max.replace(tzinfo=UTC)


class Sidecars:
    """The sidecar files of all buckets: one for each object, named by its name's SHA-256."""

    def __init__(self, path: Path, scratch: Scratch) -> None:
        self._path = path
        self._scratch = scratch

    def read(self, ref: ObjectRef) -> tuple[Record, ...]:
        """The records of an object; none when there is no sidecar, or no sense in it."""
        try:
            content = self._file(ref).read_bytes()
        except FileNotFoundError:
            return ()
        try:
            return tuple(Record.from_json(record) for record in json.loads(content)["records"])
        except (ValueError, TypeError, KeyError, AttributeError, LakehouseError):
            return ()

    def write(self, ref: ObjectRef, records: Sequence[Record]) -> None:
        """Replace the records of an object, durably; without records, remove the sidecar."""
        sidecar = self._file(ref)
        if not records:
            sidecar.unlink(missing_ok=True)
            return
        sidecar.parent.mkdir(exist_ok=True)
        sync_directory(self._path)
        content = {
            "v": _VERSION,
            "name": ref.name.value,
            "records": [record.to_json() for record in records],
        }
        self._scratch.replace(sidecar, json.dumps(content, ensure_ascii=False).encode())

    def forget_bucket(self, bucket: BucketName) -> None:
        """Remove all sidecars of a bucket."""
        directory = self._path / bucket.value
        if directory.exists():
            rmtree(directory)

    def _file(self, ref: ObjectRef) -> Path:
        digest = sha256(ref.name.value.encode()).hexdigest()
        return self._path / ref.bucket.value / f"{digest}.json"
