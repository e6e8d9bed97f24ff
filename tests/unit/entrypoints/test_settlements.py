"""Waiting in the event loop for what other threads settle."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from domain.settling import Pending, Settled
from entrypoints.rest.settlements import Settlements


class Work(Pending[int]):
    """Settled by the test."""

    def __init__(self) -> None:
        self._calls: list[Callable[[], None]] = []
        self._settled = threading.Event()

    @property
    def settled(self) -> bool:
        return self._settled.is_set()

    @property
    def failed(self) -> bool:
        return False

    def when_settled(self, call: Callable[[], None]) -> None:
        self._calls.append(call)

    def result(self) -> int:
        self._settled.wait()
        return 1

    def settle(self) -> None:
        self._settled.set()
        for call in self._calls:
            call()


def settle_all(works: list[Work]) -> None:
    for work in works:
        work.settle()


def count_wakes(loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Notes what other threads wake a loop for, from now on."""
    woken: list[Any] = []
    wake = loop.call_soon_threadsafe

    def noted(call: Callable[..., object], *args: Any) -> asyncio.Handle:
        woken.append(call)
        return wake(call, *args)

    monkeypatch.setattr(loop, "call_soon_threadsafe", noted)
    return woken


def test_a_group_wakes_the_loop_once(monkeypatch: pytest.MonkeyPatch) -> None:
    works = [Work() for _ in range(50)]

    async def wait() -> int:
        settlements = Settlements()
        waits = [asyncio.create_task(settlements.wait(work)) for work in works]
        await asyncio.sleep(0)
        woken = count_wakes(asyncio.get_running_loop(), monkeypatch)
        # The loop itself stands still meanwhile, as one does that has much to do.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(settle_all, works).result()
        await asyncio.gather(*waits)
        return len(woken)

    assert asyncio.run(wait()) == 1


def test_what_is_settled_is_not_waited_for() -> None:
    async def wait() -> None:
        await asyncio.wait_for(Settlements().wait(Settled(lambda: 1)), 10)

    asyncio.run(wait())


def test_a_cancelled_wait_keeps_nobody_from_being_told() -> None:
    works = [Work(), Work()]

    async def wait() -> None:
        settlements = Settlements()
        gone, stays = (asyncio.create_task(settlements.wait(work)) for work in works)
        await asyncio.sleep(0)
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        for work in works:
            work.settle()
        await asyncio.wait_for(stays, 10)

    asyncio.run(wait())
