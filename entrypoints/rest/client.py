"""The client of an answer, who may go away."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from starlette.types import Receive

V = TypeVar("V")


class ClientGoneError(Exception):
    """The client went away before its answer had begun."""


class ClientWatch:
    """Waits for the client to go away, from when the request's body has been read."""

    def __init__(self, receive: Receive) -> None:
        self._task = asyncio.create_task(self._watch(receive))

    @staticmethod
    async def _watch(receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    async def unless_gone(self, work: Coroutine[Any, Any, V]) -> V:
        """Wait for `work`, which is cancelled when the client goes.

        Raises:
            ClientGoneError: When it went.
        """
        task = asyncio.create_task(work)
        try:
            await asyncio.wait({task, self._task}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            raise ClientGoneError
        finally:
            if not task.done():
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    def stop(self) -> None:
        """Watch no longer."""
        self._task.cancel()
