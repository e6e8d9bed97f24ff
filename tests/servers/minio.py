"""MinIO: from the environment, in a container, or built from source and started here."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers import s3
from tests.servers.cache import cache_directory, machine_kind, made_once
from tests.servers.containers import docker_answers, minio_container
from tests.servers.endpoints import S3Endpoint
from tests.servers.errors import ServerUnavailable
from tests.servers.go import find_go, go_environment
from tests.servers.ports import LOOPBACK, free_ports
from tests.servers.processes import LocalServer, start_on_free_ports

#: The newest release whose source the module proxy has under a version that Go takes
RELEASE = "RELEASE.2025-04-22T22-12-26Z"
MODULE = "github.com/minio/minio@v0.0.0-20250422221226-0d7408fc9969"
ENVIRONMENT = "DUCKLAKE_TEST_MINIO"
REPORT_SECONDS = 10.0


def binary_path() -> Path:
    """Where the built program is, once it is."""
    return cache_directory() / "minio" / f"{RELEASE}-{machine_kind()}" / "minio"


def built_minio(report: Callable[[str], None]) -> Path:
    """Give the program, building it first if this is the first time on this machine.

    Raise ServerUnavailable if it cannot be built.
    """
    binary = binary_path()
    if binary.exists():
        return binary
    with made_once(binary):
        if not binary.exists():  # another process may have built it while this one waited
            _build(binary, report)
    return binary


def _build(binary: Path, report: Callable[[str], None]) -> None:
    go = find_go(report)
    # Everything that Go leaves (2 GB) stays here: removed when done, used again after a failure
    scratch = binary.parent / "build"
    report(f"Building MinIO {RELEASE} with {go}, once on this machine; it takes a few minutes")
    environment = go_environment(
        CGO_ENABLED="0",  # no C compiler needed
        GOPATH=str(scratch / "path"),
        GOCACHE=str(scratch / "cache"),
        GOBIN=str(scratch / "bin"),
    )
    command = [str(go), "install", "-v", "-modcacherw", "-trimpath", "-ldflags=-s -w", MODULE]
    began = time.monotonic()
    code, said = _run_with_progress(command, environment, report)
    if code != 0:
        detail = "\n".join(said[-10:])
        raise ServerUnavailable(
            f"MinIO could not be built: mend what Go says and try again, or name a running MinIO"
            f" with {ENVIRONMENT}_ENDPOINT.\n{detail}"
        )
    # Renamed as a whole: nobody sees half a program
    (scratch / "bin" / binary.name).replace(binary)
    shutil.rmtree(scratch, ignore_errors=True)
    report(f"Built MinIO in {time.monotonic() - began:.0f} s")


def _run_with_progress(
    command: list[str], environment: Mapping[str, str], report: Callable[[str], None]
) -> tuple[int, list[str]]:
    """Run Go, and say now and then how far it is (it names each module and each package)."""
    said: list[str] = []
    modules = packages = 0
    due = time.monotonic() + REPORT_SECONDS
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            said.append(line.rstrip())
            if line.startswith("go: downloading"):
                modules += 1
            elif not line.startswith("go: "):
                packages += 1
            if time.monotonic() >= due:
                report(f"  {modules} modules downloaded, {packages} packages compiled")
                due = time.monotonic() + REPORT_SECONDS
        return process.wait(), said


@dataclass
class LocalMinio:
    """A MinIO of one's own, to be stopped, killed, paused and started again by a test."""

    endpoint: S3Endpoint
    process: LocalServer
    console_url: str

    @classmethod
    def on_ports(
        cls, directory: Path, ports: Sequence[int], credentials: tuple[str, str]
    ) -> "LocalMinio":
        """Prepare one on two ports, its own and its console's; it is not started.

        Raise ServerUnavailable if there is no MinIO and none can be built.
        """
        port, console_port = ports
        endpoint = S3Endpoint(LOOPBACK, port, *credentials)
        data, certificates = directory / "data", directory / "certificates"
        for folder in (data, certificates):
            folder.mkdir(parents=True, exist_ok=True)
        console = f"{LOOPBACK}:{console_port}"
        # A person's own settings, and certificates in the home directory, are not the tests'
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("MINIO_")
        }
        environment |= {
            "MINIO_ROOT_USER": endpoint.access_key,
            "MINIO_ROOT_PASSWORD": endpoint.secret_key,
            "MINIO_UPDATE": "off",  # it would ask for news on the internet
        }
        process = LocalServer(
            name="MinIO",
            command=[
                *(str(built_minio(print)), "server", str(data)),
                *("--address", endpoint.address, "--console-address", console),
                *("--certs-dir", str(certificates)),
            ],
            ready=lambda _pid: s3.answers(endpoint),
            log=directory / "minio.log",
            environment=environment,
        )
        return cls(endpoint, process, f"http://{console}")

    def start(self) -> None:
        """Start it and wait until it answers. Raise ServerFailed if it does not."""
        self.process.start()


@contextmanager
def local_minio(directory: Path) -> Iterator[LocalMinio]:
    """Run a MinIO of one's own on free ports, with its data in the directory.

    Raise ServerUnavailable if that cannot be done.
    """
    credentials = s3.new_credentials()
    server = start_on_free_ports(lambda: LocalMinio.on_ports(directory, free_ports(2), credentials))
    try:
        yield server
    finally:
        server.process.stop()


@contextmanager
def any_minio(directory: Path) -> Iterator[S3Endpoint]:
    """Give the MinIO of the environment, else one in a container, else a local one.

    Raise ServerUnavailable, which names the remedy, if none can be had.
    """
    if named := s3.endpoint_from_environment(ENVIRONMENT):
        yield named
    elif docker_answers():
        with minio_container(RELEASE, *s3.new_credentials()) as endpoint:
            yield endpoint
    else:
        with local_minio(directory) as server:
            yield server.endpoint
