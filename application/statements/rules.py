"""What holds for all statements, and what their parts share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from application.queries.run import RunQuery
from domain.ports.lineage import LineagePort
from domain.ports.statements import StatementPort

Report = Callable[[str, BaseException], None]
"""Takes what went wrong where nobody waits for an answer: a sentence, and the error."""


def utc_now() -> datetime:
    """The time."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class StatementRules:
    """What holds for all statements.

    Attributes:
        workers: How many run at the same time.
        waiting: How many wait for that.
        max_result_bytes: The greatest result, as it is put aside.
        keep: For how long they are kept when they have ended.
        lease_s: After how many seconds without a sign of life a process is taken for gone.
        alone: Whether this process is the only one, so that any other is gone.
        tick_s: How often progress is told and somebody else's change is noticed, in seconds.
    """

    workers: int = 2
    waiting: int = 64
    max_result_bytes: int = 10 * 1024**3
    keep: timedelta = timedelta(days=1)
    lease_s: float = 30
    alone: bool = True
    tick_s: float = 1.0


@dataclass(frozen=True, slots=True)
class StatementParts:
    """What statements are run with.

    Attributes:
        run_query: Asks the lake.
        statements: Where they and their results are kept.
        lineage: Hears of their runs.
        rules: What holds for them.
        report: Told what went wrong.
        now: The time (UTC).
    """

    run_query: RunQuery
    statements: StatementPort
    lineage: LineagePort
    rules: StatementRules
    report: Report
    now: Callable[[], datetime] = utc_now
