"""A store that closes connections in place of an answer."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
from urllib3.exceptions import NewConnectionError, ProtocolError

from adapters.minio.client import S3Client, S3Request
from adapters.minio.config import MinioEndpoint, MinioLimits

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nRetry-After: 1\r\n\r\n"
READ = S3Request("HEAD", "bucket", "name")


@dataclass
class Store:
    """Answers requests, or closes their connection.

    Attributes:
        answers: For each request to come, whether it is answered.
        requests: The methods of those that came.
    """

    listener: socket.socket
    connection: socket.socket | None = None
    answers: list[bool] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def serve(self) -> None:
        with suppress(OSError):
            while True:
                self.connection, _ = self.listener.accept()
                with self.connection:
                    self.talk(self.connection)

    def stop(self) -> None:
        for each in (self.listener, self.connection):
            with suppress(OSError):
                if each is not None:
                    each.shutdown(socket.SHUT_RDWR)

    def talk(self, connection: socket.socket) -> None:
        while request := connection.recv(65_536):
            self.requests.append(request.split(b" ")[0].decode())
            if not self.answers.pop(0):
                return
            connection.sendall(ANSWER)


@pytest.fixture
def store() -> Iterator[Store]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        store = Store(listener)
        thread = threading.Thread(target=store.serve)
        thread.start()
        try:
            yield store
        finally:
            store.stop()
            thread.join(timeout=10)


@pytest.fixture
def client(store: Store) -> Iterator[S3Client]:
    host, port = store.listener.getsockname()
    client = S3Client(MinioEndpoint(f"{host}:{port}", "key", "secret", secure=False), MinioLimits())
    yield client
    client.close()


def test_a_read_is_sent_again(store: Store, client: S3Client) -> None:
    store.answers = [True, False, True]

    assert client.send(READ).status == 200
    assert client.send(READ).status == 200
    assert store.requests == ["HEAD"] * 3


def test_a_read_is_sent_again_once(store: Store, client: S3Client) -> None:
    store.answers = [False, False, True]

    with pytest.raises(ProtocolError):
        client.send(READ)
    assert store.requests == ["HEAD"] * 2


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE"])
def test_a_write_is_not(store: Store, client: S3Client, method: str) -> None:
    store.answers = [False, True]

    with pytest.raises(ProtocolError):
        client.send(S3Request(method, "bucket", "name"))
    assert store.requests == [method]


def test_a_store_that_is_not_there(store: Store, client: S3Client) -> None:
    store.stop()

    with pytest.raises(NewConnectionError):
        client.send(READ)
