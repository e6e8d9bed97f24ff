"""What MinIO and SeaweedFS have in common: both speak S3."""

import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from minio import Minio
from minio.error import MinioException, S3Error
from urllib3 import PoolManager, Timeout
from urllib3.exceptions import HTTPError

from tests.servers.endpoints import DEFAULT_REGION, S3Endpoint
from tests.servers.errors import ServerUnavailable
from tests.servers.processes import POLL_SECONDS

ANSWER_SECONDS = 10.0


@contextmanager
def connected(endpoint: S3Endpoint, timeout: float = 30.0) -> Iterator[Minio]:
    """Give a client that does not try again, and close its connections."""
    # Its own pool: the client's takes proxies from the environment and tries five times
    pool = PoolManager(retries=False, timeout=Timeout(timeout))
    try:
        yield Minio(
            endpoint.address,
            access_key=endpoint.access_key,
            secret_key=endpoint.secret_key,
            secure=endpoint.secure,
            region=endpoint.region,
            http_client=pool,
        )
    finally:
        pool.clear()


def answers(endpoint: S3Endpoint) -> bool:
    """Whether this server answers to these credentials.

    A signed request, so that another server that took the port since is not mistaken for it.
    """
    with connected(endpoint, timeout=2.0) as client:
        try:
            client.list_buckets()
        except (HTTPError, MinioException, OSError):
            return False
    return True


def endpoint_from_environment(prefix: str) -> S3Endpoint | None:
    """Read PREFIX_ENDPOINT, and with it PREFIX_ACCESS_KEY, PREFIX_SECRET_KEY and PREFIX_REGION.

    Give None without the first. Raise ServerUnavailable if another is missing, or if the server
    does not answer to them.
    """
    if not (address := os.environ.get(f"{prefix}_ENDPOINT")):
        return None
    keys = (f"{prefix}_ACCESS_KEY", f"{prefix}_SECRET_KEY")
    if missing := [name for name in keys if not os.environ.get(name)]:
        raise ServerUnavailable(
            f"{prefix}_ENDPOINT is set, so {' and '.join(missing)} must be set too"
        )
    access_key, secret_key = (os.environ[name] for name in keys)
    region = os.environ.get(f"{prefix}_REGION", DEFAULT_REGION)
    try:
        endpoint = S3Endpoint.parse(address, access_key, secret_key, region)
    except ValueError as error:
        raise ServerUnavailable(f"{prefix}_ENDPOINT: {error}") from error
    deadline = time.monotonic() + ANSWER_SECONDS
    while not answers(endpoint):
        if time.monotonic() > deadline:
            raise ServerUnavailable(
                f"No S3 server answers at {address} to the credentials in {' and '.join(keys)}:"
                f" start it, correct them, or unset {prefix}_ENDPOINT for a server started here"
            )
        time.sleep(POLL_SECONDS)
    return endpoint


def new_credentials() -> tuple[str, str]:
    """Make an access key and a secret key of the usual lengths."""
    return secrets.token_hex(10), secrets.token_hex(20)


def new_bucket_name() -> str:
    """Make a name that no other test has, in this run or another."""
    return f"test-{secrets.token_hex(10)}"


@dataclass
class Buckets:
    """Buckets of one test; what it named here is removed afterwards, with all that is in it."""

    endpoint: S3Endpoint
    _names: list[str] = field(default_factory=list, init=False)

    def name(self) -> str:
        """Give a name of a bucket that is not there yet; the test may create it."""
        self._names.append(new_bucket_name())
        return self._names[-1]

    def create(self) -> str:
        """Create an empty bucket, and give its name."""
        name = self.name()
        with connected(self.endpoint) as client:
            client.make_bucket(name)
        return name

    def remove_all(self) -> None:
        """Remove the buckets that are there."""
        with connected(self.endpoint) as client:
            while self._names:
                remove_bucket(client, self._names.pop())


def remove_bucket(client: Minio, name: str) -> None:
    """Remove a bucket and all objects and versions in it; nothing happens if it is not there."""
    try:
        # One by one: batches need a Content-MD5 that not every server takes from this client
        for found in client.list_objects(name, recursive=True, include_version=True):
            assert found.object_name is not None
            client.remove_object(name, found.object_name, version_id=found.version_id)
        client.remove_bucket(name)
    except S3Error as error:
        if error.code != "NoSuchBucket":
            raise
