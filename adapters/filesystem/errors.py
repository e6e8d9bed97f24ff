"""The operating system's errors, in the domain's words."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from domain.errors import (
    InvalidObjectNameError,
    LakehouseError,
    StorageFullError,
    TooLargeError,
    UnavailableError,
)

NOT_THERE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG})
"""What opening a path says when no file of that path can be there (ELOOP: a symbolic link)."""

_NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT})


@contextmanager
def translated() -> Iterator[None]:
    """Raise an `OSError` of the body as the domain's error; its text names no path."""
    try:
        yield
    except OSError as error:
        raise _translate(error) from error


def reason(error: OSError) -> str:
    """What went wrong, in the system's words, without a path."""
    return os.strerror(error.errno) if error.errno else "unknown error"


def _translate(error: OSError) -> LakehouseError:
    if error.errno in _NO_SPACE:
        return StorageFullError("There is no space left for objects.")
    if error.errno == errno.ENAMETOOLONG:
        return InvalidObjectNameError("The object's name is too long for this file system.")
    if error.errno == errno.EFBIG:
        return TooLargeError("The object is larger than a file may be here.")
    return UnavailableError(f"The directory of the datasets cannot be used: {reason(error)}.")
