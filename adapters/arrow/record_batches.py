"""Record batches as they come from a client, turned into batches that fit a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pyarrow as pa

from adapters.arrow.body import row_too_large
from adapters.arrow.conversion import Conversion, TooWideError
from adapters.arrow.json_exact import batch_of
from adapters.arrow.limits import BATCH_BYTES, BATCH_ROWS
from adapters.arrow.problems import REQUIRED, Problems, UnfitColumnError, UnfitTypeError
from adapters.arrow.spool import rows_without_columns
from domain.errors import MalformedBodyError, RowProblem, RowsDoNotFitError, TooLargeError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adapters.arrow.columns import TableColumns
    from adapters.arrow.limits import Limits

_SLICE_BYTES = 4 * BATCH_BYTES


class Converter(Protocol):
    """Takes the batches of one schema.

    Attributes:
        next_row: The number, in the body, of the first row that it has not taken.
    """

    next_row: int

    def convert(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        """Take the next batch; what is made of it."""
        ...


def check_width(count: int, limits: Limits) -> None:
    """Check how many columns a body has, those within nested ones counted too.

    Raises:
        TooLargeError: When they are too many.
    """
    if count > limits.columns:
        raise TooLargeError(f"A body has at most {limits.columns} columns.")


class BatchConverter(Converter):
    """Turns batches of one schema into batches of carriers.

    Attributes:
        next_row: The number, in the body, of the first row that was not converted yet.

    Raises:
        RowsDoNotFitError: When the schema does not fit the table's columns.
    """

    def __init__(self, schema: pa.Schema, columns: TableColumns, limits: Limits) -> None:
        self._columns = columns.resolve(field_names(schema))
        self._table = columns
        self._limits = limits
        self._conversion = Conversion(limits)
        self.next_row = 1
        self._check_types(schema)

    def convert(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        """Turn the next batch into some of at most `BATCH_ROWS` rows.

        Raises:
            MalformedBodyError: When the batch contradicts itself, or a string is not UTF-8.
            RowsDoNotFitError: When a value does not fit.
            TooLargeError: When a row unpacks to more than it may.
        """
        try:
            batch.validate()
            for array in batch.columns:
                self._conversion.check_claims(array)
            batch.validate(full=True)
        except pa.ArrowInvalid as error:
            raise MalformedBodyError(f"A record batch is damaged: {_first_line(error)}.") from error
        if self.next_row == 1 and batch.num_rows:
            self._table.require((column.name for column in self._columns), 1)
        size = max(1, batch.nbytes)
        rows = min(BATCH_ROWS, max(1, batch.num_rows * _SLICE_BYTES // size))
        for start in range(0, batch.num_rows, rows):
            yield from self._halves(batch.slice(start, rows))

    def _halves(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        """Convert a batch; when that takes too much memory, one half after the other."""
        try:
            converted = self._whole(batch)
        except TooWideError:
            if batch.num_rows == 1:
                raise row_too_large(self._limits) from None
            middle = batch.num_rows // 2
            yield from self._halves(batch.slice(0, middle))
            yield from self._halves(batch.slice(middle))
        else:
            yield converted
            self.next_row += batch.num_rows

    def _whole(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        if not self._columns:
            return rows_without_columns(batch.num_rows)
        problems = Problems(self.next_row)
        arrays = []
        for column, array in zip(self._columns, batch.columns, strict=True):
            if not column.nullable and array.null_count:
                problems.add(array.is_null().index(True).as_py(), column.name, REQUIRED)
            try:
                arrays.append(self._conversion.convert(array, column.type))
            except UnfitColumnError as error:
                for index, message in error.problems:
                    problems.add(index, column.name, message)
        if problems:
            raise RowsDoNotFitError(*problems.first())
        converted = batch_of(self._columns, arrays)
        if converted.nbytes > self._limits.row_bytes:
            raise TooWideError
        return converted

    def _check_types(self, schema: pa.Schema) -> None:
        """Find types that do not fit before any row is read."""
        problems = []
        for column, field in zip(self._columns, schema, strict=True):
            try:
                self._conversion.convert(pa.nulls(0, field.type), column.type)
            except UnfitTypeError as error:
                problems.append(RowProblem(None, column.name, str(error)))
        if problems:
            raise RowsDoNotFitError(*problems)


def field_names(schema: pa.Schema) -> list[str]:
    """The names of a schema's fields.

    Raises:
        MalformedBodyError: When one is not UTF-8.
    """
    try:
        return [*schema.names]
    except UnicodeDecodeError:
        raise MalformedBodyError("A column's name is not UTF-8.") from None


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0].rstrip(".")
