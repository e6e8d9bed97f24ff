"""User metadata in the headers of an answer."""

from __future__ import annotations

import pytest

from adapters.minio.metadata import headers_of, metadata_of
from domain.datasets import MediaType, ObjectMetadata


def test_there_and_back() -> None:
    metadata = ObjectMetadata({"Owner": "a  b", "empty": ""})
    headers = headers_of(MediaType("text/csv"), metadata)
    assert headers == {
        "Content-Type": "text/csv",
        "x-amz-meta-owner": "a  b",
        "x-amz-meta-empty": "",
    }
    assert metadata_of(headers) == metadata


def test_other_headers_are_not_metadata() -> None:
    assert metadata_of({"ETag": "x", "x-amz-id-2": "y"}) == ObjectMetadata()


@pytest.mark.parametrize(
    "value,given",
    [
        ("ü".encode().decode("latin-1"), "=?UTF-8?B?w7w=?="),
        ("=?UTF-8?B?w7w=?=", "=?UTF-8?B?w7w=?="),
        (" x ", "x"),
        ("a\tb", "=?UTF-8?B?YQli?="),
    ],
)
def test_what_others_stored(value: str, given: str) -> None:
    assert metadata_of({"X-Amz-Meta-K": value}).entries == {"k": given}


def test_what_is_over_the_bounds_is_left_out() -> None:
    headers = {"x-amz-meta-long": "v" * 3000, "x-amz-meta-\xfc": "x", "x-amz-meta-k": "v"}
    assert metadata_of(headers).entries == {"k": "v"}
