"""Rows of JSON decoded many at once, straight into objects whose fields are the columns.

What is decoded so is what the exact rules (`json_exact`) would give; whatever is not plain
enough for that is refused with `NotPlainError`, and read by those.
"""

from __future__ import annotations

import re
from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import UNSET, Raw, UnsetType

from adapters.arrow.carriers import carrier_of
from adapters.arrow.few_rows import check_of, check_values
from adapters.arrow.json_exact import batch_of
from adapters.arrow.json_values import FLOATS, LONG_INTEGERS, count_keys, value_reader
from adapters.arrow.numbers import parse_not_finite
from adapters.arrow.problems import NotPlainError, UnfitColumnError, UnfitValueError
from adapters.arrow.text_columns import column_from_texts
from domain.column_types import (
    INTEGER_BOUNDS,
    ColumnType,
    DecimalType,
    ListType,
    ScalarKind,
    ScalarType,
)
from domain.errors import TooLargeError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from adapters.arrow.limits import Limits
    from domain.tables import Column

_SPACE_BEFORE_COLON = (b" :", b"\t:", b"\n:", b"\r:")
_TWO_ON_A_LINE = re.compile(rb"\}[ \t\r]*+\{")

_PLAIN_IN_LISTS: dict[ScalarKind, Any] = {
    kind: list[int | None] for kind in INTEGER_BOUNDS if "HUGE" not in kind
} | {ScalarKind.BOOLEAN: list[bool | None], ScalarKind.DOUBLE: list[float | None]}


SHAPES = 64
"""So many shapes are remembered."""


class RowShape:
    """The names that rows have, and how each column's values are built."""

    def __init__(
        self, members: Sequence[tuple[str, Column]], limits: Limits, *, optional: bool
    ) -> None:
        """Make a shape.

        Args:
            members: Each name, as the rows spell it, with its column.
            limits: Of the body.
            optional: Whether rows may lack members whose column may be NULL.
        """
        self.members = tuple(members)
        self.limits = limits
        self.columns = [column for _, column in members]
        self._optional = optional
        self._builders = [_builder(column.type, limits) for column in self.columns]
        checks = [check_of(column.type) for column in self.columns]
        self._checks = [check for check in checks if check is not None]
        self.has_values = not optional and len(self._checks) == len(checks)
        """Whether its rows can be read by `read_few`."""
        self._raw = [_decoded_type(column.type) is Raw for column in self.columns]
        row = msgspec.defstruct(
            "Row",
            [_field(index, column, optional) for index, column in enumerate(self.columns)],
            rename={f"c{index}": name for index, (name, _) in enumerate(members)},
            forbid_unknown_fields=True,
            kw_only=True,
            gc=False,
        )
        self._decode_array = msgspec.json.Decoder(list[row]).decode  # type: ignore[valid-type]
        self._decode_lines = msgspec.json.Decoder(row).decode_lines

    def read_array(self, text: bytes) -> pa.RecordBatch:
        """Read elements of an array. Raises `NotPlainError`."""
        return self._batch(self._rows_of_array(text), text)

    def read_lines(self, text: bytes) -> pa.RecordBatch:
        """Read lines of one object each. Raises `NotPlainError`."""
        return self._batch(self._rows_of_lines(text), text)

    def read_few(self, text: bytes, *, lines: bool) -> dict[str, list[Any]]:
        """Read few rows without Arrow, of a shape that `has_values`.

        Returns:
            The values of each column, by its name.

        Raises:
            NotPlainError: As the others, and when values are no Python values as they stand.
        """
        rows = self._rows_of_lines(text) if lines else self._rows_of_array(text)
        values: dict[str, list[Any]] = {}
        for index, (column, check) in enumerate(zip(self.columns, self._checks, strict=True)):
            taken = [*map(attrgetter(f"c{index}"), rows)]
            check_values(column, taken, check)
            values[column.name] = taken
        if not rows or _has_more_keys(text, len(rows) * len(values), []):
            raise NotPlainError
        return values

    def _rows_of_array(self, text: bytes) -> list[Any]:
        return self._decoded(self._decode_array, b"[" + text + b"]")

    def _rows_of_lines(self, text: bytes) -> list[Any]:
        rows = self._decoded(self._decode_lines, text)
        lines = text.count(b"\n") + (not text.endswith(b"\n"))
        # As many rows as lines, and never two on one: so each line is one row.
        if len(rows) != lines or _TWO_ON_A_LINE.search(text):
            raise NotPlainError
        return rows

    def _decoded(self, decode: Callable[[bytes], list[Any]], text: bytes) -> list[Any]:
        try:
            return decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise NotPlainError from None

    def _batch(self, rows: list[Any], text: bytes) -> pa.RecordBatch:
        columns: list[Column] = []
        arrays: list[pa.Array] = []
        keys = 0
        raws: list[Raw] = []
        for index, column in enumerate(self.columns):
            values = [*map(attrgetter(f"c{index}"), rows)]
            given = len(values)
            if self._optional and column.nullable:
                given -= sum(value is UNSET for value in values)
                if not given:
                    continue
                if given < len(values):
                    values = [None if value is UNSET else value for value in values]
            keys += given
            if self._raw[index]:
                raws += [value for value in values if value is not None]
            array = self._built(index, values)
            if array.null_count and not column.nullable:
                raise NotPlainError
            columns.append(column)
            arrays.append(array)
        if not columns or _has_more_keys(text, keys, raws):
            raise NotPlainError
        return batch_of(columns, arrays)

    def _built(self, index: int, values: list[Any]) -> pa.Array:
        try:
            return self._builders[index](values)
        except (
            pa.ArrowException,
            OverflowError,
            UnfitValueError,
            UnfitColumnError,
            TooLargeError,
        ):
            raise NotPlainError from None


# Making one takes longer than to read a small body by it.
@lru_cache(maxsize=SHAPES)
def row_shape(
    members: tuple[tuple[str, Column], ...],
    limits: Limits,
    optional: bool,
) -> RowShape:
    """The shape of rows with these members, as `RowShape` takes them."""
    return RowShape(members, limits, optional=optional)


def _has_more_keys(text: bytes, keys: int, raws: list[Raw]) -> bool:
    """Whether the rows have more members than their columns took: one twice, that is.

    Decoding takes the last of two members with one name, in silence. So the members in the
    text are counted: first in ways that are fast and can only find too many.
    """
    raw = b",".join(raws)
    if text.count(b":") - raw.count(b":") == keys:
        return False
    plain = not any(mark[:1] in text and mark in text for mark in _SPACE_BEFORE_COLON)
    if plain and text.count(b'":') - raw.count(b'":') == keys:
        return False
    return count_keys(text) - count_keys(raw) != keys


def _field(index: int, column: Column, optional: bool) -> tuple[str, Any, Any] | tuple[str, Any]:
    decoded = _decoded_type(column.type)
    if column.nullable and decoded is not Raw:
        decoded = decoded | None
    if column.nullable and optional:
        return (f"c{index}", decoded | UnsetType, UNSET)
    return (f"c{index}", decoded)


def _decoded_type(column_type: ColumnType) -> Any:
    """What a column's values are decoded to; `Raw` is their text as it stands."""
    match column_type:
        case ScalarType(kind):
            return _decoded_scalar(kind)
        case ListType(ScalarType(kind)) if kind in _PLAIN_IN_LISTS:
            return _PLAIN_IN_LISTS[kind]
        case _:
            return Raw


def _decoded_scalar(kind: ScalarKind) -> Any:
    if kind in LONG_INTEGERS:
        return int | str
    if kind in INTEGER_BOUNDS:
        return int
    if kind in FLOATS:
        return float | str
    return {ScalarKind.BOOLEAN: bool, ScalarKind.JSON: Raw}.get(kind, str)


def _builder(column_type: ColumnType, limits: Limits) -> Callable[[list[Any]], pa.Array]:
    match column_type:
        case ScalarType(kind) if kind in FLOATS:
            return lambda values: _floats(values, kind)
        case ScalarType(kind) if kind in LONG_INTEGERS:
            return lambda values: _long_integers(values, column_type)
        case DecimalType():
            return lambda values: _decimals(values, column_type)
        case ScalarType(kind) if _decoded_type(column_type) is str:
            return lambda values: column_from_texts(pa.array(values, pa.string()), column_type)
        case _:
            carrier = carrier_of(column_type)
            if _decoded_type(column_type) is not Raw:
                return lambda values: pa.array(values, carrier)
            read = value_reader(column_type, limits.depth)
            return lambda values: pa.array(
                [None if raw is None else read(bytes(raw)) for raw in values], carrier
            )


def _floats(values: list[Any], kind: ScalarKind) -> pa.Array:
    try:
        doubles = pa.array(values, pa.float64())
    except pa.ArrowInvalid:
        doubles = pa.array(
            [_named_float(value) if type(value) is str else value for value in values], pa.float64()
        )
    if kind is ScalarKind.DOUBLE:
        return doubles
    singles = doubles.cast(pa.float32())
    if pc.any(pc.and_(pc.is_inf(singles), pc.is_finite(doubles))).as_py():
        raise NotPlainError
    return singles


def _named_float(text: str) -> float:
    value = parse_not_finite(text)
    if value is None:
        raise NotPlainError
    return value


def _long_integers(values: list[Any], column_type: ScalarType) -> pa.Array:
    carrier = carrier_of(column_type)
    if not pa.types.is_string(carrier):
        try:
            return pa.array(values, carrier)
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
            pass  # some are strings
    texts = [None if value is None else str(value) for value in values]
    return column_from_texts(pa.array(texts, pa.string()), column_type)


def _decimals(values: list[Any], column_type: DecimalType) -> pa.Array:
    texts: list[bytes | None] = []
    for value in values:
        raw = b"null" if value is None else bytes(value)
        if raw.startswith(b'"'):
            if b"\\" in raw:
                raise NotPlainError
            raw = raw[1:-1]
        elif raw == b"null":
            texts.append(None)
            continue
        texts.append(raw)
    return column_from_texts(pa.array(texts, pa.binary()).cast(pa.string()), column_type)
