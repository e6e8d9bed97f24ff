"""Appends, which wait for their commit without a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from functools import partial

from fastapi import Request
from starlette.responses import Response

from application.runs import Done
from application.tables.append import AppendRowsCommand
from application.tables.begin_append import BegunRun, TrackedAppend
from domain.growth import OnNewColumns
from domain.tables import AppendOutcome
from entrypoints.rest.answers import json_answer
from entrypoints.rest.bodies import BodyStream, body_of
from entrypoints.rest.models.tables import AppendAnswer
from entrypoints.rest.settlements import Settlements
from entrypoints.rest.workers import WorkerPool
from entrypoints.rest.write_terms import replay_headers

CommandOf = Callable[[Iterable[bytes]], AppendRowsCommand]
"""Makes the command of a request with its body."""


def append_answer(
    done: Done[AppendOutcome], on_new_columns: OnNewColumns = OnNewColumns.ERROR
) -> Response:
    """What an append did, as an answer."""
    growing = on_new_columns is not OnNewColumns.ERROR
    return json_answer(
        AppendAnswer.of(done.value, done.run_id, growing=growing),
        run_id=done.run_id,
        headers=replay_headers(done),
        leave_out_none=True,
    )


class Appends:
    """Runs the appends of all requests.

    An append holds a thread while its body comes in and is read, and none while it waits for
    its commit. One that is there and small holds none at all.

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

    @property
    def max_body(self) -> int:
        """The greatest body, in bytes."""
        return self._max_body

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
        if more:
            return await self._run(partial(self._begun_as_it_comes, command, body))
        return await self._run(partial(self._begun, command))

    async def run_at_once(self, command: AppendRowsCommand) -> Done[AppendOutcome]:
        """Append the rows of a small body that is there, as a run.

        It is read in the event loop, which takes less time than to hand it on, unless something
        may have to be waited for. Else as `run`.

        Raises:
            BusyError: When too many appends are under way.
            LakehouseError: What the use case raises.
        """
        return await self._run(partial(self._begun_here, command))

    async def _run(self, begin: Callable[[], Awaitable[BegunRun]]) -> Done[AppendOutcome]:
        self._pool.enter()
        try:
            begun = await begin()
        except BaseException:
            self._pool.leave()
            raise
        if begun.pending is None:
            self._pool.leave()
        else:
            begun.pending.when_settled(self._pool.leave)
        return await self._ended(begun)

    async def _begun_as_it_comes(self, command: AppendRowsCommand, body: BodyStream) -> BegunRun:
        async with body.coming():
            return await self._begun(command)

    async def _begun_here(self, command: AppendRowsCommand) -> BegunRun:
        use_case = self._made_use_case
        begun = None if use_case is None else use_case.begin_at_once(command)
        return begun or await self._begun(command)

    async def _begun(self, command: AppendRowsCommand) -> BegunRun:
        return await self._pool.wait(lambda: self._begin(command), discard=_end)

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
