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
        known = self.known(question)
        if known is not None:
            return known
        answer = ask()
        self.learn(question, answer)
        return answer

    def known(self, question: K) -> V | None:
        """The answer, when it is remembered."""
        with self._lock:
            answer = self._known.get(question)
            if answer is not None:
                self._known.move_to_end(question)
            return answer

    def learn(self, question: K, answer: V) -> None:
        """Remember an answer, which is not None."""
        with self._lock:
            self._known[question] = answer
            if len(self._known) > self._size:
                self._known.popitem(last=False)
