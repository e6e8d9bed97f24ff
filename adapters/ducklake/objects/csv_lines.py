"""The lines of CSV, which are bounded: DuckDB reads it by buffers.

Of a file whose last line is longer than a buffer, it gives the lines before that one and says
nothing of the rest; and finding out how lines of tens of megabytes are written takes it ten
seconds and more, in which it hears no interrupt. Both were seen with DuckDB 1.5.5.
"""

from __future__ import annotations

import re
from typing import ClassVar

from domain.errors import TooLargeError

MAX_CSV_COLUMNS = 10_000
"""The columns that a CSV object may have, by its first line."""

MAX_CSV_LINE_BYTES = 2_000_000
"""How long a line of a CSV object may be, its end included; DuckDB's own limit."""

CSV_BUFFER_BYTES = 2 * MAX_CSV_LINE_BYTES
"""What DuckDB reads of CSV at a time, and looks at to find out how it is written.

With its own 32 MB it is no faster, and a file of long lines takes it eight times as long.
"""

_LINE_END = re.compile(rb"[\r\n]")
_DELIMITERS = b",;|\t"


class CsvLines:
    """Follows CSV chunk by chunk, none larger than `MAX_CSV_LINE_BYTES`."""

    TOO_LONG: ClassVar[str] = f"It has a line of more than {MAX_CSV_LINE_BYTES} bytes."

    def __init__(self) -> None:
        self._open = 0

    def feed(self, chunk: bytes) -> None:
        """Take what comes next.

        Raises:
            TooLargeError: When a line in it is too long.
        """
        first = _LINE_END.search(chunk)
        self._open += len(chunk) if first is None else first.end()
        if self._open > MAX_CSV_LINE_BYTES:
            raise TooLargeError(self.TOO_LONG)
        if first is not None:
            self._open = len(chunk) - 1 - max(chunk.rfind(b"\n"), chunk.rfind(b"\r"))

    @staticmethod
    def has_end(tail: bytes) -> bool:
        """Whether a line ends in the last bytes of a file, before their own end."""
        return _LINE_END.search(tail.removesuffix(b"\n").removesuffix(b"\r")) is not None


def check_first_line(beginning: bytes) -> None:
    """Check how many columns a CSV file may have, whatever divides them.

    Raises:
        TooLargeError: When there are too many: finding out their types takes DuckDB long.
    """
    line = _LINE_END.split(beginning, maxsplit=1)[0]
    if any(line.count(delimiter) >= MAX_CSV_COLUMNS for delimiter in _DELIMITERS):
        raise TooLargeError(f"It has more than {MAX_CSV_COLUMNS} columns.")
