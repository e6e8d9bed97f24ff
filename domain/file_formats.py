"""What the bytes of an object are, by its name: a format for rows, and how it is compressed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from domain.errors import UnsupportedFormatError
from domain.formats import DataFormat


class Compression(StrEnum):
    """How a file of text is compressed, as DuckDB's readers call it."""

    NONE = "none"
    GZIP = "gzip"
    ZSTD = "zstd"


_FORMATS = {
    ".parquet": DataFormat.PARQUET,
    ".csv": DataFormat.CSV,
    ".tsv": DataFormat.CSV,
    ".json": DataFormat.JSON,
    ".jsonl": DataFormat.NDJSON,
    ".ndjson": DataFormat.NDJSON,
}
_COMPRESSIONS = {".gz": Compression.GZIP, ".zst": Compression.ZSTD}


@dataclass(frozen=True, slots=True)
class FileFormat:
    """A format for rows in a file.

    Attributes:
        format: The format.
        compression: How the file is compressed as a whole; Parquet never is.
    """

    format: DataFormat
    compression: Compression = Compression.NONE

    @classmethod
    def of_name(cls, name: str) -> Self:
        """The format that a name, or a pattern of names, ends with.

        Raises:
            UnsupportedFormatError: When it ends with none that is known.
        """
        compression, stem = compression_of(name)
        for suffix, data_format in _FORMATS.items():
            if stem.endswith(suffix):
                if data_format is DataFormat.PARQUET and compression is not Compression.NONE:
                    break
                return cls(data_format, compression)
        raise UnsupportedFormatError(
            f"{name!r} does not end with the name of a format: {', '.join(_FORMATS)}, "
            "all but Parquet also with .gz or .zst behind."
        )

    @classmethod
    def of_option(cls, data_format: DataFormat, compression: str) -> Self:
        """A format with a compression as DuckDB's readers call it; `auto` is none.

        Raises:
            UnsupportedFormatError: When that is none that is known.
        """
        try:
            return cls(data_format, Compression(compression.replace("auto", "none")))
        except ValueError as error:
            raise UnsupportedFormatError(
                f"{compression!r} is no compression; {', '.join(Compression)} are."
            ) from error


def compression_of(name: str) -> tuple[Compression, str]:
    """How a file of this name is compressed, and its name in lower case without that."""
    lowered = name.lower()
    for suffix, compression in _COMPRESSIONS.items():
        if lowered.endswith(suffix):
            return compression, lowered.removesuffix(suffix)
    return Compression.NONE, lowered
