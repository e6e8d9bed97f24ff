"""Prepare the servers that the tests start: `python -m tests.servers`."""

import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.servers import minio, postgres_programs, seaweedfs
from tests.servers.containers import docker_answers
from tests.servers.errors import ServerUnavailable


def main() -> int:
    """Build what takes long, find the rest, and say where each is; 1 if one cannot be had."""
    # At once, also into a pipe: the build is long
    say = partial(print, flush=True)
    servers: list[tuple[str, str, bool, Callable[[], Path]]] = [
        ("MinIO", f"{minio.ENVIRONMENT}_ENDPOINT", True, lambda: minio.built_minio(say)),
        ("SeaweedFS", f"{seaweedfs.ENVIRONMENT}_ENDPOINT", False, seaweedfs.program),
        ("PostgreSQL", postgres_programs.ENVIRONMENT, True, postgres_programs.postgres),
    ]
    try:
        for name, variable, has_container, prepare in servers:
            if os.environ.get(variable):
                where = f"named by {variable}"
            elif has_container and docker_answers():
                where = "in a Docker container"
            else:
                where = str(prepare())
            say(f"{name:<11} {where}")
    except ServerUnavailable as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
