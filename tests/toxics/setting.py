"""Which toxics are set, as the proxy's connections see it: in the event loop's thread alone."""

import asyncio
from collections.abc import Sequence
from typing import TypeVar

from tests.toxics.kinds import Towards, Toxic

T = TypeVar("T", bound=Toxic)


class Setting:
    """The toxics of the moment, and a way to wait for a time or until they change."""

    def __init__(self) -> None:
        self.toxics: tuple[Toxic, ...] = ()
        #: Which setting this is, counted; what has passed is counted anew with each
        self.generation = 0
        self.since = 0.0
        self._changed = asyncio.Event()

    def replace(self, toxics: Sequence[Toxic]) -> None:
        """Set these toxics in place of the others, and wake whoever waits."""
        self.toxics = tuple(toxics)
        self.generation += 1
        self.since = asyncio.get_running_loop().time()
        self._changed.set()
        self._changed = asyncio.Event()

    def find(self, kind: type[T], towards: Towards = Towards.BOTH) -> T | None:
        """Give the toxic of that kind, if one is set for that direction."""
        for toxic in self.toxics:
            if isinstance(toxic, kind) and toxic.towards & towards:
                return toxic
        return None

    async def pause(self, seconds: float | None) -> None:
        """Wait that long (None: for ever), or until the toxics change."""
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            pass
