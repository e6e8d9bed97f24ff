"""Objects located for an engine: which ones a pattern finds, and until when they are held."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.datasets import BucketName, ObjectRef
from domain.errors import BucketNotFoundError, ObjectNotFoundError
from domain.object_patterns import ObjectPattern
from domain.ports.datasets import DatasetPort
from tests.contract.dataset_cases import put, ref
from tests.contract.stores import RESERVED, OpenedStore
from tests.fakes.datasets import FakeDatasets

ODD_NAMES = [
    *("a b.csv", "a%20b.csv", "a+b.csv", "a#b.csv", "a?b.csv", "a*b.csv", "a[b].csv"),
    *("a{b}.csv", "a'b\"c.csv", "ü/日本.csv", "a..b/c..csv", "x=1/y=a%2Fb/z.csv", ".hidden"),
    *("a&b=c;d,e:@$!~.csv", "a\u0301.csv", "á.csv", "A b.csv"),
]


def find(datasets: DatasetPort, bucket: BucketName, pattern: str) -> list[str]:
    with datasets.locate(ObjectPattern(bucket, pattern)) as located:
        return [each.found.ref.name.value for each in located.objects]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_an_object_of_any_name_is_located(
    datasets: DatasetPort, bucket: BucketName, name: str
) -> None:
    put(datasets, bucket, name, b"12345")
    info = datasets.stat_object(ref(bucket, name))
    with datasets.locate(ObjectPattern(bucket, name)) as located:
        (each,) = located.objects
    assert each.found.ref == ObjectRef(bucket, info.ref.name)
    assert (each.found.size, each.found.etag) == (5, info.etag)
    assert each.shown == f"s3://{bucket}/{name}"
    assert each.location.startswith(tuple(datasets.location_roots))


def test_an_object_of_just_that_name_goes_before_a_pattern(
    datasets: DatasetPort, bucket: BucketName
) -> None:
    for name in ("a*b", "aXb", "aYb"):
        put(datasets, bucket, name, b"")
    assert find(datasets, bucket, "a*b") == ["a*b"]
    assert find(datasets, bucket, "a?b") == ["a*b", "aXb", "aYb"]
    assert find(datasets, bucket, "a[*]b") == ["a*b"]


def test_a_pattern_finds_objects_in_the_order_of_their_names(
    datasets: DatasetPort, bucket: BucketName
) -> None:
    names = ["b/2.csv", "a/1.csv", "a-1.csv", "a/x/3.csv", "a/1.json", "ü.csv"]
    for name in names:
        put(datasets, bucket, name, b"")
    assert find(datasets, bucket, "**/*.csv") == [
        *("a-1.csv", "a/1.csv", "a/x/3.csv", "b/2.csv", "ü.csv")
    ]
    assert find(datasets, bucket, "*/*.csv") == ["a/1.csv", "b/2.csv"]
    assert find(datasets, bucket, "a/**") == ["a/1.csv", "a/1.json", "a/x/3.csv"]


def test_more_objects_than_a_page_are_found() -> None:
    # It is the port's own way to find them, over any store's pages: a store in memory will do.
    datasets = FakeDatasets()
    bucket = BucketName("many")
    datasets.create_bucket(bucket)
    for number in range(1003):
        put(datasets, bucket, f"n/{number:04}", b"")
    assert len(find(datasets, bucket, "n/*")) == 1003


@pytest.mark.parametrize("pattern", ["nothing.csv", "*.csv", "a/*", "b", "a/b/**"])
def test_what_is_not_there_is_not_found(
    datasets: DatasetPort, bucket: BucketName, pattern: str
) -> None:
    put(datasets, bucket, "a", b"")
    with pytest.raises(ObjectNotFoundError):
        datasets.locate(ObjectPattern(bucket, pattern))


@pytest.mark.parametrize("pattern", ["a", "*", "**/*.parquet"])
@pytest.mark.parametrize("name", [RESERVED, "no-such-bucket-anywhere"])
def test_the_lakes_own_bucket_is_none(datasets: DatasetPort, name: str, pattern: str) -> None:
    with pytest.raises(BucketNotFoundError):
        datasets.locate(ObjectPattern(BucketName(name), pattern))


def test_a_local_location_keeps_the_object_that_was_located(
    store: OpenedStore, bucket: BucketName
) -> None:
    datasets = store.datasets
    put(datasets, bucket, "x=1/a.csv", b"first")
    located = datasets.locate(ObjectPattern(bucket, "**/*.csv"))
    location = located.objects[0].location
    if not location.startswith("/"):
        # An engine sees by the entity tag that the store's object is another.
        assert location == f"s3://{bucket}/x=1/a.csv" or location.startswith("memory://")
        located.close()
        return
    assert "/x=1/" in location
    put(datasets, bucket, "x=1/a.csv", b"second")
    assert Path(location).read_bytes() == b"first"
    datasets.delete_object(ref(bucket, "x=1/a.csv"))
    assert Path(location).read_bytes() == b"first"
    located.close()
    located.close()
    assert not Path(location).exists()
