"""The row reader: bodies in any format into rows that fit a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.arrow.body import bounded
from adapters.arrow.body_reader import BodyReader
from adapters.arrow.held_body import ArrowHeldBody
from adapters.arrow.limits import Limits
from adapters.arrow.unpacking import unpacked
from domain.ports.rows import HeldBody, RowReaderPort

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from domain.bodies import BodyFormat
    from domain.rows import Rows
    from domain.tables import Column


class ArrowRowReader(RowReaderPort):
    """Reads bodies into Arrow record batches, which wait in memory or in a nameless file."""

    def __init__(self, spool_directory: Path, limits: Limits | None = None) -> None:
        """Make a reader.

        Args:
            spool_directory: Where rows wait that are too many for memory. It is made when it is
                first needed; what is in it has no name, and is gone with the process.
            limits: What a body may hold and cost.
        """
        self._reader = BodyReader(spool_directory, limits or Limits())

    def read(
        self, body: Iterable[bytes], body_format: BodyFormat, columns: Sequence[Column]
    ) -> Rows:
        """As `RowReaderPort.read`."""
        return self._reader.rows(self._unpacked(body, body_format), body_format, columns)

    def hold(self, body: Iterable[bytes], body_format: BodyFormat) -> HeldBody:
        """As `RowReaderPort.hold`."""
        return ArrowHeldBody(self._unpacked(body, body_format), body_format, self._reader)

    def _unpacked(self, body: Iterable[bytes], body_format: BodyFormat) -> Iterator[bytes]:
        limits = self._reader.limits
        return unpacked(bounded(body, limits), body_format.codings, limits)
