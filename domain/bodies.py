"""Bodies that hold rows: their format, and how they are packed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from domain.formats import DataFormat


class ContentCoding(StrEnum):
    """How a body is packed (RFC 9110, section 8.4.1; RFC 8878)."""

    GZIP = "gzip"
    ZSTD = "zstd"


MAX_CODINGS = 2
"""How often one body may be packed."""


@dataclass(frozen=True, slots=True)
class BodyFormat:
    """What a body claims to be.

    Attributes:
        data_format: The format of its rows.
        codings: How it is packed, in the order in which that was done.
    """

    data_format: DataFormat
    codings: tuple[ContentCoding, ...] = ()
