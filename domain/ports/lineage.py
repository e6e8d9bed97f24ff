"""The port that publishes lineage."""

from __future__ import annotations

from abc import abstractmethod
from typing import Protocol

from domain.health import Health
from domain.lineage import RunEvent


class LineagePort(Protocol):
    """Publishes what runs do. It is never in an operation's way."""

    @abstractmethod
    def emit(self, event: RunEvent) -> None:
        """Take an event to be published, in the order given. Never blocks, never raises."""

    @abstractmethod
    def flush(self, timeout_s: float) -> bool:
        """Wait until all events taken so far are published; False when time ran out."""

    @abstractmethod
    def check(self) -> Health:
        """Whether events get out. Never raises."""
