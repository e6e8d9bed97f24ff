"""Bodies in JSON and NDJSON."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

import msgspec

from adapters.arrow.carriers import is_writable
from adapters.arrow.few_rows import FewRows
from adapters.arrow.json_exact import ExactRows, rows_of_array, rows_of_lines
from adapters.arrow.json_shapes import SHAPES, RowShape, row_shape
from adapters.arrow.json_split import JsonPart, split_array, split_lines
from adapters.arrow.json_values import split_object
from adapters.arrow.limits import BATCH_CELLS
from adapters.arrow.problems import NotPlainError, UnfitValueError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pyarrow as pa

    from adapters.arrow.columns import TableColumns
    from adapters.arrow.limits import Limits
    from domain.tables import Column


_last_shapes: OrderedDict[tuple[Column, ...], RowShape] = OrderedDict()
"""The shape of the rows that were read last for a table of these columns, of a few tables."""


def read_json(
    chunks: Iterable[bytes], columns: TableColumns, limits: Limits
) -> Iterator[pa.RecordBatch]:
    """Read an array of objects, or an object with such an array as its `rows`.

    A member may spell its column in any case. The number of a row is its place in the array.

    Raises:
        MalformedBodyError: When it is none.
        RowsDoNotFitError: When a row does not fit.
        TooLargeError: When a row or its nesting is over its limit.
    """
    return _Reader(columns, limits, lines=False).read(split_array(chunks, limits))


def read_ndjson(
    chunks: Iterable[bytes], columns: TableColumns, limits: Limits
) -> Iterator[pa.RecordBatch]:
    """Read objects, one on each line.

    Blank lines are skipped, and do not count in the number of a row: it is the record's, not
    the line's. Raises the same as `read_json`.
    """
    return _Reader(columns, limits, lines=True).read(split_lines(chunks, limits))


def read_few(
    text: bytes, columns: tuple[Column, ...], limits: Limits, *, lines: bool
) -> FewRows | None:
    """Read a small body whose rows are as those of the last one for the table.

    Args:
        text: The whole body.
        columns: The table's columns.
        limits: Of the body.
        lines: Whether it is NDJSON.

    Returns:
        The rows; None when they are not, or not of types that are kept so, and the body is to be
        read as any other.

    Raises:
        MalformedBodyError, TooLargeError: As `read_json`.
    """
    guess = _last_shape(columns, limits)
    if guess is None or not guess.has_values:
        return None
    split = split_lines if lines else split_array
    parts = [part.text for part in split((text,), limits)]
    try:
        values = guess.read_few((b"" if lines else b",").join(parts), lines=lines)
    except NotPlainError:
        return None
    present = [column for column in columns if column.name in values]
    return FewRows(present, [values[column.name] for column in present])


def _last_shape(columns: tuple[Column, ...], limits: Limits) -> RowShape | None:
    """The shape of the rows that were read last for a table of these columns, if it is known."""
    shape = _last_shapes.get(columns)
    return shape if shape is not None and shape.limits == limits else None


class _Reader:
    """Reads parts by a shape that is learnt from the rows.

    At first all rows are taken to have the members of the first one, in its spelling. When
    they do not, the shape is widened to all members seen, which a row may then lack.
    """

    def __init__(self, columns: TableColumns, limits: Limits, *, lines: bool) -> None:
        self._columns = columns
        self._limits = limits
        self._lines = lines
        self._members: dict[str, Column] = {}
        self._shape: RowShape | None = None
        self._optional = False

    def read(self, parts: Iterable[JsonPart]) -> Iterator[pa.RecordBatch]:
        next_row = 1
        for part in parts:
            batches = self._guessed_batches(part) if next_row == 1 else None
            for batch in batches or self._batches(part, next_row):
                yield batch
                next_row += batch.num_rows

    def _guessed_batches(self, part: JsonPart) -> Iterable[pa.RecordBatch] | None:
        """Rows that are as those of the last body; None when they are not.

        Small bodies for one table mostly are alike, and learning takes longer than reading them.
        """
        guess = _last_shape(self._columns.all, self._limits)
        if guess is None:
            return None
        try:
            batches = self._plain_batches(guess, part)
        except NotPlainError:
            return None
        self._shape = guess
        self._members = dict(guess.members)
        return batches

    def _batches(self, part: JsonPart, first_row: int) -> Iterable[pa.RecordBatch]:
        if self._shape is not None:
            try:
                return self._plain_batches(self._shape, part)
            except NotPlainError:
                pass  # perhaps the shape is too narrow
        rows = self._rows(part)
        if self._learn(rows):
            try:
                return self._plain_batches(self._shape, part)
            except NotPlainError:
                pass  # so these rows are read one by one, or found not to fit
        return self._exact_batches(rows, first_row)

    def _rows(self, part: JsonPart) -> list[bytes]:
        return rows_of_lines(part) if self._lines else rows_of_array(part)

    def _plain_batches(self, shape: RowShape | None, part: JsonPart) -> list[pa.RecordBatch]:
        if shape is None:
            raise NotPlainError
        if part.text.count(b"{") * len(shape.columns) > BATCH_CELLS:
            # A row costs all of the shape's columns, however few it has: fewer rows at once.
            return [
                shape.read_array(b",".join(rows))
                for rows in _groups(self._rows(part), len(shape.columns))
            ]
        return [shape.read_lines(part.text) if self._lines else shape.read_array(part.text)]

    def _learn(self, rows: list[bytes]) -> bool:
        """Learn the members of rows; whether there is a shape that was not tried yet."""
        known = len(self._members), self._optional
        self._optional = self._shape is not None
        for row in rows if self._optional else rows[:1]:
            self._learn_row(row)
        if (len(self._members), self._optional) == known or not self._members:
            return False
        taken = {column.name for column in self._members.values()}
        if any(column.name not in taken for column in self._columns.required):
            return False
        self._shape = row_shape(tuple(self._members.items()), self._limits, self._optional)
        if not self._optional:
            _last_shapes[self._columns.all] = self._shape
            while len(_last_shapes) > SHAPES:
                _last_shapes.popitem(last=False)
        return True

    def _learn_row(self, row: bytes) -> None:
        try:
            names = split_object(row).keys() - self._members.keys()
        except (UnfitValueError, msgspec.DecodeError):
            return
        taken = {column.name for column in self._members.values()}
        for name in names:
            column = self._columns.find(name)
            if column is not None and column.name not in taken and is_writable(column.type):
                self._members[name] = column
                taken.add(column.name)

    def _exact_batches(self, rows: list[bytes], first_row: int) -> Iterator[pa.RecordBatch]:
        exact = ExactRows(self._columns, self._limits)
        for group in _groups(rows, len(self._columns.all)):
            yield exact.read(group, first_row)
            first_row += len(group)


def _groups(rows: list[bytes], columns: int) -> Iterator[list[bytes]]:
    size = max(1, BATCH_CELLS // columns)
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
