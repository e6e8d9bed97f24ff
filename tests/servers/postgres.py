"""PostgreSQL: from the environment, in a container, or started here."""

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.containers import docker_answers, postgres_container
from tests.servers.endpoints import PostgresEndpoint
from tests.servers.errors import ServerUnavailable
from tests.servers.ports import LOOPBACK, free_ports
from tests.servers.postgres_programs import ENVIRONMENT, can_reach, copied, programs, server_user
from tests.servers.postgres_sql import answers, execute
from tests.servers.processes import LocalServer, start_on_free_ports

USER = "postgres"
#: A unix socket's path has 104 bytes on some systems, 108 on others, with a zero at the end
SOCKET_PATH_BYTES = 103


@dataclass
class LocalPostgres:
    """A PostgreSQL of one's own, to be stopped, killed, paused and started again by a test."""

    endpoint: PostgresEndpoint
    process: LocalServer

    @classmethod
    def on_port(
        cls, directory: Path, port: int, password: str, *, durable: bool = False
    ) -> "LocalPostgres":
        """Prepare one whose data is in the directory, made if it is not there; it is not started.

        `durable` keeps what is committed over a loss of power too. Raise ServerUnavailable if
        there are no programs, or their user cannot get at the directory.
        """
        directory = directory.resolve()
        directory.mkdir(parents=True, exist_ok=True)
        user = server_user()
        folder = _programs_for(user, directory)
        data, sockets = directory / "data", directory / "sockets"
        for path in (data, sockets):
            path.mkdir(mode=0o700, exist_ok=True)
            if user is not None:
                shutil.chown(path, user)
        if not (data / "PG_VERSION").exists():
            _initialize(folder, directory, user, password)
        sockets_fit = len(os.fsencode(sockets / f".s.PGSQL.{port}")) <= SOCKET_PATH_BYTES
        settings = {
            "listen_addresses": LOOPBACK,
            "port": port,
            "unix_socket_directories": sockets if sockets_fit else "",
            "max_connections": 200,
            "shared_buffers": "32MB",
            "fsync": "on" if durable else "off",
        }
        process = LocalServer(
            name="PostgreSQL",
            command=[
                *(str(folder / "postgres"), "-D", str(data)),
                *(part for name, value in settings.items() for part in ("-c", f"{name}={value}")),
            ],
            ready=lambda pid: _says_ready(data, pid),
            log=directory / "postgres.log",
            environment=_environment(),
            user=user,
            # Fast and immediate shutdown: the usual ones wait for clients, or leave shared memory
            stop_signal=signal.SIGINT,
            kill_signal=signal.SIGQUIT,
        )
        socket_directory = str(sockets) if sockets_fit else None
        endpoint = PostgresEndpoint(
            LOOPBACK, port, USER, password, socket_directory=socket_directory
        )
        return cls(endpoint, process)

    def start(self) -> None:
        """Start it and wait until it takes connections. Raise ServerFailed if it does not."""
        self.process.start()


def _environment() -> dict[str, str]:
    """Give this environment without what would change the server's or its clients' ways."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_"))}
    return {**kept, "LC_ALL": "C"}


def _programs_for(user: str | None, directory: Path) -> Path:
    folder = programs()
    if user is None:
        return folder
    above = directory.resolve()
    if not can_reach(user, above):
        raise ServerUnavailable(
            f"PostgreSQL refuses to run as root, and the user {user} cannot reach {above}: name"
            " a directory that others may pass through, or run this as another user than root"
        )
    if can_reach(user, folder) and can_reach(user, folder / "postgres"):
        return folder
    return copied(folder, directory / "programs")


def _initialize(folder: Path, directory: Path, user: str | None, password: str) -> None:
    """Make the database cluster. Raise ServerUnavailable if that fails."""
    with tempfile.NamedTemporaryFile("w", dir=directory) as secret:
        # In a file, since arguments are seen by everybody
        secret.write(f"{password}\n")
        secret.flush()
        if user is not None:
            shutil.chown(secret.name, user)
        done = subprocess.run(
            [
                *(str(folder / "initdb"), "-D", str(directory / "data"), "--username", USER),
                *("--encoding=UTF8", "--no-locale", "--auth=scram-sha-256", "--no-sync"),
                f"--pwfile={secret.name}",
            ],
            capture_output=True,
            text=True,
            check=False,
            cwd=directory,
            env=_environment(),
            user=user,
            extra_groups=None if user is None else [],
        )
    if done.returncode != 0:
        raise ServerUnavailable(
            "PostgreSQL's initdb failed: mend what it says, or name a running server with"
            f" {ENVIRONMENT}.\n{done.stderr}"
        )


def _says_ready(data: Path, pid: int) -> bool:
    """Read the file in which the server says that it takes connections; an old one may be there."""
    try:
        lines = (data / "postmaster.pid").read_text().split()
    except FileNotFoundError:
        return False
    return bool(lines) and lines[0] == str(pid) and lines[-1] == "ready"


@contextmanager
def local_postgres(directory: Path) -> Iterator[LocalPostgres]:
    """Run a PostgreSQL of one's own on a free port, with its data in the directory.

    As root, the directory must be one that others may pass through; a short path has a unix
    socket too. Raise ServerUnavailable if that cannot be done.
    """
    password = secrets.token_hex(16)
    server = start_on_free_ports(
        lambda: LocalPostgres.on_port(directory, free_ports(1)[0], password)
    )
    try:
        yield server
    finally:
        server.process.stop()


@contextmanager
def any_postgres(directory: Path) -> Iterator[PostgresEndpoint]:
    """Give the PostgreSQL of the environment, else one in a container, else a local one.

    Raise ServerUnavailable, which names the remedy, if none can be had.
    """
    if url := os.environ.get(ENVIRONMENT):
        yield _named(url)
    elif docker_answers():
        with postgres_container(USER, secrets.token_hex(16)) as endpoint:
            yield endpoint
    else:
        with local_postgres(directory) as server:
            yield server.endpoint


def _named(url: str) -> PostgresEndpoint:
    try:
        endpoint = PostgresEndpoint.parse(url)
    except ValueError as error:
        raise ServerUnavailable(f"{ENVIRONMENT}: {error}") from error
    if not answers(endpoint):
        raise ServerUnavailable(
            f"No PostgreSQL answers at {endpoint.host}:{endpoint.port} to the user and password in"
            f" {ENVIRONMENT}: start it, correct the URL, or unset it for a server started here"
        )
    return endpoint


@contextmanager
def new_database(server: PostgresEndpoint) -> Iterator[PostgresEndpoint]:
    """Create an empty database, and drop it afterwards, whoever is still connected to it."""
    name = f"test_{secrets.token_hex(8)}"
    execute(server, f'CREATE DATABASE "{name}"')
    try:
        yield server.with_database(name)
    finally:
        execute(server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
