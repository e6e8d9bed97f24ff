"""Both ways to find new files say the same."""

import errno
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from adapters.ducklake.durability import inotify
from adapters.ducklake.durability.new_entries import (
    ListedTree,
    NewEntries,
    Tree,
    WatchedTree,
    watch_tree,
)

OVERFLOWS_AT = Path("/proc/sys/fs/inotify/max_queued_events")

only_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has inotify")

Watch = Callable[[Path], Tree]


@pytest.fixture(params=[pytest.param(WatchedTree, marks=only_linux), ListedTree])
def watch(request: pytest.FixtureRequest) -> Iterator[Watch]:
    opened: list[Tree] = []

    def watch(root: Path) -> Tree:
        opened.append(request.param(root))
        return opened[-1]

    yield watch
    for tree in opened:
        tree.close()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "data"
    (root / "main" / "t").mkdir(parents=True)
    (root / "main" / "t" / "old.parquet").write_text("old")
    return root


def test_nothing_is_new_at_first(watch: Watch, root: Path) -> None:
    assert watch(root).take() == NewEntries()


def test_a_file_is_told_once_with_its_directory(watch: Watch, root: Path) -> None:
    tree = watch(root)
    path = root / "main" / "t" / "new é.parquet"
    path.write_text("new")
    assert tree.take() == NewEntries({path}, {path.parent})
    assert tree.take() == NewEntries()


def test_files_in_new_directories_are_told_with_all_directories(watch: Watch, root: Path) -> None:
    tree = watch(root)
    for number in range(3):
        directory = root / "other" / "t" / f"part={number}"
        directory.mkdir(parents=True)
        (directory / "new.parquet").write_text("new")
    found = tree.take()
    table = root / "other" / "t"
    partitions = {table / f"part={number}" for number in range(3)}
    assert found.files == {partition / "new.parquet" for partition in partitions}
    assert found.directories == {root, root / "other", table, *partitions}
    (table / "part=1" / "later.parquet").write_text("later")
    assert tree.take().files == {table / "part=1" / "later.parquet"}


def test_a_file_that_is_written_again_is_told_again(watch: Watch, root: Path) -> None:
    tree = watch(root)
    path = root / "main" / "t" / "old.parquet"
    path.write_text("not so old")
    assert tree.take().files == {path}


def test_a_file_that_is_moved_in_is_told(watch: Watch, root: Path, tmp_path: Path) -> None:
    tree = watch(root)
    (tmp_path / "made").write_text("elsewhere")
    (tmp_path / "made").rename(root / "main" / "moved.parquet")
    assert tree.take().files == {root / "main" / "moved.parquet"}


def test_what_is_removed_harms_nothing(watch: Watch, root: Path) -> None:
    tree = watch(root)
    passing = root / "main" / "passing"
    passing.mkdir()
    (passing / "file").write_text("x")
    (passing / "file").unlink()
    passing.rmdir()
    tree.take()
    (root / "main" / "t" / "new.parquet").write_text("new")
    assert tree.take().files == {root / "main" / "t" / "new.parquet"}


def test_links_to_directories_are_followed_and_circles_end(
    watch: Watch, root: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (root / "main" / "linked").symlink_to(elsewhere)
    (root / "main" / "t" / "circle").symlink_to(root)
    tree = watch(root)
    (root / "main" / "linked" / "new.parquet").write_text("new")
    assert {path.name for path in tree.take().files} == {"new.parquet"}
    (elsewhere / "below").mkdir()
    (root / "main" / "later").symlink_to(elsewhere / "below")
    tree.take()
    (elsewhere / "below" / "newer.parquet").write_text("newer")
    assert {path.name for path in tree.take().files} == {"newer.parquet"}


def test_a_root_that_is_a_link_is_followed(watch: Watch, root: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(root)
    tree = watch(tmp_path / "link")
    (root / "main" / "t" / "new.parquet").write_text("new")
    assert {path.name for path in tree.take().files} == {"new.parquet"}
    assert tree.take() == NewEntries()


def test_a_root_that_was_replaced_is_followed(watch: Watch, root: Path) -> None:
    tree = watch(root)
    root.rename(root.with_name("gone"))
    (root / "main").mkdir(parents=True)
    (root / "main" / "new.parquet").write_text("new")
    assert tree.take().files == {root / "main" / "new.parquet"}
    (root / "main" / "newer.parquet").write_text("newer")
    assert tree.take().files == {root / "main" / "newer.parquet"}


def test_a_list_can_take_all_for_new(root: Path) -> None:
    tree = ListedTree(root, all_new=True)
    assert tree.take().files == {root / "main" / "t" / "old.parquet"}


@only_linux
def test_when_the_kernel_lost_events_all_is_taken_for_new(root: Path) -> None:
    tree = WatchedTree(root)
    for number in range(int(OVERFLOWS_AT.read_text()) // 2 + 2):
        (root / "main" / f"{number}.parquet").touch()
    found = tree.take()
    assert found.files == {path for path in root.rglob("*") if path.is_file()}
    assert found.directories == {root, root / "main", root / "main" / "t"}
    (root / "main" / "later.parquet").touch()
    assert tree.take().files == {root / "main" / "later.parquet"}
    tree.close()


@only_linux
def test_without_watches_the_tree_is_listed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(_: inotify.Inotify, directory: Path, mask: int) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(inotify.Inotify, "watch", none_left)
    tree = watch_tree(root)
    (root / "new.parquet").touch()
    assert tree.take() == NewEntries({root / "new.parquet"}, {root})
    tree.close()
