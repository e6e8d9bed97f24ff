"""Run MinIO, PostgreSQL and the service on them, on loopback and in the foreground.

`python -m scripts.stack [--directory .stack] [-- ducklake serve --port 9000]`, from the project's
directory. Ctrl-C, SIGTERM or the end of the service stops all of it; the data stays.
"""

# ruff: noqa: INP001, T201 - a script, which says what it does

import argparse
import json
import os
import secrets
import shutil
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

from tests.servers.errors import ServerUnavailable
from tests.servers.minio import LocalMinio
from tests.servers.ports import free_ports
from tests.servers.postgres import LocalPostgres
from tests.servers.postgres_sql import create_database
from tests.servers.processes import guarded, start_on_free_ports

LAKE = "lake"
#: How long the service may take to end what it is at
STOP_SECONDS = 30.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the stack; give the service's exit code, or 0 if it was asked to end."""
    parser = argparse.ArgumentParser(prog="stack", description=__doc__)
    parser.add_argument("--directory", type=Path, default=Path(".stack"), help="where the data is")
    parser.add_argument("command", nargs="*", help="what to run (default: ducklake serve)")
    options = parser.parse_args(arguments)
    try:
        return run(options.directory.resolve(), options.command or default_command())
    except ServerUnavailable as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def default_command() -> list[str]:
    """Serve, with the program beside this Python."""
    return [str(Path(sys.executable).with_name("ducklake")), "serve"]


def run(directory: Path, command: Sequence[str]) -> int:
    """Start the servers, run the command on them, and stop them. Raise ServerUnavailable."""
    if shutil.which(command[0]) is None:
        raise ServerUnavailable(f"There is no {command[0]}: `make setup` installs the service")
    kept = credentials(directory)
    with ExitStack() as stack:
        minio = start_on_free_ports(
            lambda: LocalMinio.on_ports(
                directory / "minio",
                free_ports(2),
                (kept["minio_access_key"], kept["minio_secret_key"]),
            )
        )
        stack.callback(minio.process.stop)
        print(f"MinIO       {minio.endpoint.url}, its console {minio.console_url}", flush=True)
        postgres = start_on_free_ports(
            lambda: LocalPostgres.on_port(
                directory / "postgres", free_ports(1)[0], kept["postgres_password"], durable=True
            )
        )
        stack.callback(postgres.process.stop)
        create_database(postgres.endpoint, LAKE)
        where = f"{postgres.endpoint.host}:{postgres.endpoint.port}"
        print(f"PostgreSQL  {where}, database {LAKE}", flush=True)
        print(f"Credentials {directory / 'credentials.json'}", flush=True)
        return serve(command, {**os.environ, **settings(minio, postgres)})


def credentials(directory: Path) -> Mapping[str, str]:
    """Read the credentials of this directory's servers, made with the directory."""
    directory.mkdir(parents=True, exist_ok=True)
    # Data and credentials are nobody's commit
    (directory / ".gitignore").write_text("*\n")
    path = directory / "credentials.json"
    if not path.exists():
        made = {
            name: secrets.token_hex(16)
            for name in ("minio_access_key", "minio_secret_key", "postgres_password")
        }
        path.touch(mode=0o600)
        path.write_text(json.dumps(made, indent=2) + "\n")
    read: dict[str, str] = json.loads(path.read_text())
    return read


def settings(minio: LocalMinio, postgres: LocalPostgres) -> Mapping[str, str]:
    """Give the service's settings for these servers."""
    return {
        "DUCKLAKE_STORAGE": "minio",
        "DUCKLAKE_MINIO_ENDPOINT": minio.endpoint.address,
        "DUCKLAKE_MINIO_ACCESS_KEY": minio.endpoint.access_key,
        "DUCKLAKE_MINIO_SECRET_KEY": minio.endpoint.secret_key,
        "DUCKLAKE_MINIO_SECURE": "false",
        "DUCKLAKE_MINIO_REGION": minio.endpoint.region,
        "DUCKLAKE_MINIO_LAKE_BUCKET": LAKE,
        "DUCKLAKE_CATALOG": postgres.endpoint.with_database(LAKE).url,
    }


def serve(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run the command until it ends, or until a signal asks for the end of all."""
    asked: list[int] = []
    with guarded(command, environment, stop_seconds=STOP_SECONDS) as service:

        def end(number: int, _frame: FrameType | None) -> None:
            asked.append(number)
            if service.stdin is not None:
                service.stdin.close()

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, end)
        code = service.wait()
    return 0 if asked else code


if __name__ == "__main__":
    sys.exit(main())
