"""Run statements in a process of their own that may die, and watch each.

    python -m tests.integration.gate.watched DIRECTORY SECONDS < statements.ndjson

Each line of the input is a JSON text, a statement. For each, a line tells how it went. After so
many seconds it is interrupted, again and again, as the service does it at a timeout.
"""

from __future__ import annotations

import json
import resource
import sys
import threading
import time
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

from adapters.ducklake import DuckLakeQueries, Lake
from domain.errors import LakehouseError
from domain.formats import DataFormat
from domain.queries import Query, ResultEncoding
from tests.local_lake import local_lake

ADDRESS_SPACE = 16 << 30
MEMORY_LIMIT = "1GB"
INTERRUPT_EVERY_S = 0.005


@dataclass(frozen=True, slots=True)
class Watched:
    """How a statement went.

    Attributes:
        sql: Its beginning.
        code: The error's code; None when it ended well.
        deaf_s: Processor time after the first interrupt, in seconds.
        grown_mb: How far the process's peak of resident memory rose.
    """

    sql: str
    code: str | None
    deaf_s: float
    grown_mb: int


def opened(home: Path) -> Lake:
    """The lake in a directory."""
    return Lake(local_lake(home, memory_limit=MEMORY_LIMIT, threads=2))


def watch(lake: Lake, sql: str, patience_s: float) -> Watched:
    """Run one statement to its end, or to where the interrupts stop it."""
    codes: list[str | None] = []
    before = peak_mb()
    reading = threading.Thread(target=lambda: codes.append(code_of(lake, sql)))
    reading.start()
    reading.join(patience_s)
    began = time.process_time()
    while reading.is_alive():
        for cursor in list(lake._cursors):
            cursor.interrupt()
        reading.join(INTERRUPT_EVERY_S)
    deaf_s = time.process_time() - began
    return Watched(sql[:100], codes[0], round(deaf_s, 3), peak_mb() - before)


def code_of(lake: Lake, sql: str) -> str | None:
    """Read a statement's whole answer."""
    try:
        with closing(
            DuckLakeQueries(lake).open(Query(sql), ResultEncoding(DataFormat.ARROW))
        ) as result:
            for _ in result:
                pass
    except LakehouseError as error:
        return error.code
    return None


def peak_mb() -> int:
    """The process's peak of resident memory."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    patience_s = float(sys.argv[2])
    with closing(opened(Path(sys.argv[1]))) as lake:
        code_of(lake, "SELECT 1")
        for line in sys.stdin:
            print(json.dumps(asdict(watch(lake, json.loads(line), patience_s))), flush=True)


if __name__ == "__main__":
    main()
