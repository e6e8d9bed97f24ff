"""A peer to compare with: ROAPI, SQL over HTTP on a Parquet file, which it only reads.

https://roapi.github.io/docs/
"""

import http.client
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.servers.ports import free_ports

ROAPI = Path(sys.executable).with_name("roapi")
START_TIMEOUT_S = 30


@contextmanager
def running_roapi(parquet: Path, directory: Path) -> Iterator[Callable[[str, str], bytes]]:
    """ROAPI with one table, `small`; a function that asks it and reads the whole answer."""
    [port] = free_ports(1)
    process = subprocess.Popen(  # noqa: S603 - a peer of the development group
        [
            ROAPI,
            "--addr-http",
            f"127.0.0.1:{port}",
            "--addr-postgres",
            "127.0.0.1:0",
            "--table",
            f"small={parquet}",
        ],
        cwd=directory,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    connection = http.client.HTTPConnection("127.0.0.1", port)

    def ask(sql: str, accept: str) -> bytes:
        connection.request("POST", "/api/sql", sql, {"Accept": accept})
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != http.client.OK:
            raise AssertionError(body.decode())
        return body

    try:
        _wait_until_listening(port)
        yield ask
    finally:
        connection.close()
        process.terminate()
        process.wait(timeout=30)


def _wait_until_listening(port: int) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.05)
    raise AssertionError("ROAPI does not answer")
