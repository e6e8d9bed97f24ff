"""The proxy: a listening socket, its connections, and a thread in which all of it runs."""

import asyncio
import socket
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self, TypeVar

from tests.toxics.kinds import Down, Toxic
from tests.toxics.link import Link
from tests.toxics.setting import Setting

LOOPBACK = "127.0.0.1"
BACKLOG = 1024

T = TypeVar("T")


class TcpProxy:
    """Passes connections to its own port of loopback on to a server, as the set toxics want it.

    A context manager. `set` and `clear` can be called from any thread at any time; they come back
    when the change is made.
    """

    def __init__(self, host: str, port: int) -> None:
        self._upstream = (host, port)
        self._loop = asyncio.SelectorEventLoop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="toxics", daemon=True)
        self._links: set[asyncio.Task[None]] = set()
        self._accepting: asyncio.Task[None] | None = None
        # Bound and never listening: while the proxy is down, nobody else gets the port
        self._port_holder = _bound(0)
        self.host = LOOPBACK
        self.port: int = self._port_holder.getsockname()[1]
        #: How many connections there have been
        self.accepted = 0

    @property
    def address(self) -> str:
        """Host and port, for an endpoint's setting."""
        return f"{self.host}:{self.port}"

    @property
    def open_connections(self) -> int:
        """How many connections there are now."""
        return len(self._links)

    def set(self, *toxics: Toxic) -> None:
        """Set these toxics in place of all others."""
        self._run(self._apply(toxics))

    def clear(self) -> None:
        """Be an ordinary proxy again."""
        self.set()

    @contextmanager
    def toxic(self, *toxics: Toxic) -> Iterator[None]:
        """Set these toxics, and clear them at the end of the block."""
        self.set(*toxics)
        try:
            yield
        finally:
            self.clear()

    def __enter__(self) -> Self:
        self._thread.start()
        self._run(self._start())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._run(self._finish())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._port_holder.close()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _start(self) -> None:
        self._setting = Setting()
        await self._apply(())

    async def _apply(self, toxics: tuple[Toxic, ...]) -> None:
        self._setting.replace(toxics)
        if self._setting.find(Down):
            await self._stop_listening()
            # Their end is part of being down, not something that follows sooner or later
            await asyncio.gather(*self._links)
        elif self._accepting is None:
            listener = _bound(self.port)
            listener.listen(BACKLOG)
            listener.setblocking(False)
            self._accepting = self._loop.create_task(self._accept(listener))

    async def _accept(self, listener: socket.socket) -> None:
        # Not sock_accept: cancelled at the wrong moment, it loses a connection it has accepted
        waiting = asyncio.Event()
        self._loop.add_reader(listener, waiting.set)
        try:
            while True:
                await waiting.wait()
                waiting.clear()
                try:
                    client, _ = listener.accept()
                except BlockingIOError:  # who knocked has gone
                    continue
                self.accepted += 1
                link = self._loop.create_task(Link(self._setting, client).run(self._upstream))
                self._links.add(link)
                link.add_done_callback(self._links.discard)
        finally:
            self._loop.remove_reader(listener)
            listener.close()

    async def _stop_listening(self) -> None:
        if self._accepting is not None:
            self._accepting.cancel()
            await asyncio.wait([self._accepting])
            self._accepting = None

    async def _finish(self) -> None:
        await self._stop_listening()
        for link in self._links:
            link.cancel()
        await asyncio.gather(*self._links, return_exceptions=True)


def _bound(port: int) -> socket.socket:
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    one.bind((LOOPBACK, port))
    return one
