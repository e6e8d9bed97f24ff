"""The servers that the tests start are real: they do what the adapters will ask of them."""

import io
import os
import subprocess
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
import urllib3
from minio import Minio
from urllib3.exceptions import TimeoutError as Timeout

from tests.servers import s3
from tests.servers.endpoints import PostgresEndpoint, S3Endpoint
from tests.servers.minio import any_minio, local_minio
from tests.servers.postgres import any_postgres, local_postgres, new_database
from tests.servers.postgres_programs import copied, programs
from tests.servers.postgres_sql import answers, connected, execute
from tests.servers.s3 import Buckets
from tests.servers.seaweedfs import local_seaweedfs

pytestmark = pytest.mark.servers


def put_if_absent(client: Minio, bucket: str, name: str, content: bytes) -> int:
    url = client.presigned_put_object(bucket, name, expires=timedelta(minutes=1))
    with urllib3.PoolManager(retries=False) as pool:
        answer = pool.request("PUT", url, body=content, headers={"If-None-Match": "*"})
        return answer.status


def round_trip(endpoint: S3Endpoint, bucket: str) -> None:
    content = os.urandom(100_000)
    with s3.connected(endpoint) as client:
        client.put_object(
            bucket, "a/b.bin", io.BytesIO(content), len(content), content_type="text/x-odd"
        )
        with client.get_object(bucket, "a/b.bin") as found:
            assert found.read() == content
            assert found.headers["Content-Type"] == "text/x-odd"


def test_minio_keeps_an_object(minio_server: S3Endpoint, minio_bucket: str) -> None:
    round_trip(minio_server, minio_bucket)


def test_minio_refuses_to_overwrite_when_asked(minio_server: S3Endpoint, minio_bucket: str) -> None:
    with s3.connected(minio_server) as client:
        assert put_if_absent(client, minio_bucket, "once", b"first") == 200
        assert put_if_absent(client, minio_bucket, "once", b"second") == 412
        with client.get_object(minio_bucket, "once") as found:
            assert found.read() == b"first"


def test_seaweedfs_keeps_an_object(seaweedfs_server: S3Endpoint, seaweedfs_bucket: str) -> None:
    round_trip(seaweedfs_server, seaweedfs_bucket)


def test_seaweedfs_refuses_to_overwrite_when_asked(
    seaweedfs_server: S3Endpoint, seaweedfs_bucket: str
) -> None:
    with s3.connected(seaweedfs_server) as client:
        assert put_if_absent(client, seaweedfs_bucket, "once", b"first") == 200
        assert put_if_absent(client, seaweedfs_bucket, "once", b"second") == 412


@pytest.mark.parametrize("server", ["minio", "seaweedfs"])
def test_buckets_are_removed_with_what_is_in_them(
    server: str, request: pytest.FixtureRequest
) -> None:
    endpoint: S3Endpoint = request.getfixturevalue(f"{server}_server")
    buckets = Buckets(endpoint)
    full, empty, never_made = buckets.create(), buckets.create(), buckets.name()
    with s3.connected(endpoint) as client:
        for name in ("a", "a b/ü+%", "deep/er/x"):
            client.put_object(full, name, io.BytesIO(b"x"), 1)
        buckets.remove_all()
        left = {bucket.name for bucket in client.list_buckets()}
    assert not left & {full, empty, never_made}


def test_postgres_answers_through_duckdb(postgres_database: PostgresEndpoint) -> None:
    with connected(postgres_database) as connection:
        assert connection.execute("FROM postgres_query('pg', 'SELECT 1 AS one')").fetchall() == [
            (1,)
        ]
        connection.execute("CREATE TABLE pg.t AS SELECT 42 AS x")
        assert connection.execute("SELECT x FROM pg.t").fetchall() == [(42,)]


def test_postgres_wants_the_password(postgres_server: PostgresEndpoint) -> None:
    url = postgres_server.url.replace(postgres_server.password, "wrong")
    assert not answers(PostgresEndpoint.parse(url))


def test_a_database_is_dropped_under_open_connections(postgres_server: PostgresEndpoint) -> None:
    with ExitStack() as stack:
        with new_database(postgres_server) as database:
            held = stack.enter_context(connected(database))
            held.execute("FROM postgres_query('pg', 'SELECT 1')")
        assert not answers(database)
        assert answers(postgres_server)


def test_postgres_of_ones_own(own_server_directory: Path) -> None:
    with local_postgres(own_server_directory) as server:
        assert answers(PostgresEndpoint.parse(server.endpoint.socket_url))
        execute(server.endpoint, "CREATE TABLE t AS SELECT 42 AS x")

        server.process.kill()
        assert not answers(server.endpoint)

        server.start()
        with connected(server.endpoint) as connection:
            assert connection.execute("SELECT x FROM pg.t").fetchall() == [(42,)]


def test_postgres_programs_run_from_a_copy(tmp_path: Path) -> None:
    copy = copied(programs(), tmp_path / "copy")
    said = subprocess.run(
        [copy / "postgres", "--version"], capture_output=True, text=True, check=True
    )
    assert "PostgreSQL" in said.stdout


def test_minio_of_ones_own(own_server_directory: Path) -> None:
    with local_minio(own_server_directory) as server, s3.connected(server.endpoint) as client:
        client.make_bucket("kept")

        server.process.kill()
        assert not s3.answers(server.endpoint)

        server.start()
        assert client.bucket_exists("kept")


def test_a_paused_server_hangs_and_goes_on(own_server_directory: Path) -> None:
    with local_minio(own_server_directory) as server:
        server.process.pause()
        with s3.connected(server.endpoint, timeout=0.2) as client, pytest.raises(Timeout):
            client.list_buckets()
        server.process.resume()
        assert s3.answers(server.endpoint)


def test_seaweedfs_of_ones_own(own_server_directory: Path) -> None:
    with local_seaweedfs(own_server_directory) as server:
        assert s3.answers(server.endpoint)
        server.process.stop()
        assert not s3.answers(server.endpoint)


def test_a_named_endpoint_is_taken(
    minio_server: S3Endpoint, monkeypatch: pytest.MonkeyPatch, own_server_directory: Path
) -> None:
    monkeypatch.setenv("DUCKLAKE_TEST_MINIO_ENDPOINT", minio_server.url)
    monkeypatch.setenv("DUCKLAKE_TEST_MINIO_ACCESS_KEY", minio_server.access_key)
    monkeypatch.setenv("DUCKLAKE_TEST_MINIO_SECRET_KEY", minio_server.secret_key)
    with any_minio(own_server_directory) as named:
        assert named == minio_server
    assert not list(own_server_directory.iterdir())


def test_a_named_database_server_is_taken(
    postgres_server: PostgresEndpoint,
    monkeypatch: pytest.MonkeyPatch,
    own_server_directory: Path,
) -> None:
    monkeypatch.setenv("DUCKLAKE_TEST_POSTGRES_URL", postgres_server.url)
    with any_postgres(own_server_directory) as named:
        assert named.url == postgres_server.url
    assert not list(own_server_directory.iterdir())
