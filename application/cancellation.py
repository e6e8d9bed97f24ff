"""Stopping work from another thread than the one that does it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Cancellation:
    """Whether some work is to be stopped, and what stops it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cancelled = False
        self._stop: Callable[[], object] | None = None

    def cancel(self) -> None:
        """Stop the work, or what is begun of it from now on. May be called twice."""
        with self._lock:
            self._cancelled = True
            stop = self._stop
        if stop is not None:
            stop()

    @contextmanager
    def stopping(self, stop: Callable[[], object]) -> Iterator[None]:
        """While this lasts, `stop` is what stops the work. It may be called by any thread."""
        with self._lock:
            cancelled = self._cancelled
            self._stop = stop
        if cancelled:
            stop()
        try:
            yield
        finally:
            with self._lock:
                self._stop = None
