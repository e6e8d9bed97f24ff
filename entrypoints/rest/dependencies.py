"""What routes ask for."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from application.readiness import Readiness
from entrypoints.container import Container
from entrypoints.rest.appends import Appends
from entrypoints.rest.workers import Workers


@dataclass(slots=True)
class Service:
    """What all requests share.

    Attributes:
        container: The use cases. Building one may block, so that is done by a worker.
        workers: Where blocking work is done.
        appends: Runs appends.
        max_object_size: The greatest object, in bytes.
        compress_answers: Whether results are packed for clients that take them so.
        client_timeout_s: How long a client may send nothing, in seconds.
    """

    container: Container
    workers: Workers
    appends: Appends
    max_object_size: int
    compress_answers: bool
    client_timeout_s: float
    _readiness: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="ready")
    )
    _checking: asyncio.Task[Readiness] | None = None

    async def check_readiness(self) -> Readiness:
        """Ask all parts whether they work; requests at the same time share one answer."""
        if self._checking is None or self._checking.done():
            self._checking = asyncio.create_task(self._check())
        return await asyncio.shield(self._checking)

    async def _check(self) -> Readiness:
        def check() -> Readiness:
            return self.container.check_readiness()()

        return await asyncio.get_running_loop().run_in_executor(self._readiness, check)

    def close(self, timeout_s: float) -> bool:
        """Stop the workers; False when work goes on after `timeout_s`."""
        self._readiness.shutdown(wait=False, cancel_futures=True)
        return self.workers.close(timeout_s)


async def service_of(request: Request) -> Service:
    """What the application of a request shares."""
    service: Service = request.app.state.service
    return service


ServiceDep = Annotated[Service, Depends(service_of)]
