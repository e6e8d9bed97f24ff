"""Rows of a JSON result as one array: for files, which have nothing else around them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def as_json_array(lines: Iterable[bytes]) -> Iterator[bytes]:
    """The array of rows that come one to a line; a chunk may end within a row."""
    before = b"[\n"
    for chunk in lines:
        if not chunk:
            continue
        body = chunk.removesuffix(b"\n")
        yield before + body.replace(b"\n", b",\n")
        # Only a line's end separates two rows, and not the last one's.
        before = b",\n" if len(body) < len(chunk) else b""
    yield b"[]\n" if before == b"[\n" else b"\n]\n"
