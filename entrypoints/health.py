"""Health checks of parts that may not be built yet, or may hang."""

from __future__ import annotations

import threading
from collections.abc import Callable

from domain.errors import LakehouseError
from domain.health import Health, HealthCheck


class PartOfService(HealthCheck):
    """A part of the service, which is built when it is first asked for its health.

    Its check runs once at a time, so that one that hangs holds one thread, not all.

    Args:
        build: Gives the part, and builds it if need be.
        timeout_s: How long to wait for another check of it that still runs.
    """

    def __init__(self, build: Callable[[], HealthCheck], timeout_s: float) -> None:
        self._build = build
        self._timeout_s = timeout_s
        self._checking = threading.Lock()

    def check(self) -> Health:
        """Look now; a part that cannot be built does not work."""
        if not self._checking.acquire(timeout=self._timeout_s):
            return Health(ok=False, detail="It does not answer.")
        try:
            return self._build().check()
        except LakehouseError as error:
            return Health(ok=False, detail=error.detail)
        except Exception as error:  # noqa: BLE001 - a check never raises
            return Health(ok=False, detail=f"It cannot be opened ({type(error).__name__}).")
        finally:
            self._checking.release()


class AllOf(HealthCheck):
    """Several checks that must all pass; the first one that fails tells why."""

    def __init__(self, *checks: HealthCheck) -> None:
        self._checks = checks

    def check(self) -> Health:
        """Look now, at one after the other."""
        for check in self._checks:
            health = check.check()
            if not health.ok:
                return health
        return Health(ok=True)
