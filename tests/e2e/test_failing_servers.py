"""The service while its servers are down, hang, are killed or lose what is the service's."""

from __future__ import annotations

import os
import secrets
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.e2e.served import Stack
from tests.e2e.service import ServiceProcess, running_service
from tests.eventually import eventually
from tests.servers.endpoints import PostgresEndpoint, S3Endpoint
from tests.servers.minio import LocalMinio, local_minio
from tests.servers.postgres import LocalPostgres, local_postgres, new_database
from tests.servers.postgres_sql import create_database
from tests.servers.processes import _children
from tests.servers.s3 import connected, remove_bucket

pytestmark = [pytest.mark.servers, pytest.mark.slow]

TIMEOUT_S = 2
SLACK_S = 3.0
RECOVERY_S = 5.0
COLUMNS = [{"name": "id", "type": "BIGINT"}, {"name": "text", "type": "VARCHAR"}]
#: More rows than are inlined in the catalog, so that storage is needed too
ROWS = [{"id": number, "text": "x" * 20} for number in range(200)]
SETTINGS = {"store_timeout_s": str(TIMEOUT_S), "ready_timeout_s": "1"}


@dataclass
class Servers:
    """Servers of one test, which it may kill."""

    minio: LocalMinio
    postgres: LocalPostgres
    stack: Stack


@pytest.fixture
def servers(own_server_directory: Path) -> Iterator[Servers]:
    with (
        local_minio(own_server_directory / "minio") as minio,
        local_postgres(own_server_directory / "postgres") as postgres,
    ):
        create_database(postgres.endpoint, "lake")
        stack = Stack(minio.endpoint, postgres.endpoint.with_database("lake"), "lake")
        yield Servers(minio, postgres, stack)


def failed_parts(client: httpx.Client) -> dict[str, str]:
    """The parts that do not work, and what they say."""
    answer = client.get("/readyz")
    checks = answer.json()["checks"]
    failed = {name: part["detail"] for name, part in checks.items() if part["status"] == "failed"}
    assert answer.status_code == (503 if failed else 200)
    return failed


def unavailable(answer: httpx.Response) -> None:
    assert answer.status_code in {502, 503, 504}, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


@contextmanager
def started_without_servers(home: Path, stack: Stack) -> Iterator[ServiceProcess]:
    service = ServiceProcess(home, stack.settings(**SETTINGS))
    service.start(wait=False)
    try:
        yield service
    finally:
        service.stop()


@pytest.mark.parametrize("down", ["minio", "postgres", "both"])
def test_it_starts_without_its_servers_and_comes_up_with_them(
    servers: Servers, tmp_path: Path, down: str
) -> None:
    stopped: dict[str, LocalMinio | LocalPostgres] = {}
    if down != "postgres":
        stopped["storage"] = servers.minio
    if down != "minio":
        stopped["catalog"] = servers.postgres
    for server in stopped.values():
        server.process.stop()
    with (
        started_without_servers(tmp_path / "home", servers.stack) as service,
        service.client() as client,
    ):
        assert client.get("/healthz").is_success
        eventually(lambda: set(stopped) <= set(failed_parts(client)), within_s=RECOVERY_S)
        unavailable(client.post("/tables", json={"name": "t", "columns": COLUMNS}))
        if down == "postgres":
            # What needs no catalog works.
            assert client.post("/datasets/some-bucket").status_code == 201
        for server in stopped.values():
            server.start()
        eventually(lambda: not failed_parts(client), within_s=RECOVERY_S)
        assert client.post("/tables", json={"name": "t", "columns": COLUMNS}).status_code == 201
        assert client.put("/tables/t", json=ROWS).is_success


@contextmanager
def load(service: ServiceProcess) -> Iterator[list[httpx.Response]]:
    """Appends and queries from several clients for as long as the block lasts."""
    answers: list[httpx.Response] = []
    ends = False

    def work(number: int) -> None:
        with service.client() as client:
            while not ends:
                try:
                    if number % 2:
                        answers.append(client.put("/tables/t", json=ROWS))
                    else:
                        answers.append(
                            client.post("/query?format=ndjson", json={"sql": "SELECT * FROM t"})
                        )
                except httpx.RemoteProtocolError:
                    # A result that was under way was cut.
                    assert not number % 2

    with ThreadPoolExecutor(6) as pool:
        workers = [pool.submit(work, number) for number in range(6)]
        try:
            yield answers
        finally:
            ends = True
        for worker in workers:
            worker.result()


def hang(server: LocalMinio | LocalPostgres) -> None:
    server.process.pause()
    time.sleep(TIMEOUT_S + 1)
    server.process.resume()


def crash(server: LocalMinio | LocalPostgres) -> None:
    server.process.kill()
    time.sleep(1)
    server.start()


def kill_processes(server: LocalMinio | LocalPostgres) -> None:
    """Kill the processes behind the connections (SIGKILL), upon which PostgreSQL restarts."""
    for pid in _children(server.process.pid):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize(
    "name, trouble",
    [
        ("minio", hang),
        ("minio", crash),
        ("postgres", hang),
        ("postgres", crash),
        ("postgres", kill_processes),
    ],
)
def test_a_server_fails_under_load(
    servers: Servers,
    tmp_path: Path,
    name: str,
    trouble: Callable[[LocalMinio | LocalPostgres], None],
) -> None:
    server = servers.minio if name == "minio" else servers.postgres
    with (
        running_service(tmp_path / "home", servers.stack.settings(**SETTINGS)) as service,
        service.client() as client,
    ):
        assert client.post("/tables", json={"name": "t", "columns": COLUMNS}).is_success
        assert client.put("/tables/t", json=ROWS).is_success
        with load(service) as answers:
            for _ in range(2):
                there = len(answers)
                eventually(lambda there=there: len(answers) > there + 5, within_s=30)  # type: ignore[misc]
                trouble(server)
                eventually(lambda: not failed_parts(client), within_s=RECOVERY_S)
                eventually(
                    lambda: client.put("/tables/t", json=ROWS).is_success, within_s=RECOVERY_S
                )
        assert service.process.poll() is None

        kinds = {answer.status_code for answer in answers}
        assert kinds <= {200, 502, 503, 504}, service.tells_of(
            *(each for each in answers if each.status_code not in {200, 502, 503, 504})
        )
        assert all(answer.elapsed.total_seconds() < TIMEOUT_S + SLACK_S for answer in answers)
        # Nothing that was acknowledged is lost, and no append is there in part.
        count = client.get("/tables/t").json()["row_count"]
        acknowledged = sum(
            answer.is_success and answer.request.method == "PUT" for answer in answers
        )
        assert count % len(ROWS) == 0
        assert count // len(ROWS) >= acknowledged + 1


def test_the_lakes_bucket_is_deleted_under_it(servers: Servers, tmp_path: Path) -> None:
    with (
        running_service(tmp_path / "home", servers.stack.settings(**SETTINGS)) as service,
        service.client() as client,
    ):
        assert client.post("/tables", json={"name": "t", "columns": COLUMNS}).is_success
        assert client.put("/tables/t", json=ROWS).is_success
        with connected(servers.minio.endpoint) as store:
            remove_bucket(store, "lake")

        unavailable(client.put("/tables/t", json=ROWS))
        unavailable(client.post("/tables/t/query", json={"sql": "SELECT * FROM t"}))
        assert "DUCKLAKE_MINIO_LAKE_BUCKET" in failed_parts(client)["storage"]
        assert client.post("/datasets/some-bucket").status_code == 201

        with connected(servers.minio.endpoint) as store:
            store.make_bucket("lake")
        eventually(lambda: not failed_parts(client), within_s=RECOVERY_S)
        assert client.put("/tables/t", json=ROWS).is_success


WRONG = secrets.token_hex(12)


def with_wrong_password(stack: Stack) -> dict[str, str]:
    assert stack.catalog is not None
    return {"catalog": stack.catalog.url.replace(stack.catalog.password, WRONG)}


@pytest.mark.parametrize(
    "wrong, part, setting",
    [
        (with_wrong_password, "catalog", "DUCKLAKE_CATALOG"),
        (lambda _: {"minio_secret_key": WRONG}, "storage", "DUCKLAKE_MINIO_SECRET_KEY"),
        (lambda _: {"minio_access_key": WRONG}, "storage", "DUCKLAKE_MINIO_ACCESS_KEY"),
    ],
    ids=["password", "secret_key", "access_key"],
)
def test_wrong_credentials(
    minio_server: S3Endpoint,
    postgres_server: PostgresEndpoint,
    tmp_path: Path,
    wrong: Callable[[Stack], dict[str, str]],
    part: str,
    setting: str,
) -> None:
    with new_database(postgres_server) as database:
        stack = Stack(minio_server, database, "test-wrong-credentials")
        settings = stack.settings(**SETTINGS, **wrong(stack), log_level="debug")
        service = ServiceProcess(tmp_path / "home", settings)
        service.start(wait=False)
        try:
            with service.client() as client:
                answers = [
                    client.post("/tables", json={"name": "t", "columns": COLUMNS}),
                    client.post("/query", json={"sql": "SELECT 1"}),
                ]
                for answer in answers:
                    unavailable(answer)
                failed = failed_parts(client)
                assert setting in failed[part]
                buckets = client.get("/datasets")
                if part == "catalog":
                    assert buckets.is_success
                else:
                    unavailable(buckets)
                said = "".join([*(answer.text for answer in answers), buckets.text, str(failed)])
        finally:
            service.stop()
        if part == "catalog":
            with connected(minio_server) as store:
                remove_bucket(store, "test-wrong-credentials")
    for secret in (WRONG, minio_server.secret_key, postgres_server.password):
        # A wrong access key is no secret, yet nobody need see it.
        assert secret not in said
        assert secret not in service.output
