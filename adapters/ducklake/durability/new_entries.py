"""Which files and directories were made below a directory, since that was last asked.

DuckLake names no file that it writes before the commit that names it, so the tree of the data
files tells. On Linux the kernel does (`WatchedTree`): asking costs microseconds when there is
nothing new, however many files there are. Elsewhere the tree is listed (`ListedTree`).
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from adapters.ducklake.durability import inotify
from adapters.ducklake.durability.inotify import Event, Inotify

_WATCHED = inotify.CREATED | inotify.CLOSED_AFTER_WRITING | inotify.MOVED_TO | inotify.MOVED_ITSELF
# After one of these the paths of the watches cannot be trusted.
_LOST_TRACK = inotify.OVERFLOWED | inotify.MOVED_ITSELF

_logger = logging.getLogger(__name__)


@dataclass(slots=True)
class NewEntries:
    """What was made.

    Attributes:
        files: Files that were made or written.
        directories: Directories in which entries were made.
    """

    files: set[Path] = field(default_factory=set)
    directories: set[Path] = field(default_factory=set)

    def add_file(self, path: Path) -> None:
        """A file was made or written."""
        self.files.add(path)
        self.directories.add(path.parent)

    def add_directory(self, path: Path) -> None:
        """A directory was made."""
        self.directories.add(path.parent)


class Tree(Protocol):
    """A directory and all below it. Used by one thread at a time."""

    def take(self) -> NewEntries:
        """What was made since this was last called, or since the tree was first seen.

        An entry may be told twice, and may be gone again.
        """

    def close(self) -> None:
        """Look no longer."""


def watch_tree(root: Path) -> Tree:
    """Watch a directory from now on, in the cheapest way that this system has."""
    try:
        return WatchedTree(root)
    except OSError as error:
        _logger.info("The data files are listed at each commit: %s.", error.strerror or error)
        return ListedTree(root)


class WatchedTree(Tree):
    """A tree that the kernel watches, one watch for each directory.

    Raises:
        OSError: When this system cannot, or has not watches enough.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._inotify = Inotify()
        self._paths: dict[int, Path] = {}
        try:
            self._watch(root, NewEntries())
        except BaseException:
            self._inotify.close()
            raise

    def take(self) -> NewEntries:
        """As `Tree.take`.

        Raises:
            OSError: When there are not watches enough for new directories.
        """
        found = NewEntries()
        for event in self._inotify.events():
            if event.mask & _LOST_TRACK:
                return self._everything()
            self._note(event, found)
        if not self._paths:
            # The root itself was removed, and may have been made anew.
            return self._everything()
        return found

    def close(self) -> None:
        """As `Tree.close`."""
        self._inotify.close()

    def _note(self, event: Event, found: NewEntries) -> None:
        if event.mask & inotify.NO_LONGER_WATCHED:
            self._paths.pop(event.watch, None)
            return
        directory = self._paths.get(event.watch)
        if directory is None:
            return
        path = directory / event.name
        # A symbolic link to a directory is none to the kernel.
        if event.mask & inotify.IS_DIRECTORY or path.is_dir():
            found.add_directory(path)
            self._watch(path, found)
        else:
            found.add_file(path)

    def _watch(self, directory: Path, found: NewEntries) -> None:
        """Watch a directory and those below it, noting what is in them already."""
        try:
            # Before it is listed, so that nothing is made unseen in between.
            watch = self._inotify.watch(directory, _WATCHED)
            if self._paths.setdefault(watch, directory) != directory:
                # Links lead to it by several ways, or in a circle.
                return
            for path, is_directory in _entries(directory):
                if is_directory:
                    found.add_directory(path)
                    self._watch(path, found)
                else:
                    found.add_file(path)
        except (FileNotFoundError, NotADirectoryError):
            # Removed meanwhile.
            return

    def _everything(self) -> NewEntries:
        """Begin anew, and take all that is there for new."""
        _logger.warning("The data files were changed in ways that cannot be followed.")
        self._inotify.close()
        self._inotify = Inotify()
        self._paths.clear()
        found = NewEntries()
        self._watch(self._root, found)
        return found


class ListedTree(Tree):
    """A tree that is listed whenever it is asked for: its cost grows with the number of files.

    Args:
        all_new: Whether what is there already is new.
    """

    def __init__(self, root: Path, *, all_new: bool = False) -> None:
        self._root = root
        self._known = {} if all_new else self._listed()

    def take(self) -> NewEntries:
        """As `Tree.take`."""
        found = NewEntries()
        now = self._listed()
        for path, state in now.items():
            if self._known.get(path, ()) == state:
                continue
            if state is None:
                found.add_directory(path)
            else:
                found.add_file(path)
        self._known = now
        return found

    def close(self) -> None:
        """As `Tree.close`."""

    def _listed(self) -> dict[Path, tuple[int, int] | None]:
        """Size and time of each file, None of each directory."""
        found: dict[Path, tuple[int, int] | None] = {}
        below = [self._root]
        seen: set[tuple[int, int]] = set()
        while below:
            directory = below.pop()
            try:
                status = directory.stat()
                if (status.st_dev, status.st_ino) in seen:
                    continue
                seen.add((status.st_dev, status.st_ino))
                for path, is_directory in _entries(directory):
                    if is_directory:
                        found[path] = None
                        below.append(path)
                    else:
                        status = path.lstat()
                        found[path] = (status.st_size, status.st_mtime_ns)
            except FileNotFoundError:
                # Removed meanwhile.
                continue
        return found


def _entries(directory: Path) -> list[tuple[Path, bool]]:
    with os.scandir(directory) as entries:
        return [(Path(entry.path), entry.is_dir()) for entry in entries]
