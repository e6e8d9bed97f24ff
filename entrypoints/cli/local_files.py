"""Files of the caller's own, and the standard streams."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import UnsupportedOperation
from pathlib import Path
from typing import BinaryIO

STANDARD_STREAM = "-"
"""The name that stands for stdin or stdout."""

CHUNK_BYTES = 1 << 20
_STDIN_POLL_S = 0.2


def file_size(name: str) -> int | None:
    """The size of a file in bytes; None of one that is not regular, and of stdin."""
    path = Path(name)
    return path.stat().st_size if name != STANDARD_STREAM and path.is_file() else None


def read_chunks(name: str) -> Iterator[bytes]:
    """The bytes of a file, or of stdin.

    Raises:
        OSError: When it cannot be read.
    """
    if name == STANDARD_STREAM:
        yield from _read_stdin()
        return
    with Path(name).open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def _read_stdin() -> Iterator[bytes]:
    try:
        descriptor = sys.stdin.fileno()
    except UnsupportedOperation:
        # Not a stream of the system: one that stands in for it.
        while chunk := sys.stdin.buffer.read(CHUNK_BYTES):
            yield chunk
        return
    while True:
        # Not by a buffered read: one that waits for a silent sender could not be given up.
        ready, _, _ = select.select([descriptor], [], [], _STDIN_POLL_S)
        if not ready:
            yield b""
            continue
        chunk = os.read(descriptor, CHUNK_BYTES)
        if not chunk:
            return
        yield chunk


@contextmanager
def open_for_writing(path: Path) -> Iterator[BinaryIO]:
    """A file that appears under its name as a whole, or not at all.

    What is no regular file (a device, a named pipe) is written as it is.

    Raises:
        OSError: When it cannot be written.
    """
    target = path.resolve()
    if target.exists() and not target.is_file():
        with target.open("wb") as file:
            yield file
        return
    scratch = target.with_name(f".{target.name[:100]}.{os.urandom(4).hex()}.part")
    try:
        with _named_in_errors(path), scratch.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        with _named_in_errors(path):
            scratch.replace(target)
    except BaseException:
        with suppress(OSError):
            scratch.unlink()
        raise


@contextmanager
def _named_in_errors(path: Path) -> Iterator[None]:
    """The caller knows the file by its own name, not by the scratch file's."""
    try:
        yield
    except OSError as error:
        if error.filename is not None:
            raise type(error)(error.errno, error.strerror, str(path)) from error
        raise
