"""One-row appends at 10,000 snapshots beside the same at 100, in turns.

Wall time, and processor time, which other work on the machine changes less. The catalog is a
file; the rows are inlined in it, as is the default.
"""

import statistics
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from adapters.ducklake.config import DEFAULT_INLINE_ROWS
from benchmarks.small_appends import Case, Opened, append, fill, opened

FEW, MANY = 100, 10_000
TURNS = 200
AT_MOST = 1.5


def run() -> None:
    """Measure, and print it."""
    case = Case("file", rows=1, inline_rows=DEFAULT_INLINE_ROWS)
    with tempfile.TemporaryDirectory(prefix="ducklake-bench-") as name, ExitStack() as cleanup:
        few, many = (
            cleanup.enter_context(opened(case, Path(name) / str(count), None))
            for count in (FEW, MANY)
        )
        for lake, count in ((few, FEW), (many, MANY)):
            for number in range(count):
                fill(lake.lake, 1, number)
        took = [(_cost(few, turn), _cost(many, turn)) for turn in range(TURNS)]
    for which, what in enumerate(("wall", "processor")):
        at_few, at_many = (
            statistics.median(pair[lake][which] for pair in took) for lake in range(2)
        )
        print(
            f"{what:>9} time of an append, median: {at_few:.1f} ms at {FEW} snapshots, "
            f"{at_many:.1f} ms at {MANY:,}: {at_many / at_few:.2f} (at most {AT_MOST})"
        )


def _cost(lake: Opened, number: int) -> tuple[float, float]:
    """The wall and the processor time of an append, in milliseconds."""
    wall, processor = time.perf_counter(), time.process_time()
    append(lake.tables, 1, number)
    return (time.perf_counter() - wall) * 1000, (time.process_time() - processor) * 1000
