"""Conditions and ranges of a read, as HTTP defines them (RFC 9110, sections 13 and 14)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto

from domain.datasets import ByteRange
from domain.errors import RangeNotSatisfiableError

ANY = "*"


class Verdict(Enum):
    """What conditions say of a read."""

    PROCEED = auto()
    NOT_MODIFIED = auto()
    FAILED = auto()


@dataclass(frozen=True, slots=True)
class ReadCondition:
    """When a read is to answer with what it reads.

    Attributes:
        if_match: Only when the entity tag is one of these; `*` stands for any.
        if_none_match: Only when it is none of these.
        if_modified_since: Only when it changed after this moment.
        if_unmodified_since: Only when it did not.
    """

    if_match: tuple[str, ...] | None = None
    if_none_match: tuple[str, ...] | None = None
    if_modified_since: datetime | None = None
    if_unmodified_since: datetime | None = None

    def judge(self, etag: str, last_modified: datetime) -> Verdict:
        """Judge in the order of RFC 9110, 13.2.2: a tag outweighs a date."""
        # HTTP dates have whole seconds, so finer times would never be "not after".
        changed = last_modified.replace(microsecond=0)
        if self.if_match is not None:
            if ANY not in self.if_match and etag not in self.if_match:
                return Verdict.FAILED
        elif self.if_unmodified_since is not None and changed > self.if_unmodified_since:
            return Verdict.FAILED
        if self.if_none_match is not None:
            if ANY in self.if_none_match or etag in self.if_none_match:
                return Verdict.NOT_MODIFIED
        elif self.if_modified_since is not None and changed <= self.if_modified_since:
            return Verdict.NOT_MODIFIED
        return Verdict.PROCEED


@dataclass(frozen=True, slots=True)
class RangeRequest:
    """A range as it is asked for, before the object's size is known.

    Attributes:
        first: The first byte; None asks for the last `last` bytes.
        last: The last byte, included; None asks for all from `first` on.
        if_range: The range is meant only while the entity tag is this.
    """

    first: int | None
    last: int | None
    if_range: str | None = None

    def resolve(self, size: int) -> ByteRange:
        """The bytes that are meant, of an object of `size` bytes.

        Raises:
            RangeNotSatisfiableError: When the object has none of them.
        """
        if self.first is None:
            start = max(0, size - (self.last or 0))
            end = size
        else:
            start = self.first
            end = size if self.last is None else min(self.last + 1, size)
        if start >= end:
            raise RangeNotSatisfiableError(f"The object has {size} bytes.", size)
        return ByteRange(start, end - start)
