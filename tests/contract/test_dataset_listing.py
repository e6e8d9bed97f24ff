"""Listings against the plainest model of them, on every store."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from domain.datasets import BucketName, ListRequest
from domain.ports.datasets import DatasetPort
from tests.contract.dataset_cases import (
    compatible,
    entries,
    fresh_bucket,
    legal_names,
    listed,
    model_page,
    order,
    pages,
    put,
    ref,
)

NAMES = [
    "a-b",
    "a/b",
    "a/b-c/d",
    "a/b-c/e",
    "a/b.c",
    "a/c/d/e/f",
    "a0",
    "b/x",
    "b\u00e9/y",
    "b\uffff",
    "b\U00010000",
    "c",
    "c!/z",
]
PREFIXES = [
    "",
    "a",
    "a/",
    "a/b",
    "a/b-c/",
    "b",
    "b/",
    "c!/z",
    "a/c/d/e/f/",
    "none",
    "/",
    "//",
    "../",
]
DELIMITERS = [None, "/", "-", "b", "-c/", "\u00e9/", "none"]

# Few names over few letters, so that they often share what they begin with
crowded_names = st.lists(
    st.lists(
        st.text("ab-.0\u00e9", min_size=1, max_size=3).filter(lambda text: text not in {".", ".."}),
        min_size=1,
        max_size=4,
    ).map("/".join),
    max_size=20,
)


def check_against_model(
    datasets: DatasetPort, bucket: BucketName, names: Iterable[str], request: ListRequest
) -> None:
    """Every page is the model's, and leads on to the next as the model's does."""
    names = list(names)
    if not datasets.capabilities.byte_order:
        everything = model_page(names, ListRequest(request.prefix, request.delimiter))
        found = listed(datasets, bucket, request)
        if not datasets.capabilities.exact_prefixes:
            delimiter = request.delimiter or "/"
            right = {*everything.objects, *everything.prefixes}
            found = [each for each in found if each in right or not each.endswith(delimiter)]
        assert sorted(found) == sorted([*everything.objects, *everything.prefixes])
        assert all(
            len(entries(page)) <= request.page_size for page in pages(datasets, bucket, request)
        )
        return
    while True:
        page = datasets.list_objects(bucket, request)
        expected = model_page(names, request)
        assert [each.name for each in page.objects] == expected.objects
        assert list(page.prefixes) == expected.prefixes
        assert (page.next_after is None) == (expected.next_after is None)
        if page.next_after is None:
            return
        request = ListRequest(request.prefix, request.delimiter, request.page_size, page.next_after)


def put_all(datasets: DatasetPort, bucket: BucketName, names: Iterable[str]) -> None:
    for name in names:
        put(datasets, bucket, name, name.encode())


@pytest.mark.parametrize("page_size", [1, 2, 5, 1000])
def test_every_prefix_and_delimiter(
    datasets: DatasetPort, bucket: BucketName, page_size: int
) -> None:
    put_all(datasets, bucket, NAMES)
    for prefix in PREFIXES:
        for delimiter in DELIMITERS:
            request = ListRequest(prefix, delimiter, page_size)
            check_against_model(datasets, bucket, NAMES, request)


@settings(deadline=None, max_examples=60)
@given(
    names=crowded_names,
    prefix=st.text("ab-./0\u00e9", max_size=4),
    delimiter=st.none() | st.text("ab-./0\u00e9", min_size=1, max_size=2),
    page_size=st.integers(1, 6),
)
@example(names=["a-b", "a/b", "a0"], prefix="", delimiter=None, page_size=1)
@example(names=["a/b/c", "a/b/d", "a/c"], prefix="a/", delimiter="/", page_size=1)
@example(names=["a/b/c", "a/b/d", "a/c"], prefix="", delimiter="b/", page_size=1)
@example(names=[".0", ".a/b", "..a", "-", "a"], prefix=".", delimiter=None, page_size=2)
@example(names=[".0", ".a/b", ".a/c", "a"], prefix=".", delimiter="/", page_size=1)
@example(names=[".0a", ".0b", "..0", "a/.0"], prefix=".", delimiter=".", page_size=1)
@example(names=["a/..b", "a/..c", "a/.0", "a/0"], prefix="a/..", delimiter="b", page_size=1)
@example(names=["\u00e9a", "\u00e9b"], prefix="", delimiter="\u00e9", page_size=1)
def test_any_listing(
    datasets: DatasetPort, names: list[str], prefix: str, delimiter: str | None, page_size: int
) -> None:
    names = compatible(names, datasets.capabilities)
    with fresh_bucket(datasets) as bucket:
        put_all(datasets, bucket, names)
        check_against_model(datasets, bucket, names, ListRequest(prefix, delimiter, page_size))


def test_from_behind_any_text(datasets: DatasetPort, bucket: BucketName) -> None:
    if not datasets.capabilities.byte_order:
        return
    put_all(datasets, bucket, NAMES)
    for after in [*NAMES, "", "A", "a", "a/", "a/b-c/", "a/b-", "a/zzz", "b\uffff\uffff", "zz"]:
        request = ListRequest(after=after, page_size=4)
        check_against_model(datasets, bucket, NAMES, request)
        check_against_model(datasets, bucket, NAMES, ListRequest("a", after=after, page_size=3))


def test_all_legal_names(datasets: DatasetPort, bucket: BucketName) -> None:
    names = legal_names(datasets.capabilities)
    put_all(datasets, bucket, names)
    check_against_model(datasets, bucket, names, ListRequest(page_size=3))
    check_against_model(datasets, bucket, names, ListRequest(delimiter="/", page_size=3))


def test_an_empty_bucket(datasets: DatasetPort, bucket: BucketName) -> None:
    for prefix in PREFIXES:
        check_against_model(datasets, bucket, [], ListRequest(prefix, "/"))


def test_an_empty_delimiter_is_none(datasets: DatasetPort, bucket: BucketName) -> None:
    put_all(datasets, bucket, ["a/b", "c"])
    assert listed(datasets, bucket, ListRequest(delimiter="")) == ["a/b", "c"]


def test_prefixes_count_to_the_page(datasets: DatasetPort, bucket: BucketName) -> None:
    put_all(datasets, bucket, ["a/1", "a/2", "b", "c/1", "d"])
    request = ListRequest(delimiter="/", page_size=2)
    found = list(pages(datasets, bucket, request))
    assert [len(entries(page)) for page in found] == [2, 2]
    assert {entry for page in found for entry in entries(page)} == {"a/", "b", "c/", "d"}


def test_a_page_that_is_just_full_is_the_last(datasets: DatasetPort, bucket: BucketName) -> None:
    put_all(datasets, bucket, ["a", "b", "c/d", "c/e"])
    assert datasets.list_objects(bucket, ListRequest(page_size=4)).next_after is None
    rolled_up = datasets.list_objects(bucket, ListRequest(delimiter="/", page_size=3))
    assert rolled_up.next_after is None


@pytest.mark.parametrize("delimiter", [None, "/"])
def test_objects_come_and_go_between_pages(
    datasets: DatasetPort, bucket: BucketName, delimiter: str | None
) -> None:
    stay = [f"{kind}/{number:02}" for kind in "bdfh" for number in range(4)]
    put_all(datasets, bucket, stay)
    put_all(datasets, bucket, ["c/1", "d/01x", "e"])
    expected = set(listed(datasets, bucket, ListRequest(delimiter=delimiter))) - {"c/", "e", "c/1"}
    expected -= {"d/01x"}
    found: list[str] = []
    for number, page in enumerate(pages(datasets, bucket, ListRequest("", delimiter, 2))):
        found += entries(page)
        # What the next page is to follow goes, and others come before and behind it
        for each in ("c/1", "d/01x", "e"):
            datasets.delete_object(ref(bucket, each))
        put_all(datasets, bucket, [f"b/0{number}y", f"a{number}", f"z{number % 2}"])
    assert expected <= set(found)
    assert len(found) == len(set(found))


def test_the_name_that_the_next_page_follows_is_deleted(
    datasets: DatasetPort, bucket: BucketName
) -> None:
    names = [f"n/{number}" for number in range(9)]
    put_all(datasets, bucket, names)
    found: list[str] = []
    for page in pages(datasets, bucket, ListRequest(page_size=2)):
        found += entries(page)
        for each in page.objects:
            datasets.delete_object(ref(bucket, each.name))
    assert found == names


def test_what_a_summary_says(datasets: DatasetPort, bucket: BucketName) -> None:
    infos = {name: put(datasets, bucket, name, name.encode()).info for name in NAMES}
    for page in pages(datasets, bucket, ListRequest(page_size=4)):
        for each in page.objects:
            assert (each.size, each.etag) == (infos[each.name].size, infos[each.name].etag)
            assert each.size == len(order(each.name))
