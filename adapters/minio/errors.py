"""What the store and the network answer, in the domain's errors. The one place for it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from xml.etree.ElementTree import ParseError

from minio.error import InvalidResponseError, S3Error, ServerError
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    IncompleteRead,
    NewConnectionError,
    ProtocolError,
    ReadTimeoutError,
    SSLError,
)

from domain.datasets import BucketName, ObjectRef
from domain.errors import (
    BadUpstreamError,
    BucketExistsError,
    BucketNotEmptyError,
    BucketNotFoundError,
    BucketReservedError,
    InvalidBucketNameError,
    InvalidMetadataError,
    InvalidObjectNameError,
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

_DENIED = (
    "The object store does not allow this with the configured credentials "
    "(DUCKLAKE_MINIO_ACCESS_KEY, DUCKLAKE_MINIO_SECRET_KEY)."
)
_REFUSED_CREDENTIALS = (
    "The object store does not accept the configured credentials "
    "(DUCKLAKE_MINIO_ACCESS_KEY, DUCKLAKE_MINIO_SECRET_KEY)."
)

_BY_CODE: dict[str, tuple[type[LakehouseError], str]] = {
    # https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
    "NoSuchBucket": (BucketNotFoundError, "There is no bucket {bucket}."),
    "NoSuchKey": (ObjectNotFoundError, "There is no object {place}."),
    "BucketAlreadyOwnedByYou": (BucketExistsError, "There is a bucket {bucket} already."),
    "BucketAlreadyExists": (
        BucketReservedError,
        "The bucket name {bucket} is somebody else's in this store.",
    ),
    "BucketNotEmpty": (BucketNotEmptyError, "The bucket {bucket} still holds objects."),
    "InvalidBucketName": (
        InvalidBucketNameError,
        "The object store does not take the bucket name {bucket}.",
    ),
    "PreconditionFailed": (
        PreconditionFailedError,
        "The object {place} is not what the condition asks for.",
    ),
    "ConditionalRequestConflict": (
        UnavailableError,
        "Another write to the object {place} was under way; try again.",
    ),
    "OperationAborted": (
        UnavailableError,
        "Another operation on {place} was under way; try again.",
    ),
    "EntityTooLarge": (TooLargeError, "The object is larger than the object store takes."),
    "MetadataTooLarge": (
        InvalidMetadataError,
        "The user metadata is larger than the object store takes.",
    ),
    "KeyTooLongError": (InvalidObjectNameError, "The object store does not take such a long name."),
    "NotImplemented": (UnsupportedOperationError, "The object store cannot do this."),
    "MethodNotAllowed": (UnsupportedOperationError, "The object store cannot do this."),
    "AccessDenied": (UnavailableError, _DENIED),
    "InvalidAccessKeyId": (UnavailableError, _REFUSED_CREDENTIALS),
    "SignatureDoesNotMatch": (UnavailableError, _REFUSED_CREDENTIALS),
    "AuthorizationHeaderMalformed": (
        UnavailableError,
        "The object store is of another region than the configured one (DUCKLAKE_MINIO_REGION).",
    ),
    "RequestTimeTooSkewed": (
        UnavailableError,
        "The clocks of the object store and of this service differ too much.",
    ),
    "SlowDown": (UnavailableError, "The object store is overloaded; try again."),
    "RequestTimeout": (
        UpstreamTimeoutError,
        "The object store waited too long for the rest of the request.",
    ),
    # MinIO's and SeaweedFS's own
    "XMinioStorageFull": (StorageFullError, "The object store has no space left."),
    "XMinioAdminBucketQuotaExceeded": (
        StorageFullError,
        "The bucket {bucket} has no space left under its quota.",
    ),
    "XMinioInvalidObjectName": (
        InvalidObjectNameError,
        "The object store does not take this object name.",
    ),
    "XMinioInvalidResourceName": (
        InvalidObjectNameError,
        "The object store does not take this object name.",
    ),
    "XMinioParentIsObject": (
        ObjectNameConflictError,
        "The object store cannot hold {place}: there is an object of a part of this name.",
    ),
    "XMinioObjectExistsAsDirectory": (
        ObjectNameConflictError,
        "The object store cannot hold {place} beside the objects whose names go on after it.",
    ),
    "ExistingObjectIsDirectory": (
        ObjectNameConflictError,
        "The object store cannot hold {place} beside the objects whose names go on after it.",
    ),
}

_BY_STATUS: dict[int, tuple[type[LakehouseError], str]] = {
    # What a gateway in front of the store says, too
    403: _BY_CODE["AccessDenied"],
    412: _BY_CODE["PreconditionFailed"],
    413: _BY_CODE["EntityTooLarge"],
    429: _BY_CODE["SlowDown"],
    502: (UnavailableError, "The object store is not there behind its gateway; try again."),
    503: (UnavailableError, "The object store cannot serve now; try again."),
    504: (UpstreamTimeoutError, "The object store did not answer its gateway in time."),
    507: _BY_CODE["XMinioStorageFull"],
}

_CODE = re.compile(r"[A-Za-z0-9]{1,64}")


@contextmanager
def domain_errors(
    bucket: BucketName | str | None = None, ref: ObjectRef | None = None
) -> Iterator[None]:
    """Raise what the `minio` client and urllib3 raise within as the domain's errors."""
    place = {"bucket": ref.bucket if ref else bucket, "place": ref or bucket}
    try:
        yield
    except S3Error as error:
        raise _answered(error.code, error.response.status, place) from error
    except ServerError as error:
        raise _answered(None, error.status_code, place) from error
    except (InvalidResponseError, ParseError, ValueError) as error:
        raise BadUpstreamError("The object store answered something that is not S3.") from error
    except HTTPError as error:
        raise _not_answered(error) from error


def _answered(code: str | None, status: int, place: Mapping[str, object]) -> LakehouseError:
    kind, sentence = _BY_CODE.get(code or "", _BY_STATUS.get(status, (None, "")))
    if kind is not None:
        return kind(sentence.format_map(place))
    shown = f"{status} {code}" if code and _CODE.fullmatch(code) else str(status)
    return BadUpstreamError(f"The object store failed, or refused what it should take: {shown}.")


def _not_answered(error: HTTPError) -> LakehouseError:
    # urllib3 takes a refused connection for a kind of timeout.
    if isinstance(error, ConnectTimeoutError) and not isinstance(error, NewConnectionError):
        return UpstreamTimeoutError("No connection to the object store came about in time.")
    if isinstance(error, ReadTimeoutError) or _timed_out_sending(error):
        return UpstreamTimeoutError("The object store did not answer in time.")
    if isinstance(error, IncompleteRead) or _cut_short(error):
        return BadUpstreamError("The object store's answer was cut short.")
    if isinstance(error, SSLError):
        return UnavailableError(
            "The object store and this service do not agree on TLS (DUCKLAKE_MINIO_SECURE, "
            "or the store's certificate)."
        )
    return UnavailableError("The object store cannot be reached; try again.")


def _timed_out_sending(error: HTTPError) -> bool:
    return isinstance(error, ProtocolError) and any(
        isinstance(cause, TimeoutError) for cause in error.args
    )


def _cut_short(error: HTTPError) -> bool:
    return isinstance(error, ProtocolError) and any(
        isinstance(cause, IncompleteRead) for cause in error.args
    )
