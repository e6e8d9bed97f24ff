"""Datasets: buckets of objects with media types and user metadata."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import AddressValueError, IPv4Address
from types import MappingProxyType
from typing import Protocol

from domain.errors import (
    InvalidBucketNameError,
    InvalidMediaTypeError,
    InvalidMetadataError,
    InvalidObjectNameError,
    InvalidPageTokenError,
)

MAX_OBJECT_NAME_BYTES = 1024
MAX_SEGMENT_BYTES = 255
MAX_METADATA_BYTES = 2048
METADATA_PREFIX = "x-amz-meta-"
MAX_PAGE_SIZE = 1000
MAX_MEDIA_TYPE_LENGTH = 255
_SHOWN = 63
DEFAULT_MEDIA_TYPE = "application/octet-stream"

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_RESERVED_PREFIXES = ("xn--", "sthree-", "amzn-s3-demo-")
_RESERVED_SUFFIXES = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_WORD = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"
_MEDIA_TYPE = re.compile(rf"{_WORD}/{_WORD}([ \t]*;[ -~]*)?")
_METADATA_NAME = re.compile(_WORD)
_METADATA_VALUE = re.compile(r"([!-~]([ -~]*[!-~])?)?")


@dataclass(frozen=True, slots=True)
class BucketName:
    """A bucket's name, by S3's naming rules.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html

    Raises:
        InvalidBucketNameError: When `value` is against these rules.
    """

    value: str

    def __post_init__(self) -> None:
        value = self.value
        if (
            not _BUCKET.fullmatch(value)
            or ".." in value
            or _is_ip_address(value)
            or value.startswith(_RESERVED_PREFIXES)
            or value.endswith(_RESERVED_SUFFIXES)
        ):
            shown = value if len(value) <= _SHOWN else f"{value[:_SHOWN]}..."
            raise InvalidBucketNameError(
                "A bucket name is 3-63 lower-case letters, digits, '-' and '.', begins and ends "
                "with a letter or digit, and is no IP address and no name that S3 reserves; "
                f"{shown!r} is not."
            )

    def __str__(self) -> str:
        return self.value


def _is_ip_address(text: str) -> bool:
    try:
        IPv4Address(text)
    except AddressValueError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class ObjectName:
    """An object's name (S3: key) in its bucket, as any S3 client may have given it.

    Whatever lies in a bucket can be read, listed and deleted by its name; what the service
    itself writes must also pass `check_writable`.

    Raises:
        InvalidObjectNameError: When it is empty, too long or holds a control character, or
            when a part of it is `.` or `..`, which no store takes.
    """

    value: str

    def __post_init__(self) -> None:
        try:
            size = len(self.value.encode())
        except UnicodeEncodeError as error:
            raise InvalidObjectNameError("An object name is UTF-8.") from error
        if not 1 <= size <= MAX_OBJECT_NAME_BYTES:
            raise InvalidObjectNameError(
                f"An object name is 1-{MAX_OBJECT_NAME_BYTES} bytes of UTF-8; this one has {size}."
            )
        if _CONTROL.search(self.value):
            raise InvalidObjectNameError("An object name holds no control characters.")
        if any(segment in {".", ".."} for segment in self.value.split("/")):
            raise InvalidObjectNameError("No part of an object name is '.' or '..'.")

    def check_writable(self) -> None:
        """Check that every store can hold an object of this name.

        Raises:
            InvalidObjectNameError: When a part between slashes is empty or over 255 bytes.
        """
        for segment in self.value.split("/"):
            if not segment:
                raise InvalidObjectNameError(
                    "An object name neither begins nor ends with '/', nor holds '//'."
                )
            if len(segment.encode()) > MAX_SEGMENT_BYTES:
                raise InvalidObjectNameError(
                    f"A part of an object name is at most {MAX_SEGMENT_BYTES} bytes of UTF-8."
                )

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """One object's place: its bucket and its name there."""

    bucket: BucketName
    name: ObjectName

    def __str__(self) -> str:
        return f"{self.bucket}/{self.name}"


@dataclass(frozen=True, slots=True)
class MediaType:
    """What an object's bytes are, as in Content-Type (RFC 9110, 8.3.1).

    Raises:
        InvalidMediaTypeError: When it does not read as `type/subtype` with parameters.
    """

    value: str = DEFAULT_MEDIA_TYPE

    def __post_init__(self) -> None:
        if len(self.value) > MAX_MEDIA_TYPE_LENGTH or not _MEDIA_TYPE.fullmatch(self.value):
            raise InvalidMediaTypeError(f"{self.value[:_SHOWN]!r} is not a media type.")

    def __str__(self) -> str:
        return self.value


def _no_entries() -> Mapping[str, str]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class ObjectMetadata:
    """User metadata of an object: names (in lower case, without `x-amz-meta-`) to values.

    Both are ASCII, and together at most 2 KB, as in S3 ("User-defined object metadata"); the
    names are counted as they are sent, with the prefix, as the strictest stores do.

    Raises:
        InvalidMetadataError: When it is larger, or not printable ASCII.
    """

    entries: Mapping[str, str] = field(default_factory=_no_entries)

    def __post_init__(self) -> None:
        lowered = {name.lower(): value for name, value in self.entries.items()}
        for name, value in lowered.items():
            if not _METADATA_NAME.fullmatch(name):
                raise InvalidMetadataError(f"{name[:100]!r} is not a name for user metadata.")
            if not _METADATA_VALUE.fullmatch(value):
                raise InvalidMetadataError(
                    f"The metadata {name!r} is not printable ASCII without spaces around it."
                )
        size = sum(len(METADATA_PREFIX + name + value) for name, value in lowered.items())
        if size > MAX_METADATA_BYTES:
            raise InvalidMetadataError(
                f"User metadata has at most {MAX_METADATA_BYTES} bytes, values and names "
                f"together, the names with {METADATA_PREFIX!r}."
            )
        object.__setattr__(self, "entries", MappingProxyType(lowered))


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket."""

    name: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """What is known of an object without reading it.

    Attributes:
        ref: Where it is.
        size: Its size in bytes.
        etag: Its entity tag without quotes: other bytes, other tag.
        media_type: What its bytes are.
        metadata: The user's metadata.
        last_modified: When it was written (UTC, whole seconds or finer).
    """

    ref: ObjectRef
    size: int
    etag: str
    media_type: str
    metadata: ObjectMetadata
    last_modified: datetime


@dataclass(frozen=True, slots=True)
class ObjectSummary:
    """An object in a listing. Its name may be one that the service would not write."""

    name: str
    size: int
    etag: str
    last_modified: datetime


@dataclass(frozen=True, slots=True)
class ListRequest:
    """Which objects of a bucket to list (S3: ListObjectsV2).

    Attributes:
        prefix: Only names that begin with this.
        delimiter: Names that hold this behind the prefix are rolled up into `prefixes`;
            None rolls up nothing.
        page_size: At most so many names and prefixes, 1-1000.
        after: Only names and prefixes behind this one, in the order of their UTF-8 bytes.

    Raises:
        InvalidPageTokenError: When the page size is out of its bounds.
    """

    prefix: str = ""
    delimiter: str | None = None
    page_size: int = MAX_PAGE_SIZE
    after: str | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.page_size <= MAX_PAGE_SIZE:
            raise InvalidPageTokenError(f"page_size is 1 to {MAX_PAGE_SIZE}.")


@dataclass(frozen=True, slots=True)
class ObjectPage:
    """A part of a listing, in the order of the names' UTF-8 bytes.

    Attributes:
        objects: The objects of this page.
        prefixes: What was rolled up, each prefix once, its delimiter included.
        next_after: `ListRequest.after` of the next page; None on the last page.
    """

    objects: tuple[ObjectSummary, ...]
    prefixes: tuple[str, ...]
    next_after: str | None


@dataclass(frozen=True, slots=True)
class WriteCondition:
    """When an upload may go ahead.

    Attributes:
        if_none_match: Only when there is no object of that name (`If-None-Match: *`).
        if_match: Only when the object there has one of these entity tags; `*` stands for
            any object; None asks for nothing.
    """

    if_none_match: bool = False
    if_match: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class PutOutcome:
    """What an upload did.

    Attributes:
        info: The object as it is now.
        created: False when it replaced another.
    """

    info: ObjectInfo
    created: bool


@dataclass(frozen=True, slots=True)
class ByteRange:
    """A part of an object: from `start`, `length` bytes of it (both within its size)."""

    start: int
    length: int


class ByteStream(Protocol):
    """Bytes in chunks, read once; must be closed, by any thread, whether read out or not."""

    def __iter__(self) -> Iterator[bytes]:
        """The chunks."""
        ...

    def close(self) -> None:
        """Give back what the stream holds. May be called twice."""
        ...


class OpenObject(Protocol):
    """An object opened for reading: what `info` says is what `read` gives.

    It must be closed. A write to the object meanwhile does not change what is read here.
    """

    @property
    def info(self) -> ObjectInfo:
        """What the object is."""
        ...

    def read(self, part: ByteRange | None = None) -> ByteStream:
        """Its bytes, or a part of them. Can be called once; closing the stream closes this.

        Raises:
            PreconditionFailedError: When the store no longer has the object that was opened.
        """
        ...

    def close(self) -> None:
        """Give back what is held. May be called twice."""
        ...
