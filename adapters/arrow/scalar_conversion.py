"""Arrow arrays of scalars, turned into the carriers of a column type without any loss.

| column type            | Arrow types that it takes                                        |
|------------------------|------------------------------------------------------------------|
| BOOLEAN                | bool                                                             |
| integers               | integers in range; floats and decimals that are whole            |
| FLOAT, DOUBLE          | floats, integers and decimals that come back as the same         |
| DECIMAL                | decimals and integers whose digits fit                           |
| VARCHAR, JSON, TIMETZ  | strings                                                          |
| BLOB                   | binary of any kind                                               |
| UUID                   | arrow.uuid, 16 bytes, strings                                    |
| DATE                   | dates; timestamps without zone that are a midnight               |
| TIME                   | times of day                                                     |
| TIMESTAMP and its kin  | timestamps without zone, dates                                   |
| TIMESTAMPTZ            | timestamps with a zone                                           |
| INTERVAL               | month_day_nano, durations, strings                               |

A number is never read from a string, nor a text made of a number: those are of another kind.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

import pyarrow as pa
import pyarrow.compute as pc

from adapters.arrow.carriers import TIMESTAMP_UNITS, carrier_of
from adapters.arrow.intervals import fits_interval, interval_text
from adapters.arrow.json_values import json_text_parser
from adapters.arrow.numbers import parse_decimal
from adapters.arrow.problems import (
    UnfitColumnError,
    UnfitTypeError,
    UnfitValueError,
    shortened,
)
from adapters.arrow.temporal import (
    DATE_BOUNDS,
    INFINITE_DAYS,
    INFINITE_TIMESTAMP,
    TIME_END,
    TIMESTAMP_BOUNDS,
)
from adapters.arrow.text_columns import column_from_texts, column_from_values
from domain.column_types import INTEGER_BOUNDS, DecimalType, ScalarKind, ScalarType

if TYPE_CHECKING:
    from collections.abc import Callable

_FROM_TEXT = frozenset(
    {ScalarKind.VARCHAR, ScalarKind.UUID, ScalarKind.TIMETZ, ScalarKind.INTERVAL}
)
_UUID_BYTES = 16
_DOUBLE_DIGITS = 53
_SINGLE_DIGITS = 24


def convert_scalars(array: pa.Array, column_type: ScalarType | DecimalType, depth: int) -> pa.Array:
    """Turn an array of a plain Arrow type into the carrier of a column type.

    Args:
        array: Not dictionary-encoded, no view.
        column_type: What it is to become.
        depth: How deep JSON may be nested.

    Raises:
        UnfitTypeError: When values of the Arrow type are no values of the column type.
        UnfitColumnError: When a value is none, or would lose something.
    """
    converted: pa.Array | None
    if isinstance(column_type, DecimalType):
        converted = _to_decimal(array, column_type)
    else:
        converted = _CONVERSIONS.get(column_type.kind, _to_timestamp)(array, column_type.kind)
        if converted is None:
            converted = _from_text(array, column_type, depth)
    if converted is None:
        raise UnfitTypeError(array.type, column_type)
    return converted


def unfit(array: pa.Array, index: int, column_type: ScalarType | DecimalType) -> UnfitColumnError:
    """The error of the value at an index."""
    error = UnfitValueError.expected(_shown(array, index), column_type)
    return UnfitColumnError([(index, str(error))])


def _shown(array: pa.Array, index: int) -> str:
    try:
        value = array[index].as_py()
    except (ValueError, OverflowError, UnicodeDecodeError):
        # Dates that Python has not, mostly
        return "The value"
    return shortened(repr(value) if isinstance(value, str | bytes) else str(value))


def _cast(array: pa.Array, carrier: pa.DataType, column_type: ScalarType | DecimalType) -> pa.Array:
    """Cast with Arrow's own checks, and find the first value that does not pass them."""
    try:
        return array.cast(carrier)
    except pa.ArrowInvalid:
        good, bad = 0, len(array)
    while bad - good > 1:
        middle = (good + bad) // 2
        try:
            array.slice(good, middle - good).cast(carrier)
            good = middle
        except pa.ArrowInvalid:
            bad = middle
    raise unfit(array, good, column_type)


def _refuse(bad: pa.BooleanArray, array: pa.Array, column_type: ScalarType | DecimalType) -> None:
    """Raise for the first value that a mask marks."""
    index = bad.index(True).as_py()
    if index >= 0:
        raise unfit(array, index, column_type)


def _to_boolean(array: pa.Array, _kind: ScalarKind) -> pa.Array | None:
    return array if pa.types.is_boolean(array.type) else None


def _to_integer(array: pa.Array, kind: ScalarKind) -> pa.Array | None:
    column_type = ScalarType(kind)
    carrier = carrier_of(column_type)
    wide = pa.types.is_string(carrier)
    if pa.types.is_integer(array.type):
        if wide and kind is ScalarKind.UHUGEINT and pa.types.is_signed_integer(array.type):
            _refuse(pc.less(array, pa.scalar(0, array.type)), array, column_type)
        return _cast(array, carrier, column_type)
    if pa.types.is_floating(array.type):
        doubles = array.cast(pa.float64())
        least, greatest = INTEGER_BOUNDS[kind]
        # Both bounds are powers of two, or zero, and so exact as doubles.
        inside = pc.and_(
            pc.greater_equal(doubles, float(least)), pc.less(doubles, float(greatest + 1))
        )
        whole = pc.equal(pc.floor(doubles), doubles)
        _refuse(pc.invert(pc.and_(inside, whole)), array, column_type)
        if not wide:
            return doubles.cast(carrier, safe=False)
        return column_from_values(doubles.to_pylist(), lambda value: str(int(value)), column_type)
    if pa.types.is_decimal(array.type):
        return column_from_values(
            array.to_pylist(), lambda value: _whole(value, column_type, wide=wide), column_type
        )
    return None


def _whole(value: Decimal, column_type: ScalarType, *, wide: bool) -> int | str:
    least, greatest = INTEGER_BOUNDS[column_type.kind]
    if value != value.to_integral_value() or not least <= value <= greatest:
        raise UnfitValueError.expected(str(value), column_type)
    return str(int(value)) if wide else int(value)


def _to_float(array: pa.Array, kind: ScalarKind) -> pa.Array | None:
    column_type = ScalarType(kind)
    carrier = carrier_of(column_type)
    if pa.types.is_floating(array.type):
        floats = array.cast(carrier)
        back = floats.cast(pa.float64())
        source = array.cast(pa.float64())
        _refuse(
            pc.and_(pc.not_equal(back, source), pc.invert(pc.is_nan(source))), array, column_type
        )
        return floats
    if pa.types.is_integer(array.type):
        bits = _DOUBLE_DIGITS if kind is ScalarKind.DOUBLE else _SINGLE_DIGITS
        return _floats_of_integers(array, carrier, bits, column_type)
    if pa.types.is_decimal(array.type):
        return column_from_values(
            array.to_pylist(), lambda value: _exact_float(value, column_type), column_type
        )
    return None


def _floats_of_integers(
    array: pa.Array, carrier: pa.DataType, bits: int, column_type: ScalarType
) -> pa.Array:
    """Integers as floats: at once while all are within the float's digits, else one by one."""
    try:
        return array.cast(carrier)
    except pa.ArrowInvalid:

        def exact(value: int) -> float:
            digits = abs(value)
            # What is left without the zeros at the end must fit the float's digits.
            if digits and (digits // (digits & -digits)).bit_length() > bits:
                raise UnfitValueError.expected(str(value), column_type)
            return float(value)

        return column_from_values(array.to_pylist(), exact, column_type)


def _exact_float(value: Decimal, column_type: ScalarType) -> float:
    number = pa.scalar(float(value)).cast(carrier_of(column_type)).as_py()
    # A double is exact here when its shortest text has the decimal's very digits.
    if (
        Decimal(repr(number)) if column_type.kind is ScalarKind.DOUBLE else Decimal(number)
    ) != value:
        raise UnfitValueError.expected(str(value), column_type)
    return float(number)


def _to_decimal(array: pa.Array, column_type: DecimalType) -> pa.Array | None:
    if pa.types.is_integer(array.type):
        array = array.cast(pa.decimal128(20, 0))
    elif not pa.types.is_decimal(array.type):
        return None
    try:
        return array.cast(carrier_of(column_type))
    except pa.ArrowInvalid:
        return column_from_values(
            array.to_pylist(), lambda value: _fitting(value, column_type), column_type
        )


def _fitting(value: Decimal, column_type: DecimalType) -> Decimal:
    try:
        return parse_decimal(f"{value:f}", column_type)
    except UnfitValueError:
        raise UnfitValueError.expected(f"{value:f}", column_type) from None


def _to_binary(array: pa.Array, _kind: ScalarKind) -> pa.Array | None:
    kinds = pa.types
    if (
        kinds.is_binary(array.type)
        or kinds.is_large_binary(array.type)
        or kinds.is_fixed_size_binary(array.type)
    ):
        return array.cast(pa.binary())
    return None


def _to_uuid(array: pa.Array, kind: ScalarKind) -> pa.Array | None:
    if not pa.types.is_fixed_size_binary(array.type) or array.type.byte_width != _UUID_BYTES:
        return None
    return column_from_values(
        array.to_pylist(), lambda value: str(UUID(bytes=value)), ScalarType(kind)
    )


def _to_date(array: pa.Array, kind: ScalarKind) -> pa.Array | None:
    if pa.types.is_timestamp(array.type):
        if array.type.tz is not None:
            return None
        days = array.cast(pa.date32(), safe=False)
        # Timestamps that are infinite or beyond what dates of this unit have do not come back.
        back = days.cast(array.type, safe=False)
        _refuse(pc.not_equal(back, array), array, ScalarType(kind))
    elif pa.types.is_date(array.type):
        days = _cast(array, pa.date32(), ScalarType(kind))
    else:
        return None
    _check_bounds(days, days.cast(pa.int32()), DATE_BOUNDS, INFINITE_DAYS, kind)
    return days


def _to_time(array: pa.Array, kind: ScalarKind) -> pa.Array | None:
    if not pa.types.is_time(array.type):
        return None
    times = _cast(array, pa.time64("us"), ScalarType(kind))
    numbers = times.cast(pa.int64())
    outside = pc.or_(pc.less(numbers, 0), pc.greater(numbers, TIME_END))
    _refuse(outside, times, ScalarType(kind))
    return times


def _to_timestamp(array: pa.Array, kind: ScalarKind) -> pa.Array | None:
    if pa.types.is_timestamp(array.type):
        if (array.type.tz is not None) != (kind is ScalarKind.TIMESTAMPTZ):
            return None
    elif not pa.types.is_date(array.type) or kind is ScalarKind.TIMESTAMPTZ:
        return None
    unit = TIMESTAMP_UNITS[kind]
    stamps = _cast(array, carrier_of(ScalarType(kind)), ScalarType(kind))
    _check_bounds(stamps, stamps.cast(pa.int64()), TIMESTAMP_BOUNDS[unit], INFINITE_TIMESTAMP, kind)
    return stamps


def _check_bounds(
    array: pa.Array, numbers: pa.Array, bounds: tuple[int, int], infinite: int, kind: ScalarKind
) -> None:
    """Check that the engine has these days or moments; the infinite ones are the two outside."""
    least, greatest = (pa.scalar(bound, numbers.type) for bound in bounds)
    outside = pc.or_(pc.less(numbers, least), pc.greater(numbers, greatest))
    endless = pc.is_in(numbers, pa.array([infinite, -infinite], numbers.type))
    _refuse(pc.and_(outside, pc.invert(endless)), array, ScalarType(kind))


def _to_interval(array: pa.Array, kind: ScalarKind) -> pa.Array | None:
    column_type = ScalarType(kind)
    if pa.types.is_duration(array.type):
        micros = _cast(array, pa.duration("us"), column_type).cast(pa.int64())
        return column_from_values(
            micros.to_pylist(), lambda value: _interval(0, 0, value), column_type
        )
    if pa.types.is_interval(array.type):
        return column_from_values(array.to_pylist(), _interval_of_nanos, column_type)
    return None


def _interval_of_nanos(value: pa.MonthDayNano) -> str:
    micros, rest = divmod(value.nanoseconds, 1000)
    if rest:
        raise UnfitValueError.expected(str(value), ScalarType(ScalarKind.INTERVAL))
    return _interval(value.months, value.days, micros)


def _interval(months: int, days: int, micros: int) -> str:
    if not fits_interval(months, days, micros):
        text = interval_text(months, days, micros)
        raise UnfitValueError.expected(text, ScalarType(ScalarKind.INTERVAL))
    return interval_text(months, days, micros)


def _from_text(array: pa.Array, column_type: ScalarType, depth: int) -> pa.Array | None:
    if not (pa.types.is_string(array.type) or pa.types.is_large_string(array.type)):
        return None
    texts = array.cast(pa.string())
    if column_type.kind is ScalarKind.JSON:
        return column_from_values(
            texts.to_pylist(), json_text_parser(column_type, depth), column_type
        )
    return column_from_texts(texts, column_type) if column_type.kind in _FROM_TEXT else None


def _not_here(_array: pa.Array, _kind: ScalarKind) -> None:
    return None


_CONVERSIONS: dict[ScalarKind, Callable[[pa.Array, ScalarKind], pa.Array | None]] = {
    **dict.fromkeys(INTEGER_BOUNDS, _to_integer),
    **dict.fromkeys((ScalarKind.VARCHAR, ScalarKind.JSON, ScalarKind.TIMETZ), _not_here),
    ScalarKind.BOOLEAN: _to_boolean,
    ScalarKind.FLOAT: _to_float,
    ScalarKind.DOUBLE: _to_float,
    ScalarKind.BLOB: _to_binary,
    ScalarKind.UUID: _to_uuid,
    ScalarKind.DATE: _to_date,
    ScalarKind.TIME: _to_time,
    ScalarKind.INTERVAL: _to_interval,
}
