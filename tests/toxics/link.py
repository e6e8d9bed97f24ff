"""One connection through the proxy: the client's socket, the server's, and what goes between."""

import asyncio
import socket
import struct
from contextlib import suppress

from tests.toxics.kinds import Down, Reset, Timeout, Towards
from tests.toxics.pump import LinkEnds, Pump
from tests.toxics.setting import Setting

#: Linger on, for no time: what is unsent is dropped, and closing sends a reset
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Link:
    """A connection, which owns its two sockets and closes them."""

    def __init__(self, setting: Setting, client: socket.socket) -> None:
        self._setting = setting
        self._client = client
        self._server = socket.socket()
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()

    async def run(self, upstream: tuple[str, int]) -> None:
        """Connect to the server and pass bytes until both sides have ended, or a toxic ends it."""
        reset = False
        try:
            for one in (self._client, self._server):
                one.setblocking(False)
                # Small pieces go out as they are
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await self._pass_bytes(upstream)
        except* LinkEnds as ends:
            reset = any(isinstance(end, LinkEnds) and end.reset for end in ends.exceptions)
        except* OSError:  # no server there, or one of the sides was gone at once
            reset = True
        finally:
            self._close(reset=reset)

    async def _pass_bytes(self, upstream: tuple[str, int]) -> None:
        async with asyncio.TaskGroup() as group:
            watcher = group.create_task(self._watch())
            await self._loop.sock_connect(self._server, upstream)
            pumps = (
                Pump(self._setting, self._client, self._server, Towards.SERVER),
                Pump(self._setting, self._server, self._client, Towards.CLIENT),
            )
            # In one group: one that fails ends all, and its reason is not wrapped twice
            work = [
                group.create_task(half) for pump in pumps for half in (pump.read(), pump.write())
            ]
            await asyncio.wait(work)
            watcher.cancel()

    async def _watch(self) -> None:
        """Raise LinkEnds when a toxic wants the connection's end, whether bytes go or not."""
        while True:
            ends: list[tuple[float, bool]] = []
            began = max(self._began, self._setting.since)
            if self._setting.find(Down):
                ends.append((began, False))
            if (timeout := self._setting.find(Timeout)) and timeout.seconds is not None:
                ends.append((began + timeout.seconds, False))
            if (reset := self._setting.find(Reset)) and reset.after_seconds is not None:
                ends.append((began + reset.after_seconds, True))
            elif reset and reset.after_bytes is None:
                ends.append((began, True))
            if not ends:
                await self._setting.pause(None)
                continue
            due, is_reset = min(ends)
            missing = due - self._loop.time()
            if missing <= 0:
                raise LinkEnds(reset=is_reset)
            await self._setting.pause(missing)

    def _close(self, *, reset: bool) -> None:
        for one in (self._client, self._server):
            if reset:
                with suppress(OSError):
                    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            one.close()
