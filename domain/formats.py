"""The formats in which rows come and go."""

from __future__ import annotations

from enum import StrEnum


class DataFormat(StrEnum):
    """A format for rows, and the name by which `?format=` asks for it."""

    JSON = "json"
    NDJSON = "ndjson"
    CSV = "csv"
    PARQUET = "parquet"
    ARROW = "arrow"

    @property
    def media_type(self) -> str:
        """The media type, as in Content-Type and Accept."""
        return _MEDIA_TYPES[self]


_MEDIA_TYPES = {
    DataFormat.JSON: "application/json",
    DataFormat.NDJSON: "application/x-ndjson",
    DataFormat.CSV: "text/csv",
    DataFormat.PARQUET: "application/vnd.apache.parquet",
    DataFormat.ARROW: "application/vnd.apache.arrow.stream",
}

FORMAT_OF_MEDIA_TYPE = {media_type: data_format for data_format, media_type in _MEDIA_TYPES.items()}
"""The format of each media type, in lower case and without parameters."""
