"""One value as text, read as a column's type: the exact rules, one value at a time."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, Any

from adapters.arrow.intervals import parse_interval
from adapters.arrow.numbers import parse_decimal, parse_float, parse_integer
from adapters.arrow.problems import UnfitValueError, shown
from adapters.arrow.temporal import parse_date, parse_time, parse_time_with_zone, parse_timestamp
from domain.column_types import INTEGER_BOUNDS, DecimalType, ScalarKind, ScalarType

if TYPE_CHECKING:
    from collections.abc import Callable

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def text_parser(column_type: ScalarType | DecimalType) -> Callable[[str], Any]:
    """The function that reads a text as this type, into what the type's carrier holds.

    It raises `UnfitValueError`. Of JSON there is none here: see `json_values`.
    """
    if isinstance(column_type, DecimalType):
        return lambda text: parse_decimal(text, column_type)
    kind = column_type.kind
    if kind in {ScalarKind.HUGEINT, ScalarKind.UHUGEINT}:
        return lambda text: str(parse_integer(text, kind))
    if kind in INTEGER_BOUNDS:
        return lambda text: parse_integer(text, kind)
    if kind in {ScalarKind.FLOAT, ScalarKind.DOUBLE}:
        return lambda text: parse_float(text, kind)
    if kind in _PARSERS:
        return _PARSERS[kind]
    return lambda text: parse_timestamp(text, kind)


def _parse_boolean(text: str) -> bool:
    value = {"true": True, "false": False}.get(text.lower())
    if value is None:
        raise UnfitValueError.expected(shown(text), ScalarType(ScalarKind.BOOLEAN))
    return value


def _parse_varchar(text: str) -> str:
    if "\0" in text:
        raise UnfitValueError.expected(shown(text), ScalarType(ScalarKind.VARCHAR))
    return text


def _parse_blob(text: str) -> bytes:
    try:
        value = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        value = None
    # Bits beyond the last byte would be lost, so a text that is not the bytes' own is refused.
    if value is None or base64.b64encode(value).decode() != text:
        raise UnfitValueError.expected(shown(text), ScalarType(ScalarKind.BLOB))
    return value


def _parse_uuid(text: str) -> str:
    if not _UUID.fullmatch(text):
        raise UnfitValueError.expected(shown(text), ScalarType(ScalarKind.UUID))
    return text.lower()


_PARSERS: dict[ScalarKind, Callable[[str], Any]] = {
    ScalarKind.BOOLEAN: _parse_boolean,
    ScalarKind.VARCHAR: _parse_varchar,
    ScalarKind.BLOB: _parse_blob,
    ScalarKind.UUID: _parse_uuid,
    ScalarKind.DATE: parse_date,
    ScalarKind.TIME: parse_time,
    ScalarKind.TIMETZ: parse_time_with_zone,
    ScalarKind.INTERVAL: parse_interval,
}
