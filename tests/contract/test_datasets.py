"""Buckets and objects, one at a time, on every store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.datasets import (
    MAX_METADATA_BYTES,
    BucketName,
    ByteRange,
    ListRequest,
    ObjectMetadata,
    WriteCondition,
)
from domain.errors import (
    BucketExistsError,
    BucketNotEmptyError,
    BucketNotFoundError,
    BucketReservedError,
    IncompleteBodyError,
    InvalidObjectNameError,
    ObjectNameConflictError,
    ObjectNotFoundError,
    PreconditionFailedError,
    UnsupportedOperationError,
)
from domain.ports.datasets import DatasetPort
from domain.presigned import PresignedMethod, PresignRequest
from tests.contract.dataset_cases import (
    BACKSLASH_NAMES,
    LEGAL_NAMES,
    UNWRITABLE_NAMES,
    fresh_bucket,
    legal_names,
    listed,
    new_bucket_name,
    object_names,
    put,
    read,
    ref,
)
from tests.contract.stores import RESERVED, OpenedStore

MIB = 1024 * 1024

few = settings(deadline=None, max_examples=40)


class TestBuckets:
    def test_create_and_list(self, datasets: DatasetPort) -> None:
        before = datetime.now(UTC)
        with fresh_bucket(datasets) as one, fresh_bucket(datasets) as two:
            buckets = {bucket.name: bucket for bucket in datasets.list_buckets()}
            assert {one.value, two.value} <= set(buckets)
            assert list(buckets) == sorted(buckets)
            # A server's clock may have whole seconds
            assert abs(buckets[one.value].created_at - before) < timedelta(seconds=30)

    def test_create_says_what_list_says(self, datasets: DatasetPort) -> None:
        name = new_bucket_name()
        created = datasets.create_bucket(name)
        put(datasets, name, "a")
        datasets.delete_object(ref(name, "a"))
        (found,) = (each for each in datasets.list_buckets() if each.name == name.value)
        datasets.delete_bucket(name)
        assert created.name == name.value
        assert abs(found.created_at - created.created_at) < timedelta(seconds=30)

    def test_when_created_stays(self, datasets: DatasetPort, bucket: BucketName) -> None:
        def created_at() -> datetime:
            (found,) = (each for each in datasets.list_buckets() if each.name == bucket.value)
            return found.created_at

        first = created_at()
        put(datasets, bucket, "a")
        assert created_at() == first

    def test_one_that_is_there(self, datasets: DatasetPort, bucket: BucketName) -> None:
        put(datasets, bucket, "a")
        with pytest.raises(BucketExistsError):
            datasets.create_bucket(bucket)
        assert read(datasets, bucket, "a") == b"content"

    def test_delete(self, datasets: DatasetPort) -> None:
        name = new_bucket_name()
        datasets.create_bucket(name)
        datasets.delete_bucket(name)
        assert name.value not in {bucket.name for bucket in datasets.list_buckets()}
        with pytest.raises(BucketNotFoundError):
            datasets.delete_bucket(name)

    def test_delete_only_when_empty(self, datasets: DatasetPort, bucket: BucketName) -> None:
        put(datasets, bucket, "deep/down/a")
        with pytest.raises(BucketNotEmptyError):
            datasets.delete_bucket(bucket)
        assert read(datasets, bucket, "deep/down/a") == b"content"
        datasets.delete_object(ref(bucket, "deep/down/a"))
        datasets.delete_bucket(bucket)

    def test_a_new_one_of_the_same_name_is_empty(self, datasets: DatasetPort) -> None:
        with fresh_bucket(datasets) as name:
            put(datasets, name, "a", metadata=ObjectMetadata({"k": "v"}))
            datasets.delete_object(ref(name, "a"))
            datasets.delete_bucket(name)
            datasets.create_bucket(name)
            assert listed(datasets, name) == []
            put(datasets, name, "a")
            assert datasets.stat_object(ref(name, "a")).metadata == ObjectMetadata()

    @pytest.mark.parametrize("name", ["a.b-c", "123", "0" * 63])
    def test_names(self, datasets: DatasetPort, name: str) -> None:
        # Others may use the store at the same time
        unique = BucketName((new_bucket_name().value[2:] + name)[-63:])
        datasets.create_bucket(unique)
        put(datasets, unique, "a")
        datasets.delete_object(ref(unique, "a"))
        datasets.delete_bucket(unique)

    def test_the_reserved_one(self, datasets: DatasetPort) -> None:
        reserved = BucketName(RESERVED)
        with pytest.raises(BucketReservedError):
            datasets.create_bucket(reserved)
        assert RESERVED not in {bucket.name for bucket in datasets.list_buckets()}


BUCKET_CALLS: dict[str, Callable[[DatasetPort, BucketName], object]] = {
    "delete_bucket": lambda datasets, name: datasets.delete_bucket(name),
    "put": lambda datasets, name: put(datasets, name, "a"),
    "stat": lambda datasets, name: datasets.stat_object(ref(name, "a")),
    "open": lambda datasets, name: datasets.open_object(ref(name, "a")),
    "delete": lambda datasets, name: datasets.delete_object(ref(name, "a")),
    "list": lambda datasets, name: datasets.list_objects(name, ListRequest()),
}


@pytest.mark.parametrize("call", BUCKET_CALLS.values(), ids=BUCKET_CALLS)
@pytest.mark.parametrize("name", ["not-there-at-all", RESERVED])
def test_a_bucket_that_is_not_there(
    datasets: DatasetPort, name: str, call: Callable[[DatasetPort, BucketName], object]
) -> None:
    with pytest.raises(BucketNotFoundError):
        call(datasets, BucketName(name))


class TestContent:
    @pytest.mark.parametrize(
        "chunks",
        [
            [],
            [b""],
            [b"x"],
            [b"a", b"", b"bc", b""],
            [b"\x00\xff\r\n"] * 1000,
            [b"s" * (MIB - 1)],
            [b"s" * MIB, b"t"],
            [b"u" * 1_000_003] * 7,
        ],
        ids=["none", "empty", "one", "small", "many", "under", "over", "large"],
    )
    @pytest.mark.parametrize("known", [True, False])
    def test_round_trip(
        self, datasets: DatasetPort, bucket: BucketName, chunks: list[bytes], known: bool
    ) -> None:
        content = b"".join(chunks)
        outcome = put(datasets, bucket, "a", iter(chunks), size=len(content) if known else None)
        assert outcome.info.size == len(content)
        assert datasets.stat_object(ref(bucket, "a")).size == len(content)
        assert read(datasets, bucket, "a") == content

    @few
    @given(data=st.data(), content=st.binary(min_size=1, max_size=300))
    def test_parts(self, datasets: DatasetPort, data: st.DataObject, content: bytes) -> None:
        start = data.draw(st.integers(0, len(content) - 1))
        length = data.draw(st.integers(1, len(content) - start))
        with fresh_bucket(datasets) as bucket:
            put(datasets, bucket, "a", content)
            got = read(datasets, bucket, "a", ByteRange(start, length))
        assert got == content[start : start + length]

    def test_a_part_of_a_large_one(self, datasets: DatasetPort, bucket: BucketName) -> None:
        content = bytes(range(256)) * (12 * 1024)
        put(datasets, bucket, "a", content)
        part = ByteRange(MIB - 7, MIB + 13)
        assert read(datasets, bucket, "a", part) == content[MIB - 7 : 2 * MIB + 6]

    @pytest.mark.parametrize("size", [0, 6, 8, 3 * MIB])
    @pytest.mark.parametrize("old", [None, b"old"])
    def test_a_body_of_another_size(
        self, datasets: DatasetPort, bucket: BucketName, size: int, old: bytes | None
    ) -> None:
        def write() -> None:
            put(datasets, bucket, "dir/a", [b"con", b"tent"], size=size)

        self._fails_without_trace(datasets, bucket, old, IncompleteBodyError, write)

    @pytest.mark.parametrize("error", [RuntimeError("gone"), OSError(28, "not this disk")])
    @pytest.mark.parametrize("length", [0, 7, 6 * MIB])
    @pytest.mark.parametrize("old", [None, b"old"])
    def test_a_body_that_raises(
        self,
        datasets: DatasetPort,
        bucket: BucketName,
        error: Exception,
        length: int,
        old: bytes | None,
    ) -> None:
        def broken() -> Iterator[bytes]:
            yield b"c" * length
            raise error

        def write() -> None:
            with pytest.raises(type(error)) as caught:
                put(datasets, bucket, "dir/a", broken(), size=10 * MIB)
            assert caught.value is error
            raise error

        self._fails_without_trace(datasets, bucket, old, type(error), write)

    @staticmethod
    def _fails_without_trace(
        datasets: DatasetPort,
        bucket: BucketName,
        old: bytes | None,
        error: type[Exception],
        write: Callable[[], None],
    ) -> None:
        info = None
        if old is not None:
            info = put(datasets, bucket, "dir/a", old, metadata=ObjectMetadata({"k": "v"})).info
        with pytest.raises(error):
            write()
        if old is None or info is None:
            assert listed(datasets, bucket) == []
            with pytest.raises(ObjectNotFoundError):
                datasets.stat_object(ref(bucket, "dir/a"))
        else:
            now = datasets.stat_object(ref(bucket, "dir/a"))
            assert (now.etag, now.metadata) == (info.etag, info.metadata)
            assert read(datasets, bucket, "dir/a") == old


class TestInfo:
    def test_all_calls_say_the_same(self, datasets: DatasetPort, bucket: BucketName) -> None:
        metadata = ObjectMetadata({"Owner": "x y", "n": "1"})
        put_info = put(
            datasets, bucket, "d/a", media_type="text/csv; charset=utf-8", metadata=metadata
        ).info
        stat_info = datasets.stat_object(ref(bucket, "d/a"))
        with closing(datasets.open_object(ref(bucket, "d/a"))) as opened:
            open_info = opened.info
        (summary,) = datasets.list_objects(bucket, ListRequest()).objects
        for info in (put_info, stat_info, open_info):
            assert info.ref == ref(bucket, "d/a")
            assert info.size == summary.size == 7
            assert info.etag == summary.etag
            assert info.media_type == "text/csv; charset=utf-8"
            assert info.metadata == metadata
        for moment in (stat_info.last_modified, open_info.last_modified, summary.last_modified):
            assert moment.utcoffset() == timedelta()
            assert abs(moment - put_info.last_modified) < timedelta(seconds=2)
        assert abs(datetime.now(UTC) - put_info.last_modified) < timedelta(seconds=30)

    def test_replaced_as_a_whole(self, datasets: DatasetPort, bucket: BucketName) -> None:
        first = put(datasets, bucket, "a", b"1", metadata=ObjectMetadata({"old": "x"}))
        second = put(datasets, bucket, "a", b"2", media_type="application/json")
        info = datasets.stat_object(ref(bucket, "a"))
        assert (first.created, second.created) == (True, False)
        assert (info.media_type, info.metadata) == ("application/json", ObjectMetadata())
        assert info.etag != first.info.etag
        assert read(datasets, bucket, "a") == b"2"

    def test_other_bytes_have_another_tag(self, datasets: DatasetPort, bucket: BucketName) -> None:
        tags = {
            put(datasets, bucket, "a", content).info.etag
            for content in (b"", b"1", b"2", b"12", b"21")
        }
        assert len(tags) == 5
        assert not any('"' in tag for tag in tags)

    @few
    @given(data=st.data())
    def test_metadata(self, datasets: DatasetPort, data: st.DataObject) -> None:
        least = 0 if datasets.capabilities.empty_metadata else 1
        printable = st.characters(min_codepoint=33, max_codepoint=126)
        values = st.text(printable | st.just(" "), min_size=least, max_size=60).filter(
            lambda text: text == text.strip(" ")
        )
        names = st.from_regex(r"[A-Za-z0-9_-]{1,20}", fullmatch=True)
        metadata = ObjectMetadata(data.draw(st.dictionaries(names, values, max_size=8)))
        with fresh_bucket(datasets) as bucket:
            assert put(datasets, bucket, "a", metadata=metadata).info.metadata == metadata
            assert datasets.stat_object(ref(bucket, "a")).metadata == metadata

    def test_the_largest_metadata(self, datasets: DatasetPort, bucket: BucketName) -> None:
        metadata = ObjectMetadata({"n": "v" * (MAX_METADATA_BYTES - len("x-amz-meta-n"))})
        put(datasets, bucket, "a", metadata=metadata)
        assert datasets.stat_object(ref(bucket, "a")).metadata == metadata

    @pytest.mark.parametrize(
        "media_type", ["a/b", 'multipart/mixed; boundary="a b/c"', "x/" + "y" * 253]
    )
    def test_media_types(self, datasets: DatasetPort, bucket: BucketName, media_type: str) -> None:
        put(datasets, bucket, "a.csv", media_type=media_type)
        assert datasets.stat_object(ref(bucket, "a.csv")).media_type == media_type


class TestNames:
    @pytest.mark.parametrize("name", LEGAL_NAMES)
    def test_legal(self, datasets: DatasetPort, bucket: BucketName, name: str) -> None:
        self._round_trip(datasets, bucket, name)

    @pytest.mark.parametrize("name", BACKSLASH_NAMES)
    def test_backslashes(self, datasets: DatasetPort, bucket: BucketName, name: str) -> None:
        if datasets.capabilities.backslash:
            self._round_trip(datasets, bucket, name)

    @few
    @given(data=st.data())
    def test_any(self, datasets: DatasetPort, data: st.DataObject) -> None:
        name = data.draw(object_names(datasets.capabilities))
        with fresh_bucket(datasets) as bucket:
            self._round_trip(datasets, bucket, name)

    def test_all_are_different(self, datasets: DatasetPort, bucket: BucketName) -> None:
        names = legal_names(datasets.capabilities)
        for name in names:
            put(datasets, bucket, name, name.encode())
        assert sorted(listed(datasets, bucket)) == sorted(names)
        for name in names:
            assert read(datasets, bucket, name) == name.encode()

    @pytest.mark.parametrize("name", UNWRITABLE_NAMES)
    def test_not_writable(self, datasets: DatasetPort, bucket: BucketName, name: str) -> None:
        with pytest.raises(InvalidObjectNameError):
            put(datasets, bucket, name)
        assert listed(datasets, bucket) == []

    @pytest.mark.parametrize(
        "other", ["a", "a/", "/a/b", "a//b", "a/b/", "a/b/c", "A/b", "a/B", "s" * 256]
    )
    def test_others_are_not_there(
        self, datasets: DatasetPort, bucket: BucketName, other: str
    ) -> None:
        put(datasets, bucket, "a/b")
        with pytest.raises(ObjectNotFoundError):
            datasets.stat_object(ref(bucket, other))
        with pytest.raises(ObjectNotFoundError):
            datasets.open_object(ref(bucket, other))
        datasets.delete_object(ref(bucket, other))
        assert read(datasets, bucket, "a/b") == b"content"

    @pytest.mark.parametrize(
        "first,second", [("x", "x/y"), ("x/y", "x"), ("d/x", "d/x/y/z"), ("d/x/y/z", "d/x")]
    )
    def test_a_name_beside_a_prefix(
        self, datasets: DatasetPort, bucket: BucketName, first: str, second: str
    ) -> None:
        put(datasets, bucket, first, b"1")
        if datasets.capabilities.name_beside_prefix:
            put(datasets, bucket, second, b"2")
            assert read(datasets, bucket, second) == b"2"
            if datasets.capabilities.lists_name_beside_prefix:
                assert listed(datasets, bucket) == sorted([first, second])
            datasets.delete_object(ref(bucket, second))
        else:
            with pytest.raises(ObjectNameConflictError):
                put(datasets, bucket, second, b"2")
        assert read(datasets, bucket, first) == b"1"
        assert listed(datasets, bucket) == [first]
        datasets.delete_object(ref(bucket, first))
        put(datasets, bucket, second, b"2")
        assert listed(datasets, bucket) == [second]

    def test_a_foreign_name(self, store: OpenedStore, bucket: BucketName) -> None:
        datasets = store.datasets
        if not datasets.capabilities.foreign_names:
            assert store.write_foreign is None
            return
        assert store.write_foreign is not None
        put(datasets, bucket, "b", b"beside")
        store.write_foreign(ref(bucket, store.foreign_name), b"foreign")
        assert set(listed(datasets, bucket)) == {store.foreign_name, "b"}
        assert datasets.stat_object(ref(bucket, store.foreign_name)).size == 7
        assert read(datasets, bucket, store.foreign_name) == b"foreign"
        datasets.delete_object(ref(bucket, store.foreign_name))
        assert listed(datasets, bucket) == ["b"]

    @staticmethod
    def _round_trip(datasets: DatasetPort, bucket: BucketName, name: str) -> None:
        assert put(datasets, bucket, name).info.ref.name.value == name
        assert datasets.stat_object(ref(bucket, name)).ref.name.value == name
        assert read(datasets, bucket, name) == b"content"
        assert listed(datasets, bucket) == [name]
        assert listed(datasets, bucket, ListRequest(prefix=name)) == [name]
        datasets.delete_object(ref(bucket, name))
        assert listed(datasets, bucket) == []


class TestDelete:
    def test_is_idempotent(self, datasets: DatasetPort, bucket: BucketName) -> None:
        put(datasets, bucket, "a/b")
        put(datasets, bucket, "a/c")
        for _ in range(2):
            datasets.delete_object(ref(bucket, "a/b"))
            assert listed(datasets, bucket) == ["a/c"]
        with pytest.raises(ObjectNotFoundError):
            datasets.stat_object(ref(bucket, "a/b"))
        assert put(datasets, bucket, "a/b").created


class TestOpened:
    @pytest.mark.parametrize("change", ["replace", "replace by the same size", "delete"])
    def test_keeps_what_was_opened(
        self, datasets: DatasetPort, bucket: BucketName, change: str
    ) -> None:
        old = b"o" * (3 * MIB)
        put(datasets, bucket, "d/a", old, metadata=ObjectMetadata({"v": "old"}))
        with closing(datasets.open_object(ref(bucket, "d/a"))) as opened:
            if change == "delete":
                datasets.delete_object(ref(bucket, "d/a"))
            else:
                size = len(old) if change == "replace by the same size" else 5
                put(datasets, bucket, "d/a", b"n" * size)
            assert (opened.info.size, opened.info.metadata.entries["v"]) == (len(old), "old")
            try:
                content = b"".join(opened.read())
            except PreconditionFailedError:
                return
            assert content == old

    def test_closing(self, datasets: DatasetPort, bucket: BucketName) -> None:
        put(datasets, bucket, "a", b"x" * (4 * MIB))
        opened = datasets.open_object(ref(bucket, "a"))
        opened.close()
        opened.close()
        opened = datasets.open_object(ref(bucket, "a"))
        stream = opened.read()
        assert next(iter(stream))
        stream.close()
        stream.close()
        opened.close()


MISSING = WriteCondition(if_none_match=True)
PRESENT = WriteCondition(if_match=("*",))


class TestConditions:
    def test_if_none_match(self, datasets: DatasetPort, bucket: BucketName) -> None:
        assert put(datasets, bucket, "d/a", b"1", condition=MISSING).created
        with pytest.raises(PreconditionFailedError):
            put(datasets, bucket, "d/a", b"2", condition=MISSING)
        assert read(datasets, bucket, "d/a") == b"1"
        datasets.delete_object(ref(bucket, "d/a"))
        assert put(datasets, bucket, "d/a", b"3", condition=MISSING).created

    def test_if_match(self, datasets: DatasetPort, bucket: BucketName) -> None:
        first = put(datasets, bucket, "a", b"1").info.etag
        right = WriteCondition(if_match=("wrong", first))
        assert not put(datasets, bucket, "a", b"2", condition=right).created
        with pytest.raises(PreconditionFailedError):
            put(datasets, bucket, "a", b"3", condition=right)
        assert not put(datasets, bucket, "a", b"4", condition=PRESENT).created
        assert read(datasets, bucket, "a") == b"4"

    @pytest.mark.parametrize("condition", [PRESENT, WriteCondition(if_match=("x",))])
    def test_if_match_of_nothing(
        self, datasets: DatasetPort, bucket: BucketName, condition: WriteCondition
    ) -> None:
        with pytest.raises(PreconditionFailedError):
            put(datasets, bucket, "d/a", condition=condition)
        assert listed(datasets, bucket) == []

    @pytest.mark.parametrize(
        "condition", [WriteCondition(if_match=()), WriteCondition(True, ("*",))]
    )
    def test_what_nothing_meets(
        self, datasets: DatasetPort, bucket: BucketName, condition: WriteCondition
    ) -> None:
        put(datasets, bucket, "a", b"1")
        with pytest.raises(PreconditionFailedError):
            put(datasets, bucket, "a", b"2", condition=condition)
        assert read(datasets, bucket, "a") == b"1"

    @pytest.mark.parametrize("large", [False, True])
    def test_judged_again_as_it_takes_effect(
        self, datasets: DatasetPort, bucket: BucketName, large: bool
    ) -> None:
        def slow() -> Iterator[bytes]:
            yield b"s" * (6 * MIB if large else 1)
            put(datasets, bucket, "a", b"quick")
            yield b"low"

        with pytest.raises(PreconditionFailedError):
            put(datasets, bucket, "a", slow(), condition=MISSING)
        assert read(datasets, bucket, "a") == b"quick"


def test_presigning_where_there_is_none(datasets: DatasetPort, bucket: BucketName) -> None:
    if datasets.capabilities.presigned_urls:
        return
    with pytest.raises(UnsupportedOperationError):
        datasets.presign(PresignRequest(ref(bucket, "a"), PresignedMethod.GET, 60))


def test_check(datasets: DatasetPort) -> None:
    health = datasets.check()
    assert health.ok, health.detail
