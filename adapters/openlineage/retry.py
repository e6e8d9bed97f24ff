"""When an event is tried again."""

from __future__ import annotations

from dataclasses import dataclass


class EventRefusedError(Exception):
    """An event that will fail in the same way however often it is tried."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often an event is tried, beside the tries that the transport itself makes.

    Attributes:
        pauses_s: How long to wait before each further try, in seconds.
    """

    pauses_s: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0)


DEFAULT_RETRY = RetryPolicy()
