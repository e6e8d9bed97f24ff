"""What an object most likely is, by its name."""

from __future__ import annotations

from functools import cache
from mimetypes import MimeTypes

from domain.datasets import DEFAULT_MEDIA_TYPE, MediaType

_DATA_MEDIA_TYPES = {
    ".parquet": "application/vnd.apache.parquet",
    ".arrow": "application/vnd.apache.arrow.file",
    ".arrows": "application/vnd.apache.arrow.stream",
    ".ndjson": "application/x-ndjson",
    ".jsonl": "application/x-ndjson",
    ".csv": "text/csv",
    ".json": "application/json",
}


@cache
def _registered() -> MimeTypes:
    # Python's own table alone: with what the machine has registered, answers would differ.
    # Made at first use, for Python looks for the machine's files even so.
    return MimeTypes()


def guess_media_type(name: str) -> MediaType:
    """What an object of this name most likely is; data formats first, then the registered."""
    for suffix, media_type in _DATA_MEDIA_TYPES.items():
        if name.lower().endswith(suffix):
            return MediaType(media_type)
    # A name is no URL: behind a slash, "data:" or "c:" in it is not taken for a scheme.
    guessed, encoding = _registered().guess_type(f"/{name}", strict=True)
    # "x.csv.gz" is gzip, not CSV: its bytes are what the media type speaks of.
    if encoding is not None:
        return MediaType(f"application/{encoding}")
    return MediaType(guessed or DEFAULT_MEDIA_TYPE)
