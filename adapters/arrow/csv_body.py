"""Bodies in CSV.

The first record names the columns, in any case and order; where there is none, the fields are
all of the table's columns in their order. A field that has the text for NULL without quotes
(by default no characters) is NULL, `""` is an empty text. Spaces are part of a field: kept in a
text, refused in all else. Nested values, and those of JSON, are JSON text; binary is base64.
Empty lines are skipped, except where a record has one field only: there they are such a field.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.arrow.csv_texts import CsvBody
from adapters.arrow.json_exact import batch_of
from adapters.arrow.json_values import json_text_parser
from adapters.arrow.problems import REQUIRED, Problems, UnfitColumnError
from adapters.arrow.text_columns import column_from_texts, column_from_values
from domain.column_types import DecimalType, ScalarKind, ScalarType
from domain.errors import RowsDoNotFitError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pyarrow as pa

    from adapters.arrow.columns import TableColumns
    from adapters.arrow.csv_split import CsvPart
    from adapters.arrow.limits import Limits
    from domain.bodies import CsvOptions
    from domain.tables import Column


def read_csv(
    chunks: Iterable[bytes], columns: TableColumns, options: CsvOptions, limits: Limits
) -> Iterator[pa.RecordBatch]:
    """Read records. A row's number is the record's, from 1; the header does not count.

    Raises:
        EmptyBodyError: When there is not even a header.
        MalformedBodyError: When it is no CSV, or not UTF-8.
        RowsDoNotFitError: When the header or a row does not fit.
        TooLargeError: When a row is over its limit.
    """
    body = CsvBody(chunks, options, limits)
    names = body.header if body.header is not None else [column.name for column in columns.all]
    converter = _Converter(body, columns.resolve(names), limits)
    first_row = 1
    for part in body.parts:
        batch = converter.read(part, first_row)
        if first_row == 1 and batch.num_rows:
            columns.require(batch.schema.names, first_row)
        yield batch
        first_row += batch.num_rows


class _Converter:
    def __init__(self, body: CsvBody, columns: list[Column], limits: Limits) -> None:
        self._body = body
        self._columns = columns
        self._limits = limits

    def read(self, part: CsvPart, first_row: int) -> pa.RecordBatch:
        problems = Problems(first_row)
        texts = self._body.texts(part, len(self._columns), problems)
        if problems:
            raise RowsDoNotFitError(*problems.first())
        arrays = []
        for column, text in zip(self._columns, texts, strict=True):
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
