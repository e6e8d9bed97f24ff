"""Appends, which wait for their commit without a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress

from fastapi import Request

from application.runs import Done
from application.tables.append import AppendRowsCommand
from application.tables.begin_append import BegunRun, TrackedAppend
from domain.formats import DataFormat
from domain.tables import AppendOutcome
from entrypoints.rest.bodies import BodyStream, body_of
from entrypoints.rest.settlements import Settlements
from entrypoints.rest.workers import WorkerPool

SMALL_BODY_BYTES = 4 * 1024
"""A body up to this size is read in the event loop: that takes less time than to hand it on."""

_READ_AT_ONCE = frozenset({DataFormat.JSON, DataFormat.NDJSON, DataFormat.CSV})

CommandOf = Callable[[Iterable[bytes]], AppendRowsCommand]
"""Makes the command of a request with its body."""


class Appends:
    """Runs the appends of all requests.

    An append holds a thread while its body comes in and is read, and none while it waits for
    its commit. A small one holds none at all.

    Args:
        use_case: Gives the use case; called in a worker, since it may wait for the lake to open.
        pool: The threads, and how many appends may be under way.
        max_body: The greatest body, in bytes.
        client_timeout_s: How long a client may send nothing, in seconds.
    """

    def __init__(
        self,
        use_case: Callable[[], TrackedAppend],
        pool: WorkerPool,
        max_body: int,
        client_timeout_s: float,
    ) -> None:
        self._make_use_case = use_case
        self._made_use_case: TrackedAppend | None = None
        self._pool = pool
        self._max_body = max_body
        self._client_timeout_s = client_timeout_s
        self._settlements = Settlements()

    async def run(self, request: Request, command_of: CommandOf) -> Done[AppendOutcome]:
        """Append the rows of a request's body, as a run.

        The append goes on when the wait is cancelled, and is counted until it is settled.

        Raises:
            BusyError: When too many appends are under way.
            TooLargeError: When the body says that it is greater than it may be.
            LakehouseError: What the use case raises.
        """
        body = body_of(request, self._max_body, self._client_timeout_s)
        # A client that says nothing is not counted.
        more = await body.fill()
        command = command_of(body)
        self._pool.enter()
        try:
            begun = await self._begun(command, body, more=more)
        except BaseException:
            self._pool.leave()
            raise
        if begun.pending is None:
            self._pool.leave()
        else:
            begun.pending.when_settled(self._pool.leave)
        return await self._ended(begun)

    async def _begun(self, command: AppendRowsCommand, body: BodyStream, *, more: bool) -> BegunRun:
        if not more and self._is_quick(command, body):
            return self._use_case().begin(command)
        if not more:
            return await self._pool.wait(lambda: self._begin(command), discard=_end)
        async with body.coming():
            return await self._pool.wait(lambda: self._begin(command), discard=_end)

    def _is_quick(self, command: AppendRowsCommand, body: BodyStream) -> bool:
        return (
            self._made_use_case is not None
            and body.received <= SMALL_BODY_BYTES
            and command.body_format.data_format in _READ_AT_ONCE
            and not command.body_format.codings
            and not self._made_use_case.may_wait(command)
        )

    def _begin(self, command: AppendRowsCommand) -> BegunRun:
        return self._use_case().begin(command)

    def _use_case(self) -> TrackedAppend:
        if self._made_use_case is None:
            self._made_use_case = self._make_use_case()
        return self._made_use_case

    async def _ended(self, begun: BegunRun) -> Done[AppendOutcome]:
        try:
            if begun.pending is not None:
                await self._settlements.wait(begun.pending)
        except asyncio.CancelledError:
            # Its run has an end all the same.
            self._pool.submit(lambda: _end(begun))
            raise
        if begun.may_wait:
            return await self._pool.wait(begun.end, discard=lambda _: None)
        return begun.end()


def _end(begun: BegunRun) -> None:
    """End a run whose client has gone."""
    with suppress(Exception):
        begun.end()
