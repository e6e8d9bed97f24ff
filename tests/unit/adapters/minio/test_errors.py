"""What stores answer, as the domain's errors."""

from __future__ import annotations

import pytest
from minio.error import InvalidResponseError, S3Error, ServerError
from urllib3 import HTTPConnectionPool, HTTPResponse
from urllib3.exceptions import ProtocolError, ReadTimeoutError, SSLError

from adapters.minio.client import failure
from adapters.minio.config import MinioEndpoint, MinioLimits
from adapters.minio.datasets import MinioDatasets
from adapters.minio.errors import domain_errors
from domain.datasets import BucketName, ObjectName, ObjectRef
from domain.errors import (
    BadUpstreamError,
    BucketNotFoundError,
    BucketReservedError,
    ConfigurationError,
    LakehouseError,
    ObjectNameConflictError,
    ObjectNotFoundError,
    PreconditionFailedError,
    StorageFullError,
    TooLargeError,
    UnavailableError,
    UnsupportedOperationError,
    UpstreamTimeoutError,
)

REF = ObjectRef(BucketName("the-bucket"), ObjectName("the/name"))


def answer(status: int, code: str | None = None, body: bytes | None = None) -> HTTPResponse:
    if code is not None:
        body = f"<Error><Code>{code}</Code><Message>secret</Message></Error>".encode()
    return HTTPResponse(body or b"", status=status, headers={"content-type": "application/xml"})


def translated(error: Exception) -> LakehouseError:
    with pytest.raises(LakehouseError) as caught, domain_errors(ref=REF):
        raise error
    assert caught.value.__cause__ is error
    return caught.value


@pytest.mark.parametrize(
    "status,code,expected",
    [
        (404, "NoSuchBucket", BucketNotFoundError),
        (404, "NoSuchKey", ObjectNotFoundError),
        (409, "BucketAlreadyExists", BucketReservedError),
        (412, "PreconditionFailed", PreconditionFailedError),
        (409, "ConditionalRequestConflict", UnavailableError),
        (403, "AccessDenied", UnavailableError),
        (403, "InvalidAccessKeyId", UnavailableError),
        (403, "SignatureDoesNotMatch", UnavailableError),
        (400, "AuthorizationHeaderMalformed", UnavailableError),
        (503, "SlowDown", UnavailableError),
        (503, "XMinioServerNotInitialized", UnavailableError),
        (507, "XMinioStorageFull", StorageFullError),
        (400, "EntityTooLarge", TooLargeError),
        (501, "NotImplemented", UnsupportedOperationError),
        (400, "XMinioObjectExistsAsDirectory", ObjectNameConflictError),
        (400, "RequestTimeout", UpstreamTimeoutError),
        (500, "InternalError", BadUpstreamError),
        (418, "SomethingNew", BadUpstreamError),
    ],
)
def test_codes(status: int, code: str, expected: type[LakehouseError]) -> None:
    error = translated(S3Error.fromxml(answer(status, code)))
    assert type(error) is expected
    assert "secret" not in error.detail
    assert "None" not in error.detail


@pytest.mark.parametrize(
    "status,expected",
    [
        (403, UnavailableError),
        (412, PreconditionFailedError),
        (413, TooLargeError),
        (500, BadUpstreamError),
        (502, UnavailableError),
        (503, UnavailableError),
        (504, UpstreamTimeoutError),
        (507, StorageFullError),
        (301, BadUpstreamError),
    ],
)
@pytest.mark.parametrize("body", [b"", b"<html>", b"<html></html>", b"\xff"])
def test_answers_of_a_gateway(status: int, expected: type[LakehouseError], body: bytes) -> None:
    assert type(translated(failure(answer(status, body=body)))) is expected


@pytest.mark.parametrize(
    "error,expected",
    [
        (ServerError("", 500), BadUpstreamError),
        (InvalidResponseError(200, "text/html", "<html>"), BadUpstreamError),
        (ValueError("not a date"), BadUpstreamError),
        (ReadTimeoutError(HTTPConnectionPool("h"), "/", ""), UpstreamTimeoutError),
        (ProtocolError("aborted", TimeoutError()), UpstreamTimeoutError),
        (ProtocolError("aborted", ConnectionResetError()), UnavailableError),
        (SSLError(), UnavailableError),
    ],
)
def test_no_answer(error: Exception, expected: type[LakehouseError]) -> None:
    assert type(translated(error)) is expected


def test_a_code_is_shown_only_when_it_is_one() -> None:
    assert "418 Odd" in translated(S3Error.fromxml(answer(418, "Odd"))).detail
    assert "script" not in translated(S3Error.fromxml(answer(418, "a script!"))).detail


@pytest.mark.parametrize(
    "address,region",
    [
        ("", "us-east-1"),
        ("host:1/path", "us-east-1"),
        ("http://host:1", "us-east-1"),
        ("host:port", "us-east-1"),
        ("host:1", "not a region"),
    ],
)
def test_an_endpoint_that_cannot_be(address: str, region: str) -> None:
    with pytest.raises(ConfigurationError):
        MinioDatasets(MinioEndpoint(address, "key", "secret", region=region))


@pytest.mark.parametrize("size", [0, 5 * 1024**2 - 1, 5 * 1024**3 + 1])
def test_parts_that_cannot_be(size: int) -> None:
    with pytest.raises(ConfigurationError):
        MinioLimits(part_size=size)


def test_credentials_are_not_shown() -> None:
    endpoint = MinioEndpoint("host:1", "the-key", "the-secret")
    datasets = MinioDatasets(endpoint)
    for shown in (repr(endpoint), repr(datasets), repr(vars(datasets))):
        assert "the-key" not in shown
        assert "the-secret" not in shown
