"""`ducklake datasets` on fakes."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from dependency_injector import providers

from domain.datasets import (
    BucketName,
    ByteRange,
    ByteStream,
    MediaType,
    ObjectInfo,
    ObjectMetadata,
    ObjectName,
    ObjectRef,
    OpenObject,
    WriteCondition,
)
from domain.errors import UnavailableError
from tests.fakes.datasets import FakeDatasets
from tests.integration.cli.conftest import Command


@pytest.fixture
def bucket(ducklake: Command) -> str:
    ducklake.json("datasets", "create", "raw-data")
    return "raw-data"


def test_buckets_come_and_go(ducklake: Command) -> None:
    assert ducklake("datasets", "list").stdout == "[]\n"
    made = ducklake.json("datasets", "create", "raw-data")
    assert made["name"] == "raw-data"
    assert made["created_at"].endswith("Z")
    assert ducklake.json("datasets", "list") == [made]
    assert ducklake("datasets", "create", "raw-data").exit_code == 4
    assert ducklake("datasets", "create", "Raw Data").exit_code == 5
    assert ducklake("datasets", "delete", "raw-data").exit_code == 2
    assert ducklake("datasets", "delete", "raw-data", "--yes").exit_code == 0
    assert ducklake("datasets", "delete", "raw-data", "--yes").exit_code == 3


def test_an_object_comes_back_as_it_went(ducklake: Command, bucket: str) -> None:
    Path("flights.csv").write_bytes(b"carrier\nUA\n")
    put = ducklake.json(
        *("datasets", "put", "flights.csv", "raw-data/2013/", "--metadata", "source=a=b"),
    )
    assert put["name"] == "2013/flights.csv"
    assert put["media_type"] == "text/csv"
    assert put["metadata"] == {"source": "a=b"}
    assert ducklake.json("datasets", "stat", "raw-data/2013/flights.csv") == put
    assert ducklake.json("datasets", "stat", "s3://raw-data/2013/flights.csv") == put

    assert ducklake("datasets", "get", "raw-data/2013/flights.csv", "-").stdout == "carrier\nUA\n"
    assert ducklake("datasets", "get", "raw-data/2013/flights.csv", "copy").exit_code == 0
    assert Path("copy").read_bytes() == b"carrier\nUA\n"
    Path("directory").mkdir()
    assert ducklake("datasets", "get", "raw-data/2013/flights.csv", "directory").exit_code == 0
    assert Path("directory/flights.csv").read_bytes() == b"carrier\nUA\n"


def test_a_file_that_is_there_is_replaced_when_it_is_named_only(
    ducklake: Command, bucket: str
) -> None:
    ducklake.json("datasets", "put", "-", "raw-data/a", stdin=b"new")
    Path("a").write_bytes(b"old")
    assert ducklake("datasets", "get", "raw-data/a").exit_code == 2
    assert Path("a").read_bytes() == b"old"
    Path("link").symlink_to("a")
    assert ducklake("datasets", "get", "raw-data/a", "link").exit_code == 0
    assert Path("a").read_bytes() == b"new"
    assert Path("link").is_symlink()
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(Path("a").stat().st_mode) == 0o666 & ~umask


def test_stdin_is_uploaded_with_what_is_said_of_it(ducklake: Command, bucket: str) -> None:
    put = ducklake.json(
        *("datasets", "put", "-", "raw-data/x", "--media-type", "image/png"), stdin=b"\x00\xff"
    )
    assert (put["size"], put["media_type"]) == (2, "image/png")
    assert ducklake("datasets", "put", "-", "raw-data/d/", stdin=b"").exit_code == 2
    assert ducklake("datasets", "put", "-", "raw-data", stdin=b"").exit_code == 2
    assert ducklake("datasets", "put", "-", "raw-data/../x", stdin=b"").exit_code == 5
    wrong = ducklake("datasets", "put", "-", "raw-data/x", "--metadata", "nothing", stdin=b"")
    assert wrong.exit_code == 2
    twice = ["--metadata", "a=1", "--metadata", "a=2"]
    assert ducklake("datasets", "put", "-", "raw-data/x", *twice, stdin=b"").exit_code == 2


def test_an_upload_may_ask_that_nothing_is_there(ducklake: Command, bucket: str) -> None:
    ducklake.json("datasets", "put", "-", "raw-data/a", "--if-none-match", stdin=b"1")
    again = ducklake("datasets", "put", "-", "raw-data/a", "--if-none-match", stdin=b"2")
    assert again.exit_code == 4
    assert ducklake("datasets", "get", "raw-data/a", "-").stdout == "1"


def test_all_pages_are_listed_in_order(ducklake: Command, bucket: str) -> None:
    for number in range(5):
        ducklake.json("datasets", "put", "-", f"raw-data/d{number % 2}/{number}", stdin=b"x")
    ducklake.json("datasets", "put", "-", "raw-data/d0-file", stdin=b"xyz")
    every = ducklake.json("datasets", "ls", "raw-data")
    assert [entry["name"] for entry in every] == [
        "d0-file",
        "d0/0",
        "d0/2",
        "d0/4",
        "d1/1",
        "d1/3",
    ]
    rolled_up = ducklake.json("datasets", "ls", "raw-data", "--delimiter", "/")
    assert [(entry["name"], entry["size"]) for entry in rolled_up] == [
        ("d0-file", 3),
        ("d0/", None),
        ("d1/", None),
    ]
    lines = ducklake("datasets", "ls", "raw-data", "--prefix", "d1/", "--format", "csv").stdout
    assert [line.split(",")[:2] for line in lines.splitlines()] == [
        ["name", "size"],
        ["d1/1", "1"],
        ["d1/3", "1"],
    ]
    assert ducklake("datasets", "ls", "raw-data", "--prefix", "none").stdout == "[]\n"
    assert ducklake("datasets", "ls", "no-such-bucket").exit_code == 3


def test_more_than_a_page_is_listed(ducklake: Command, bucket: str) -> None:
    for number in range(1005):
        put(ducklake.datasets, f"{number:04}")
    lines = ducklake("datasets", "ls", "raw-data", "--format", "ndjson").stdout.splitlines()
    assert [json.loads(line)["name"] for line in lines] == [f"{n:04}" for n in range(1005)]


def put(datasets: FakeDatasets, name: str) -> None:
    datasets.put_object(
        ObjectRef(BucketName("raw-data"), ObjectName(name)),
        [b""],
        size=0,
        media_type=MediaType(),
        metadata=ObjectMetadata(),
        condition=WriteCondition(),
    )


def test_deleting_an_object_needs_a_yes(ducklake: Command, bucket: str) -> None:
    ducklake.json("datasets", "put", "-", "raw-data/a", stdin=b"x")
    assert ducklake("datasets", "rm", "raw-data/a").exit_code == 2
    assert ducklake("datasets", "delete", "raw-data", "--yes").exit_code == 4
    assert ducklake("datasets", "rm", "raw-data/a", "--yes").exit_code == 0
    assert ducklake("datasets", "rm", "raw-data/a", "--yes").exit_code == 0
    missing = ducklake("datasets", "stat", "raw-data/a")
    assert missing.exit_code == 3
    assert "'ducklake datasets ls BUCKET'" in missing.stderr


class _CutShort(FakeDatasets):
    """A store that breaks off in the middle of an object."""

    def open_object(self, ref: ObjectRef) -> OpenObject:
        return _Broken(super().open_object(ref))


class _Broken(OpenObject):
    def __init__(self, opened: OpenObject) -> None:
        self._opened = opened

    @property
    def info(self) -> ObjectInfo:
        return self._opened.info

    def read(self, part: ByteRange | None = None) -> ByteStream:
        return _HalfAStream(self._opened.read(part))

    def close(self) -> None:
        self._opened.close()


class _HalfAStream(ByteStream):
    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._stream:
            yield chunk[: len(chunk) // 2]
            raise UnavailableError("The store went away.")

    def close(self) -> None:
        self._stream.close()


def test_a_download_cut_short_leaves_no_file_and_the_old_one_as_it_was(ducklake: Command) -> None:
    ducklake.container.datasets.override(providers.Object(_CutShort()))
    ducklake.json("datasets", "create", "raw-data")
    ducklake.json("datasets", "put", "-", "raw-data/a", stdin=b"0123456789")
    Path("old").write_bytes(b"old")
    before = sorted(Path().iterdir())
    for target in ("a", "old"):
        result = ducklake("datasets", "get", "raw-data/a", target)
        assert result.exit_code == 7
        assert "Try again" in result.stderr
    assert sorted(Path().iterdir()) == before
    assert Path("old").read_bytes() == b"old"


def test_a_place_that_cannot_be_written_is_told_by_its_name(ducklake: Command, bucket: str) -> None:
    ducklake.json("datasets", "put", "-", "raw-data/a", stdin=b"x")
    result = ducklake("datasets", "get", "raw-data/a", "no/such/file")
    assert result.exit_code == 12
    assert result.stderr == "Error: no/such/file: No such file or directory.\n"
    assert ducklake("datasets", "get", "raw-data/a", "nowhere/").exit_code == 2
    assert ducklake("datasets", "get", "raw-data/a", "/dev/null").exit_code == 0
