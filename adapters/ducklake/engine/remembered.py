"""A memory of what was asked last, for answers that never change."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Remembered(Generic[K, V]):
    """Answers by their question; of more than `size`, those go that were not asked for longest."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._known: OrderedDict[K, V] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, question: K, ask: Callable[[], V]) -> V:
        """The answer; what `ask` raises is not remembered."""
        with self._lock:
            if question in self._known:
                self._known.move_to_end(question)
                return self._known[question]
        answer = ask()
        with self._lock:
            self._known[question] = answer
            if len(self._known) > self._size:
                self._known.popitem(last=False)
        return answer
