"""Which objects a name stands for: one of them, or all that a pattern matches."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import translate
from functools import lru_cache
from typing import Self

from domain.datasets import BucketName, ObjectName
from domain.errors import InvalidObjectNameError

MAX_MATCHED_OBJECTS = 10_000
"""The objects that one pattern may match."""

MAX_LISTED_OBJECTS = 1_000_000
"""The objects that are looked at for one pattern."""

ANY_DEPTH = "**"

_WILDCARD = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class ObjectPattern:
    """Objects of one bucket by a name, which may have wildcards as DuckDB's globs have them.

    `*` stands for any characters but `/`, `?` for one of these, `[abc]`, `[a-c]` and `[!abc]`
    for one of these or none of these; `**` between slashes for any number of directories, also
    for none. An object whose name is the pattern itself goes before all that it matches, so
    that every object can be named as it is.

    Raises:
        InvalidObjectNameError: When `pattern` is no object's name, wildcards taken as they are.
    """

    bucket: BucketName
    pattern: str

    def __post_init__(self) -> None:
        ObjectName(self.pattern)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `bucket/name`.

        Raises:
            InvalidBucketNameError, InvalidObjectNameError: When it is against the rules.
        """
        bucket, slash, pattern = text.partition("/")
        name = BucketName(bucket)
        if not slash:
            raise InvalidObjectNameError(f"{text!r} names a bucket, and no object in it.")
        return cls(name, pattern)

    def __str__(self) -> str:
        return f"{self.bucket}/{self.pattern}"

    @property
    def has_wildcards(self) -> bool:
        """Whether it may stand for more than one object."""
        return _WILDCARD.search(self.pattern) is not None

    @property
    def prefix(self) -> str:
        """How the name of each object begins that it matches."""
        found = _WILDCARD.search(self.pattern)
        return self.pattern if found is None else self.pattern[: found.start()]

    def matches(self, name: str) -> bool:
        """Whether it matches the name of an object."""
        return _match(self.pattern.split("/"), name.split("/"))


def _match(pattern: Sequence[str], name: Sequence[str]) -> bool:
    """Match segment by segment; when that fails, the last `**` takes one segment more."""
    at = behind = 0
    retry: tuple[int, int] | None = None
    while behind < len(name):
        if at < len(pattern) and pattern[at] == ANY_DEPTH:
            if at + 1 == len(pattern):
                return True
            at += 1
            retry = (at, behind)
        elif at < len(pattern) and _segment(pattern[at]).fullmatch(name[behind]):
            at, behind = at + 1, behind + 1
        elif retry is not None:
            at, behind = retry[0], retry[1] + 1
            retry = (at, behind)
        else:
            return False
    return at == len(pattern)


@lru_cache(maxsize=1024)
def _segment(pattern: str) -> re.Pattern[str]:
    # The expression that fnmatch makes does not try its wildcards over again.
    return re.compile(translate(pattern))
