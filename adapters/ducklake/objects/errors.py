"""The engine's errors that speak of objects, in the domain's words."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from adapters.ducklake.engine.errors import tells_of_damaged_file
from adapters.ducklake.engine.messages import fit
from adapters.ducklake.objects.csv_lines import CsvLines
from domain.errors import (
    LakehouseError,
    MalformedObjectError,
    ObjectChangedError,
    ObjectNotFoundError,
    TooLargeError,
)

_REPLACED = "this likely means the remote file has changed"
# A line goes over several of the engine's buffers.
_LONG_LINE_OVER_BUFFERS = "does not support a full read on this file"
_NOT_THERE = ("HTTP 404", "HTTP code 404", "No files found that match")
_OF_CONTENT = (
    duckdb.InvalidInputException,
    duckdb.ConversionException,
    duckdb.IOException,
    duckdb.NotImplementedException,
    duckdb.OutOfRangeException,
    OSError,
)

_LONG_LINE = "Maximum line size"


def error_of_objects(
    error: BaseException, text: str, names: Sequence[str]
) -> LakehouseError | None:
    """The domain's error for one that speaks of an object; None when it does not.

    Args:
        error: What the engine raised.
        text: What it says, with the objects' own names in it.
        names: The objects that the statement reads.
    """
    told = [name for name in names if name in text]
    if not told:
        return _of_nameless(error, text, names)
    # Of several the first that is told of; of two where one's name begins with the other's, it.
    shown = min(told, key=lambda name: (text.index(name), -len(name)))
    found: LakehouseError | None = None
    if _REPLACED in text:
        found = ObjectChangedError(f"{shown} was replaced while it was read; try again.")
    elif any(said in text for said in _NOT_THERE):
        found = ObjectNotFoundError(f"{shown} is not there any more.")
    elif _LONG_LINE in text:
        found = TooLargeError(f"{shown} cannot be read. {CsvLines.TOO_LONG}")
    elif "HTTP" not in text and (isinstance(error, _OF_CONTENT) or tells_of_damaged_file(text)):
        found = MalformedObjectError(f"{shown} cannot be read. {fit(text)}")
    return found


def _of_nameless(error: BaseException, text: str, names: Sequence[str]) -> LakehouseError | None:
    """The error for a message that does not say of which object it speaks."""
    which = names[0] if len(names) == 1 else "One of the objects that the statement reads"
    if names and _LONG_LINE_OVER_BUFFERS in text:
        return TooLargeError(f"{which} cannot be read. {CsvLines.TOO_LONG}")
    if names and isinstance(error, duckdb.InternalException):
        return MalformedObjectError(f"{which} cannot be read: the engine breaks down over it.")
    if names and tells_of_damaged_file(text):
        return MalformedObjectError(f"{which} cannot be read: it is damaged.")
    return None
