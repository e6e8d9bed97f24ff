"""Rows of JSON read one by one, by the exact rules: slow, and it knows what is wrong where."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec
import pyarrow as pa

from adapters.arrow.carriers import carrier_of, is_writable
from adapters.arrow.columns import unwritable
from adapters.arrow.json_split import JsonPart, malformed_json
from adapters.arrow.json_values import split_object, value_reader
from adapters.arrow.problems import REQUIRED, Problems, UnfitValueError, shortened
from adapters.arrow.spool import rows_without_columns
from domain.errors import MalformedBodyError, RowsDoNotFitError, TooLargeError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from adapters.arrow.columns import TableColumns
    from adapters.arrow.limits import Limits
    from domain.tables import Column

_decode_list = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_one = msgspec.json.Decoder(msgspec.Raw).decode

_PLACE = re.compile(r" \(byte ([0-9]+)\)$")
_SURROGATE = re.compile(
    rb"(?:\\u[dD][89abAB][0-9a-fA-F]{2})(?!\\u[dD][c-fC-F])"
    rb"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F]"
)
_LINE_END = re.compile(rb"\r?\n")


def rows_of_array(part: JsonPart) -> list[bytes]:
    """The elements of a part of an array, as raw text.

    Raises:
        MalformedBodyError: When it is no valid JSON.
    """
    _check_utf8(part.text, part.offset)
    return [bytes(raw) for raw in _decode(_decode_list, b"[" + part.text + b"]", part.offset - 1)]


def rows_of_lines(part: JsonPart) -> list[bytes]:
    """The values of some lines, each as raw text. Blank lines have none.

    Raises:
        MalformedBodyError: When a line is no valid JSON.
    """
    _check_utf8(part.text, part.offset)
    rows = []
    offset = part.offset
    for line in part.text.split(b"\n"):
        if line.strip(b" \t\r"):
            rows.append(bytes(_decode(_decode_one, line, offset)).strip(b" \t\r"))
        offset += len(line) + 1
    return rows


def _check_utf8(text: bytes, offset: int) -> None:
    try:
        text.decode()
    except UnicodeDecodeError as error:
        raise MalformedBodyError(
            f"The body is not UTF-8 (at byte {offset + error.start})."
        ) from None


def _decode(decode: Callable[[bytes], Any], text: bytes, offset: int) -> Any:
    try:
        return decode(text)
    except msgspec.DecodeError as error:
        surrogate = _SURROGATE.search(text)
        if surrogate is not None:
            raise malformed_json(
                "half of a surrogate pair is no character", offset + surrogate.start()
            ) from None
        message = str(error).removeprefix("JSON is malformed: ")
        place = _PLACE.search(message)
        if place is not None:
            raise malformed_json(message[: place.start()], max(0, offset + int(place[1]))) from None
        raise malformed_json("a value does not end", max(0, offset + len(text))) from None
    except RecursionError:
        raise TooLargeError("The body is nested too deep to be read.") from None


class ExactRows:
    """Reads rows by the exact rules, value by value."""

    def __init__(self, columns: TableColumns, limits: Limits) -> None:
        self._columns = columns
        self._readers = {
            column.name: value_reader(column.type, limits.depth)
            for column in columns.all
            if is_writable(column.type)
        }

    def read(self, rows: Sequence[bytes], first_row: int) -> pa.RecordBatch:
        """Read rows, each the raw text of a JSON value, into a batch.

        Args:
            rows: The rows.
            first_row: The number of the first in the body.

        Raises:
            RowsDoNotFitError: When one does not fit.
        """
        problems = Problems(first_row)
        values = []
        for index, raw in enumerate(rows):
            values.append(self._row(raw, index, problems))
            if problems.full:
                break
        if problems:
            raise RowsDoNotFitError(*problems.first())
        present = set().union(*values)
        if not present:
            return rows_without_columns(len(rows))
        columns = [column for column in self._columns.all if column.name in present]
        return batch_of(
            columns,
            [
                pa.array([row.get(column.name) for row in values], carrier_of(column.type))
                for column in columns
            ],
        )

    def _row(self, raw: bytes, index: int, problems: Problems) -> dict[str, Any]:
        if not raw.startswith(b"{"):
            shown = shortened(raw.decode(errors="replace"))
            problems.add(index, None, f"a row is an object, and {shown} is none.")
            return {}
        try:
            members = split_object(raw)
        except UnfitValueError as error:
            problems.add(index, None, str(error))
            return {}
        values: dict[str, Any] = {}
        for name, value in members.items():
            column = self._columns.find(name)
            if column is None:
                problems.add(index, shortened(name), "the table has no such column.")
            elif column.name in values:
                problems.add(index, column.name, "it is given twice, in two spellings.")
            elif column.name not in self._readers:
                problems.add(index, column.name, unwritable(column))
            else:
                values[column.name] = self._value(column, value, index, problems)
        for column in self._columns.required:
            if column.name not in values:
                problems.add(index, column.name, REQUIRED)
        return values

    def _value(self, column: Column, raw: bytes, index: int, problems: Problems) -> Any:
        try:
            value = self._readers[column.name](raw)
        except UnfitValueError as error:
            problems.add(index, column.name, str(error))
            return None
        if value is None and not column.nullable:
            problems.add(index, column.name, REQUIRED)
        return value


def batch_of(columns: Sequence[Column], arrays: Sequence[pa.Array]) -> pa.RecordBatch:
    """A record batch of these columns, named as the table spells them."""
    schema = pa.schema([(column.name, carrier_of(column.type)) for column in columns])
    return pa.record_batch(list(arrays), schema=schema)
