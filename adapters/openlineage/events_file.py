"""The official file transport, for one file of events that survives crashes."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import msgspec
from openlineage.client.serde import Serde
from openlineage.client.transport.file import FileTransport

if TYPE_CHECKING:
    from openlineage.client.client import Event
    from openlineage.client.transport.file import FileConfig


class EventsFileTransport(FileTransport):
    """Appends each event as one line of JSON; makes the file and its directory.

    A line that a crash or a full disk cut short stays as it is, and the next event still
    begins a line of its own. The file stays open until another one is in its place, as after
    its rotation. For one thread.
    """

    def __init__(self, config: FileConfig) -> None:
        super().__init__(config)
        self._path = Path(config.log_file_path)
        self._file: int | None = None
        self._end = -1
        self._captured: list[bytes] | None = None

    def emit(self, event: Event) -> None:
        """Append an event.

        Raises:
            OSError: When the file cannot be written.
        """
        line = _json_of(event) + b"\n"
        if self._captured is not None:
            self._captured.append(line)
        else:
            self.append([line])

    def captured(self, emitting: Callable[[], None]) -> bytes:
        """The lines of what is emitted meanwhile, which are not appended."""
        self._captured = lines = list[bytes]()
        try:
            emitting()
        finally:
            self._captured = None
        return b"".join(lines)

    def append(self, lines: Sequence[bytes]) -> int:
        """Append lines, each with its end; how many of them are whole in the file.

        Raises:
            OSError: When the file cannot be written, and not one of them is.
        """
        start = b""
        file = self._opened()
        size = os.fstat(file).st_size
        # What we wrote last ends a line; what somebody else did, perhaps not.
        if size not in (0, self._end) and os.pread(file, 1, size - 1) != b"\n":
            start = b"\n"
        self._end = -1
        text = b"".join((start, *lines))
        left = memoryview(text)
        try:
            while left:
                left = left[os.write(file, left) :]
        except OSError:
            if (whole := _whole(lines, len(text) - len(left) - len(start))) == 0:
                raise
            return whole
        self._end = size + len(text)
        return len(lines)

    def close(self, timeout: float = -1) -> bool:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
        return super().close(timeout)

    def _opened(self) -> int:
        if self._file is not None and self._is_in_place(self._file):
            return self._file
        self.close()
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        self._end = -1
        return self._file

    def _is_in_place(self, file: int) -> bool:
        try:
            there = self._path.stat()
        except FileNotFoundError:
            return False
        return os.path.samestat(there, os.fstat(file))


def _whole(lines: Sequence[bytes], written: int) -> int:
    """How many lines are whole in so many bytes."""
    return sum(end <= written for end in accumulate(map(len, lines)))


def _json_of(event: Event) -> bytes:
    """As `Serde.to_json` writes it, in a tenth of the time."""
    try:
        return msgspec.json.encode(_plain(event))
    except UnicodeEncodeError:
        # A lone surrogate, in SQL for one, is escaped by that alone.
        return Serde.to_json(event).encode()


def _plain(value: Any) -> Any:
    """A value of the client's classes as JSON has it, without attributes that have no value."""
    kind = type(value)
    if kind is dict:
        return {name: _plain(member) for name, member in value.items()}
    if kind is list:
        return [_plain(member) for member in value]
    names = _attributes(kind)  # type: ignore[arg-type]
    if names is None:
        return value
    members = ((name, getattr(value, name)) for name in names)
    return {name: _plain(member) for name, member in members if member is not None}


@cache
def _attributes(kind: type) -> tuple[str, ...] | None:
    """The names of the attributes of one of the client's classes; None of any other."""
    return tuple(field.name for field in attrs.fields(kind)) if attrs.has(kind) else None
