"""Bodies in CSV.

The first record names the columns, in any case and order. A field without quotes and without
characters is NULL, `""` is an empty text. Spaces are part of a field: kept in a text, refused
in all else. Nested values, and those of JSON, are JSON text; binary is base64. Empty lines are
skipped, except where the table part has one column only: there they are NULL.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import pyarrow as pa
from pyarrow import csv as pa_csv

from adapters.arrow.csv_split import CsvPart, split_records
from adapters.arrow.json_exact import batch_of
from adapters.arrow.json_values import json_text_parser
from adapters.arrow.problems import REQUIRED, Problems, UnfitColumnError
from adapters.arrow.text_columns import column_from_texts, column_from_values
from domain.column_types import DecimalType, ScalarKind, ScalarType
from domain.errors import EmptyBodyError, MalformedBodyError, RowsDoNotFitError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from adapters.arrow.columns import TableColumns
    from adapters.arrow.limits import Limits
    from domain.tables import Column


def read_csv(
    chunks: Iterable[bytes], columns: TableColumns, limits: Limits
) -> Iterator[pa.RecordBatch]:
    """Read comma-separated values with a header. A row's number is the record's, from 1.

    Raises:
        EmptyBodyError: When there is not even a header.
        MalformedBodyError: When it is no CSV, or not UTF-8.
        RowsDoNotFitError: When the header or a row does not fit.
        TooLargeError: When a row is over its limit.
    """
    parts = split_records(chunks, limits)
    header = next(parts, None)
    if header is None:
        raise EmptyBodyError("The CSV body has no header.")
    body = _CsvBody(columns.resolve(_names(header)), limits)
    first_row = 1
    for part in parts:
        batch = body.read(part, first_row)
        if first_row == 1 and batch.num_rows:
            columns.require(batch.schema.names, first_row)
        yield batch
        first_row += batch.num_rows


def _names(header: CsvPart) -> list[str]:
    try:
        rows: list[list[str]] = [
            *csv.reader(io.StringIO(header.text.decode(), newline=""), strict=True)
        ]
    except csv.Error:
        raise MalformedBodyError("The header of the CSV cannot be read.") from None
    return rows[0]


class _CsvBody:
    def __init__(self, columns: list[Column], limits: Limits) -> None:
        self._columns = columns
        self._limits = limits
        self._names = [f"c{index}" for index in range(len(columns))]

    def read(self, part: CsvPart, first_row: int) -> pa.RecordBatch:
        problems = Problems(first_row)
        texts = self._texts(part, problems)
        if problems:
            raise RowsDoNotFitError(*problems.first())
        arrays = []
        for column, name in zip(self._columns, self._names, strict=True):
            text = texts.column(name).combine_chunks()
            if not column.nullable and text.null_count:
                problems.add(text.is_null().index(True).as_py(), column.name, REQUIRED)
            try:
                arrays.append(self._converted(text, column))
            except UnfitColumnError as error:
                for index, message in error.problems:
                    problems.add(index, column.name, message)
        if problems:
            raise RowsDoNotFitError(*problems.first())
        return batch_of(self._columns, arrays)

    def _converted(self, texts: pa.StringArray, column: Column) -> pa.Array:
        column_type = column.type
        if isinstance(column_type, DecimalType) or (
            isinstance(column_type, ScalarType) and column_type.kind is not ScalarKind.JSON
        ):
            return column_from_texts(texts, column_type)
        parse = json_text_parser(column_type, self._limits.depth)
        return column_from_values(texts.to_pylist(), parse, column_type)

    def _texts(self, part: CsvPart, problems: Problems) -> pa.Table:
        """The fields as they stand: what they mean is not for the CSV reader to say."""
        one = len(self._columns) == 1
        if not one and not part.text.strip(b"\r\n"):
            return pa.table({name: pa.array([], pa.string()) for name in self._names})

        def note(row: pa_csv.InvalidRow) -> str:
            if not problems.full:
                problems.add(
                    row.number - 1,
                    None,
                    f"it has {row.actual_columns} fields, and the header {row.expected_columns}.",
                )
            return "skip"

        try:
            return pa_csv.read_csv(
                pa.BufferReader(part.text),
                read_options=pa_csv.ReadOptions(
                    use_threads=False, column_names=self._names, block_size=len(part.text) + 1
                ),
                parse_options=pa_csv.ParseOptions(
                    newlines_in_values=True, ignore_empty_lines=not one, invalid_row_handler=note
                ),
                convert_options=pa_csv.ConvertOptions(
                    column_types=dict.fromkeys(self._names, pa.string()),
                    null_values=[""],
                    strings_can_be_null=True,
                    quoted_strings_can_be_null=False,
                ),
            )
        except pa.ArrowInvalid as error:
            raise MalformedBodyError(
                f"The body is not valid CSV: a record from line {part.line} on cannot be read."
            ) from error
