"""The port that reads bodies into rows."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import Protocol

from domain.bodies import BodyFormat
from domain.rows import Rows
from domain.tables import Column


class RowReaderPort(Protocol):
    """Reads a body in some format into rows that fit a table's columns."""

    @abstractmethod
    def read(
        self, body: Iterable[bytes], body_format: BodyFormat, columns: Sequence[Column]
    ) -> Rows:
        """Read the whole body, strictly, in bounded memory.

        Strict: nothing is lost or guessed. An integer that overflows, a fraction for an
        integer, a boolean for a number, a bad date, a NULL or no value for a column that must
        have one, and a column that the table lacks are errors.

        Args:
            body: The bytes, in chunks of any size. What it raises passes through.
            body_format: What they claim to be. A body that is packed is read to the end of all
                that was packed.
            columns: The table's columns.

        Raises:
            EmptyBodyError: When there are no bytes, or none are packed.
            MalformedBodyError: When they are not of that format, or are cut short, or more follows.
            RowsDoNotFitError: When a row does not fit, with its number and column.
            TooLargeError: When the body, what it unpacks to, a row or its nesting is over a limit.
            StorageFullError: When there is no space to hold the rows.
        """
