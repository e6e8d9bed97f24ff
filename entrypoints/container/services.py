"""How what works beside the use cases is built: the runner of statements, the checks of health."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

from loguru import logger

from application.queries.run import RunQuery
from application.statements.rules import StatementParts, StatementRules
from application.statements.runner import StatementRunner
from domain.health import HealthCheck
from domain.ports.lineage import LineagePort
from domain.ports.queries import QueryPort
from domain.ports.statements import StatementPort
from domain.ports.tables import TablePort
from domain.queries import QueryTimeouts
from entrypoints.health import PartOfService

PROBE_THREADS = 8
STATEMENTS_STOP_S = 10.0
"""How long statements may take to be stopped, and to be told so, at the end."""


def build_statement_rules(settings: Mapping[str, Any]) -> StatementRules:
    """How asynchronous statements are run and kept."""
    return StatementRules(
        workers=settings["statement_workers"],
        waiting=settings["statement_queue"],
        max_result_bytes=settings["statement_max_result"],
        keep=timedelta(seconds=settings["statement_keep_s"]),
        lease_s=settings["statement_lease_s"],
        # A catalog in a file, and a home, are for one process.
        alone=settings["catalog"] is None,
    )


def build_statement_runner(
    queries: QueryPort,
    timeouts: QueryTimeouts,
    statements: StatementPort,
    lineage: LineagePort,
    rules: StatementRules,
    closing: ExitStack,
) -> StatementRunner:
    """What runs asynchronous statements, at work."""
    parts = StatementParts(RunQuery(queries, timeouts), statements, lineage, rules, _report)
    runner = StatementRunner(parts)
    runner.start()
    # Built behind the lake and the store, so it is closed before them.
    closing.callback(runner.close, STATEMENTS_STOP_S)
    return runner


def _report(sentence: str, error: BaseException) -> None:
    logger.opt(exception=error).warning(sentence)


def build_probes(closing: ExitStack) -> ThreadPoolExecutor:
    """The threads that ask the parts whether they work."""
    pool = ThreadPoolExecutor(PROBE_THREADS, thread_name_prefix="probe")
    closing.callback(pool.shutdown, wait=False, cancel_futures=True)
    return pool


def build_parts(
    tables: Callable[[], TablePort],
    storage: Callable[[], HealthCheck],
    lineage: Callable[[], LineagePort],
    timeout_s: float,
) -> Mapping[str, PartOfService]:
    """What the service is made of, as its readiness tells."""
    return {
        "catalog": PartOfService(tables, timeout_s),
        "storage": PartOfService(storage, timeout_s),
        "lineage": PartOfService(lineage, timeout_s),
    }
