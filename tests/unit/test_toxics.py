"""Each toxic does what it says, to connections that are open and to new ones."""

import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.toxics import (
    Answer,
    Bandwidth,
    Down,
    Latency,
    LimitData,
    Reset,
    Slicer,
    SlowClose,
    TcpProxy,
    Timeout,
    Towards,
)

#: Longer than any test: what waits this long was not waited for
FOR_EVER = 3600.0
#: What a test waits for that must come
PATIENCE = 20.0

Connect = Callable[[], socket.socket]


class Echo:
    """A server that sends back what it gets, and ends a connection when its client has."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        #: What each connection got, and how it ended
        self.heard: list[bytearray] = []
        self.endings: list[type[OSError] | None] = []
        self.ended = threading.Semaphore(0)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:  # closed: the test is over
                return
            threading.Thread(target=self._serve, args=[client], daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        heard = bytearray()
        self.heard.append(heard)
        ending: type[OSError] | None = None
        with client:
            try:
                while data := client.recv(65536):
                    heard += data
                    client.sendall(data)
            except OSError as error:
                ending = type(error)
        self.endings.append(ending)
        self.ended.release()

    def stop(self) -> None:
        if self.listener.fileno() >= 0:
            # This ends the accept() that the thread is in; to close it would not
            self.listener.shutdown(socket.SHUT_RDWR)
            self.listener.close()

    def wait_for_end(self) -> type[OSError] | None:
        assert self.ended.acquire(timeout=PATIENCE)
        return self.endings[-1]


@pytest.fixture
def echo() -> Iterator[Echo]:
    server = Echo()
    yield server
    server.stop()


@pytest.fixture
def proxy(echo: Echo) -> Iterator[TcpProxy]:
    with TcpProxy("127.0.0.1", echo.port) as started:
        yield started


@pytest.fixture
def connect(proxy: TcpProxy) -> Iterator[Connect]:
    with ExitStack() as stack:

        def connected() -> socket.socket:
            address = (proxy.host, proxy.port)
            return stack.enter_context(socket.create_connection(address, timeout=PATIENCE))

        yield connected


def receive(client: socket.socket, size: int) -> bytes:
    got = bytearray()
    while len(got) < size and (data := client.recv(size - len(got))):
        got += data
    return bytes(got)


def receive_all(client: socket.socket) -> bytes:
    got = bytearray()
    while data := client.recv(65536):
        got += data
    return bytes(got)


def asks(client: socket.socket, question: bytes = b"hello") -> bool:
    client.sendall(question)
    return receive(client, len(question)) == question


def exchange(client: socket.socket, content: bytes) -> bytes:
    """Send in a thread, since what is echoed must be taken meanwhile."""

    def send() -> None:
        client.sendall(content)
        client.shutdown(socket.SHUT_WR)

    sender = threading.Thread(target=send)
    sender.start()
    got = receive_all(client)
    sender.join()
    return got


def test_without_toxics_all_bytes_pass(connect: Connect, proxy: TcpProxy) -> None:
    content = bytes(range(256)) * 40_000
    assert exchange(connect(), content) == content
    assert asks(connect())
    assert proxy.accepted == 2


def test_many_connections_at_once(connect: Connect) -> None:
    clients = [connect() for _ in range(100)]
    for number, client in enumerate(clients):
        client.sendall(b"%03d" % number)
    for number, client in reversed(list(enumerate(clients))):
        assert receive(client, 3) == b"%03d" % number


def test_latency_is_waited_for_in_both_directions(connect: Connect, proxy: TcpProxy) -> None:
    client = connect()
    proxy.set(Latency(0.1))
    began = time.monotonic()
    assert asks(client)
    assert time.monotonic() - began >= 0.2


def test_latency_in_one_direction(connect: Connect, proxy: TcpProxy, echo: Echo) -> None:
    proxy.set(Latency(FOR_EVER, towards=Towards.SERVER))
    client = connect()
    client.sendall(b"late")
    client.settimeout(0.05)
    with pytest.raises(TimeoutError):
        client.recv(1)
    assert not any(echo.heard)
    proxy.clear()
    client.settimeout(PATIENCE)
    assert receive(client, 4) == b"late"


def test_latency_does_not_add_up(connect: Connect, proxy: TcpProxy) -> None:
    # 160 chunks of 64 KiB, one after the other, would take 32 s
    content = bytes(10 * 1024 * 1024)
    proxy.set(Latency(0.2, towards=Towards.CLIENT))
    began = time.monotonic()
    assert exchange(connect(), content) == content
    assert 0.2 <= time.monotonic() - began < 16


def test_down_refuses_and_closes_and_comes_back(connect: Connect, proxy: TcpProxy) -> None:
    client = connect()
    assert asks(client)
    proxy.set(Down())
    assert proxy.open_connections == 0
    assert client.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        connect()
    proxy.clear()
    assert asks(connect())


def test_down_keeps_the_port(proxy: TcpProxy) -> None:
    with proxy.toxic(Down()), socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind((proxy.host, proxy.port))


def test_bandwidth_is_not_exceeded(connect: Connect, proxy: TcpProxy) -> None:
    proxy.set(Bandwidth(100_000, towards=Towards.CLIENT))
    began = time.monotonic()
    assert exchange(connect(), bytes(30_000)) == bytes(30_000)
    assert time.monotonic() - began >= 0.3


def test_bandwidth_is_used(connect: Connect, proxy: TcpProxy) -> None:
    proxy.set(Bandwidth(10_000_000))
    began = time.monotonic()
    assert exchange(connect(), bytes(2_000_000)) == bytes(2_000_000)
    assert 0.2 <= time.monotonic() - began < 10


def test_slow_close_delays_the_end(connect: Connect, proxy: TcpProxy) -> None:
    proxy.set(SlowClose(0.2, towards=Towards.CLIENT))
    client = connect()
    began = time.monotonic()
    assert exchange(client, b"bye") == b"bye"
    assert time.monotonic() - began >= 0.2


def test_slow_close_delays_nothing_else(connect: Connect, proxy: TcpProxy) -> None:
    proxy.set(SlowClose(FOR_EVER))
    client = connect()
    assert asks(client)
    client.shutdown(socket.SHUT_WR)
    client.settimeout(0.05)
    with pytest.raises(TimeoutError):
        client.recv(1)
    proxy.clear()
    client.settimeout(PATIENCE)
    assert client.recv(1) == b""


def test_timeout_accepts_and_never_answers(connect: Connect, proxy: TcpProxy) -> None:
    client = connect()
    assert asks(client)
    proxy.set(Timeout())
    for one in (client, connect()):
        one.sendall(b"anybody?")
        one.settimeout(0.05)
        with pytest.raises(TimeoutError):
            one.recv(1)
        one.settimeout(PATIENCE)
    proxy.clear()
    assert receive(client, 8) == b"anybody?"


def test_timeout_takes_no_more_than_the_sockets_hold(
    connect: Connect, proxy: TcpProxy, echo: Echo
) -> None:
    proxy.set(Timeout())
    client = connect()
    client.settimeout(0.05)
    with pytest.raises(TimeoutError):
        client.sendall(bytes(64 * 1024 * 1024))
    assert not any(echo.heard)


def test_timeout_closes_after_its_time(connect: Connect, proxy: TcpProxy) -> None:
    proxy.set(Timeout(0.1))
    began = time.monotonic()
    assert connect().recv(1) == b""
    assert time.monotonic() - began >= 0.1


def test_reset_at_once(connect: Connect, proxy: TcpProxy, echo: Echo) -> None:
    client = connect()
    assert asks(client)
    proxy.set(Reset())
    with pytest.raises(ConnectionResetError):
        client.recv(1)
    assert echo.wait_for_end() is ConnectionResetError


def test_reset_after_bytes(connect: Connect, proxy: TcpProxy, echo: Echo) -> None:
    client = connect()
    assert asks(client, b"these do not count")
    proxy.set(Reset(after_bytes=1000, towards=Towards.SERVER))
    client.sendall(bytes(5000))
    with pytest.raises(ConnectionResetError):
        receive_all(client)
    assert echo.wait_for_end() is ConnectionResetError
    assert echo.heard[0] == b"these do not count" + bytes(1000)


def test_reset_after_seconds(connect: Connect, proxy: TcpProxy) -> None:
    proxy.set(Reset(after_seconds=0.1))
    began = time.monotonic()
    with pytest.raises(ConnectionResetError):
        connect().recv(1)
    assert time.monotonic() - began >= 0.1


def test_slicer_sends_pieces(connect: Connect, proxy: TcpProxy) -> None:
    proxy.set(Slicer(3, pause=FOR_EVER, towards=Towards.CLIENT))
    client = connect()
    client.sendall(b"0123456789")
    assert client.recv(100) == b"012"
    proxy.clear()
    assert receive(client, 7) == b"3456789"


def test_slicer_loses_nothing(connect: Connect, proxy: TcpProxy) -> None:
    proxy.set(Slicer(7))
    content = bytes(range(256)) * 20
    assert exchange(connect(), content) == content


def test_limit_cuts_the_answer_short(connect: Connect, proxy: TcpProxy) -> None:
    proxy.set(LimitData(1000, towards=Towards.CLIENT))
    for _ in range(2):
        assert exchange(connect(), bytes(5000)) == bytes(1000)


def test_limit_cuts_the_question_short(connect: Connect, proxy: TcpProxy, echo: Echo) -> None:
    client = connect()
    assert asks(client, b"these do not count")
    proxy.set(LimitData(10, towards=Towards.SERVER))
    client.sendall(b"0123456789")
    echo.wait_for_end()
    assert echo.heard[0].endswith(b"count0123456789")


def test_limit_of_half_a_connection(connect: Connect, proxy: TcpProxy, echo: Echo) -> None:
    proxy.set(LimitData(4, half=True, towards=Towards.CLIENT))
    client = connect()
    client.sendall(b"first")
    assert receive_all(client) == b"firs"
    client.sendall(b"second")
    client.shutdown(socket.SHUT_WR)
    assert echo.wait_for_end() is None
    assert echo.heard[0] == b"firstsecond"


def test_answer_in_the_servers_place(proxy: TcpProxy, echo: Echo) -> None:
    proxy.set(Answer.http("500 Internal Server Error", b"sorry"))
    request = urllib.request.Request(f"http://{proxy.address}/", data=bytes(5_000_000))
    with pytest.raises(urllib.error.HTTPError) as caught, urllib.request.urlopen(request):
        pytest.fail("this is an error")
    with caught.value as answer:
        assert answer.code == 500
        assert answer.read() == b"sorry"
    assert not any(echo.heard)


def test_a_server_that_is_gone_is_a_reset(connect: Connect, echo: Echo) -> None:
    assert asks(connect())
    echo.stop()
    with pytest.raises(ConnectionResetError):
        connect().recv(1)


def test_closing_the_proxy_ends_its_connections(echo: Echo) -> None:
    with TcpProxy("127.0.0.1", echo.port) as proxy:
        client = socket.create_connection((proxy.host, proxy.port), timeout=PATIENCE)
        assert asks(client)
    with client:
        assert client.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((proxy.host, proxy.port), timeout=PATIENCE)
