"""How long a start takes: from the process's begin until /readyz says yes."""

import statistics
import tempfile
from pathlib import Path

from tests.e2e.service import ServiceProcess

ROUNDS = 5
TARGET_S = 2.0


def run() -> None:
    """Start on a new home, then on the same one again and again."""
    with tempfile.TemporaryDirectory(prefix="ducklake-bench-") as directory:
        service = ServiceProcess(Path(directory) / "home")
        first, *later = [started(service) for _ in range(1 + ROUNDS)]
    print(f"first start, which makes the lake: {first:.2f} s")
    print(f"later starts: median {statistics.median(later):.2f} s, target {TARGET_S} s")


def started(service: ServiceProcess) -> float:
    """Start and stop the service; the seconds until it was ready."""
    service.start()
    service.stop()
    return service.started_in_s
