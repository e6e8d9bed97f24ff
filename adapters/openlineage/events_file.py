"""The official file transport, for one file of events that survives crashes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from openlineage.client.transport.file import FileTransport

if TYPE_CHECKING:
    from openlineage.client.client import Event


class EventsFileTransport(FileTransport):
    """Appends each event as one line of JSON; makes the file's directory.

    A line that a crash or a full disk cut short stays as it is, and the next event still
    begins a line of its own.
    """

    def emit(self, event: Event) -> None:
        """Append an event.

        Raises:
            OSError, RuntimeError: When the file cannot be written.
        """
        path = Path(self.config.log_file_path)
        path.parent.mkdir(parents=True, exist_ok=True)
        _end_last_line(path)
        super().emit(event)


def _end_last_line(path: Path) -> None:
    with path.open("ab+") as file:
        if file.tell() == 0:
            return
        file.seek(-1, os.SEEK_END)
        if file.read(1) != b"\n":
            file.write(b"\n")
