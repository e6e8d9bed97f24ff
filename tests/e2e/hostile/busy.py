"""Whether the service works on what it was asked."""

from __future__ import annotations

from tests.e2e.service import ServiceProcess
from tests.eventually import eventually

WORK_S = 0.2
"""More than all that goes before a query, and less than one that does not end."""


def until_busy(service: ServiceProcess) -> None:
    """Wait until the engine works on a query that does not end."""
    ran = service.ran_s()
    eventually(lambda: service.ran_s() - ran > WORK_S, "no query runs")
