"""Clients that come at once."""

from __future__ import annotations

import asyncio
import socket
from contextlib import ExitStack

import uvicorn
from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, Scope

from entrypoints.rest.accepting import AcceptingServer
from entrypoints.rest.protocol import Protocol

CLIENTS = 40
REQUEST = b"GET / HTTP/1.1\r\nHost: test\r\n\r\n"


def test_all_that_wait_are_taken_before_others_are_served_again() -> None:
    taken: list[int] = []

    async def app(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        taken.append(len(server.server_state.connections))
        server.should_exit = len(taken) == CLIENTS
        headers = [(b"content-length", b"0")]
        await send(
            {"type": "http.response.start", "status": 204, "headers": headers, "trailers": False}
        )
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    config = uvicorn.Config(
        app, http=Protocol, loop="uvloop", lifespan="off", log_config=None, ws="none"
    )
    server = AcceptingServer(config)
    with ExitStack() as cleanup:
        listener = cleanup.enter_context(socket.create_server(("127.0.0.1", 0), backlog=CLIENTS))
        clients = [
            cleanup.enter_context(socket.create_connection(listener.getsockname(), timeout=60))
            for _ in range(CLIENTS)
        ]
        for client in clients:
            client.sendall(REQUEST)
        with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
            runner.run(server.serve(sockets=[listener]))
        for client in clients:
            assert client.recv(1000).startswith(b"HTTP/1.1 204")

    # The event loop by itself takes one connection in each of its turns.
    assert taken[0] > CLIENTS / 2
