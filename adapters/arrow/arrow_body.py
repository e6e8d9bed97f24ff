"""Bodies in the Arrow IPC stream format."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from adapters.arrow.ipc_messages import MessageStream
from adapters.arrow.record_batches import Converter, check_width
from domain.errors import MalformedBodyError, TooLargeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from adapters.arrow.limits import Limits


def read_arrow(
    chunks: Iterator[bytes],
    converter_of: Callable[[pa.Schema], Converter],
    directory: Path,
    limits: Limits,
) -> Iterator[pa.RecordBatch]:
    """Read record batches. A row's number is its place in all of them, from 1.

    Args:
        chunks: The body.
        converter_of: Makes what turns the batches of a schema into those that are given.
        directory: Where a large batch may wait.
        limits: What the body may hold and cost.

    Raises:
        MalformedBodyError: When the body is no Arrow stream, or damaged.
        RowsDoNotFitError: When a column's type or a value does not fit.
        TooLargeError: When a row or a compressed batch unpacks to more than it may.
        StorageFullError: When there is no space to hold a large batch.
    """
    stream = MessageStream(chunks, directory, limits)
    reader = _opened(stream)
    check_width(len(reader.schema), limits)
    converter = converter_of(reader.schema)
    while (batch := _next(reader, stream)) is not None:
        yield from converter.convert(batch)
    stream.drain()


def _opened(stream: MessageStream) -> pa.RecordBatchReader:
    try:
        return pa.ipc.open_stream(pa.PythonFile(stream, mode="r"))
    except Exception as error:
        raise _translated(error, stream) from error


def _next(reader: pa.RecordBatchReader, stream: MessageStream) -> pa.RecordBatch | None:
    try:
        return reader.read_next_batch()
    except StopIteration:
        return None
    except Exception as error:
        raise _translated(error, stream) from error


def _translated(error: Exception, stream: MessageStream) -> BaseException:
    if stream.error is not None:
        return stream.error  # not Arrow's, but of the body itself
    if isinstance(error, MemoryError):
        return TooLargeError("A record batch takes more memory than there is.")
    if isinstance(error, pa.ArrowException | OSError | ValueError):
        return MalformedBodyError("The body is not a valid Arrow stream: it is damaged.")
    return error
