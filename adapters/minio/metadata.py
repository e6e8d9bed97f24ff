"""Media type and user metadata as S3's headers, there and back."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping

from domain.datasets import MAX_METADATA_BYTES, METADATA_PREFIX, MediaType, ObjectMetadata
from domain.errors import InvalidMetadataError


def headers_of(media_type: MediaType, metadata: ObjectMetadata) -> dict[str, str]:
    """The headers that store them on an object."""
    return {
        "Content-Type": str(media_type),
        **{f"{METADATA_PREFIX}{name}": value for name, value in metadata.entries.items()},
    }


def metadata_of(headers: Mapping[str, object]) -> ObjectMetadata:
    """The user metadata in the headers of an answer.

    Other clients may have stored what this service does not: a value that is not printable
    ASCII is given as S3 itself gives it, in the words of RFC 2047; what is over S3's bounds
    even so is left out, since the object must stay readable.
    """
    entries: dict[str, str] = {}
    left = MAX_METADATA_BYTES
    for header, raw in headers.items():
        name = header.lower().removeprefix(METADATA_PREFIX)
        if name == header.lower():
            continue
        value = _printable(name, str(raw))
        if value is not None and len(header + value) <= left:
            entries[name] = value
            left -= len(header + value)
    return ObjectMetadata(entries)


def _printable(name: str, raw: str) -> str | None:
    # http.client reads headers as ISO 8859-1, whatever they are.
    encoded = f"=?UTF-8?B?{b64encode(raw.encode('latin-1', 'replace')).decode()}?="
    for value in (raw.strip(), encoded):
        try:
            ObjectMetadata({name: value})
        except InvalidMetadataError:
            continue
        return value
    return None
