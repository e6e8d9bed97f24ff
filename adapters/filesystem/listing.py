"""Listing a bucket: names in the order of their UTF-8 bytes, walking only where it must."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence

from adapters.filesystem.directories import descend
from adapters.filesystem.errors import NOT_THERE
from domain.datasets import ListRequest, ObjectName, ObjectPage, ObjectSummary
from domain.errors import InvalidObjectNameError

_SLASH = b"/"


def list_page(
    bucket: int, request: ListRequest, summarize: Callable[[ObjectName], ObjectSummary | None]
) -> ObjectPage:
    """List one page of the bucket whose directory is open.

    Args:
        bucket: The directory's file descriptor.
        request: Which names.
        summarize: Says what an object is; None when it went away meanwhile.
    """
    objects: list[ObjectSummary] = []
    prefixes: list[str] = []
    last: str | None = None
    names = NameWalk(bucket, request.prefix)
    if request.after is not None:
        names.skip_to(_bound_behind(request.after, request))
    for name in names:
        if len(objects) + len(prefixes) == request.page_size:
            return ObjectPage(tuple(objects), tuple(prefixes), next_after=last)
        rolled_up = _roll_up(name.value, request)
        if rolled_up is not None:
            prefixes.append(rolled_up)
            names.skip_to(_bound_behind(rolled_up, request))
            last = rolled_up
        elif (summary := summarize(name)) is not None:
            objects.append(summary)
            last = name.value
    return ObjectPage(tuple(objects), tuple(prefixes), next_after=None)


def _roll_up(name: str, request: ListRequest) -> str | None:
    """The prefix up to the delimiter, in which the name is rolled up; None when it is not."""
    if not request.delimiter or not name.startswith(request.prefix):
        return None
    start = name.find(request.delimiter, len(request.prefix))
    return None if start < 0 else name[: start + len(request.delimiter)]


def _bound_behind(last: str, request: ListRequest) -> bytes:
    """The least name that may follow `last`: behind a rolled-up prefix, nothing under it may."""
    rolled_up = _roll_up(last, request)
    if rolled_up is None:
        return _bytes(last) + b"\0"
    # UTF-8 has no byte 255, so that the last byte can always be raised by one.
    prefix = _bytes(rolled_up)
    return prefix[:-1] + bytes([prefix[-1] + 1])


def _bytes(text: str) -> bytes:
    # A lone surrogate is in no name, but may be asked for.
    return text.encode("utf-8", "surrogatepass")


class NameWalk(Iterator[ObjectName]):
    """The names of a bucket's objects that begin with a prefix, in the order of their bytes.

    A directory is read when its turn comes. What it holds lies together in that order, behind
    its own name with a slash, so the entries are sorted so. Files whose names no object can
    have (control characters, no UTF-8) are passed over.
    """

    def __init__(self, bucket: int, prefix: str) -> None:
        self._bucket = bucket
        self._prefix = _bytes(prefix)
        self._bound = b""
        # What is still to come, the next one last; directories end with a slash.
        self._coming = _start(prefix)

    def skip_to(self, bound: bytes) -> None:
        """Go on with the first name that is not before `bound`."""
        self._bound = max(self._bound, bound)

    def __next__(self) -> ObjectName:
        while self._coming:
            path = self._coming.pop()
            if self._is_behind(path):
                continue
            if not path or path.endswith(_SLASH):
                self._coming += self._read(path)
            elif (name := _object_name(path)) is not None:
                return name
        raise StopIteration

    def _is_behind(self, path: bytes) -> bool:
        """Whether this file, or all that this directory may hold, comes before the bound."""
        if not path or path.endswith(_SLASH):
            return path < self._bound and not self._bound.startswith(path)
        return path < self._bound

    def _read(self, path: bytes) -> Sequence[bytes]:
        try:
            with (
                descend(self._bucket, path.split(_SLASH)[:-1]) as descriptor,
                os.scandir(descriptor) as entries,
            ):
                found = [
                    below for entry in entries if (below := self._wanted(path, entry)) is not None
                ]
        except OSError as error:
            # It was removed meanwhile, or something else took its place.
            if error.errno in NOT_THERE:
                return []
            raise
        found.sort(reverse=True)
        return found

    def _wanted(self, above: bytes, entry: os.DirEntry[str]) -> bytes | None:
        path = above + os.fsencode(entry.name)
        if entry.is_dir(follow_symlinks=False):
            path += _SLASH
            matches = path.startswith(self._prefix) or self._prefix.startswith(path)
        else:
            matches = path.startswith(self._prefix) and entry.is_file(follow_symlinks=False)
        return path if matches and not self._is_behind(path) else None


def _start(prefix: str) -> list[bytes]:
    """The directory, with its slash, in which all names with this prefix are."""
    above, slash, _ = prefix.rpartition("/")
    if not slash:
        return [b""]
    try:
        return [ObjectName(above).value.encode() + _SLASH]
    except InvalidObjectNameError:
        # No object's name begins so; and ".." would lead out of the bucket.
        return []


def _object_name(path: bytes) -> ObjectName | None:
    try:
        return ObjectName(path.decode())
    except (UnicodeDecodeError, InvalidObjectNameError):
        return None
