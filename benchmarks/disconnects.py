"""How soon the cores are free when a client goes away from a query that runs."""

import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.slow_client import sent, warm_up
from tests.e2e.service import ServiceProcess

QUERIES = {
    "an aggregate": ("ndjson", "SELECT sum(hash(i)) AS s FROM range(1000000000000) r(i)"),
    "a join of all with all": (
        "json",
        "SELECT sum(a.i * b.i) AS s FROM range(1000000) a(i), range(1000000) b(i)",
    ),
    "a sort": (
        "json",
        "SELECT i FROM range(30000000) r(i) ORDER BY hash(i) LIMIT 1 OFFSET 9999999",
    ),
    "groups": (
        "json",
        "SELECT hash(i) % 5000000 AS g, count(*) AS n FROM range(200000000) r(i) GROUP BY g",
    ),
} | {
    f"a result in {name}": (
        name,
        "SELECT i, i * 1.5 AS amount, 'label ' || i AS label FROM range(1000000000000) r(i)",
    )
    for name in ("json", "ndjson", "csv", "arrow", "parquet")
}
ROUNDS = 20
RUNS_S = 0.3
"""How long a query runs, and its rows are read, before its client goes."""
STEP_S = 0.01
BUSY_SHARE = 0.2
QUIET_S = 0.2
PART = 64 * 1024


def run() -> None:
    """Leave queries of each kind, again and again."""
    with tempfile.TemporaryDirectory(prefix="ducklake-bench-") as directory:
        service = ServiceProcess(Path(directory) / "home", {"DUCKLAKE_LOG_LEVEL": "ERROR"})
        service.start()
        try:
            warm_up(service.url)
            for name, (data_format, sql) in QUERIES.items():
                took = [leave(service, data_format, sql) * 1000 for _ in range(ROUNDS)]
                print(
                    f"left {name}: the cores are free after {statistics.median(took):.0f} ms "
                    f"(median of {ROUNDS}), {max(took):.0f} ms at most; target 100 ms"
                )
        finally:
            service.stop()


def leave(service: ServiceProcess, data_format: str, sql: str) -> float:
    """Ask, read for a while what comes, and go; seconds until the service is idle."""
    ran = service.ran_s()
    with sent(service.url, data_format, sql) as connection:
        ends_at = time.monotonic() + RUNS_S
        while (left := ends_at - time.monotonic()) > 0:
            connection.settimeout(left)
            try:
                if not connection.recv(PART):
                    raise AssertionError("The answer ended: the query is too short.")
            except TimeoutError:
                break
        if service.ran_s() - ran < BUSY_SHARE * RUNS_S:
            raise AssertionError("The service does not work for this query.")
    return idle_after_s(service)


def idle_after_s(service: ServiceProcess) -> float:
    """Seconds until the service last was busy, by the time that its threads ran."""
    began = last_busy = now = time.monotonic()
    ran = service.ran_s()
    while now < last_busy + QUIET_S:
        time.sleep(STEP_S)
        step_began, ran_before = now, ran
        now, ran = time.monotonic(), service.ran_s()
        if (ran - ran_before) / (now - step_began) > BUSY_SHARE:
            last_busy = now
    return last_busy - began
