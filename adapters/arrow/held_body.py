"""Bodies that are read for tables that may grow: kept, looked through, and then read."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

from adapters.arrow.body import unpacked_too_large
from adapters.arrow.growing import find_growth
from adapters.arrow.limits import BATCH_BYTES
from adapters.arrow.spool import fill, spool_file
from domain.column_types import ScalarKind, ScalarType
from domain.errors import RowsDoNotFitError
from domain.ports.rows import HeldBody
from domain.tables import Column

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from adapters.arrow.body_reader import BodyReader
    from domain.bodies import BodyFormat
    from domain.rows import Rows


class ArrowHeldBody(HeldBody):
    """A body in memory, or beyond a limit in a file without a name."""

    def __init__(
        self, chunks: Iterator[bytes], body_format: BodyFormat, reader: BodyReader
    ) -> None:
        """Receive the whole body. Raises what `RowReaderPort.hold` raises."""
        self._format = body_format
        self._reader = reader
        self._held: list[bytes] = []
        self._size = 0
        self._file: IO[bytes] | None = None
        try:
            for chunk in chunks:
                self._take(chunk)
        except BaseException:
            self.close()
            raise

    def rows(self, columns: Sequence[Column]) -> Rows:
        """As `HeldBody.rows`.

        Most bodies need no growth, and are read once. Only when one does not fit as it is, it
        is looked through for what it shows of the types that it needs, and read once more.
        """
        try:
            return self._reader.rows(self._chunks(), self._format, columns)
        except RowsDoNotFitError:
            found = find_growth(
                self._chunks(),
                self._format,
                columns,
                self._reader.directory,
                self._reader.limits,
            )
            if not found.growth and not found.untyped:
                raise
        return self._reader.rows(
            self._chunks(),
            self._format,
            found.growth.applied_to(columns),
            found.growth,
            # Any type takes NULLs.
            [Column(name, ScalarType(ScalarKind.BOOLEAN)) for name in found.untyped],
        )

    def close(self) -> None:
        """Give back the memory or disk that holds the body. May be called twice."""
        self._held = []
        if self._file is not None:
            self._file.close()

    def _take(self, chunk: bytes) -> None:
        self._size += len(chunk)
        if self._size > self._reader.limits.expanded_bytes:
            raise unpacked_too_large(self._reader.limits)
        self._held.append(chunk)
        if self._file is None:
            if self._size <= self._reader.limits.memory_bytes:
                return
            self._file = spool_file(self._reader.directory)
        fill(self._file, self._held)
        self._held = []

    def _chunks(self) -> Iterator[bytes]:
        if self._file is None:
            yield from self._held
            return
        self._file.seek(0)
        while chunk := self._file.read(BATCH_BYTES):
            yield chunk
