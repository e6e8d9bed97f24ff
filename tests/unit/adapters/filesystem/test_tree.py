"""The directory as people see it and touch it."""

from __future__ import annotations

import os
import shutil
import socket
import time
from contextlib import closing
from datetime import UTC, datetime
from hashlib import md5
from pathlib import Path

import pytest

from adapters.filesystem.datasets import FilesystemDatasets
from domain.datasets import BucketName, ListRequest, ObjectMetadata, WriteCondition
from domain.errors import (
    BucketNotEmptyError,
    BucketNotFoundError,
    BucketReservedError,
    ObjectNameConflictError,
    ObjectNotFoundError,
    PreconditionFailedError,
)
from tests.contract.dataset_cases import listed, put, read, ref
from tests.unit.adapters.filesystem.conftest import BUCKET

METADATA = ObjectMetadata({"owner": "me"})


class TestLayout:
    def test_objects_are_files(self, datasets: FilesystemDatasets, root: Path) -> None:
        put(datasets, BUCKET, "flights/2013/a b.csv", b"1,2\n")
        assert (root / "bucket" / "flights" / "2013" / "a b.csv").read_bytes() == b"1,2\n"

    def test_the_tag_is_the_md5(self, datasets: FilesystemDatasets) -> None:
        expected = md5(b"content", usedforsecurity=False).hexdigest()
        assert put(datasets, BUCKET, "a").info.etag == expected

    def test_nothing_is_left_of_what_went(self, datasets: FilesystemDatasets, root: Path) -> None:
        put(datasets, BUCKET, "d/e/a")
        put(datasets, BUCKET, "d/b")
        datasets.delete_object(ref(BUCKET, "d/e/a"))
        assert [path.name for path in (root / "bucket" / "d").iterdir()] == ["b"]
        datasets.delete_object(ref(BUCKET, "d/b"))
        assert list((root / "bucket").iterdir()) == []
        assert list((root / ".metadata" / "bucket").iterdir()) == []
        datasets.delete_bucket(BUCKET)
        left = sorted(path.relative_to(root).as_posix() for path in root.rglob("*"))
        assert left == [".buckets", ".located", ".metadata", ".uploads"]

    def test_it_is_found_again(self, datasets: FilesystemDatasets, root: Path) -> None:
        info = put(datasets, BUCKET, "d/a", metadata=METADATA).info
        again = FilesystemDatasets(root)
        assert again.stat_object(ref(BUCKET, "d/a")) == info
        assert again.list_buckets() == datasets.list_buckets()

    def test_leftovers_go_at_the_start(self, datasets: FilesystemDatasets, root: Path) -> None:
        (root / ".uploads" / "0123").write_bytes(b"half")
        FilesystemDatasets(root)
        assert list((root / ".uploads").iterdir()) == []

    def test_the_root_may_be_a_link(self, tmp_path: Path) -> None:
        (tmp_path / "real").mkdir()
        (tmp_path / "link").symlink_to(tmp_path / "real")
        datasets = FilesystemDatasets(tmp_path / "link")
        datasets.create_bucket(BUCKET)
        put(datasets, BUCKET, "a")
        assert (tmp_path / "real" / "bucket" / "a").exists()

    def test_a_replacement_has_another_time(self, datasets: FilesystemDatasets) -> None:
        """Also when the clock stands still, so that each file keeps its own record."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(time, "time_ns", lambda: 1_700_000_000_000_000_000)
            first = put(datasets, BUCKET, "a", b"1", metadata=METADATA).info
            with closing(datasets.open_object(ref(BUCKET, "a"))) as opened:
                second = put(datasets, BUCKET, "a", b"2").info
                assert opened.info == first
        assert first.etag != second.etag
        assert datasets.stat_object(ref(BUCKET, "a")) == second


class TestFilesLaidByHand:
    def test_are_objects(self, datasets: FilesystemDatasets, root: Path) -> None:
        (root / "bucket" / "d").mkdir()
        (root / "bucket" / "d" / "x.csv").write_bytes(b"a\n1\n")
        info = datasets.stat_object(ref(BUCKET, "d/x.csv"))
        assert (info.size, info.media_type) == (4, "text/csv")
        assert not info.metadata.entries
        assert listed(datasets, BUCKET) == ["d/x.csv"]
        assert datasets.list_objects(BUCKET, ListRequest()).objects[0].etag == info.etag
        assert read(datasets, BUCKET, "d/x.csv") == b"a\n1\n"
        with pytest.raises(PreconditionFailedError):
            put(datasets, BUCKET, "d/x.csv", condition=WriteCondition(if_none_match=True))
        datasets.delete_object(ref(BUCKET, "d/x.csv"))
        assert list((root / "bucket").iterdir()) == []

    @pytest.mark.parametrize("edited", [b"12", b"2"])
    def test_an_edited_object_has_another_tag(
        self, datasets: FilesystemDatasets, root: Path, edited: bytes
    ) -> None:
        info = put(datasets, BUCKET, "a", b"1", metadata=METADATA).info
        file = root / "bucket" / "a"
        file.write_bytes(edited)
        os.utime(file, ns=(0, 1_700_000_000_123_456_789))
        now = datasets.stat_object(ref(BUCKET, "a"))
        assert now.etag != info.etag
        assert now.size == len(edited)
        with pytest.raises(PreconditionFailedError):
            put(datasets, BUCKET, "a", condition=WriteCondition(if_match=(info.etag,)))
        put(datasets, BUCKET, "a", condition=WriteCondition(if_match=(now.etag,)))

    def test_a_removed_object_is_gone(self, datasets: FilesystemDatasets, root: Path) -> None:
        put(datasets, BUCKET, "a", metadata=METADATA)
        (root / "bucket" / "a").unlink()
        with pytest.raises(ObjectNotFoundError):
            datasets.stat_object(ref(BUCKET, "a"))
        assert put(datasets, BUCKET, "a").created

    @pytest.mark.parametrize(
        "sidecar", [b"", b"{", b"[1]", b'{"records": [{"size": "x"}]}', b"\xff"]
    )
    def test_a_broken_sidecar_is_none(
        self, datasets: FilesystemDatasets, root: Path, sidecar: bytes
    ) -> None:
        put(datasets, BUCKET, "a.json", metadata=METADATA)
        (file,) = (root / ".metadata" / "bucket").iterdir()
        file.write_bytes(sidecar)
        info = datasets.stat_object(ref(BUCKET, "a.json"))
        assert (info.media_type, info.metadata) == ("application/json", ObjectMetadata())
        assert put(datasets, BUCKET, "a.json", metadata=METADATA).info.metadata == METADATA

    def test_a_time_beyond_all_dates(self, datasets: FilesystemDatasets, root: Path) -> None:
        (root / "bucket" / "a").touch()
        os.utime(root / "bucket" / "a", (1e12, 1e12))
        assert datasets.stat_object(ref(BUCKET, "a")).last_modified > datetime.now(UTC)

    @pytest.mark.parametrize("name", [b"a\nb", b"\xff\xfe", b"\xc2\x85"])
    def test_names_that_no_object_has(
        self, datasets: FilesystemDatasets, root: Path, name: bytes
    ) -> None:
        with open(os.fsencode(root / "bucket") + b"/" + name, "wb"):  # noqa: PTH123
            pass
        put(datasets, BUCKET, "b")
        assert listed(datasets, BUCKET) == ["b"]
        datasets.delete_object(ref(BUCKET, "b"))
        with pytest.raises(BucketNotEmptyError):
            datasets.delete_bucket(BUCKET)
        assert len(list((root / "bucket").iterdir())) == 1


class TestCopies:
    @pytest.mark.parametrize("keeps_times", [True, False])
    def test_a_copied_tree(
        self, datasets: FilesystemDatasets, root: Path, tmp_path: Path, keeps_times: bool
    ) -> None:
        names = ["a.csv", "d/b", "d/e/c"]
        for name in names:
            put(datasets, BUCKET, name, name.encode(), metadata=METADATA, media_type="my/type")
        copy = tmp_path / "copy"
        shutil.copytree(root, copy, copy_function=shutil.copy2 if keeps_times else shutil.copyfile)
        if not keeps_times:
            for file in copy.glob("bucket/**/*"):
                os.utime(file, ns=(0, 1_700_000_000_000_000_000))
        copied = FilesystemDatasets(copy)
        assert listed(copied, BUCKET) == names
        assert copied.list_buckets() == datasets.list_buckets()
        for name in names:
            info, old = (
                copied.stat_object(ref(BUCKET, name)),
                datasets.stat_object(ref(BUCKET, name)),
            )
            assert (info.media_type, info.metadata) == ("my/type", METADATA)
            # Without its time nothing says that it was not edited, so its tag is another
            assert (info.etag == old.etag) == keeps_times
            assert read(copied, BUCKET, name) == name.encode()

    def test_a_copy_within_the_bucket(self, datasets: FilesystemDatasets, root: Path) -> None:
        put(datasets, BUCKET, "a.csv", metadata=METADATA)
        shutil.copy2(root / "bucket" / "a.csv", root / "bucket" / "b.csv")
        assert not datasets.stat_object(ref(BUCKET, "b.csv")).metadata.entries


class TestBuckets:
    def test_directories_made_by_hand(self, datasets: FilesystemDatasets, root: Path) -> None:
        (root / "by-hand").mkdir()
        (root / "by-hand" / "a").write_bytes(b"1")
        for other in ("UPPER", "x", ".hidden", "a_b"):
            (root / other).mkdir()
        (root / "a-file").touch()
        (root / "a-link").symlink_to(root / "by-hand")
        found = datasets.list_buckets()
        assert [bucket.name for bucket in found] == ["bucket", "by-hand"]
        put(datasets, BucketName("by-hand"), "b")
        assert listed(datasets, BucketName("by-hand")) == ["a", "b"]
        assert FilesystemDatasets(root).list_buckets() == found

    @pytest.mark.parametrize("kind", ["file", "link", "dangling"])
    def test_a_name_that_something_else_bears(
        self, datasets: FilesystemDatasets, root: Path, kind: str
    ) -> None:
        if kind == "file":
            (root / "other").touch()
        else:
            (root / "other").symlink_to(root / ("bucket" if kind == "link" else "none"))
        name = BucketName("other")
        with pytest.raises(BucketReservedError):
            datasets.create_bucket(name)
        with pytest.raises(BucketNotFoundError):
            datasets.list_objects(name, ListRequest())
        with pytest.raises(BucketNotFoundError):
            datasets.delete_bucket(name)
        assert os.path.lexists(root / "other")

    def test_reserved_ones_are_left_alone(self, root: Path) -> None:
        (root / "lake").mkdir(parents=True)
        datasets = FilesystemDatasets(root, reserved=frozenset({"lake"}))
        assert datasets.list_buckets() == []
        with pytest.raises(BucketNotFoundError):
            datasets.delete_bucket(BucketName("lake"))
        assert (root / "lake").is_dir()

    def test_empty_directories_do_not_count(self, datasets: FilesystemDatasets, root: Path) -> None:
        (root / "bucket" / "d" / "e").mkdir(parents=True)
        (root / "bucket" / "f").mkdir()
        assert listed(datasets, BUCKET) == []
        assert listed(datasets, BUCKET, ListRequest(delimiter="/")) == []
        with pytest.raises(ObjectNotFoundError):
            datasets.stat_object(ref(BUCKET, "d"))
        put(datasets, BUCKET, "d", b"1")
        assert read(datasets, BUCKET, "d") == b"1"
        datasets.delete_object(ref(BUCKET, "d"))
        datasets.delete_bucket(BUCKET)
        assert not (root / "bucket").exists()

    def test_a_bucket_taken_away_leaves_nothing_to_the_next(
        self, datasets: FilesystemDatasets, root: Path
    ) -> None:
        put(datasets, BUCKET, "a", metadata=METADATA)
        shutil.rmtree(root / "bucket")
        datasets.create_bucket(BUCKET)
        (root / "bucket" / "a").write_bytes(b"content")
        assert not datasets.stat_object(ref(BUCKET, "a")).metadata.entries


class TestNoWayOut:
    @pytest.fixture
    def outside(self, tmp_path: Path) -> Path:
        directory = tmp_path / "outside"
        directory.mkdir()
        (directory / "secret").write_bytes(b"secret")
        return directory

    def test_a_link_to_a_directory(
        self, datasets: FilesystemDatasets, root: Path, outside: Path
    ) -> None:
        (root / "bucket" / "link").symlink_to(outside)
        for call in (datasets.stat_object, datasets.open_object):
            with pytest.raises(ObjectNotFoundError):
                call(ref(BUCKET, "link/secret"))
        with pytest.raises(ObjectNameConflictError):
            put(datasets, BUCKET, "link/new")
        with pytest.raises(ObjectNameConflictError):
            put(datasets, BUCKET, "link")
        datasets.delete_object(ref(BUCKET, "link/secret"))
        datasets.delete_object(ref(BUCKET, "link"))
        assert listed(datasets, BUCKET) == []
        assert listed(datasets, BUCKET, ListRequest(prefix="link/")) == []
        assert [path.name for path in outside.iterdir()] == ["secret"]
        assert (root / "bucket" / "link").is_symlink()

    def test_a_link_to_a_file(
        self, datasets: FilesystemDatasets, root: Path, outside: Path
    ) -> None:
        (root / "bucket" / "link").symlink_to(outside / "secret")
        for call in (datasets.stat_object, datasets.open_object):
            with pytest.raises(ObjectNotFoundError):
                call(ref(BUCKET, "link"))
        with pytest.raises(ObjectNameConflictError):
            put(datasets, BUCKET, "link", b"new")
        datasets.delete_object(ref(BUCKET, "link"))
        assert listed(datasets, BUCKET) == []
        assert (outside / "secret").read_bytes() == b"secret"

    @pytest.mark.parametrize(
        "prefix", ["../", "../outside/", "./", "/", "d/../", "a\0/", "\ud800/"]
    )
    def test_prefixes(self, datasets: FilesystemDatasets, outside: Path, prefix: str) -> None:
        put(datasets, BUCKET, "d/a")
        assert listed(datasets, BUCKET, ListRequest(prefix=prefix)) == []

    @pytest.mark.timeout(20)
    def test_special_files_are_never_opened(
        self, datasets: FilesystemDatasets, root: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        os.mkfifo(root / "bucket" / "pipe")
        monkeypatch.chdir(root / "bucket")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind("socket")
            put(datasets, BUCKET, "a")
            assert listed(datasets, BUCKET) == ["a"]
            for name in ("pipe", "socket"):
                for call in (datasets.stat_object, datasets.open_object):
                    with pytest.raises(ObjectNotFoundError):
                        call(ref(BUCKET, name))
                with pytest.raises(ObjectNameConflictError):
                    put(datasets, BUCKET, name)
                datasets.delete_object(ref(BUCKET, name))
        assert (root / "bucket" / "pipe").is_fifo()

    def test_a_hand_that_cuts_a_file_short(self, datasets: FilesystemDatasets, root: Path) -> None:
        put(datasets, BUCKET, "a", b"x" * 3_000_000)
        with closing(datasets.open_object(ref(BUCKET, "a"))) as opened:
            os.truncate(root / "bucket" / "a", 10)
            with pytest.raises(PreconditionFailedError):
                b"".join(opened.read())


def test_a_page_reads_only_its_own_sidecars(
    datasets: FilesystemDatasets, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "bucket" / "d").mkdir()
    for number in range(2000):
        (root / "bucket" / "d" / f"{number:05}").touch()
    reads = []
    original = Path.read_bytes

    def counted(path: Path) -> bytes:
        reads.append(path)
        return original(path)

    monkeypatch.setattr(Path, "read_bytes", counted)
    page = datasets.list_objects(BUCKET, ListRequest(page_size=10, after="d/00500"))
    assert [each.name for each in page.objects] == [f"d/{number:05}" for number in range(501, 511)]
    assert len(reads) == 10
