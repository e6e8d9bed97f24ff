"""Arrow arrays of any type, nested or encoded, turned into carriers without any loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from adapters.arrow.body import unpacked_too_large
from adapters.arrow.carriers import carrier_of
from adapters.arrow.json_values import check_map_keys
from adapters.arrow.problems import (
    UnfitColumnError,
    UnfitTypeError,
    UnfitValueError,
    shortened,
)
from adapters.arrow.scalar_conversion import convert_scalars
from domain.column_types import (
    ColumnType,
    DecimalType,
    ListType,
    MapType,
    OpaqueType,
    ScalarType,
    StructType,
)

if TYPE_CHECKING:
    from adapters.arrow.limits import Limits

_VIEW_BYTES = 16


class TooWideError(Exception):
    """Values that take too much memory when they are unpacked; fewer of them may do."""


class Conversion:
    """Turns arrays into carriers, and never unpacks more than a row may have at once."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def check_claims(self, array: pa.Array) -> None:
        """Check that all views in an array together show no more than all rows may have.

        To be called before the array's contents are validated: that looks at all that is shown.

        Raises:
            TooLargeError: When they do.
        """
        pending = [array]
        shown = 0
        while pending:
            part = pending.pop()
            if isinstance(part.type, pa.BaseExtensionType):
                part = part.storage
            if _is_view(part.type):
                shown += _viewed_bytes(part)
            pending += _children(part)
        if shown > self._limits.expanded_bytes:
            raise unpacked_too_large(self._limits)

    def convert(self, array: pa.Array, column_type: ColumnType) -> pa.Array:
        """Turn an array into the carrier of a column type.

        Raises:
            UnfitTypeError: When values of the array's type are no values of the column type.
            UnfitColumnError: When a value is none, or would lose something.
            TooWideError: When it unpacks to more than a row may have.
            TooLargeError: When it unpacks to more than all rows may have.
        """
        array = self._unpacked(array, column_type)
        if pa.types.is_null(array.type):
            return pa.nulls(len(array), carrier_of(column_type))
        match column_type:
            case ScalarType() | DecimalType():
                return convert_scalars(array, column_type, self._limits.depth)
            case ListType():
                return self._list(array, column_type)
            case StructType():
                return self._struct(array, column_type)
            case MapType():
                return self._map(array, column_type)
            case OpaqueType():
                raise UnfitTypeError(array.type, column_type)

    def _unpacked(self, array: pa.Array, column_type: ColumnType) -> pa.Array:
        """The array without extensions, dictionary and views."""
        if isinstance(array.type, pa.BaseExtensionType):
            array = array.storage
        if pa.types.is_dictionary(array.type):
            if pa.types.is_nested(array.type.value_type):
                raise UnfitTypeError(array.type, column_type)
            self._check_dictionary(array)
            return self._unpacked(array.dictionary_decode(), column_type)
        views = {pa.string_view(): pa.large_string(), pa.binary_view(): pa.large_binary()}
        if array.type in views:
            self._check_views(array)
            return array.cast(views[array.type])
        return array

    def _check_dictionary(self, array: pa.DictionaryArray) -> None:
        values = array.dictionary
        kinds = pa.types
        if _is_view(values.type):
            self._check_views(values)
            values = values.cast(pa.large_binary())
        if not (
            kinds.is_string(values.type)
            or kinds.is_large_string(values.type)
            or kinds.is_binary(values.type)
            or kinds.is_large_binary(values.type)
        ):
            return
        lengths = pc.binary_length(values).cast(pa.int64())
        self._check_size(pc.sum(lengths.take(array.indices)).as_py() or 0)

    def _check_views(self, array: pa.Array) -> None:
        self._check_size(_viewed_bytes(array))

    def _check_size(self, size: int) -> None:
        if size > self._limits.expanded_bytes:
            raise unpacked_too_large(self._limits)
        if size > self._limits.row_bytes:
            raise TooWideError

    def _list(self, array: pa.Array, column_type: ListType) -> pa.Array:
        kinds = pa.types
        if not (
            kinds.is_list(array.type)
            or kinds.is_large_list(array.type)
            or kinds.is_fixed_size_list(array.type)
        ):
            raise UnfitTypeError(array.type, column_type)
        lengths = pc.fill_null(pc.list_value_length(array).cast(pa.int64()), 0)
        elements = self._parts(array.flatten(), column_type.element, lengths)
        return pa.ListArray.from_arrays(
            _offsets(lengths), elements, type=carrier_of(column_type), mask=array.is_null()
        )

    def _parts(self, parts: pa.Array, column_type: ColumnType, lengths: pa.Array) -> pa.Array:
        """Convert the parts of lists; what is wrong is wrong with the list that has the part."""
        try:
            return self.convert(parts, column_type)
        except UnfitColumnError as error:
            raise UnfitColumnError(
                (_parent(lengths, index), message) for index, message in error.problems
            ) from None

    def _struct(self, array: pa.Array, column_type: StructType) -> pa.Array:
        if not pa.types.is_struct(array.type):
            raise UnfitTypeError(array.type, column_type)
        parts = dict(zip(_struct_names(array, column_type), array.flatten(), strict=True))
        children = []
        carrier = carrier_of(column_type)
        for index, field in enumerate(column_type.fields):
            part = parts.get(field.name)
            children.append(
                pa.nulls(len(array), carrier.field(index).type)
                if part is None
                else self.convert(part, field.type)
            )
        return pa.StructArray.from_arrays(children, type=carrier, mask=array.is_null())

    def _map(self, array: pa.Array, column_type: MapType) -> pa.Array:
        if not pa.types.is_map(array.type):
            raise UnfitTypeError(array.type, column_type)
        entry = pa.struct([("key", array.type.key_type), ("value", array.type.item_type)])
        lists = array.cast(pa.list_(entry))
        lengths = pc.fill_null(pc.list_value_length(lists).cast(pa.int64()), 0)
        raw_keys, raw_values = lists.flatten().flatten()
        keys = self._parts(raw_keys, column_type.key, lengths)
        values = self._parts(raw_values, column_type.value, lengths)
        _check_keys(keys, lengths)
        offsets = pc.if_else(
            pa.concat_arrays([array.is_null(), pa.array([False])]),
            pa.scalar(None, pa.int32()),
            _offsets(lengths),
        )
        return pa.MapArray.from_arrays(offsets, keys, values, type=carrier_of(column_type))


def _is_view(arrow_type: pa.DataType) -> bool:
    return bool(pa.types.is_string_view(arrow_type) or pa.types.is_binary_view(arrow_type))


def _viewed_bytes(array: pa.Array) -> int:
    """How many bytes the views of an array show; several may show the same."""
    if not len(array):
        return 0
    # A view begins with its length, in 4 of its 16 bytes.
    buffer = array.buffers()[1].slice(array.offset * _VIEW_BYTES, len(array) * _VIEW_BYTES)
    return sum(max(0, length) for length in memoryview(buffer).cast("B").cast("i")[::4])


def _children(array: pa.Array) -> list[pa.Array]:
    kinds = pa.types
    if kinds.is_dictionary(array.type):
        return [array.dictionary]
    if kinds.is_struct(array.type):
        return [array.field(index) for index in range(array.type.num_fields)]
    if kinds.is_map(array.type):
        return [array.keys, array.items]
    if kinds.is_list(array.type) or kinds.is_large_list(array.type):
        return [array.values]
    return [array.values] if kinds.is_fixed_size_list(array.type) else []


def _struct_names(array: pa.Array, column_type: StructType) -> list[str]:
    """The name, as the column's type spells it, of each field of a struct array."""
    known = {field.name.casefold(): field.name for field in column_type.fields}
    names: list[str] = []
    for field in array.type:
        name = known.get(field.name.casefold())
        if name is None or name in names:
            raise UnfitTypeError(array.type, column_type)
        names.append(name)
    return names


def _offsets(lengths: pa.Array) -> pa.Array:
    """Where each list begins, and where the last ends."""
    ends = pc.cumulative_sum(lengths)
    return pa.concat_arrays([pa.array([0], pa.int64()), ends]).cast(pa.int32())


def _parent(lengths: pa.Array, index: int) -> int:
    """The list that has the part with this index."""
    end = 0
    for parent, length in enumerate(lengths.to_pylist()):
        end += length
        if index < end:
            return parent
    raise IndexError(index)


def _check_keys(keys: pa.Array, lengths: pa.Array) -> None:
    if pa.types.is_temporal(keys.type):
        # Python has not all the dates and times that the engine has.
        keys = keys.cast(pa.int32() if pa.types.is_date(keys.type) else pa.int64())
    end = 0
    values: list[Any] = keys.to_pylist()
    for index, length in enumerate(lengths.to_pylist()):
        start, end = end, end + length
        try:
            check_map_keys(values[start:end])
        except UnfitValueError as error:
            raise UnfitColumnError([(index, shortened(str(error), 200))]) from None
