"""A lineage sink on this machine."""

from __future__ import annotations

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class HttpSink:
    """Receives events by HTTP, once it listens.

    Attributes:
        status: What it answers.
        requests: What came: path, headers and event.
        answering: While it is not set, requests wait for their answer.
        asked: Set when a first request has come.
    """

    def __init__(self) -> None:
        self.status = 201
        self.requests: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        self.answering = threading.Event()
        self.answering.set()
        self.asked = threading.Event()
        self._server = ThreadingHTTPServer(
            ("127.0.0.1", 0), self._handler(), bind_and_activate=False
        )
        self._server.daemon_threads = False  # so that closing the server waits for them
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        # The port is ours from now on, and refuses connections until `listen`
        self._server.server_bind()
        return self

    def __exit__(self, *error: object) -> None:
        self.answering.set()
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def events(self) -> list[dict[str, Any]]:
        return [event for _, _, event in self.requests]

    def listen(self) -> None:
        self._server.server_activate()
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                sink.asked.set()
                sink.answering.wait()
                status = sink.status
                if status < 300:
                    sink.requests.append((self.path, dict(self.headers), event))
                try:
                    self.send_response(status)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                except OSError:
                    self.close_connection = True  # the sender has gone

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        return Handler


def no_network(monkeypatch: Any) -> list[object]:
    """Refuse every connection and name lookup; the list holds what was tried."""
    tried: list[object] = []

    def refuse(*args: object, **_: object) -> None:
        tried.append(args)
        raise OSError("No network in this test.")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)
    monkeypatch.setattr(socket.socket, "sendto", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    return tried
