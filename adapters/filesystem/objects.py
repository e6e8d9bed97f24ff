"""The objects of a bucket: each a file and its record."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path

from adapters.filesystem.directories import (
    descend,
    descend_making,
    empty_directories,
    prune,
    remove_empty,
)
from adapters.filesystem.errors import NOT_THERE
from adapters.filesystem.files import (
    copy_file,
    find_entry,
    find_file,
    open_file,
    same_file,
    segments,
)
from adapters.filesystem.records import Record, Sidecars, assumed, fitting
from domain.datasets import ObjectRef
from domain.errors import ObjectNameConflictError, UnavailableError

_ATTEMPTS = 100
# What a file says that is taken for a directory, or (on some systems) a link.
_NO_DIRECTORY = frozenset({errno.ENOTDIR, errno.ELOOP})
# What a system says that does not link a file of another user, or across file systems.
_NO_LINK = frozenset({errno.EPERM, errno.EXDEV, errno.EMLINK, errno.EOPNOTSUPP})


class Objects:
    """Finds, places and removes objects in a bucket whose directory is open.

    Reading needs no lock. For writing, the caller holds the object's lock.
    """

    def __init__(self, sidecars: Sidecars) -> None:
        self._sidecars = sidecars

    def find(self, bucket: int, ref: ObjectRef) -> Record | None:
        """The record of the object; None when it is not there."""
        path = segments(ref.name.value)
        # Each further turn means that somebody has just replaced the object.
        while (file := find_file(bucket, path)) is not None:
            record = self._record(bucket, ref, file)
            if record is not None:
                return record
        return None

    def open(self, bucket: int, ref: ObjectRef) -> tuple[int, Record] | None:
        """Open the object: its file descriptor and its record; None when it is not there."""
        path = segments(ref.name.value)
        while (descriptor := open_file(bucket, path)) is not None:
            try:
                record = self._record(bucket, ref, os.fstat(descriptor))
            except BaseException:
                os.close(descriptor)
                raise
            if record is not None:
                return descriptor, record
            os.close(descriptor)
        return None

    def hold(self, bucket: int, ref: ObjectRef, target: Path) -> Record | None:
        """Have the object's file also at `target`, where it stays when the object is replaced.

        It is linked, or copied where the system does not let it be linked (a file of another
        user, or of another file system). Gives its record; None when the object is not there.
        """
        *above, leaf = segments(ref.name.value)
        for attempt in range(1, _ATTEMPTS + 1):
            opened = self.open(bucket, ref)
            if opened is None:
                return None
            descriptor, record = opened
            try:
                with descend(bucket, above) as parent:
                    os.link(leaf, target, src_dir_fd=parent, follow_symlinks=False)
            except OSError as error:
                if error.errno in NOT_THERE and attempt < _ATTEMPTS:
                    continue
                if error.errno not in _NO_LINK:
                    raise
                copy_file(descriptor, target)
                if record.fits(os.fstat(descriptor)):
                    return record
            else:
                if same_file(os.fstat(descriptor), target.lstat()):
                    return record
            finally:
                os.close(descriptor)
            # Another file took its place in the meantime.
            target.unlink()
        raise UnavailableError(f"{ref} is being replaced all the time; try again.")

    def _record(self, bucket: int, ref: ObjectRef, file: os.stat_result) -> Record | None:
        """The record of a file that was found; None when another has taken its place since.

        A file that was put has its record before it is in its place, until it has left it. So
        when there is none, and the file is still there, then nobody put it.
        """
        records = self._sidecars.read(ref)
        record = fitting(records, file)
        if record is not None:
            return record
        if same_file(file, find_file(bucket, segments(ref.name.value))):
            return assumed(records, file, ref)
        return None

    def check_place(self, bucket: int, ref: ObjectRef) -> None:
        """Check that a file can be placed there.

        Raises:
            ObjectNameConflictError: When an object stands in the way.
        """
        path = segments(ref.name.value)
        try:
            with descend(bucket, path[:-1]):
                pass
        except FileNotFoundError:
            return
        except OSError as error:
            if error.errno in _NO_DIRECTORY:
                raise _conflict(ref) from error
            raise
        entry = find_entry(bucket, path)
        if entry is None or stat.S_ISREG(entry.st_mode):
            return
        if not stat.S_ISDIR(entry.st_mode) or empty_directories(bucket, path) is None:
            raise _conflict(ref)

    def place(self, bucket: int, ref: ObjectRef, source: Path) -> None:
        """Move a file to the object's place, durably.

        Raises:
            ObjectNameConflictError: When an object stands in the way.
        """
        *above, leaf = segments(ref.name.value)
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                with descend_making(bucket, above) as parent:
                    os.rename(source, leaf, dst_dir_fd=parent)
                    os.fsync(parent)
            except FileNotFoundError:
                # A delete has just pruned a directory on the way.
                if attempt == _ATTEMPTS:
                    raise
            except IsADirectoryError as error:
                if attempt == _ATTEMPTS or not remove_empty(bucket, [*above, leaf]):
                    raise _conflict(ref) from error
            except OSError as error:
                if error.errno in _NO_DIRECTORY:
                    raise _conflict(ref) from error
                raise
            else:
                return

    def remove(self, bucket: int, ref: ObjectRef) -> None:
        """Remove the object, durably, if it is there."""
        *above, leaf = segments(ref.name.value)
        if find_file(bucket, [*above, leaf]) is not None:
            with descend(bucket, above) as parent:
                os.unlink(leaf, dir_fd=parent)
                os.fsync(parent)
        self._sidecars.write(ref, [])
        prune(bucket, above)

    def settle(self, bucket: int, ref: ObjectRef) -> None:
        """After a failed placing: keep the record of the file that is there, and no other."""
        with suppress(OSError):
            record = self.find(bucket, ref)
            self._sidecars.write(ref, [] if record is None else [record])
        prune(bucket, segments(ref.name.value)[:-1])


def _conflict(ref: ObjectRef) -> ObjectNameConflictError:
    return ObjectNameConflictError(
        f"{ref} cannot be written: here an object cannot be beside others under its name and '/'."
    )
