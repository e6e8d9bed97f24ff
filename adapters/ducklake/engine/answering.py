"""Answering within a query's time, also where the engine hears no interrupt."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from adapters.ducklake.engine.deadline import Clock
from adapters.ducklake.engine.lake import Lake
from adapters.ducklake.engine.watchdog import TimeLimit
from domain.errors import QueryTimeoutError, UpstreamTimeoutError

T = TypeVar("T")


def in_time(
    lake: Lake, limit: TimeLimit, call: Callable[[Clock], T], discard: Callable[[T], object]
) -> T:
    """Do what begins a query; it is left behind soon after its time.

    Args:
        lake: The lake of the query.
        limit: Its time.
        call: What to do.
        discard: Gives back what that gave, when it comes too late.

    Raises:
        QueryTimeoutError: When the time is up.
        UpstreamTimeoutError: When the catalog takes longer than it may.
        Exception: What the call raises.
    """
    answered_by = time.monotonic() + limit.answers_within_s
    try:
        return lake.openings.run(call, discard, at_most_s=limit.answers_within_s)
    except UpstreamTimeoutError as error:
        if error.until_back is not None and time.monotonic() >= answered_by:
            raise out_of_time(lake, limit, error) from error
        raise


def out_of_time(lake: Lake, limit: TimeLimit, left: UpstreamTimeoutError) -> QueryTimeoutError:
    """What tells that a query's time is up, while the engine still works for it.

    Where catalog or files are on other machines, what was left behind may wait for one that
    hangs: then there is no telling when it stops, and those few are bounded by `Deadline`.
    """
    return limit.error(None if lake.may_hang else left.until_back)
