"""Writing lines of the log: in the background, all that wait at once."""

from __future__ import annotations

import threading
from collections import deque
from contextlib import suppress
from typing import TextIO

LINGER_S = 0.02
"""So long lines are collected. A process that is killed loses no more than those."""

STOP_S = 5.0
"""So long a stream that takes nothing may hold up the end."""

MAX_WAITING = 10_000
"""With so many lines that wait, whoever has another one writes them."""


class LineWriter:
    """Writes lines to a stream, in their order.

    In the background, writing keeps nobody waiting and costs one call of the system for many
    lines. Each call gives up the interpreter's lock, and with other threads busy it takes up to
    milliseconds to get it back.

    Args:
        stream: Where they go.
        in_background: Whether lines that can wait are written by a thread, a moment later.
    """

    def __init__(self, stream: TextIO, *, in_background: bool) -> None:
        self._stream = stream
        self._in_background = in_background
        # Each of its methods that is used here is one step for all threads.
        self._waiting: deque[str] = deque()
        # Held while lines are written, so that they stay in order.
        self._writing = threading.Lock()
        self._came = threading.Event()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def __len__(self) -> int:
        """How many lines wait."""
        return len(self._waiting)

    def write(self, line: str, *, at_once: bool = False) -> None:
        """Take a line.

        Args:
            line: Without its end.
            at_once: Whether it, and all before it, are written when this returns.
        """
        self._waiting.append(line + "\n")
        waits = self._in_background and not self._stopped.is_set()
        if at_once or not waits or len(self._waiting) >= MAX_WAITING:
            self.flush()
        elif not self._came.is_set():
            self._wake()

    def flush(self) -> None:
        """Write all lines that wait."""
        with self._writing:
            lines = [self._waiting.popleft() for _ in range(len(self._waiting))]
            if lines:
                self._stream.write("".join(lines))
                self._stream.flush()

    def stop(self) -> None:
        """Write all lines that wait, and from now on each as it comes."""
        self._stopped.set()
        self._came.set()
        if self._thread is not None:
            # Python's end under a thread that writes to its stream would be a crash.
            self._thread.join(STOP_S)
        self.flush()

    def _wake(self) -> None:
        self._came.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="log", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        while not self._stopped.is_set():
            self._came.wait()
            self._stopped.wait(LINGER_S)
            self._came.clear()
            # Where the log cannot be written, nothing can tell of it.
            with suppress(OSError, ValueError):
                self.flush()
