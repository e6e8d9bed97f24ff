"""The port that reads bodies into rows."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import Protocol

from domain.bodies import BodyFormat
from domain.rows import Rows
from domain.tables import Column


class HeldBody(Protocol):
    """A body that was received whole, and can be read several times."""

    @abstractmethod
    def rows(self, columns: Sequence[Column]) -> Rows:
        """Read the body into rows for a table that may grow: `Rows.growth` says by what.

        As strict as `RowReaderPort.read`, but for this: a column that the table lacks is added,
        of the type that all its values in the body show, and an integer, FLOAT or DECIMAL
        column is widened as far as its values in the body need. Where a column that the table
        lacks has nothing but NULLs, and so no type, it is left out: nothing is lost by that.

        Args:
            columns: The table's columns as they are now.

        Raises:
            InvalidColumnError: When the table cannot have a column of such a name or type.
            MalformedBodyError, RowsDoNotFitError, TooLargeError, StorageFullError: As `read`.
        """

    @abstractmethod
    def close(self) -> None:
        """Give back the memory or disk that holds the body. May be called twice."""


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

    @abstractmethod
    def hold(self, body: Iterable[bytes], body_format: BodyFormat) -> HeldBody:
        """Receive the whole body, in bounded memory, so that it can be read several times.

        Raises:
            EmptyBodyError, MalformedBodyError, TooLargeError, StorageFullError: As `read`.
        """
