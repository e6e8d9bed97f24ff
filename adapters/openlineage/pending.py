"""Events that wait to be published."""

from __future__ import annotations

import threading
import time
from collections import deque

from domain.lineage import RunEvent


class PendingEvents:
    """A bounded queue, first in first out, that knows what of it is settled.

    An event is settled when it is published or given up. Of the methods, `next`, `settle`
    and `pause` are for the one worker that empties the queue. Times are `time.monotonic`'s.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._events: deque[RunEvent] = deque()
        # Condition's own lock can be taken again by its thread: an event may also come from a
        # finaliser that the collector runs in the middle of any of these methods.
        self._changed = threading.Condition()
        self._taken = 0
        self._settled = 0
        self._deadline: float | None = None

    def put(self, event: RunEvent) -> bool:
        """Take an event; False when the queue is full or closed."""
        with self._changed:
            if self._deadline is not None or len(self._events) >= self._size:
                return False
            self._events.append(event)
            self._taken += 1
            self._changed.notify_all()
            return True

    def next(self) -> RunEvent | None:
        """Wait for an event; None when the queue is closed, and empty or out of time."""
        with self._changed:
            while not self._events and self._deadline is None:
                self._changed.wait()
            if not self._events or self._remaining_s() == 0:
                return None
            return self._events.popleft()

    def settle(self) -> None:
        """Note that the event that `next` gave is published or given up."""
        with self._changed:
            self._settled += 1
            self._changed.notify_all()

    def pause(self, duration_s: float) -> bool:
        """Wait before another try; False when the queue's deadline comes before that."""
        end = time.monotonic() + duration_s
        with self._changed:
            while (left := end - time.monotonic()) > 0:
                if (remaining := self._remaining_s()) is not None and remaining < left:
                    return False
                self._changed.wait(left)
            return True

    def wait_settled(self, timeout_s: float) -> bool:
        """Wait until all that has been taken so far is settled; False when time ran out."""
        with self._changed:
            taken = self._taken
            return self._changed.wait_for(lambda: self._settled >= taken, timeout_s)

    def close(self, deadline: float) -> None:
        """Take no more, and give none out from this moment on. A first deadline stays."""
        with self._changed:
            if self._deadline is None:
                self._deadline = deadline
            self._changed.notify_all()

    def discard(self) -> int:
        """Give up all that still waits, and say how much that was."""
        with self._changed:
            count = len(self._events)
            self._events.clear()
            self._settled += count
            self._changed.notify_all()
            return count

    @property
    def deadline(self) -> float | None:
        """When the queue gives out no more; None while it is open."""
        return self._deadline

    def _remaining_s(self) -> float | None:
        if self._deadline is None:
            return None
        return max(0.0, self._deadline - time.monotonic())
