"""CSV records as columns of texts: what they mean is said elsewhere."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import pyarrow as pa
from pyarrow import csv as pa_csv

from adapters.arrow.csv_split import CsvPart, split_records
from adapters.arrow.record_batches import check_width
from domain.errors import EmptyBodyError, MalformedBodyError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from adapters.arrow.limits import Limits
    from adapters.arrow.problems import Problems
    from domain.bodies import CsvOptions


class CsvBody:
    """A CSV body, its header read.

    Attributes:
        header: The names in the header; None when there is none.
        parts: The records behind it.

    Raises:
        EmptyBodyError: When there is not even the header that is due.
        MalformedBodyError: When the header is no CSV, or not UTF-8.
        TooLargeError: When it is over the limit of a row, or has too many names.
    """

    def __init__(self, chunks: Iterable[bytes], options: CsvOptions, limits: Limits) -> None:
        self._options = options
        self.header: list[str] | None = None
        self.parts: Iterator[CsvPart] = split_records(chunks, options, limits)
        if options.header:
            first = next(self.parts, None)
            if first is None:
                raise EmptyBodyError("The CSV body has no header.")
            self.header = self._names(first)
            check_width(len(self.header), limits)

    def texts(self, part: CsvPart, count: int, problems: Problems) -> list[pa.StringArray]:
        """The fields of a part's records as they stand, as so many columns; NULL where it is.

        Records with another number of fields are told in `problems`, and left out.

        Raises:
            MalformedBodyError: When a record cannot be read.
        """
        names = [f"c{index}" for index in range(count)]
        one = count == 1
        if not count or (not one and not part.text.strip(b"\r\n")):
            return [pa.array([], pa.string()) for _ in names]

        def note(row: pa_csv.InvalidRow) -> str:
            if not problems.full:
                wanted = "the header" if self.header is not None else "the table has"
                problems.add(
                    row.number - 1,
                    None,
                    f"it has {row.actual_columns} fields, and {wanted} {row.expected_columns}.",
                )
            return "skip"

        try:
            table = pa_csv.read_csv(
                pa.BufferReader(part.text),
                read_options=pa_csv.ReadOptions(
                    use_threads=False, column_names=names, block_size=len(part.text) + 1
                ),
                parse_options=pa_csv.ParseOptions(
                    delimiter=self._options.delimiter,
                    quote_char=self._options.quote or False,
                    double_quote=self._options.quote is not None,
                    newlines_in_values=self._options.quote is not None,
                    ignore_empty_lines=not one,
                    invalid_row_handler=note,
                ),
                convert_options=pa_csv.ConvertOptions(
                    column_types=dict.fromkeys(names, pa.string()),
                    null_values=[self._options.null],
                    strings_can_be_null=True,
                    quoted_strings_can_be_null=False,
                ),
            )
        except pa.ArrowInvalid as error:
            raise MalformedBodyError(
                f"The body is not valid CSV: a record from line {part.line} on cannot be read."
            ) from error
        return [table.column(name).combine_chunks() for name in names]

    def _names(self, header: CsvPart) -> list[str]:
        quote = self._options.quote
        try:
            rows: list[list[str]] = [
                *csv.reader(
                    io.StringIO(header.text.decode(), newline=""),
                    delimiter=self._options.delimiter,
                    quotechar=quote,
                    quoting=csv.QUOTE_NONE if quote is None else csv.QUOTE_MINIMAL,
                    strict=True,
                )
            ]
        except csv.Error:
            raise MalformedBodyError("The header of the CSV cannot be read.") from None
        return rows[0]
