"""Rounds of ending services under clients, until there were enough."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Protocol

from tests.torture.outcome import Outcome

Tell = Callable[[int, int], None]
"""Told behind each round how many there were, and how many appends were acknowledged."""


class Torture(Protocol):
    """Services, and clients that append to them."""

    @property
    def acknowledged(self) -> int:
        """How many appends were acknowledged so far."""
        ...

    def begin(self) -> None:
        """Make the table, and all else that the first round needs."""
        ...

    def round(self) -> None:
        """End a service while the clients append."""
        ...

    def finish(self) -> Outcome:
        """Have everything acknowledged, stop, look, and clean up."""
        ...

    def close(self) -> None:
        """Leave no process and no thread behind."""
        ...


@dataclass(frozen=True, slots=True)
class Length:
    """How long it goes on.

    Attributes:
        rounds: How many rounds at least.
        appends: How many acknowledged appends at least.
        at_most_s: Behind so many seconds no other round begins, but for the first.
    """

    rounds: int
    appends: int = 1
    at_most_s: float = math.inf


def _nobody(_rounds: int, _acknowledged: int) -> None:
    pass


def run(torture: Torture, length: Length, tell: Tell = _nobody) -> Outcome:
    """Make rounds until there were enough of them, and of appends; what is left then."""
    with closing(torture):
        torture.begin()
        done, ends_at = 0, time.monotonic() + length.at_most_s
        while done < length.rounds or torture.acknowledged < length.appends:
            torture.round()
            done += 1
            tell(done, torture.acknowledged)
            if time.monotonic() > ends_at:
                break
        return torture.finish()
