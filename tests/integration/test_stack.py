"""The stack for a machine without Docker: its servers, their settings, and its end."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.servers import s3
from tests.servers.endpoints import PostgresEndpoint, S3Endpoint
from tests.servers.postgres_sql import answers, connected

pytestmark = pytest.mark.servers

ROOT = Path(__file__).parents[2]
#: In the service's place: shows its settings, and serves until it is asked to end
SERVICE = """
import json, os, signal, sys
from pathlib import Path
stop = {signal.SIGTERM}
signal.pthread_sigmask(signal.SIG_BLOCK, stop)
found = {name: value for name, value in os.environ.items() if name.startswith("DUCKLAKE_")}
target = Path(sys.argv[1])
target.with_suffix(".new").write_text(json.dumps(found))
target.with_suffix(".new").rename(target)
sys.stderr.write("serving\\n")
sys.stderr.flush()
signal.sigwait(stop)
sys.stderr.write("served\\n")
"""


@contextmanager
def stack(directory: Path, *command: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-m", "scripts.stack", "--directory", str(directory), "--", *command],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_until_serving(process: subprocess.Popen[str]) -> None:
    assert process.stderr is not None
    said = process.stderr.readline()
    assert said == "serving\n", said + process.stderr.read()


def endpoints(settings: dict[str, str]) -> tuple[S3Endpoint, PostgresEndpoint]:
    keys = settings["DUCKLAKE_MINIO_ACCESS_KEY"], settings["DUCKLAKE_MINIO_SECRET_KEY"]
    return (
        S3Endpoint.parse(settings["DUCKLAKE_MINIO_ENDPOINT"], *keys),
        PostgresEndpoint.parse(settings["DUCKLAKE_CATALOG"]),
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_stack_serves_keeps_its_data_and_ends(
    own_server_directory: Path, number: signal.Signals
) -> None:
    found = own_server_directory / "settings.json"
    directory = own_server_directory / "stack"
    for run in range(2):
        with stack(directory, sys.executable, "-c", SERVICE, str(found)) as process:
            wait_until_serving(process)
            settings = json.loads(found.read_text())
            assert settings["DUCKLAKE_STORAGE"] == "minio"
            minio, postgres = endpoints(settings)
            with s3.connected(minio) as client, connected(postgres) as connection:
                if run == 0:
                    client.make_bucket(settings["DUCKLAKE_MINIO_LAKE_BUCKET"])
                    connection.execute("CREATE TABLE pg.t AS SELECT 42 AS x")
                assert client.bucket_exists("lake")
                assert connection.execute("SELECT x FROM pg.t").fetchall() == [(42,)]
            process.send_signal(number)
            _, errors = process.communicate(timeout=60)
        assert process.returncode == 0
        assert errors == "served\n"
        assert not s3.answers(minio)
        assert not answers(postgres)


def test_the_stack_ends_with_its_service(own_server_directory: Path) -> None:
    with stack(own_server_directory, sys.executable, "-c", "raise SystemExit(3)") as process:
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 3
    assert "PostgreSQL" in out
    assert (own_server_directory / "credentials.json").stat().st_mode & 0o077 == 0
