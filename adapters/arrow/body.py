"""The body as it comes: its size, and chunks of a size to work with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.arrow.limits import BATCH_BYTES
from domain.errors import EmptyBodyError, TooLargeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from adapters.arrow.limits import Limits


_BOM = b"\xef\xbb\xbf"


def bounded(body: Iterable[bytes], limits: Limits) -> Iterator[bytes]:
    """The body in chunks that are not empty and not over `BATCH_BYTES`.

    Raises:
        EmptyBodyError: When there are no bytes.
        TooLargeError: When there are too many.
    """
    size = 0
    for chunk in body:
        size += len(chunk)
        if size > limits.body_bytes:
            raise TooLargeError(f"A body has at most {limits.body_bytes} bytes.")
        if len(chunk) <= BATCH_BYTES:
            if chunk:
                yield chunk
            continue
        view = memoryview(chunk)
        for start in range(0, len(chunk), BATCH_BYTES):
            yield bytes(view[start : start + BATCH_BYTES])
    if not size:
        raise EmptyBodyError("The body is empty. To append no rows, send [] as JSON.")


def without_mark(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The chunks without an UTF-8 byte order mark."""
    head = b""
    chunks = iter(chunks)
    for chunk in chunks:
        head += chunk
        if len(head) >= len(_BOM) or not _BOM.startswith(head):
            break
    yield head.removeprefix(_BOM)
    yield from chunks


def row_too_large(limits: Limits) -> TooLargeError:
    """The error of a row over the limit."""
    return TooLargeError(f"A row has at most {limits.row_bytes} bytes.")


def unpacked_too_large(limits: Limits) -> TooLargeError:
    """The error of a body whose rows are too many bytes when they are unpacked."""
    return TooLargeError(
        f"The rows of a body are at most {limits.expanded_bytes} bytes when unpacked."
    )
