"""The connection to the store: the `minio` client, and what that cannot say.

Its public calls send no conditions with a write, take no body as it comes, and list with no
delimiter but `/`. For these, requests are signed here, with the client's own signer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlunsplit
from xml.etree.ElementTree import ParseError

from minio import Minio
from minio.credentials.credentials import Credentials
from minio.error import S3Error, ServerError
from minio.helpers import BaseURL, DictType
from minio.signer import sign_v4_s3
from urllib3 import BaseHTTPResponse, PoolManager, Timeout

from adapters.minio.config import NOT_AN_ENDPOINT, MinioEndpoint, MinioLimits
from adapters.minio.lost_connections import ReadAgain
from domain.errors import ConfigurationError

_UNSIGNED = "UNSIGNED-PAYLOAD"
_FIRST_FAILURE = 300


@dataclass(frozen=True, slots=True)
class S3Request:
    """A request to the store.

    Attributes:
        method: The HTTP method.
        bucket: The bucket; None for the store as a whole.
        name: The object's name; None for the bucket as a whole.
        query: The parameters of the query.
        headers: The headers, but for those of the signature.
    """

    method: str
    bucket: str | None = None
    name: str | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


class S3Client:
    """A connection pool and what is sent over it. Opens no connection by itself.

    Every call ends within the timeouts: only a read whose connection was lost is tried again
    here, since a body cannot be read twice and the caller knows best whether a second try is
    worth it.

    Attributes:
        minio: The `minio` client, on the same pool.
    """

    def __init__(self, endpoint: MinioEndpoint, limits: MinioLimits) -> None:
        self._usual = Timeout(connect=limits.connect_timeout_s, read=limits.read_timeout_s)
        self._pool = PoolManager(
            maxsize=limits.connections,
            timeout=self._usual,
            retries=ReadAgain(1, redirect=False, respect_retry_after_header=False),
        )
        # urllib3 bounds sending by the time that a connection may take, which would be short
        # for a store that syncs its disk; a dead one was found out by the request before.
        self._sending = Timeout(connect=limits.read_timeout_s, read=limits.read_timeout_s)
        self._region = endpoint.region
        self._credentials = Credentials(endpoint.access_key, endpoint.secret_key)
        scheme = "https" if endpoint.secure else "http"
        try:
            self._url = BaseURL(f"{scheme}://{endpoint.address}", endpoint.region)
            self.minio = Minio(
                endpoint.address,
                access_key=endpoint.access_key,
                secret_key=endpoint.secret_key,
                secure=endpoint.secure,
                region=endpoint.region,
                http_client=self._pool,
            )
        except ValueError as error:
            raise ConfigurationError(NOT_AN_ENDPOINT) from error

    def send(
        self,
        request: S3Request,
        body: bytes | Iterable[bytes | memoryview] | None = None,
        timeout: Timeout | None = None,
    ) -> BaseHTTPResponse:
        """Send a request, and give the answer, read to its end.

        Args:
            request: The request; it says its Content-Length when the body is an iterable.
            body: The body, sent as it comes.
            timeout: In place of the usual one.

        Raises:
            S3Error, ServerError, urllib3.exceptions.HTTPError: As the `minio` client does.
        """
        url = self._url.build(
            method=request.method,
            region=self._region,
            bucket_name=request.bucket,
            object_name=request.name,
            query_params=dict(request.query),
        )
        now = datetime.now(UTC)
        headers: DictType = {
            **request.headers,
            "Host": url.netloc,
            "x-amz-content-sha256": _UNSIGNED,
            "x-amz-date": now.strftime("%Y%m%dT%H%M%SZ"),
        }
        signed = sign_v4_s3(
            method=request.method,
            url=url,
            region=self._region,
            headers=headers,
            credentials=self._credentials,
            content_sha256=_UNSIGNED,
            date=now,
        )
        response = self._pool.urlopen(
            request.method,
            urlunsplit(url),
            body=body,
            headers=signed,
            redirect=False,
            timeout=timeout or (self._usual if body is None else self._sending),
        )
        if response.status >= _FIRST_FAILURE:
            raise failure(response)
        return response

    def close(self) -> None:
        """Close the connections that no operation is using."""
        self._pool.clear()


def failure(response: BaseHTTPResponse) -> S3Error | ServerError:
    """Read an answer as the error that it tells of."""
    if response.data:
        with suppress(ParseError, ValueError):
            return S3Error.fromxml(response)
    return ServerError(f"The store answered {response.status}.", response.status)
