"""Serving the API: the listening socket, the HTTP server, its start and its end."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import resource
import signal
import socket
import sys
import threading
from contextlib import suppress
from types import FrameType

import uvicorn
from loguru import logger

from domain.errors import ConfigurationError, LakehouseError
from entrypoints.container import (
    Container,
    build_container,
    close_container,
    import_libraries,
    open_stores,
)
from entrypoints.logging import configure_logging
from entrypoints.rest.accepting import AcceptingServer
from entrypoints.rest.app import create_app
from entrypoints.rest.protocol import Protocol
from entrypoints.rest.streaming import ResponseAbortedError
from entrypoints.settings import Settings

BACKLOG = 2048
GARBAGE_THRESHOLD = 50_000
"""So many more objects than before are made until garbage is looked for."""

STOP_SECONDS = 10
"""How long what cannot be interrupted may hold up the end, behind the grace period."""


def serve(settings: Settings) -> None:
    """Serve the API until the process is told to stop (SIGTERM, SIGINT).

    Then no new work is taken; what is in flight may end within the grace period, and is
    interrupted after it. Lineage is flushed and the lake closed before this returns.

    Raises:
        LakeLockedError: When another process holds the lake.
        ConfigurationError: When the home or the address cannot be used.
    """
    configure_logging(settings.log_level, settings.log_format, in_background=True)
    signal.signal(signal.SIGTERM, _leave)
    container = build_container(settings)
    try:
        # Before anything listens: a second service on one lake must not answer anybody.
        container.home()
        listener = _listen(settings)
        _raise_file_limit()
        _run(settings, container, listener)
    finally:
        close_container(container)
    _end_stuck_threads()


class _KnownEnds(logging.Filter):
    """Leaves out the server's own words on answers that this service cut, or stopped."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is news."""
        error = record.exc_info[1] if record.exc_info else None
        return not isinstance(error, ResponseAbortedError | asyncio.CancelledError)


def _run(settings: Settings, container: Container, listener: socket.socket) -> None:
    url = _url(settings.host, listener.getsockname()[1])
    warming = threading.Thread(target=_warm_up, args=(container, url), name="warm-up", daemon=True)
    app = create_app(container, on_start=warming.start, stop_s=STOP_SECONDS)
    config = uvicorn.Config(
        app,
        http=Protocol,
        loop="uvloop",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=max(1, round(settings.shutdown_grace_s)),
    )
    logging.getLogger("uvicorn.error").addFilter(_KnownEnds())
    server = AcceptingServer(config)
    with (
        # The server, once it has ended, raises again the signal that told it to: what is to be
        # done at the end of the process comes behind it.
        suppress(KeyboardInterrupt, SystemExit),
        asyncio.Runner(loop_factory=config.get_loop_factory()) as runner,
    ):
        runner.run(server.serve(sockets=[listener]))
    if warming.is_alive():
        # Python's end under a thread that opens the lake would be a crash.
        warming.join(STOP_SECONDS)


def _warm_up(container: Container, url: str) -> None:
    """Open what requests need, beside the server that answers already."""
    try:
        open_stores(container)
    except LakehouseError as error:
        logger.warning("Not ready yet, and tried again when needed: {}", error.detail)
    except Exception:  # noqa: BLE001 - whatever it is, requests that need it will tell
        logger.exception("Not ready yet, and tried again when needed.")
    else:
        print(f"DuckLake is ready at {url} (documentation: {url}/docs)", flush=True)  # noqa: T201
        with logger.catch(message="A library could not be imported ahead of its use."):
            import_libraries(container)
        _spare_the_garbage_collector()


def _spare_the_garbage_collector() -> None:
    """Have it look at fewer objects, and less often.

    What is there by now stays until the end, so looking through it again is lost time; and the
    objects of some hundred requests in flight would have it look all the time: it took a fifth
    of the time of small appends.
    """
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD)


def _listen(settings: Settings) -> socket.socket:
    """Bind and listen on the address.

    Raises:
        ConfigurationError: When that does not work, naming the setting.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (socket.gaierror, UnicodeError) as error:
        raise ConfigurationError(
            f"DUCKLAKE_HOST: {settings.host!r} is not an address of this machine."
        ) from error
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            # Connections inherit it: who takes nothing for so long holds nothing any more.
            milliseconds = round(settings.client_timeout_s * 1000)
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        reason = (error.strerror or "it cannot be used").lower()
        raise ConfigurationError(
            f"DUCKLAKE_PORT: {settings.host} port {settings.port} cannot be listened on: {reason}."
        ) from error
    listener.setblocking(False)
    return listener


def _url(host: str, port: int) -> str:
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104 - not bound here
    if ":" in shown and not shown.startswith("["):
        shown = f"[{shown}]"
    return f"http://{shown}:{port}"


def _raise_file_limit() -> None:
    """Each connection is an open file, and the usual soft limit is a thousand."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (OSError, ValueError):
            logger.debug("The limit of open files stays at {}.", soft)


def _leave(signal_number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    """Leave with success: being told to stop is no failure.

    While the server runs it has its own handler, and calls this one when it has ended.
    """
    sys.exit(0)


def _end_stuck_threads() -> None:
    """Python waits for threads without end, so one that cannot be interrupted is not waited for."""
    stuck = [
        thread
        for thread in threading.enumerate()
        if not thread.daemon and thread is not threading.current_thread()
    ]
    for thread in stuck:
        thread.join(timeout=1)
    left = [thread.name for thread in stuck if thread.is_alive()]
    if left:
        logger.warning("Left behind at the end: {}", ", ".join(left))
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)
