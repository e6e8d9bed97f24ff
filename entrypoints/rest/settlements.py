"""Waiting, in the event loop, for what is settled in other threads."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from functools import partial
from typing import Any

from domain.settling import Pending


class Settlements:
    """Wakes the loop once for all that is settled at the same time, not once for each."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._settled: list[asyncio.Future[None]] = []

    async def wait(self, pending: Pending[Any]) -> None:
        """Wait until something is settled. It goes on when the wait is cancelled."""
        if pending.settled:
            return
        told = self._loop.create_future()
        pending.when_settled(partial(self._note, told))
        await told

    def _note(self, told: asyncio.Future[None]) -> None:
        with self._lock:
            self._settled.append(told)
            is_first = len(self._settled) == 1
        if is_first:
            # When the loop is closed, nobody waits.
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._tell)

    def _tell(self) -> None:
        with self._lock:
            settled, self._settled = self._settled, []
        for told in settled:
            if not told.done():
                told.set_result(None)
