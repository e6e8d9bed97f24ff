"""Listings: a page of a bucket's names ("ListObjectsV2", S3 API reference)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from minio.datatypes import Object, parse_list_objects

from adapters.minio.client import S3Client, S3Request
from adapters.minio.errors import domain_errors
from domain.datasets import (
    MAX_PAGE_SIZE,
    BucketName,
    ListRequest,
    ObjectPage,
    ObjectRef,
    ObjectSummary,
)
from domain.errors import BadUpstreamError, InvalidObjectNameError, InvalidPageTokenError

_HIGHEST = "\U0010ffff"
"""The character whose UTF-8 bytes come last."""

_REFUSED_SEGMENTS = frozenset({".", ".."})
"""What no name has as a part, so that MinIO refuses prefixes that end so: `.a` begins so."""

Order = Callable[[str], tuple[bytes, ...]]
Entry = tuple[str, ObjectSummary | None]
"""A name and its object; None with a prefix that was rolled up."""


def byte_order(name: str) -> tuple[bytes, ...]:
    """Order names by their UTF-8 bytes, as S3 does."""
    return (name.encode(),)


def level_order(name: str) -> tuple[bytes, ...]:
    """Order the names of each level by themselves, as stores do that keep directories."""
    return tuple(segment.encode() for segment in name.split("/"))


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the store listed at once.

    Attributes:
        entries: The objects and prefixes, in no order.
        token: What the store wants to hear to go on; None at the end.
    """

    entries: tuple[Entry, ...]
    token: str | None


class Lister:
    """Lists the objects of a store that lists in a given order."""

    def __init__(self, client: S3Client, order: Order = byte_order) -> None:
        self._client = client
        self._order = order

    def page(self, bucket: BucketName, request: ListRequest) -> ObjectPage:
        """List a page: a full one, unless it is the last.

        Raises:
            BucketNotFoundError: When the bucket is not there.
            InvalidPageTokenError, InvalidObjectNameError: When `after`, or the prefix or
                delimiter, is not UTF-8.
        """
        _check_encodable(request)
        entries, more = self._entries(bucket, request)
        return ObjectPage(
            objects=tuple(summary for _, summary in entries if summary is not None),
            prefixes=tuple(name for name, summary in entries if summary is None),
            next_after=entries[-1][0] if more else None,
        )

    def is_empty(self, bucket: BucketName) -> bool:
        """Whether a bucket holds no object."""
        return not self._entries(bucket, ListRequest(page_size=1))[0]

    def is_listed(self, ref: ObjectRef) -> bool:
        """Whether the store lists an object of this name in just this spelling.

        Raises:
            InvalidObjectNameError: When it can hold no such name.
        """
        name = str(ref.name)
        place = f"/{name}".find("//")
        if place < 0:
            return self._is_first(ref.bucket, name, ListRequest(name, page_size=1))
        # SeaweedFS folds `//` to `/`, and gives a name that it is asked for back as one that it
        # lists. So it is asked for all that begins with an empty part, without saying so.
        head = name[:place]
        before = head + chr(ord("/") - 1) + _HIGHEST
        return self._is_first(ref.bucket, f"{head}/", ListRequest(head, "/", 1, before))

    def _is_first(self, bucket: BucketName, name: str, request: ListRequest) -> bool:
        return name in {found for found, _ in self._entries(bucket, request)[0]}

    def _entries(self, bucket: BucketName, request: ListRequest) -> tuple[list[Entry], bool]:
        """The entries of a page in order, and whether there are more behind them."""
        found: dict[str, ObjectSummary | None] = {}
        for answer in self._answers(bucket, request):
            found.update(answer.entries)
            if len(found) > request.page_size or answer.token is None:
                break
            if len(found) == request.page_size and not request.delimiter:
                # With nothing rolled up, what the store says of more to come can be believed.
                return self._in_order(found), True
        entries = self._in_order(found)
        return entries[: request.page_size], len(entries) > request.page_size

    def _answers(self, bucket: BucketName, request: ListRequest) -> Iterator[_Answer]:
        """What lies behind `request.after`, as the store gives it, until there is no more."""
        after, seen = request.after or None, 0
        parent, last = _divided(request.prefix)
        refused = last in _REFUSED_SEGMENTS
        query = {
            "list-type": "2",
            "prefix": parent if refused else request.prefix,
            "delimiter": "" if refused else request.delimiter or "",
            # XML cannot hold every name: MinIO's answers could not be read without this.
            "encoding-type": "url",
        }
        if after:
            query["start-after"] = _start_after(request, after)
        if refused and (after is None or self._order(after) < self._order(request.prefix)):
            # Nor does it take the prefix here: from behind all that comes before it.
            query["start-after"] = request.prefix[:-1] + chr(ord(".") - 1) + _HIGHEST
        while True:
            # One more tells whether there are more. Never one alone: MinIO then looks for an
            # object of the prefix's name, and for nothing else.
            limit = min(request.page_size + 1 - seen, MAX_PAGE_SIZE)
            answer = self._ask(bucket, query | {"max-keys": str(max(limit, 2))})
            if refused:
                answer = self._within(request, answer)
            behind = [
                entry
                for entry in answer.entries
                if after is None or self._order(entry[0]) > self._order(after)
            ]
            yield _Answer(tuple(behind), answer.token)
            if behind:
                after = self._in_order(dict(behind))[-1][0]
                seen += len(behind)
                query.pop("continuation-token", None)
                query["start-after"] = _start_after(request, after)
            elif answer.token is not None:
                # Nothing but the prefix that `after` lies in: on from there.
                query["continuation-token"] = answer.token

    def _ask(self, bucket: BucketName, query: dict[str, str]) -> _Answer:
        with domain_errors(bucket):
            response = self._client.send(S3Request("GET", str(bucket), query=query))
            listed, truncated, token, _ = parse_list_objects(response)
        return _Answer(tuple(map(_entry, listed)), token if truncated else None)

    def _within(self, request: ListRequest, answer: _Answer) -> _Answer:
        """What the store would have listed, had it taken the prefix."""
        prefix = self._order(request.prefix)
        is_over = False
        entries = []
        for name, summary in answer.entries:
            if name.startswith(request.prefix):
                rolled_up = _rolled_up(request, name)
                entries.append((name, summary) if rolled_up is None else (rolled_up, None))
            else:
                is_over = is_over or self._order(name) > prefix
        return _Answer(tuple(entries), None if is_over else answer.token)

    def _in_order(self, entries: dict[str, ObjectSummary | None]) -> list[Entry]:
        return sorted(entries.items(), key=lambda entry: self._order(entry[0]))


def _entry(listed: Object) -> Entry:
    name = listed.object_name
    if not name:
        raise BadUpstreamError("The object store listed an object without a name.")
    if listed.last_modified is None or listed.size is None:
        return name, None
    return name, ObjectSummary(name, listed.size, listed.etag or "", listed.last_modified)


def _start_after(request: ListRequest, after: str) -> str:
    """Where the store is to begin: behind all that is rolled up into the prefix of `after`.

    S3 goes on behind a name, so behind a prefix `a/` it would find `a/b` and give `a/` again.
    """
    if not after.startswith(request.prefix):
        return after
    rolled_up = _rolled_up(request, after)
    return after if rolled_up is None else rolled_up + _HIGHEST


def _rolled_up(request: ListRequest, name: str) -> str | None:
    """The prefix that a name is rolled up into; None when it is listed itself."""
    if not request.delimiter:
        return None
    place = name.find(request.delimiter, len(request.prefix))
    return None if place < 0 else name[: place + len(request.delimiter)]


def _divided(prefix: str) -> tuple[str, str]:
    """A prefix up to its last slash, and what stands behind that."""
    head, slash, last = prefix.rpartition("/")
    return head + slash, last


def _check_encodable(request: ListRequest) -> None:
    try:
        (request.prefix + (request.delimiter or "")).encode()
    except UnicodeEncodeError as error:
        raise InvalidObjectNameError("A prefix and a delimiter are UTF-8.") from error
    try:
        (request.after or "").encode()
    except UnicodeEncodeError as error:
        raise InvalidPageTokenError("This is not a page token of this service.") from error
