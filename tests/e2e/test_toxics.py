"""The toxics matrix: what becomes of each operation when a link behind the service is ill."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

import boto3
import httpx
import pytest

from tests.e2e.served import Stack
from tests.e2e.service import running_service
from tests.servers.endpoints import PostgresEndpoint, S3Endpoint
from tests.servers.postgres import new_database
from tests.servers.s3 import Buckets
from tests.toxics import (
    Bandwidth,
    Down,
    Latency,
    LimitData,
    Reset,
    Slicer,
    SlowClose,
    TcpProxy,
    Timeout,
    Toxic,
)

pytestmark = [pytest.mark.servers, pytest.mark.slow]

TIMEOUT_S = 2
#: For a machine that is busy with other tests
SLACK_S = 3.0
RECOVERY_S = 5.0
MIB = 1024**2
ROWS = 20_000
OLD, NEW = (random.Random(seed).randbytes(2 * MIB) for seed in (1, 2))
BODY = b"".join(
    json.dumps({"id": number, "text": random.Random(number).randbytes(40).hex()}).encode() + b"\n"
    for number in range(ROWS)
)


class Outcome(Enum):
    WORKS = auto()
    FAILS = auto()


@dataclass
class IllService:
    """A service between two proxies, and what is known of its data.

    Attributes:
        appends: How many appends were acknowledged.
        unclear: How many failed, and may have been committed for all that.
    """

    http: httpx.Client
    links: dict[str, TcpProxy]
    bucket: str
    other: Any
    appends: int = 0
    unclear: int = 0
    uploaded: set[bytes] = field(default_factory=set)

    def upload(self) -> httpx.Response:
        content = NEW if self.uploaded == {OLD} else OLD
        self.uploaded |= {content}
        answer = self.http.put(f"/datasets/{self.bucket}/x", content=content)
        if answer.is_success:
            self.uploaded = {content}
        return answer

    def upload_in_parts(self) -> httpx.Response:
        content = 5 * (NEW if self.uploaded == {5 * OLD} else OLD)
        self.uploaded |= {content}
        pieces = (content[start : start + MIB] for start in range(0, len(content), MIB))
        answer = self.http.put(f"/datasets/{self.bucket}/x", content=pieces)
        if answer.is_success:
            self.uploaded = {content}
        return answer

    def download(self) -> httpx.Response:
        answer = self.http.get(f"/datasets/{self.bucket}/x")
        if answer.is_success:
            assert answer.content in self.uploaded
        return answer

    def append(self) -> httpx.Response:
        self.unclear += 1
        answer = self.http.put(
            "/tables/t", content=BODY, headers={"Content-Type": "application/x-ndjson"}
        )
        if answer.is_success:
            self.unclear -= 1
            self.appends += 1
        return answer

    def query(self) -> httpx.Response:
        answer = self.http.post("/tables/t/query?format=ndjson", json={})
        if answer.is_success:
            assert answer.content.endswith(b"\n")
            self.check_count(answer.content.count(b"\n"))
        return answer

    def describe(self) -> httpx.Response:
        answer = self.http.get("/tables/t")
        if answer.is_success:
            self.check_count(answer.json()["row_count"])
        return answer

    def check_count(self, rows: int) -> None:
        """Only whole appends are seen: all that were acknowledged, and of the others any."""
        appends, rest = divmod(rows, ROWS)
        assert not rest
        assert self.appends <= appends <= self.appends + self.unclear
        # What is there now is known from here on.
        self.appends, self.unclear = appends, 0

    def part_uploads(self) -> list[object]:
        # By name: without one, MinIO lists the uploads of all its buckets.
        listed = self.other.list_multipart_uploads(Bucket=self.bucket, Prefix="x")
        found: list[object] = listed.get("Uploads", [])
        return found

    def is_ready(self) -> tuple[bool, dict[str, str]]:
        answer = self.http.get("/readyz")
        return answer.is_success, {
            name: part["status"] for name, part in answer.json()["checks"].items()
        }


@pytest.fixture(scope="module")
def service(
    minio_server: S3Endpoint,
    postgres_server: PostgresEndpoint,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[IllService]:
    buckets = Buckets(minio_server)
    with ExitStack() as stack:
        stack.callback(buckets.remove_all)
        database = stack.enter_context(new_database(postgres_server))
        storage = stack.enter_context(TcpProxy(minio_server.host, minio_server.port))
        catalog = stack.enter_context(TcpProxy(database.host, database.port))
        servers = Stack(
            minio_server.through(storage.host, storage.port),
            database.through(catalog.host, catalog.port),
            buckets.name(),
        )
        settings = servers.settings(store_timeout_s=str(TIMEOUT_S), ready_timeout_s="1")
        process = stack.enter_context(
            running_service(tmp_path_factory.mktemp("toxics") / "home", settings)
        )
        http = stack.enter_context(process.client(30))
        other = boto3.client(
            "s3",
            endpoint_url=minio_server.url,
            aws_access_key_id=minio_server.access_key,
            aws_secret_access_key=minio_server.secret_key,
            region_name=minio_server.region,
        )
        ill = IllService(http, {"storage": storage, "catalog": catalog}, buckets.name(), other)
        columns = [{"name": "id", "type": "BIGINT"}, {"name": "text", "type": "VARCHAR"}]
        http.post("/tables", json={"name": "t", "columns": columns}).raise_for_status()
        http.post(f"/datasets/{ill.bucket}").raise_for_status()
        ill.append().raise_for_status()
        ill.upload().raise_for_status()
        yield ill
        # The same process has lived through all of it.
        assert process.process.poll() is None
        http.close()


STORAGE_TOXICS: dict[str, tuple[Toxic, Outcome]] = {
    "latency": (Latency(0.05), Outcome.WORKS),
    "down": (Down(), Outcome.FAILS),
    "bandwidth": (Bandwidth(12 * MIB), Outcome.WORKS),
    "slow_close": (SlowClose(0.5), Outcome.WORKS),
    "timeout": (Timeout(), Outcome.FAILS),
    "reset": (Reset(after_bytes=50_000), Outcome.FAILS),
    "slicer": (Slicer(16_000, 0.0002), Outcome.WORKS),
    "limit_data": (LimitData(50_000), Outcome.FAILS),
}
CATALOG_TOXICS: dict[str, tuple[Toxic, Outcome]] = {
    "latency": (Latency(0.005), Outcome.WORKS),
    "down": (Down(), Outcome.FAILS),
    "bandwidth": (Bandwidth(MIB), Outcome.WORKS),
    "slow_close": (SlowClose(0.5), Outcome.WORKS),
    "timeout": (Timeout(), Outcome.FAILS),
    "reset": (Reset(), Outcome.FAILS),
    "slicer": (Slicer(1000, 0.0002), Outcome.WORKS),
    "limit_data": (LimitData(500), Outcome.FAILS),
}
Operation = Callable[[IllService], httpx.Response]


@pytest.mark.parametrize(
    "operation",
    [
        IllService.upload,
        IllService.upload_in_parts,
        IllService.download,
        IllService.append,
        IllService.query,
    ],
    ids=lambda operation: operation.__name__,
)
@pytest.mark.parametrize("toxic", STORAGE_TOXICS)
def test_the_storage_is_ill(service: IllService, toxic: str, operation: Operation) -> None:
    live_through(service, "storage", *STORAGE_TOXICS[toxic], operation)


@pytest.mark.parametrize(
    "operation",
    [IllService.append, IllService.query, IllService.describe],
    ids=lambda operation: operation.__name__,
)
@pytest.mark.parametrize("toxic", CATALOG_TOXICS)
def test_the_catalog_is_ill(service: IllService, toxic: str, operation: Operation) -> None:
    live_through(service, "catalog", *CATALOG_TOXICS[toxic], operation)


def live_through(
    service: IllService, link: str, toxic: Toxic, outcome: Outcome, operation: Operation
) -> None:
    with service.links[link].toxic(toxic):
        began = time.monotonic()
        try:
            answer = operation(service)
        except httpx.RemoteProtocolError:
            # Cut in the middle; only what sends a stream may be.
            assert outcome is Outcome.FAILS
            assert operation in {IllService.download, IllService.query}
        else:
            judge(answer, outcome)
        took = time.monotonic() - began
        if isinstance(toxic, Down | Timeout):
            ready, parts = service.is_ready()
            assert not ready
            assert {name for name, status in parts.items() if status == "failed"} == {link}
    if outcome is Outcome.FAILS:
        assert took < TIMEOUT_S + SLACK_S

    recovers(lambda: operation(service).is_success)
    recovers(lambda: service.is_ready()[0])
    # Old or new as a whole, exact counts, and no parts left of uploads that failed
    assert service.download().is_success
    assert service.describe().is_success
    recovers(lambda: not service.part_uploads())


def judge(answer: httpx.Response, outcome: Outcome) -> None:
    if outcome is Outcome.WORKS:
        assert answer.is_success, answer.text
        return
    assert answer.status_code in {502, 503, 504}, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == answer.status_code


def recovers(works: Callable[[], bool]) -> None:
    deadline = time.monotonic() + RECOVERY_S
    while not works():
        assert time.monotonic() < deadline, "it does not recover"
        time.sleep(0.05)
