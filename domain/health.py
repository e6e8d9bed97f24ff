"""Whether a part of the service can do its work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Health:
    """What a check found.

    Attributes:
        ok: Whether the part works.
        detail: What is wrong, or worth knowing, in a sentence for an operator.
    """

    ok: bool
    detail: str | None = None


class HealthCheck(Protocol):
    """A part of the service that can say whether it works."""

    def check(self) -> Health:
        """Look now. Never raises; may take as long as the part's own timeouts."""
        ...
