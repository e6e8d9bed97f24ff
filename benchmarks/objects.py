"""Objects through the service on MinIO, against the `minio` client alone, in one run."""

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

import httpx
import urllib3
from minio import Minio

from benchmarks.results import resident_mib
from tests.e2e.service import ServiceProcess
from tests.servers.endpoints import S3Endpoint
from tests.servers.minio import any_minio

MIB = 1024**2
SIZE_MIB = 1024
LARGE_MIB = 10 * 1024
ROUNDS = 2
CHUNK = bytes(range(256)) * (MIB // 256)
BUCKET = "bench-objects"


def run() -> None:
    """Upload and download a gibibyte both ways, then a large object with an eye on memory."""
    with tempfile.TemporaryDirectory(prefix="ducklake-bench-") as directory:
        Path(directory).chmod(0o755)
        with any_minio(Path(directory) / "minio") as store:
            service = ServiceProcess(Path(directory) / "home", settings(store))
            service.start()
            try:
                with service.client(timeout_s=600) as client:
                    client.post(f"/datasets/{BUCKET}").raise_for_status()
                    compare(client, store)
                    watch_memory(client, service.process.pid)
            finally:
                service.stop()


def settings(store: S3Endpoint) -> dict[str, str]:
    """The service's settings on that store, with its catalog in a file."""
    return {
        "DUCKLAKE_LOG_LEVEL": "WARNING",
        "DUCKLAKE_STORAGE": "minio",
        "DUCKLAKE_MINIO_ENDPOINT": store.address,
        "DUCKLAKE_MINIO_ACCESS_KEY": store.access_key,
        "DUCKLAKE_MINIO_SECRET_KEY": store.secret_key,
        "DUCKLAKE_MINIO_SECURE": "false",
    }


def compare(client: httpx.Client, store: S3Endpoint) -> None:
    """The same bytes through the service and by the client alone."""
    minio = Minio(
        store.address, access_key=store.access_key, secret_key=store.secret_key, secure=False
    )
    size = SIZE_MIB * MIB
    for what, through_service, alone in (
        (
            "up, known size",
            lambda: upload(client, "one", SIZE_MIB, {"Content-Length": str(size)}),
            lambda: minio.put_object(BUCKET, "two", body(SIZE_MIB), size),
        ),
        (
            "up, unknown size",
            lambda: upload(client, "one", SIZE_MIB, {}),
            lambda: minio.put_object(BUCKET, "two", body(SIZE_MIB), -1, part_size=16 * MIB),
        ),
        ("down", lambda: download(client, "one"), lambda: download_alone(minio, "one")),
    ):
        service_s, alone_s = interleaved(through_service, alone)
        print(
            f"{what:>17}: {service_s:5.2f} s through the service, {alone_s:5.2f} s alone: "
            f"{alone_s / service_s:.2f} of its speed"
        )


def watch_memory(client: httpx.Client, pid: int) -> None:
    """The growth of the service's memory over a large upload and download."""
    before = resident_mib(pid)
    peak = [before]

    def watched(chunks: Iterator[bytes]) -> Iterator[bytes]:
        for number, chunk in enumerate(chunks):
            if number % 64 == 0:
                peak.append(resident_mib(pid))
            yield chunk

    client.put(
        f"/datasets/{BUCKET}/large", content=watched(chunks_of(LARGE_MIB))
    ).raise_for_status()
    with client.stream("GET", f"/datasets/{BUCKET}/large") as answer:
        for _ in watched(answer.iter_raw(MIB)):
            pass
    print(f"{LARGE_MIB} MiB up and down: memory grew by {max(peak) - before:.0f} MiB")


def interleaved(first: Callable[[], object], second: Callable[[], object]) -> tuple[float, float]:
    """The best seconds of each, taken in turns."""
    times = [(timed(first), timed(second)) for _ in range(ROUNDS)]
    return min(one for one, _ in times), min(two for _, two in times)


def timed(call: Callable[[], object]) -> float:
    """How long a call takes, in seconds."""
    began = time.monotonic()
    call()
    return time.monotonic() - began


def chunks_of(mebibytes: int) -> Iterator[bytes]:
    """So many mebibytes."""
    for _ in range(mebibytes):
        yield CHUNK


def upload(client: httpx.Client, name: str, mebibytes: int, headers: dict[str, str]) -> None:
    """Upload through the service."""
    client.put(
        f"/datasets/{BUCKET}/{name}", content=chunks_of(mebibytes), headers=headers
    ).raise_for_status()


def download(client: httpx.Client, name: str) -> None:
    """Download through the service, with the HTTP library that the `minio` client uses too."""
    answer = urllib3.request(
        "GET", f"{client.base_url}/datasets/{BUCKET}/{name}", preload_content=False
    )
    for _ in answer.stream(MIB):
        pass
    answer.release_conn()


def download_alone(minio: Minio, name: str) -> None:
    """Download by the client alone."""
    answer = minio.get_object(BUCKET, name)
    try:
        for _ in answer.stream(MIB):
            pass
    finally:
        answer.close()
        answer.release_conn()


def body(mebibytes: int) -> BinaryIO:
    """A file of so many mebibytes."""
    return cast("BinaryIO", Body(mebibytes))


class Body:
    """A file of so many mebibytes, as the `minio` client reads it."""

    def __init__(self, mebibytes: int) -> None:
        self._left = mebibytes * MIB

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        size = min(self._left, len(CHUNK) if size < 0 else size)
        self._left -= size
        whole, rest = divmod(size, len(CHUNK))
        return CHUNK * whole + CHUNK[:rest]
