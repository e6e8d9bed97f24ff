"""Lineage in memory."""

from __future__ import annotations

import threading

from domain.health import Health
from domain.lineage import RunEvent, RunState
from domain.ports.lineage import LineagePort


class FakeLineage(LineagePort):
    """Publishes at once, into a list.

    Attributes:
        reachable: While it is False, events are lost, as they are when a sink is away.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._events: list[RunEvent] = []
        self._lost = 0
        self.reachable = True

    @property
    def events(self) -> tuple[RunEvent, ...]:
        """What was published, in order."""
        with self._lock:
            return tuple(self._events)

    def run(self, run_id: str) -> tuple[RunEvent, ...]:
        """What was published of one run, in order."""
        return tuple(event for event in self.events if event.run_id == run_id)

    def states(self, run_id: str) -> tuple[RunState, ...]:
        """How one run went."""
        return tuple(event.state for event in self.run(run_id))

    def emit(self, event: RunEvent) -> None:
        with self._lock:
            if self.reachable:
                self._events.append(event)
            else:
                self._lost += 1

    def flush(self, timeout_s: float) -> bool:
        return True

    def check(self) -> Health:
        if self._lost:
            return Health(ok=False, detail=f"Lineage events are lost: {self._lost} so far.")
        return Health(ok=True)
