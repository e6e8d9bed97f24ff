"""Bodies that hold rows: their format, and how they are packed."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from domain.errors import InvalidParametersError
from domain.formats import DataFormat


class ContentCoding(StrEnum):
    """How a body is packed (RFC 9110, section 8.4.1; RFC 8878)."""

    GZIP = "gzip"
    ZSTD = "zstd"


MAX_CODINGS = 2
"""How often one body may be packed."""


MAX_NULL_LENGTH = 100
_LINE_ENDS = "\r\n"


@dataclass(frozen=True, slots=True)
class CsvOptions:
    """How CSV is written (RFC 4180, and what else is found in the world).

    Attributes:
        header: Whether the first record names the columns; else they are the table's, in order.
        delimiter: What is between fields: one ASCII character, no letter, digit or line end.
        null: What a field without quotes has that is NULL; by default nothing at all.
        quote: What is around fields, and doubled within them; None when fields have no quotes.

    Raises:
        InvalidParametersError: When one of them is against these rules, or they against another.
    """

    header: bool = True
    delimiter: str = ","
    null: str = ""
    quote: str | None = '"'

    def __post_init__(self) -> None:
        _check_mark(self.delimiter, "delimiter")
        if self.quote is not None:
            _check_mark(self.quote, "quote")
        if self.quote == self.delimiter:
            raise InvalidParametersError("The CSV quote and the delimiter cannot be the same.")
        marks = {self.delimiter, self.quote, *_LINE_ENDS, "\0"}
        if len(self.null) > MAX_NULL_LENGTH or any(mark in self.null for mark in marks if mark):
            raise InvalidParametersError(
                f"The CSV text for NULL has at most {MAX_NULL_LENGTH} characters, and neither the "
                "delimiter nor the quote nor a line's end."
            )


def _check_mark(mark: str, what: str) -> None:
    if len(mark) != 1 or not mark.isascii() or mark.isalnum() or mark in _LINE_ENDS + "\0":
        raise InvalidParametersError(
            f"The CSV {what} is one ASCII character, no letter, digit or line end."
        )


@dataclass(frozen=True, slots=True)
class BodyFormat:
    """What a body claims to be.

    Attributes:
        data_format: The format of its rows.
        codings: How it is packed, in the order in which that was done.
        csv: How it is written when it is CSV.
    """

    data_format: DataFormat
    codings: tuple[ContentCoding, ...] = ()
    csv: CsvOptions = field(default_factory=CsvOptions)
