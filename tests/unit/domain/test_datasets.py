from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.datasets import (
    MAX_METADATA_BYTES,
    METADATA_PREFIX,
    BucketName,
    ListRequest,
    MediaType,
    ObjectMetadata,
    ObjectName,
    ObjectRef,
)
from domain.errors import (
    InvalidBucketNameError,
    InvalidMediaTypeError,
    InvalidMetadataError,
    InvalidObjectNameError,
    InvalidPageTokenError,
)
from domain.media_types import guess_media_type


class TestBucketName:
    @pytest.mark.parametrize(
        "value", ["abc", "a-b", "a.b", "123", "a" * 63, "1.2.3", "a--b", "1.2.3.4.5", "256.1.1.1"]
    )
    def test_legal(self, value: str) -> None:
        assert str(BucketName(value)) == value

    @pytest.mark.parametrize(
        "value",
        [
            "",
            "ab",
            "a" * 64,
            "Abc",
            "a_b",
            "a b",
            "-ab",
            "ab-",
            ".ab",
            "ab.",
            "a..b",
            "a/b",
            "../a",
            "\u00e4bc",
            "abc\n",
            "192.168.0.1",
            "xn--abc",
            "sthree-a",
            "amzn-s3-demo-a",
            "a-s3alias",
            "a--ol-s3",
            "a.mrap",
            "a--x-s3",
            "a--table-s3",
            "a" * 10_000,
        ],
    )
    def test_illegal(self, value: str) -> None:
        with pytest.raises(InvalidBucketNameError) as caught:
            BucketName(value)
        assert len(str(caught.value)) < 400

    @given(st.text(max_size=70))
    def test_any(self, value: str) -> None:
        try:
            name = BucketName(value)
        except InvalidBucketNameError:
            return
        assert name.value == value
        assert 3 <= len(value) <= 63
        assert value.isascii()
        assert not set(value) & set("/\\ _\0")


class TestObjectName:
    @pytest.mark.parametrize(
        "value",
        ["a", "a/b", " ", "a..b", "...", ".a", "%2F", "\u00e9", "e\u0301", "\\", "a" * 255, "-"],
    )
    def test_writable(self, value: str) -> None:
        ObjectName(value).check_writable()
        assert str(ObjectRef(BucketName("abc"), ObjectName(value))) == f"abc/{value}"

    @pytest.mark.parametrize(
        "value", ["/", "/a", "a/", "a//b", "a" * 256, "\u00e9" * 128, "b/" + "a" * 256]
    )
    def test_not_writable(self, value: str) -> None:
        name = ObjectName(value)
        with pytest.raises(InvalidObjectNameError):
            name.check_writable()

    @pytest.mark.parametrize(
        "value",
        [
            "",
            ".",
            "..",
            "../a",
            "a/..",
            "a/./b",
            "./a",
            "a\0b",
            "a\r\nb",
            "\x7f",
            "\x85",
            "\ud800",
            "a/" * 512 + "a",
            "\u00e9" * 513,
        ],
    )
    def test_illegal(self, value: str) -> None:
        with pytest.raises(InvalidObjectNameError):
            ObjectName(value)

    def test_the_longest(self) -> None:
        ObjectName("a/" * 511 + "bc").check_writable()

    def test_forms_of_unicode_are_kept_apart(self) -> None:
        assert ObjectName("\u00e9") != ObjectName("e\u0301")

    @given(st.text(st.characters(), max_size=1100))
    def test_any(self, value: str) -> None:
        try:
            name = ObjectName(value)
            name.check_writable()
        except InvalidObjectNameError:
            return
        assert name.value == value
        assert 1 <= len(value.encode()) <= 1024
        for segment in value.split("/"):
            assert segment not in {"", ".", ".."}
            assert len(segment.encode()) <= 255


class TestMediaType:
    def test_default(self) -> None:
        assert str(MediaType()) == "application/octet-stream"

    @pytest.mark.parametrize(
        "value", ["text/csv", "text/csv; charset=utf-8", "a/b;c=d", "application/vnd.x+json"]
    )
    def test_legal(self, value: str) -> None:
        assert str(MediaType(value)) == value

    @pytest.mark.parametrize(
        "value",
        ["", "csv", "/", "a/", "/b", "a/b/c", "a b/c", "a/b\r\nX: y", "a/\u00e9", "a/" + "b" * 254],
    )
    def test_illegal(self, value: str) -> None:
        with pytest.raises(InvalidMediaTypeError):
            MediaType(value)


class TestObjectMetadata:
    def test_names_are_lowered(self) -> None:
        assert ObjectMetadata({"Owner": "Me"}).entries == {"owner": "Me"}
        assert ObjectMetadata({"Owner": "Me"}) == ObjectMetadata({"owner": "Me"})

    def test_cannot_be_changed(self) -> None:
        given = {"a": "b"}
        metadata = ObjectMetadata(given)
        given["a"] = "c"
        assert metadata.entries == {"a": "b"}
        with pytest.raises(TypeError):
            metadata.entries["a"] = "c"  # type: ignore[index]

    @pytest.mark.parametrize(
        "entries",
        [
            {"": "a"},
            {"a b": "c"},
            {"a:b": "c"},
            {"\u00e9": "a"},
            {"a": "\u00e9"},
            {"a": " b"},
            {"a": "b "},
            {"a": "b\r\nc"},
            {"a": "\0"},
            {"n": "v" * MAX_METADATA_BYTES},
            {f"n{number:04}": "v" * 5 for number in range(205)},
        ],
    )
    def test_illegal(self, entries: dict[str, str]) -> None:
        with pytest.raises(InvalidMetadataError):
            ObjectMetadata(entries)

    def test_the_largest(self) -> None:
        longest = MAX_METADATA_BYTES - len(METADATA_PREFIX + "n")
        ObjectMetadata({"n": "v" * longest})
        with pytest.raises(InvalidMetadataError):
            ObjectMetadata({"n": "v" * (longest + 1)})


class TestListRequest:
    @pytest.mark.parametrize("page_size", [1, 1000])
    def test_page_sizes(self, page_size: int) -> None:
        assert ListRequest(page_size=page_size).page_size == page_size

    @pytest.mark.parametrize("page_size", [-1, 0, 1001])
    def test_other_page_sizes(self, page_size: int) -> None:
        with pytest.raises(InvalidPageTokenError):
            ListRequest(page_size=page_size)


class TestGuessedMediaType:
    @pytest.mark.parametrize(
        "name,expected",
        [
            ("a.csv", "text/csv"),
            ("d.csv/A.PARQUET", "application/vnd.apache.parquet"),
            ("a.ndjson", "application/x-ndjson"),
            ("a.arrow", "application/vnd.apache.arrow.file"),
            ("a.csv.gz", "application/gzip"),
            ("a.png", "image/png"),
            ("a", "application/octet-stream"),
            ("a.csv/b", "application/octet-stream"),
            ("data:text/html,x", "application/octet-stream"),
            ("data:no type at all,x.txt", "text/plain"),
        ],
    )
    def test_of_names(self, name: str, expected: str) -> None:
        assert guess_media_type(name).value == expected

    @given(st.text(min_size=1, max_size=50))
    def test_never_fails(self, name: str) -> None:
        guess_media_type(name)
