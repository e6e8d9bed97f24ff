"""Many threads on one store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from threading import Barrier, Event
from typing import TypeVar

from domain.datasets import BucketName, ListRequest, ObjectMetadata, WriteCondition
from domain.errors import (
    BucketNotEmptyError,
    BucketNotFoundError,
    ObjectNameConflictError,
    ObjectNotFoundError,
    PreconditionFailedError,
)
from domain.ports.datasets import DatasetPort
from tests.contract.dataset_cases import empty, listed, new_bucket_name, put, read, ref

THREADS = 8

T = TypeVar("T")


def together(tasks: Sequence[Callable[[], T]]) -> list[T]:
    """Run tasks at the same time, each in its own thread."""
    barrier = Barrier(len(tasks))

    def run(task: Callable[[], T]) -> T:
        barrier.wait(timeout=60)
        return task()

    with ThreadPoolExecutor(len(tasks)) as pool:
        return list(pool.map(run, tasks))


def test_one_of_many_creates(datasets: DatasetPort, bucket: BucketName) -> None:
    def create(number: int) -> bool:
        try:
            outcome = put(
                datasets,
                bucket,
                "new/a",
                str(number).encode() * 1000,
                metadata=ObjectMetadata({"number": str(number)}),
                condition=WriteCondition(if_none_match=True),
            )
        except PreconditionFailedError:
            return False
        return outcome.created

    won = together([partial(create, number) for number in range(THREADS)])
    assert won.count(True) == 1
    winner = str(won.index(True))
    assert read(datasets, bucket, "new/a") == winner.encode() * 1000
    assert datasets.stat_object(ref(bucket, "new/a")).metadata.entries["number"] == winner


def test_a_counter_loses_no_step(datasets: DatasetPort, bucket: BucketName) -> None:
    put(datasets, bucket, "counter", b"0")
    steps = 5

    def count() -> None:
        done = 0
        while done < steps:
            with closing(datasets.open_object(ref(bucket, "counter"))) as opened:
                etag = opened.info.etag
                try:
                    value = int(b"".join(opened.read()))
                except PreconditionFailedError:
                    continue
            try:
                put(
                    datasets,
                    bucket,
                    "counter",
                    str(value + 1).encode(),
                    condition=WriteCondition(if_match=(etag,)),
                )
            except PreconditionFailedError:
                continue
            done += 1

    together([count] * 4)
    assert read(datasets, bucket, "counter") == str(4 * steps).encode()


def test_a_reader_sees_one_version(datasets: DatasetPort, bucket: BucketName) -> None:
    stop = Event()

    def version(number: int) -> None:
        letter = bytes([97 + number])
        # Two of each size, so that size alone tells nothing
        put(
            datasets,
            bucket,
            "d/a",
            letter * (200_000 + number // 2),
            metadata=ObjectMetadata({"letter": letter.decode()}),
            media_type=f"letter/{letter.decode()}",
        )

    def write() -> None:
        try:
            for number in range(40):
                version(number % 4)
        finally:
            stop.set()

    def look() -> int:
        seen = 0
        while not stop.is_set() or not seen:
            with closing(datasets.open_object(ref(bucket, "d/a"))) as opened:
                info = opened.info
                try:
                    content = b"".join(opened.read())
                except PreconditionFailedError:
                    continue
            letter = info.metadata.entries["letter"]
            assert info.media_type == f"letter/{letter}"
            assert content == letter.encode() * info.size
            info = datasets.stat_object(ref(bucket, "d/a"))
            assert info.size == 200_000 + (ord(info.metadata.entries["letter"]) - 97) // 2
            seen += 1
        return seen

    version(0)
    assert all(together([write, look, look, look])[1:])


def test_what_is_put_is_there_while_its_neighbours_go(
    datasets: DatasetPort, bucket: BucketName
) -> None:
    def come_and_go(number: int) -> None:
        name = f"shared/deep/{number}"
        for turn in range(10):
            content = f"{number} {turn}".encode()
            put(datasets, bucket, name, content)
            assert read(datasets, bucket, name) == content
            datasets.delete_object(ref(bucket, name))

    together([partial(come_and_go, number) for number in range(THREADS)])
    assert listed(datasets, bucket) == []
    datasets.delete_bucket(bucket)


def test_a_name_and_a_prefix_at_once(datasets: DatasetPort, bucket: BucketName) -> None:
    def try_to_put(name: str) -> bool:
        try:
            put(datasets, bucket, name, name.encode())
        except ObjectNameConflictError:
            return False
        return True

    for _ in range(10):
        done = together([partial(try_to_put, name) for name in ("x", "x/y", "x/y/z")])
        if datasets.capabilities.name_beside_prefix:
            assert all(done)
        else:
            assert done.count(True) == 1
        for name, was_put in zip(("x", "x/y", "x/y/z"), done, strict=True):
            if was_put:
                assert read(datasets, bucket, name) == name.encode()
            datasets.delete_object(ref(bucket, name))


def test_a_listing_meets_once_what_stays(datasets: DatasetPort, bucket: BucketName) -> None:
    stay = [f"{kind}/{number}" for kind in "bdf" for number in range(6)]
    for name in stay:
        put(datasets, bucket, name)
    stop = Event()

    def come_and_go(kind: str) -> None:
        turn = 0
        while not stop.is_set():
            name = f"{kind}{turn % 3}/{turn % 2}"
            put(datasets, bucket, name)
            datasets.delete_object(ref(bucket, name))
            turn += 1

    def look() -> None:
        try:
            for page_size in (1, 4, 7, 1000):
                found = listed(datasets, bucket, ListRequest(page_size=page_size))
                assert sorted(name for name in found if name in stay) == stay
                assert len(set(found)) == len(found)
        finally:
            stop.set()

    tasks: list[Callable[[], None]] = [look]
    tasks += [partial(come_and_go, kind) for kind in ("c", "b/n", "g")]
    together(tasks)


def test_a_bucket_is_not_deleted_under_an_object(datasets: DatasetPort) -> None:
    for _ in range(10):
        name = new_bucket_name()
        datasets.create_bucket(name)

        def try_to_put(name: BucketName = name) -> bool:
            try:
                put(datasets, name, "d/a")
            except BucketNotFoundError:
                return False
            return True

        def try_to_delete(name: BucketName = name) -> bool:
            try:
                datasets.delete_bucket(name)
            except BucketNotEmptyError:
                return False
            return True

        was_put, was_deleted = together([try_to_put, try_to_delete])
        assert was_put or was_deleted
        if was_put and was_deleted:
            assert not datasets.capabilities.atomic_bucket_delete
            if name.value in {bucket.name for bucket in datasets.list_buckets()}:
                empty(datasets, name)
                datasets.delete_bucket(name)
            continue
        if was_put:
            assert read(datasets, name, "d/a") == b"content"
            datasets.delete_object(ref(name, "d/a"))
            datasets.delete_bucket(name)


def test_deletes_of_one_object(datasets: DatasetPort, bucket: BucketName) -> None:
    put(datasets, bucket, "a/b")
    together([lambda: datasets.delete_object(ref(bucket, "a/b"))] * THREADS)
    assert listed(datasets, bucket) == []


def test_many_buckets_at_once(datasets: DatasetPort) -> None:
    def come_and_go() -> None:
        for _ in range(3):
            name = new_bucket_name()
            datasets.create_bucket(name)
            put(datasets, name, "a")
            assert listed(datasets, name) == ["a"]
            datasets.delete_object(ref(name, "a"))
            datasets.delete_bucket(name)
            try:
                put(datasets, name, "a")
            except (BucketNotFoundError, ObjectNotFoundError):
                continue
            raise AssertionError

    together([come_and_go] * 4)
