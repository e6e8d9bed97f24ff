"""Listings: a page of a bucket's names ("ListObjectsV2", S3 API reference)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from minio.datatypes import Object, parse_list_objects

from adapters.minio.client import S3Client, S3Request
from adapters.minio.errors import domain_errors
from domain.datasets import BucketName, ListRequest, ObjectPage, ObjectRef, ObjectSummary
from domain.errors import BadUpstreamError, InvalidObjectNameError, InvalidPageTokenError

_HIGHEST = "\U0010ffff"
"""The character whose UTF-8 bytes come last."""


@dataclass(frozen=True, slots=True)
class _Entries:
    """What a store listed: objects, and prefixes that it rolled up.

    Attributes:
        objects: The objects by name.
        prefixes: The prefixes.
        goes_on: The store's token for what follows; None at the end.
    """

    objects: dict[str, ObjectSummary]
    prefixes: frozenset[str]
    goes_on: str | None

    def names(self) -> list[str]:
        return sorted({*self.objects, *self.prefixes}, key=str.encode)


def list_page(client: S3Client, bucket: BucketName, request: ListRequest) -> ObjectPage:
    """List a page.

    Raises:
        BucketNotFoundError: When the bucket is not there.
        InvalidPageTokenError, InvalidObjectNameError: When `after`, or the prefix or delimiter,
            is not UTF-8.
    """
    _check_encodable(request)
    found = _entries_after(client, bucket, request, request.after, request.page_size)
    names = found.names()
    return ObjectPage(
        objects=tuple(found.objects[name] for name in names if name in found.objects),
        prefixes=tuple(name for name in names if name in found.prefixes),
        next_after=_next_after(client, bucket, request, found, names),
    )


def is_empty(client: S3Client, bucket: BucketName) -> bool:
    """Whether a bucket holds no object."""
    return not _entries_after(client, bucket, ListRequest(), None, 1).objects


def is_listed(client: S3Client, ref: ObjectRef) -> bool:
    """Whether the store lists an object of exactly this name.

    Raises:
        InvalidObjectNameError: When it can hold no such name.
    """
    name = str(ref.name)
    # A store that folds slashes does so in a prefix, too, and gives it back as the name.
    prefix = name[: f"/{name}".find("//")] if "//" in f"/{name}" else name
    after = None if prefix == name else _just_before(name)
    return name in _entries_after(client, ref.bucket, ListRequest(prefix), after, 2).objects


def _just_before(name: str) -> str:
    """A text that is before the name, with nothing likely in between."""
    code = ord(name[-1]) - 1
    # The surrogates are no characters.
    before = chr(code if not 0xD800 <= code <= 0xDFFF else 0xD7FF)  # noqa: PLR2004
    return name[:-1] + before + _HIGHEST


def _check_encodable(request: ListRequest) -> None:
    try:
        (request.prefix + (request.delimiter or "")).encode()
    except UnicodeEncodeError as error:
        raise InvalidObjectNameError("A prefix and a delimiter are UTF-8.") from error
    try:
        (request.after or "").encode()
    except UnicodeEncodeError as error:
        raise InvalidPageTokenError("This is not a page token of this service.") from error


def _next_after(
    client: S3Client,
    bucket: BucketName,
    request: ListRequest,
    found: _Entries,
    names: list[str],
) -> str | None:
    if found.goes_on is None or not names:
        return None
    # Where a store lists in an order of its own, its token is the last name in that order.
    last = found.goes_on if found.goes_on in names else names[-1]
    if last in found.prefixes:
        # Stores say that a listing goes on when only more of the last prefix would come.
        beyond = _entries_after(client, bucket, request, last, 1)
        if not beyond.objects and not beyond.prefixes:
            return None
    return last


def _entries_after(
    client: S3Client, bucket: BucketName, request: ListRequest, after: str | None, limit: int
) -> _Entries:
    query = {
        "list-type": "2",
        "max-keys": str(limit),
        "prefix": request.prefix,
        "delimiter": request.delimiter or "",
        # XML cannot hold every name: MinIO's answers could not be read without this.
        "encoding-type": "url",
    }
    if after:
        query["start-after"] = _start_after(request, after)
    while True:
        with domain_errors(bucket):
            response = client.send(S3Request("GET", str(bucket), query=query))
            listed, truncated, token, _ = parse_list_objects(response)
        entries = _read(listed, after, token if truncated else None)
        # A page may hold nothing but the prefix that `after` lies in.
        if entries.objects or entries.prefixes or entries.goes_on is None:
            return entries
        query["continuation-token"] = entries.goes_on


def _start_after(request: ListRequest, after: str) -> str:
    """Where the store is to begin: behind all that is rolled up into the prefix of `after`.

    S3 goes on behind a name, so behind a prefix `a/` it would find `a/b` and give `a/` again.
    """
    if not request.delimiter or not after.startswith(request.prefix):
        return after
    place = after.find(request.delimiter, len(request.prefix))
    return after if place < 0 else after[: place + len(request.delimiter)] + _HIGHEST


def _read(listed: Iterable[Object], after: str | None, goes_on: str | None) -> _Entries:
    objects: dict[str, ObjectSummary] = {}
    prefixes: set[str] = set()
    for entry in listed:
        name = entry.object_name
        if name is None:
            raise BadUpstreamError("The object store listed an object without a name.")
        if entry.last_modified is not None and entry.size is not None:
            objects[name] = ObjectSummary(name, entry.size, entry.etag or "", entry.last_modified)
        elif not (after or "").startswith(name):
            prefixes.add(name)
    return _Entries(objects, frozenset(prefixes), goes_on)
