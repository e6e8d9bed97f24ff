"""Objects where an engine can read them by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from types import TracebackType
from typing import Self

from domain.datasets import ObjectRef


@dataclass(frozen=True, slots=True)
class FoundObject:
    """An object that a pattern matched.

    Attributes:
        ref: Which it is.
        size: Its size in bytes.
        etag: Its entity tag without quotes.
    """

    ref: ObjectRef
    size: int
    etag: str


@dataclass(frozen=True, slots=True)
class LocatedObject:
    """An object, and where an engine can read it.

    Attributes:
        found: The object.
        location: A path of this machine, or a URL of the store (`s3://bucket/name`, the name
            as it is, nothing in it escaped). Not to be shown.
    """

    found: FoundObject
    location: str

    @property
    def shown(self) -> str:
        """What it is called where people see it."""
        return f"s3://{self.found.ref}"


def _hold_nothing() -> None:
    pass


@dataclass(frozen=True, slots=True)
class LocatedObjects:
    """Objects that an engine can read until they are closed.

    Reading at a location gives the object that was located, or fails: never another one that
    has taken its place since.

    Attributes:
        objects: The objects, in the order of their names' UTF-8 bytes; at least one.
        release: What gives back that they are held.
    """

    objects: tuple[LocatedObject, ...]
    release: Callable[[], None] = _hold_nothing
    _closed: list[bool] = field(default_factory=list, repr=False, compare=False)
    _lock: Lock = field(default_factory=Lock, repr=False, compare=False)

    def close(self) -> None:
        """Let go of them. May be called twice, by any thread."""
        with self._lock:
            if self._closed:
                return
            self._closed.append(True)
        self.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
