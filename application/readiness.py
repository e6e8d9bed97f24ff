"""Whether the service can do its work."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass

from domain.health import Health, HealthCheck


@dataclass(frozen=True, slots=True)
class Readiness:
    """What each part said."""

    checks: Mapping[str, Health]

    @property
    def ready(self) -> bool:
        """Whether all parts work."""
        return all(health.ok for health in self.checks.values())


@dataclass(frozen=True, slots=True)
class CheckReadiness:
    """Ask each part whether it works; one that does not answer in time does not.

    Attributes:
        parts: The parts by name.
        probes: Where the checks run, apart from all other work, so that it cannot keep
            them waiting. A check that hangs holds its thread until it ends.
        timeout_s: How long a part may take, in seconds.
    """

    parts: Mapping[str, HealthCheck]
    probes: ThreadPoolExecutor
    timeout_s: float

    def __call__(self) -> Readiness:
        """Never raises."""
        futures = {name: self.probes.submit(part.check) for name, part in self.parts.items()}
        wait(futures.values(), timeout=self.timeout_s)
        return Readiness(
            {
                name: future.result()
                if future.done()
                else Health(ok=False, detail=f"No answer within {self.timeout_s:g} s.")
                for name, future in futures.items()
            }
        )
