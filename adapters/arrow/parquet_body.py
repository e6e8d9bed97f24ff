"""Bodies in Parquet."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from adapters.arrow.body import unpacked_too_large
from adapters.arrow.int96 import check_digits, int96_columns
from adapters.arrow.limits import BATCH_BYTES, BATCH_ROWS
from adapters.arrow.record_batches import Converter, check_width
from adapters.arrow.spool import fill, spool_file
from domain.errors import MalformedBodyError, TooLargeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from adapters.arrow.limits import Limits

_READ_BYTES = 16 * BATCH_BYTES
_DICTIONARY_ENCODINGS = {"PLAIN_DICTIONARY", "RLE_DICTIONARY"}
_LEAST_BYTES = {"BOOLEAN": 1, "INT64": 8, "DOUBLE": 8, "INT96": 8}
_METADATA_BYTES = 64 * BATCH_BYTES


def read_parquet(
    chunks: Iterable[bytes],
    converter_of: Callable[[pa.Schema], Converter],
    directory: Path,
    limits: Limits,
) -> Iterator[pa.RecordBatch]:
    """Read a Parquet file. It is read from its end, so it first goes to a nameless file.

    Args:
        chunks: The body.
        converter_of: Makes what turns the batches of a schema into those that are given.
        directory: Where the file goes.
        limits: What the body may hold and cost.

    Raises:
        MalformedBodyError: When the body is no Parquet file, or damaged.
        RowsDoNotFitError: When a column's type or a value does not fit.
        TooLargeError: When it claims to unpack, or a row does, to more than it may.
        StorageFullError: When there is no space to hold it.
    """
    with spool_file(directory) as file:
        fill(file, chunks)
        yield from read_parquet_file(file, open_parquet(file, limits), converter_of)


def read_parquet_file(
    file: IO[bytes], reader: pq.ParquetFile, converter_of: Callable[[pa.Schema], Converter]
) -> Iterator[pa.RecordBatch]:
    """Read a body that is in a file, and was opened. Raises what `read_parquet` raises."""
    metadata = reader.metadata
    dictionaries = _dictionary_columns(metadata)
    if dictionaries:
        # What is encoded with a dictionary stays so: unpacked it may be any size.
        reader = _opened(file, read_dictionary=dictionaries)
    converter = converter_of(reader.schema_arrow)
    old_stamps = int96_columns(metadata)
    finer = _opened(file, coerce_int96_timestamp_unit="ns") if old_stamps else None
    for group in range(metadata.num_row_groups):
        read = {
            "batch_size": _rows_at_once(metadata.row_group(group)),
            "row_groups": [group],
            "use_threads": False,
        }
        batches = reader.iter_batches(**read)
        nanos = finer.iter_batches(columns=old_stamps, **read) if finer else None
        while (batch := _next(batches)) is not None:
            if nanos is not None:
                check_digits(batch, _next(nanos), converter.next_row)
            yield from converter.convert(batch)


def open_parquet(file: IO[bytes], limits: Limits) -> pq.ParquetFile:
    """Open a file, and check what it claims to hold.

    Raises:
        MalformedBodyError: When it is no Parquet file.
        TooLargeError: When it has too many columns, or unpacks to more than it may.
    """
    reader = _opened(file)
    check_width(reader.metadata.num_columns, limits)
    _check_claims(reader.metadata, limits)
    return reader


def _opened(file: IO[bytes], **options: Any) -> pq.ParquetFile:
    file.seek(0)
    # Without pre-buffering, and through a buffer, a column is read page by page.
    settings = {
        "pre_buffer": False,
        "buffer_size": BATCH_BYTES,
        "thrift_string_size_limit": _METADATA_BYTES,
        "coerce_int96_timestamp_unit": "us",
    }
    try:
        return pq.ParquetFile(pa.PythonFile(file, mode="r"), **(settings | options))
    except Exception as error:
        raise _translated(error) from error


def _next(batches: Iterator[pa.RecordBatch]) -> pa.RecordBatch | None:
    try:
        return next(batches, None)
    except Exception as error:
        raise _translated(error) from error


def _check_claims(metadata: pq.FileMetaData, limits: Limits) -> None:
    total = 0
    for group in range(metadata.num_row_groups):
        total += _unpacked_bytes(metadata.row_group(group))
        if total > limits.expanded_bytes:
            raise unpacked_too_large(limits)


def _unpacked_bytes(group: pq.RowGroupMetaData) -> int:
    """How many bytes a row group has when it is unpacked, at least, as it claims."""
    columns = [group.column(index) for index in range(group.num_columns)]
    return sum(
        max(column.total_uncompressed_size, column.num_values * _least_bytes(column))
        for column in columns
    )


def _least_bytes(column: pq.ColumnChunkMetaData) -> int:
    return _LEAST_BYTES.get(column.physical_type, 4)


def _rows_at_once(group: pq.RowGroupMetaData) -> int:
    row_bytes: int = _unpacked_bytes(group) // max(1, group.num_rows)
    return max(1, min(BATCH_ROWS, _READ_BYTES // max(1, row_bytes)))


def _dictionary_columns(metadata: pq.FileMetaData) -> list[str]:
    paths = set()
    for index in range(metadata.num_row_groups):
        group = metadata.row_group(index)
        for number in range(group.num_columns):
            column = group.column(number)
            if column.physical_type == "BYTE_ARRAY" and _DICTIONARY_ENCODINGS & {*column.encodings}:
                paths.add(column.path_in_schema)
    return sorted(paths)


def _translated(error: Exception) -> Exception:
    if isinstance(error, MemoryError):
        return TooLargeError("The Parquet file takes more memory than there is.")
    if isinstance(error, OSError) and error.errno is not None:
        return error  # not of the file's content
    if isinstance(error, pa.ArrowException | OSError | ValueError | OverflowError):
        return MalformedBodyError("The body is not a Parquet file that can be read.")
    return error
