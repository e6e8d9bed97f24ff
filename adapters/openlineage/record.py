"""How publishing has gone: for the log, without flooding it, and for health checks."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from adapters.openlineage.redaction import redact
from domain.health import Health

logger = logging.getLogger(__name__)

LOG_INTERVAL_S = 10.0
"""A kind of trouble is logged at most once in this time."""

RECENT_S = 60.0
"""For so long a dropped event makes the check fail."""


class DeliveryRecord:
    """Counts deliveries and losses. All methods can be called by any thread.

    Args:
        clock: Seconds that never run backwards.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.RLock()
        self._delivered = 0
        self._dropped = 0
        self._last_drop: float | None = None
        self._failure: str | None = None
        self._logged: dict[str, float] = {}

    @property
    def delivered(self) -> int:
        """How many events were delivered."""
        return self._delivered

    @property
    def dropped(self) -> int:
        """How many events were lost."""
        return self._dropped

    def note_delivered(self, count: int = 1) -> None:
        """Note that events were delivered."""
        with self._lock:
            self._delivered += count
            self._failure = None

    def note_failed(self, error: Exception) -> None:
        """Note that a try to deliver an event failed."""
        with self._lock:
            self._failure = type(error).__name__
        if self._may_log("failed"):
            # The client's own messages hold addresses, and these may hold passwords
            logger.warning(
                "A lineage event could not be delivered: %s: %s",
                type(error).__name__,
                redact(str(error)),
            )

    def note_dropped(self, reason: str, count: int = 1) -> None:
        """Note that events are lost.

        Args:
            reason: Why, as the end of a sentence.
            count: How many.
        """
        with self._lock:
            self._dropped += count
            self._last_drop = self._clock()
            total = self._dropped
        if self._may_log(reason):
            logger.error("Lineage events are dropped, %d so far: %s.", total, reason)

    def health(self) -> Health:
        """Not ok when the last try failed, or when an event was lost in the last minute."""
        with self._lock:
            problems = []
            if self._failure is not None:
                problems.append(f"The last delivery of a lineage event failed ({self._failure}).")
            if self._last_drop is not None and self._clock() - self._last_drop < RECENT_S:
                problems.append(
                    f"Lineage events are lost: {self._dropped} so far, the last within a minute."
                )
        return Health(ok=not problems, detail=" ".join(problems) or None)

    def _may_log(self, kind: str) -> bool:
        with self._lock:
            now = self._clock()
            last = self._logged.get(kind)
            if last is not None and now - last < LOG_INTERVAL_S:
                return False
            self._logged[kind] = now
            return True
