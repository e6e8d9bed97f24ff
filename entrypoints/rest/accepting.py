"""Taking connections as they come, also while the event loop is busy."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence

import uvicorn

ACCEPTED_AT_ONCE = 256
"""So many connections are taken in one turn of the loop, before what others ask for."""


class AcceptingServer(uvicorn.Server):
    """A server that takes all connections that wait, in each turn of the event loop.

    The loop itself takes one in each turn (libuv from 1.46 on). A turn lasts as long as the
    requests of all connections that were taken before, so that of some hundred clients that
    come at once many would wait for seconds while others are served again and again.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._listening: list[socket.socket] = []
        self._beginning: set[asyncio.Task[object]] = set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As `uvicorn.Server.startup`."""
        await super().startup(sockets)
        if self.started:
            loop = asyncio.get_running_loop()
            self._listening = [each.dup() for each in sockets or ()]
            for each in self._listening:
                loop.add_reader(each, self._accept, loop, each)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """As `uvicorn.Server.shutdown`."""
        self._stop_listening(self._listening)
        await super().shutdown(sockets)

    @staticmethod
    def _stop_listening(listening: Sequence[socket.socket]) -> None:
        loop = asyncio.get_running_loop()
        for each in listening:
            loop.remove_reader(each)
            each.close()

    def _accept(self, loop: asyncio.AbstractEventLoop, listener: socket.socket) -> None:
        for _ in range(ACCEPTED_AT_ONCE):
            try:
                connection, _ = listener.accept()
            except OSError:
                # None waits, it has gone by now, or there is no file left for it.
                return
            connection.setblocking(False)
            task = loop.create_task(loop.connect_accepted_socket(self._protocol, connection))
            self._beginning.add(task)
            task.add_done_callback(self._begun)

    def _begun(self, task: asyncio.Task[object]) -> None:
        self._beginning.discard(task)
        if not task.cancelled():
            # A connection that has gone by now is nobody's failure.
            task.exception()

    def _protocol(self) -> asyncio.Protocol:
        return self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
