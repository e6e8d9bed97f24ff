"""Locks for names: one process owns the directory, but many of its threads write there."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

from domain.datasets import ObjectRef

_STRIPES = 64


class NameLocks:
    """A lock for each object, and all of them together for what concerns whole buckets.

    Objects share a fixed number of locks, so that nothing grows with their number. Who holds
    one may not ask for another.
    """

    def __init__(self) -> None:
        self._locks = tuple(threading.Lock() for _ in range(_STRIPES))

    def of(self, ref: ObjectRef) -> AbstractContextManager[object]:
        """Keep every other writer of this object out."""
        return self._locks[hash(ref) % _STRIPES]

    @contextmanager
    def all(self) -> Iterator[None]:
        """Keep every other writer out, of any object."""
        with ExitStack() as held:
            for lock in self._locks:
                held.enter_context(lock)
            yield
