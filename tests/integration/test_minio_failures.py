"""The MinIO adapter on a store that is ill: an error in time, nothing left, and well at once."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from itertools import repeat

import pytest

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
    BadUpstreamError,
    BucketNotFoundError,
    LakehouseError,
    UnavailableError,
    UpstreamTimeoutError,
)
from domain.presigned import PresignedMethod, PresignRequest
from tests.eventually import eventually
from tests.servers import s3
from tests.servers.endpoints import S3Endpoint
from tests.toxics import Answer, Down, LimitData, Reset, TcpProxy, Timeout, Towards

pytestmark = pytest.mark.servers

MIB = 1024 * 1024
TIMEOUT_S = 1.0
SLACK_S = 4.0
"""For a machine that is busy with other tests."""
LIMITS = MinioLimits(
    connect_timeout_s=TIMEOUT_S,
    read_timeout_s=TIMEOUT_S,
    check_timeout_s=TIMEOUT_S,
    part_size=MIN_PART_SIZE,
)


def endpoint(server: S3Endpoint) -> MinioEndpoint:
    return MinioEndpoint(
        server.address, server.access_key, server.secret_key, server.secure, server.region
    )


@pytest.fixture
def proxy(minio_server: S3Endpoint, minio_bucket: str) -> Iterator[TcpProxy]:
    # It ends before the bucket is emptied: MinIO deletes no object while it is sending it.
    with TcpProxy(minio_server.host, minio_server.port) as running:
        yield running


@pytest.fixture
def datasets(minio_server: S3Endpoint, proxy: TcpProxy) -> Iterator[MinioDatasets]:
    behind = endpoint(minio_server.through(proxy.host, proxy.port))
    with closing(MinioDatasets(behind, limits=LIMITS)) as opened:
        yield opened


@pytest.fixture
def direct(minio_server: S3Endpoint) -> Iterator[MinioDatasets]:
    with closing(MinioDatasets(endpoint(minio_server), limits=LIMITS)) as opened:
        yield opened


@pytest.fixture
def ref(minio_bucket: str) -> ObjectRef:
    return ObjectRef(BucketName(minio_bucket), ObjectName("a"))


def put(
    datasets: MinioDatasets, ref: ObjectRef, content: Iterator[bytes], size: int | None = None
) -> PutOutcome:
    return datasets.put_object(
        ref,
        content,
        size=size,
        media_type=MediaType(),
        metadata=ObjectMetadata(),
        condition=WriteCondition(),
    )


def read(datasets: MinioDatasets, ref: ObjectRef) -> bytes:
    with closing(datasets.open_object(ref)) as opened:
        return b"".join(opened.read())


def number_of_uploads(server: S3Endpoint, bucket: str) -> int:
    with s3.connected(server) as client:
        # The client has no public call for it
        return len(client._list_multipart_uploads(bucket).uploads)


CALLS: dict[str, Callable[[MinioDatasets, ObjectRef], object]] = {
    "create_bucket": lambda datasets, ref: datasets.create_bucket(BucketName("never-made")),
    "list_buckets": lambda datasets, ref: datasets.list_buckets(),
    "delete_bucket": lambda datasets, ref: datasets.delete_bucket(ref.bucket),
    "put": lambda datasets, ref: put(datasets, ref, iter([b"x"]), 1),
    "put in parts": lambda datasets, ref: put(datasets, ref, repeat(b"x" * MIB, 12)),
    "stat": lambda datasets, ref: datasets.stat_object(ref),
    "open": lambda datasets, ref: datasets.open_object(ref),
    "delete": lambda datasets, ref: datasets.delete_object(ref),
    "list": lambda datasets, ref: datasets.list_objects(ref.bucket, ListRequest()),
    "presign": lambda datasets, ref: datasets.presign(PresignRequest(ref, PresignedMethod.GET, 60)),
}
every_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
Call = Callable[[MinioDatasets, ObjectRef], object]


def fails_in_time(
    call: Callable[[], object], expected: type[LakehouseError], seconds: float = TIMEOUT_S
) -> None:
    started = time.monotonic()
    with pytest.raises(expected):
        call()
    assert time.monotonic() - started < seconds + SLACK_S


# -- not there ---------------------------------------------------------------------------


@every_call
def test_nobody_listens(
    minio_server: S3Endpoint, proxy: TcpProxy, datasets: MinioDatasets, ref: ObjectRef, call: Call
) -> None:
    proxy.set(Down())
    fails_in_time(lambda: call(datasets, ref), UnavailableError)
    health = datasets.check()
    assert (health.ok, health.detail) == (False, "The object store cannot be reached; try again.")


@every_call
def test_it_hangs(
    proxy: TcpProxy, datasets: MinioDatasets, direct: MinioDatasets, ref: ObjectRef, call: Call
) -> None:
    # Connections that were kept from before hang like new ones
    assert datasets.check().ok
    proxy.set(Timeout())
    fails_in_time(lambda: call(datasets, ref), UpstreamTimeoutError)
    started = time.monotonic()
    assert not datasets.check().ok
    assert time.monotonic() - started < TIMEOUT_S + SLACK_S
    proxy.clear()
    assert datasets.check().ok
    assert direct.list_objects(ref.bucket, ListRequest()).objects == ()


@every_call
def test_it_comes_back(
    proxy: TcpProxy, datasets: MinioDatasets, ref: ObjectRef, call: Call
) -> None:
    put(datasets, ref, iter([b"x"]))
    proxy.set(Down())
    with pytest.raises(UnavailableError):
        datasets.stat_object(ref)
    proxy.clear()
    assert read(datasets, ref) == b"x"


def test_a_name_that_does_not_resolve(minio_server: S3Endpoint, ref: ObjectRef) -> None:
    nowhere = replace(endpoint(minio_server), address="nowhere.invalid:9000")
    with closing(MinioDatasets(nowhere, limits=LIMITS)) as datasets:
        fails_in_time(lambda: datasets.stat_object(ref), UnavailableError)


def test_a_server_that_does_not_accept(minio_server: S3Endpoint, ref: ObjectRef) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        silent = replace(endpoint(minio_server), address=address)
        with closing(MinioDatasets(silent, limits=LIMITS)) as datasets:
            fails_in_time(lambda: datasets.stat_object(ref), UpstreamTimeoutError)


# -- wrong answers -----------------------------------------------------------------------


@every_call
@pytest.mark.parametrize(
    "answer,expected",
    [
        (Answer.http("500 Internal Server Error"), BadUpstreamError),
        (Answer.http("503 Service Unavailable", b"<html>"), (UnavailableError, BadUpstreamError)),
        (Answer(b"SSH-2.0-OpenSSH_9.9\r\n"), (UnavailableError, BadUpstreamError)),
        (Answer.http("301 Moved\r\nLocation: http://127.0.0.1:1/"), BadUpstreamError),
    ],
    ids=["500", "503", "SSH", "redirect"],
)
def test_it_answers_nonsense(
    proxy: TcpProxy,
    datasets: MinioDatasets,
    ref: ObjectRef,
    call: Call,
    answer: Answer,
    expected: type[LakehouseError] | tuple[type[LakehouseError], ...],
) -> None:
    proxy.set(answer)
    with pytest.raises(expected):
        call(datasets, ref)


@pytest.mark.parametrize("name", ["list_buckets", "delete_bucket", "put", "stat", "open", "list"])
def test_it_says_that_all_is_well_and_talks_of_something_else(
    proxy: TcpProxy, datasets: MinioDatasets, ref: ObjectRef, name: str
) -> None:
    proxy.set(Answer.http("200 OK", b"<html>hello</html>"))
    with pytest.raises(BadUpstreamError):
        CALLS[name](datasets, ref)


@pytest.mark.parametrize("key", ["access_key", "secret_key"])
@every_call
def test_wrong_credentials(minio_server: S3Endpoint, ref: ObjectRef, key: str, call: Call) -> None:
    right, other = endpoint(minio_server), "wrong-and-to-be-kept-secret"
    wrong = (
        replace(right, access_key=other)
        if key == "access_key"
        else replace(right, secret_key=other)
    )
    with closing(MinioDatasets(wrong, limits=LIMITS)) as datasets:
        with pytest.raises(UnavailableError) as caught:
            call(datasets, ref)
        health = datasets.check()
    for detail in (caught.value.detail, health.detail or "", repr(datasets), repr(wrong)):
        assert "kept-secret" not in detail
        assert minio_server.secret_key not in detail
    assert "DUCKLAKE_MINIO_ACCESS_KEY" in caught.value.detail
    assert "DUCKLAKE_MINIO_ACCESS_KEY" in (health.detail or "")


def test_a_bucket_deleted_under_it(
    minio_server: S3Endpoint, datasets: MinioDatasets, ref: ObjectRef
) -> None:
    put(datasets, ref, iter([b"x"]))
    with s3.connected(minio_server) as client:
        client.remove_object(str(ref.bucket), str(ref.name))
        client.remove_bucket(str(ref.bucket))
    with pytest.raises(BucketNotFoundError):
        put(datasets, ref, iter([b"x"]))
    with pytest.raises(BucketNotFoundError):
        datasets.stat_object(ref)


# -- in the middle of a download ---------------------------------------------------------


@pytest.mark.parametrize(
    "toxic,expected",
    [
        (LimitData(3 * MIB, towards=Towards.CLIENT), BadUpstreamError),
        (Reset(after_bytes=3 * MIB, towards=Towards.CLIENT), UnavailableError),
    ],
    ids=["truncated", "reset"],
)
def test_a_download_that_ends_early(
    proxy: TcpProxy,
    datasets: MinioDatasets,
    ref: ObjectRef,
    toxic: LimitData | Reset,
    expected: type[LakehouseError],
) -> None:
    put(datasets, ref, iter([os.urandom(8 * MIB)]))
    with closing(datasets.open_object(ref)) as opened:
        proxy.set(toxic)
        with pytest.raises(expected):
            b"".join(opened.read())
    proxy.clear()
    assert len(read(datasets, ref)) == 8 * MIB


def test_a_download_that_hangs(proxy: TcpProxy, datasets: MinioDatasets, ref: ObjectRef) -> None:
    put(datasets, ref, iter([os.urandom(32 * MIB)]))
    with closing(datasets.open_object(ref)) as opened:
        chunks = iter(opened.read())
        next(chunks)
        proxy.set(Timeout())
        fails_in_time(lambda: b"".join(chunks), UpstreamTimeoutError)
    # MinIO deletes no object while it is sending it
    proxy.clear()


def test_closing_wakes_who_reads(minio_server: S3Endpoint, proxy: TcpProxy, ref: ObjectRef) -> None:
    patient = replace(LIMITS, read_timeout_s=600.0)
    behind = endpoint(minio_server.through(proxy.host, proxy.port))
    failures: list[Exception] = []
    with closing(MinioDatasets(behind, limits=patient)) as datasets:
        put(datasets, ref, iter([os.urandom(32 * MIB)]))
        opened = datasets.open_object(ref)
        chunks = iter(opened.read())
        next(chunks)
        proxy.set(Timeout())

        def read_on() -> None:
            try:
                for _ in chunks:
                    pass
            except LakehouseError as error:
                failures.append(error)

        reader = threading.Thread(target=read_on)
        reader.start()
        # Whether it waits by then or comes to it later, it must end
        opened.close()
        reader.join(timeout=20)
        assert not reader.is_alive()
        # MinIO deletes no object while it is sending it
        proxy.clear()
    assert [type(error) for error in failures] == [UnavailableError]


# -- in the middle of an upload ----------------------------------------------------------


@pytest.mark.parametrize("size", [None, 20 * MIB])
@pytest.mark.parametrize(
    "toxic,expected",
    [
        (Timeout(), UpstreamTimeoutError),
        (Down(), UnavailableError),
        (Reset(), UnavailableError),
    ],
    ids=["hangs", "down", "reset"],
)
def test_an_upload_that_the_store_leaves(  # noqa: PLR0917 - pytest passes them by name
    minio_server: S3Endpoint,
    proxy: TcpProxy,
    datasets: MinioDatasets,
    direct: MinioDatasets,
    ref: ObjectRef,
    size: int | None,
    toxic: Timeout | Down | Reset,
    expected: type[LakehouseError],
) -> None:
    put(datasets, ref, iter([b"old"]))

    def content() -> Iterator[bytes]:
        yield from repeat(b"x" * MIB, 12)
        proxy.set(toxic)
        yield from repeat(b"x" * MIB, 8)

    fails_in_time(lambda: put(datasets, ref, content(), size), expected)
    assert read(direct, ref) == b"old"
    proxy.clear()
    # What could not be aborted then is aborted in the background
    eventually(lambda: number_of_uploads(minio_server, str(ref.bucket)) == 0)
    assert read(direct, ref) == b"old"


def test_an_abort_that_fails_is_made_up_for(
    minio_server: S3Endpoint, proxy: TcpProxy, datasets: MinioDatasets, ref: ObjectRef
) -> None:
    class GoneError(Exception):
        pass

    def content() -> Iterator[bytes]:
        yield from repeat(b"x" * MIB, 12)
        eventually(lambda: number_of_uploads(minio_server, str(ref.bucket)) == 1)
        proxy.set(Down())
        raise GoneError

    with pytest.raises(GoneError):
        put(datasets, ref, content())
    assert number_of_uploads(minio_server, str(ref.bucket)) == 1
    proxy.clear()
    eventually(lambda: number_of_uploads(minio_server, str(ref.bucket)) == 0)


def test_a_missing_bucket_is_told_before_the_body_is_read(
    datasets: MinioDatasets, ref: ObjectRef
) -> None:
    asked_for: list[bytes] = []

    def content() -> Iterator[bytes]:
        asked_for.append(b"x")
        yield b"x"

    nowhere = ObjectRef(BucketName("not-there-at-all"), ref.name)
    with pytest.raises(BucketNotFoundError):
        put(datasets, nowhere, content())
    assert asked_for == []
