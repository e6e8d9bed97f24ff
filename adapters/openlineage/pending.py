"""Events that wait to be published."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence

from domain.lineage import RunEvent

LINGER_S = 0.02
"""So long an event may wait for others, to be sent with them."""

ENOUGH = 256
"""With so many, or the queue half full, none waits for others."""


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
        self._enough = max(1, min(ENOUGH, size // 2))
        self._awaited = 0
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
            if len(self._events) == 1 or len(self._events) >= self._enough:
                self._changed.notify_all()
            return True

    def next(self, most: int) -> Sequence[RunEvent]:
        """Wait for events; none when the queue is closed, and empty or out of time.

        Args:
            most: So many are given at most. When that is more than one, the first one waits a
                moment for others, unless somebody waits for it: waking up for each event takes
                longer than all else that is done with it.
        """
        with self._changed:
            while not self._events and self._deadline is None:
                self._changed.wait()
            if most > 1:
                self._changed.wait_for(self._is_to_go, LINGER_S)
            if not self._events or self._remaining_s() == 0:
                return ()
            return [self._events.popleft() for _ in range(min(most, len(self._events)))]

    def _is_to_go(self) -> bool:
        return self._deadline is not None or self._awaited > 0 or len(self._events) >= self._enough

    def settle(self, count: int) -> None:
        """Note that so many of the events that `next` gave are published or given up."""
        with self._changed:
            self._settled += count
            if self._awaited:
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
            self._awaited += 1
            self._changed.notify_all()
            try:
                return self._changed.wait_for(lambda: self._settled >= taken, timeout_s)
            finally:
                self._awaited -= 1

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
