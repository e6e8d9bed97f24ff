"""Whether the service can do its work."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass

from domain.health import Health, HealthCheck


@dataclass(frozen=True, slots=True)
class Readiness:
    """What each part said.

    Attributes:
        checks: What was found, by the part's name.
        advisory: The parts without which the service still does its work.
    """

    checks: Mapping[str, Health]
    advisory: frozenset[str] = frozenset()

    @property
    def ready(self) -> bool:
        """Whether all parts work that the service cannot do without."""
        return all(health.ok for name, health in self.checks.items() if name not in self.advisory)


@dataclass(frozen=True, slots=True)
class CheckReadiness:
    """Ask each part whether it works; one that does not answer in time does not.

    Attributes:
        parts: The parts by name.
        probes: Where the checks run, apart from all other work, so that it cannot keep
            them waiting. A check that hangs holds its thread until it ends.
        timeout_s: How long a part may take, in seconds.
        advisory: The parts that are looked at, but without which the service is ready.
    """

    parts: Mapping[str, HealthCheck]
    probes: ThreadPoolExecutor
    timeout_s: float
    advisory: frozenset[str] = frozenset()

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
            },
            self.advisory,
        )
