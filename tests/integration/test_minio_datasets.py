"""The MinIO adapter on real MinIO: what other S3 clients see of it, and uploads in parts."""

from __future__ import annotations

import gzip
import io
import os
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
import urllib3

from adapters.minio.config import MIN_PART_SIZE, MinioEndpoint, MinioLimits
from adapters.minio.datasets import MinioDatasets
from domain.datasets import (
    BucketName,
    ListRequest,
    MediaType,
    ObjectMetadata,
    ObjectName,
    ObjectRef,
    PutOutcome,
    WriteCondition,
)
from domain.errors import (
    BucketNotFoundError,
    IncompleteBodyError,
    InvalidExpiryError,
    InvalidObjectNameError,
    PreconditionFailedError,
)
from domain.presigned import PresignedMethod, PresignRequest
from tests.servers import s3
from tests.servers.endpoints import S3Endpoint

pytestmark = pytest.mark.servers

MIB = 1024 * 1024
SMALL_PARTS = MinioLimits(part_size=MIN_PART_SIZE, max_single_put=MIN_PART_SIZE)


def endpoint(server: S3Endpoint) -> MinioEndpoint:
    return MinioEndpoint(
        server.address, server.access_key, server.secret_key, server.secure, server.region
    )


@pytest.fixture
def datasets(minio_server: S3Endpoint) -> Iterator[MinioDatasets]:
    with closing(MinioDatasets(endpoint(minio_server), limits=SMALL_PARTS)) as opened:
        yield opened


@pytest.fixture
def boto(minio_server: S3Endpoint) -> Iterator[Any]:
    client = boto3.client(
        "s3",
        endpoint_url=minio_server.url,
        aws_access_key_id=minio_server.access_key,
        aws_secret_access_key=minio_server.secret_key,
        region_name=minio_server.region,
    )
    yield client
    client.close()


def at(bucket: str, name: str = "a") -> ObjectRef:
    return ObjectRef(BucketName(bucket), ObjectName(name))


def put(
    datasets: MinioDatasets,
    ref: ObjectRef,
    content: Iterator[bytes],
    size: int | None = None,
    condition: WriteCondition | None = None,
) -> PutOutcome:
    return datasets.put_object(
        ref,
        content,
        size=size,
        media_type=MediaType("text/csv; charset=utf-8"),
        metadata=ObjectMetadata({"Owner": "a  b", "sign": "=+/?&"}),
        condition=condition or WriteCondition(),
    )


def read(datasets: MinioDatasets, ref: ObjectRef) -> bytes:
    with closing(datasets.open_object(ref)) as opened:
        return b"".join(opened.read())


def chunks(content: bytes, size: int = 700_001) -> Iterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


def uploads(boto: Any, bucket: str) -> list[str]:
    return [each["Key"] for each in boto.list_multipart_uploads(Bucket=bucket).get("Uploads", [])]


# -- other clients -----------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 5, 5 * MIB, 5 * MIB + 1, 12 * MIB])
@pytest.mark.parametrize("known", [True, False])
def test_another_client_sees_the_same(
    datasets: MinioDatasets, boto: Any, minio_bucket: str, size: int, known: bool
) -> None:
    content = os.urandom(size)
    ref = at(minio_bucket, "d/ä b.csv")
    info = put(datasets, ref, chunks(content), size if known else None).info
    found = boto.get_object(Bucket=minio_bucket, Key="d/ä b.csv")
    assert found["Body"].read() == content
    assert found["ContentType"] == "text/csv; charset=utf-8"
    assert found["Metadata"] == {"owner": "a  b", "sign": "=+/?&"}
    assert found["ETag"] == f'"{info.etag}"'
    assert info == datasets.stat_object(ref)
    # A part is 5 MiB here, so the tag tells how many there were
    parts = -(-size // (5 * MIB))
    assert info.etag.endswith(f"-{parts}") == (parts > 1)
    assert uploads(boto, minio_bucket) == []


def test_one_huge_chunk(datasets: MinioDatasets, minio_bucket: str) -> None:
    content = os.urandom(17 * MIB)
    put(datasets, at(minio_bucket), iter([b"", content]))
    assert read(datasets, at(minio_bucket)) == content


def test_what_others_compressed_is_given_as_it_is(
    datasets: MinioDatasets, boto: Any, minio_bucket: str
) -> None:
    packed = gzip.compress(b"text" * 1000)
    boto.put_object(Bucket=minio_bucket, Key="a", Body=packed, ContentEncoding="gzip")
    assert datasets.stat_object(at(minio_bucket)).size == len(packed)
    assert read(datasets, at(minio_bucket)) == packed


def test_names_that_xml_cannot_hold(
    datasets: MinioDatasets, minio_server: S3Endpoint, minio_bucket: str
) -> None:
    names = ["\x01", "a\rb", "a+b c%20", "\uffff"]
    with s3.connected(minio_server) as client:
        for name in names:
            client.put_object(minio_bucket, name, io.BytesIO(b"x"), 1)
    page = datasets.list_objects(BucketName(minio_bucket), ListRequest())
    assert [each.name for each in page.objects] == sorted(names, key=str.encode)


# -- uploads that end early --------------------------------------------------------------


class GoneError(Exception):
    """What a body raises whose sender has gone."""


def cut_short(length: int) -> Iterator[bytes]:
    yield from chunks(b"x" * length)
    raise GoneError


@pytest.mark.parametrize("length", [0, 100, 6 * MIB, 13 * MIB])
@pytest.mark.parametrize("size", [None, 20 * MIB])
def test_cut_short(
    datasets: MinioDatasets, boto: Any, minio_bucket: str, length: int, size: int | None
) -> None:
    put(datasets, at(minio_bucket), iter([b"old"]))
    with pytest.raises(GoneError):
        put(datasets, at(minio_bucket), cut_short(length), size)
    assert read(datasets, at(minio_bucket)) == b"old"
    assert uploads(boto, minio_bucket) == []


@pytest.mark.parametrize("length", [12 * MIB - 1, 12 * MIB + 1])
def test_another_size_in_parts(
    datasets: MinioDatasets, boto: Any, minio_bucket: str, length: int
) -> None:
    with pytest.raises(IncompleteBodyError):
        put(datasets, at(minio_bucket), chunks(b"x" * length), 12 * MIB)
    assert datasets.list_objects(BucketName(minio_bucket), ListRequest()).objects == ()
    assert uploads(boto, minio_bucket) == []


@pytest.mark.parametrize("size", [None, 12 * MIB])
@pytest.mark.parametrize("there", [True, False])
def test_conditions_are_judged_by_the_store_too(
    datasets: MinioDatasets, boto: Any, minio_bucket: str, size: int | None, there: bool
) -> None:
    ref = at(minio_bucket)
    condition = WriteCondition(if_none_match=True)
    if there:
        etag = put(datasets, ref, iter([b"old"])).info.etag
        condition = WriteCondition(if_match=("other", etag))

    def overtaken() -> Iterator[bytes]:
        yield from chunks(b"x" * (6 * MIB))
        put(datasets, ref, iter([b"new"]))
        yield from chunks(b"x" * (6 * MIB))

    with pytest.raises(PreconditionFailedError):
        put(datasets, ref, overtaken(), size, condition)
    assert read(datasets, ref) == b"new"
    assert uploads(boto, minio_bucket) == []


# -- presigned URLs ----------------------------------------------------------------------


def test_presigned_urls(datasets: MinioDatasets, minio_bucket: str) -> None:
    ref = at(minio_bucket, "d/ä+b c.bin")
    upload = datasets.presign(PresignRequest(ref, PresignedMethod.PUT, 60))
    download = datasets.presign(PresignRequest(ref, PresignedMethod.GET, 60))
    left = upload.expires_at - datetime.now(UTC)
    assert timedelta(seconds=50) < left <= timedelta(seconds=60)
    with urllib3.PoolManager(retries=False) as pool:
        headers = {"Content-Type": "text/x-odd"}
        assert pool.request("PUT", upload.url, body=b"content", headers=headers).status == 200
        assert pool.request("GET", download.url).data == b"content"
        assert pool.request("DELETE", download.url).status == 403
    assert datasets.stat_object(ref).media_type == "text/x-odd"


def test_a_presigned_url_expires(datasets: MinioDatasets, minio_bucket: str) -> None:
    put(datasets, at(minio_bucket), iter([b"x"]))
    signed = datasets.presign(PresignRequest(at(minio_bucket), PresignedMethod.GET, 1))
    with urllib3.PoolManager(retries=False) as pool:
        deadline = datetime.now(UTC) + timedelta(seconds=30)
        while pool.request("GET", signed.url).status == 200:
            assert datetime.now(UTC) < deadline
    assert datetime.now(UTC) >= signed.expires_at


def test_presigning_what_cannot_be(datasets: MinioDatasets, minio_bucket: str) -> None:
    with pytest.raises(BucketNotFoundError):
        datasets.presign(PresignRequest(at("not-there-at-all"), PresignedMethod.GET, 60))
    asks: list[tuple[Callable[[], object], type[Exception]]] = [
        (lambda: PresignRequest(at(minio_bucket), PresignedMethod.GET, 0), InvalidExpiryError),
        (
            lambda: PresignRequest(at(minio_bucket), PresignedMethod.PUT, 604_801),
            InvalidExpiryError,
        ),
        (
            lambda: PresignRequest(at(minio_bucket, "a/"), PresignedMethod.PUT, 60),
            InvalidObjectNameError,
        ),
    ]
    for ask, error in asks:
        with pytest.raises(error):
            ask()
