"""One direction of one connection."""

import asyncio
import socket

from tests.toxics.kinds import (
    Answer,
    Bandwidth,
    Latency,
    LimitData,
    Reset,
    Slicer,
    SlowClose,
    Timeout,
    Towards,
)
from tests.toxics.setting import Setting

CHUNK = 64 * 1024
#: How many chunks can be on their way, late
CHUNKS_UNDERWAY = 256
#: A limited bandwidth is spent in steps of this length
STEP_SECONDS = 0.02


class LinkEnds(Exception):  # noqa: N818 - not an error: how a pump says that all is over
    """The whole connection ends: in good order, or by a reset."""

    def __init__(self, *, reset: bool) -> None:
        super().__init__(reset)
        self.reset = reset


class Pump:
    """Passes bytes on from one socket to the other, as the toxics of the moment want it."""

    def __init__(
        self, setting: Setting, source: socket.socket, target: socket.socket, towards: Towards
    ) -> None:
        self._setting = setting
        self._source = source
        self._target = target
        self._towards = towards
        self._loop = asyncio.get_running_loop()
        # When it arrived, and what; nothing is the end
        self._underway: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(CHUNKS_UNDERWAY)
        self._generation = setting.generation
        self._passed = 0
        self._paid_until = 0.0
        self._swallows = False

    async def read(self) -> None:
        """Take what comes until the end. Raise LinkEnds if the connection breaks."""
        data = b"..."
        while data:
            await self._hold()
            try:
                data = await self._loop.sock_recv(self._source, CHUNK)
            except OSError as error:
                raise LinkEnds(reset=True) from error
            await self._underway.put((self._loop.time(), data))

    async def write(self) -> None:
        """Pass on what was read, and then its end. Raise LinkEnds if the connection ends first."""
        while True:
            arrived, data = await self._underway.get()
            await self._hold()
            await self._wait_for_latency(arrived)
            try:
                if not data:
                    return await self._pass_on_end()
                await self._pass_on(data)
            except OSError as error:
                raise LinkEnds(reset=True) from error

    async def _hold(self) -> None:
        while self._setting.find(Timeout, self._towards):
            await self._setting.pause(None)

    async def _wait_for_latency(self, arrived: float) -> None:
        while latency := self._setting.find(Latency, self._towards):
            missing = arrived + latency.seconds - self._loop.time()
            if missing <= 0:
                return
            await self._setting.pause(missing)

    async def _pass_on_end(self) -> None:
        ended = self._loop.time()
        while slow := self._setting.find(SlowClose, self._towards):
            missing = ended + slow.seconds - self._loop.time()
            if missing <= 0:
                break
            await self._setting.pause(missing)
        if not self._swallows:
            self._target.shutdown(socket.SHUT_WR)

    async def _pass_on(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            await self._hold()
            if self._swallows or await self._answered():
                return
            size = self._size_of_next(len(rest))
            if (allowed := self._allowance()) is not None:
                size = min(size, allowed)
            if size:
                await self._pay(size)
                await self._loop.sock_sendall(self._target, rest[:size])
                self._passed += size
                rest = rest[size:]
            if self._allowance() == 0:
                self._end()
            if slicer := self._setting.find(Slicer, self._towards):
                await self._setting.pause(slicer.pause)

    async def _answered(self) -> bool:
        answer = self._setting.find(Answer)
        if answer is None or self._towards is not Towards.SERVER:
            return False
        self._swallows = True
        await self._loop.sock_sendall(self._source, answer.payload)
        # Not closed: that would be a reset while the client still sends
        self._source.shutdown(socket.SHUT_WR)
        return True

    def _size_of_next(self, size: int) -> int:
        if slicer := self._setting.find(Slicer, self._towards):
            size = min(size, slicer.size)
        if bandwidth := self._setting.find(Bandwidth, self._towards):
            size = min(size, max(1, int(bandwidth.bytes_per_second * STEP_SECONDS)))
        return size

    async def _pay(self, size: int) -> None:
        """Wait until that many bytes have had the time that the bandwidth gives them."""
        if bandwidth := self._setting.find(Bandwidth, self._towards):
            now = self._loop.time()
            self._paid_until = max(self._paid_until, now) + size / bandwidth.bytes_per_second
            await self._setting.pause(self._paid_until - now)

    def _allowance(self) -> int | None:
        """Count how many bytes may still pass before the connection ends; None is any number."""
        if self._generation != self._setting.generation:
            self._generation, self._passed = self._setting.generation, 0
        ends: list[int] = []
        if limit := self._setting.find(LimitData, self._towards):
            ends.append(limit.size)
        if (reset := self._setting.find(Reset, self._towards)) and reset.after_bytes is not None:
            ends.append(reset.after_bytes)
        return max(0, min(ends) - self._passed) if ends else None

    def _end(self) -> None:
        limit = self._setting.find(LimitData, self._towards)
        if limit is None or limit.size > self._passed:
            raise LinkEnds(reset=True)
        if not limit.half:
            raise LinkEnds(reset=False)
        self._swallows = True
        self._target.shutdown(socket.SHUT_WR)
