"""Waiting for what happens in a thread or a process of its own."""

from __future__ import annotations

import time
from collections.abc import Callable

LOOK_EVERY_S = 0.01


def eventually(
    holds: Callable[[], bool], what: str = "it does not come about", *, within_s: float = 60
) -> None:
    """Wait until something holds; fail when it does not within so many seconds.

    Args:
        holds: Whether it does.
        what: What is wrong when it does not.
        within_s: How long it may take.
    """
    ends_at = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < ends_at, what
        time.sleep(LOOK_EVERY_S)
