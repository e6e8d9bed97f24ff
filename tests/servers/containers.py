"""Servers in containers, where a Docker engine answers."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from tests.servers.endpoints import PostgresEndpoint, S3Endpoint
from tests.servers.errors import ServerUnavailable

#: `0` starts local servers although a Docker engine answers
SWITCH = "DUCKLAKE_TEST_DOCKER"
SOCKET = Path("/var/run/docker.sock")
ANSWER_SECONDS = 2
POSTGRES_IMAGE = "postgres:18-alpine"


@cache
def docker_answers() -> bool:
    """Whether a Docker engine is there: one look at its socket, and one request if there is one."""
    if os.environ.get(SWITCH) == "0":
        return False
    if "DOCKER_HOST" not in os.environ and not _is_socket(SOCKET):
        return False
    from docker import DockerClient  # noqa: PLC0415 - slow to import, and rarely needed
    from docker.errors import DockerException  # noqa: PLC0415

    try:
        client = DockerClient.from_env(version="auto", timeout=ANSWER_SECONDS)
    except DockerException:
        return False
    client.close()
    return True


def _is_socket(path: Path) -> bool:
    try:
        return stat.S_ISSOCK(path.stat().st_mode)
    except OSError:
        return False


@contextmanager
def minio_container(release: str, access_key: str, secret_key: str) -> Iterator[S3Endpoint]:
    """Run MinIO's published image of that release.

    Raise ServerUnavailable if the container does not start.
    """
    from testcontainers.community.minio import MinioContainer  # noqa: PLC0415 - see above

    container = MinioContainer(
        f"minio/minio:{release}", access_key=access_key, secret_key=secret_key
    )
    # The class sets the names of old releases only
    container.with_env("MINIO_ROOT_USER", access_key).with_env("MINIO_ROOT_PASSWORD", secret_key)
    try:
        container.start()
    except Exception as error:  # whatever the engine or its registry has to say
        raise _failed("MinIO", error) from error
    try:
        host, port = container.get_container_host_ip(), container.get_exposed_port(container.port)
        yield S3Endpoint(host, int(port), access_key, secret_key)
    finally:
        container.stop()


@contextmanager
def postgres_container(user: str, password: str) -> Iterator[PostgresEndpoint]:
    """Run PostgreSQL's published image.

    Raise ServerUnavailable if the container does not start.
    """
    from testcontainers.community.postgres import PostgresContainer  # noqa: PLC0415 - see above

    container = PostgresContainer(
        POSTGRES_IMAGE, username=user, password=password, dbname="postgres", driver=None
    )
    try:
        container.start()
    except Exception as error:  # whatever the engine or its registry has to say
        raise _failed("PostgreSQL", error) from error
    try:
        host, port = container.get_container_host_ip(), container.get_exposed_port(container.port)
        yield PostgresEndpoint(host, int(port), user, password)
    finally:
        container.stop()


def _failed(name: str, error: Exception) -> ServerUnavailable:
    return ServerUnavailable(
        f"A Docker engine answers, but {name} could not be started in it ({error});"
        f" {SWITCH}=0 starts a local server instead"
    )
