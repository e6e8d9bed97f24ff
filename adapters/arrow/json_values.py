"""One JSON value, as raw text, read as a column's type: the exact rules.

Numbers are read from their text, so that no digit is lost on the way. What each type takes:
integers and decimals a number, those over 32 bits and decimals a string too; FLOAT and
DOUBLE a number, or NaN and the infinities as strings; BOOLEAN true and false; a MAP an object
or a list of {"key", "value"}; all else strings, as `text_values` reads them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from adapters.arrow.numbers import parse_not_finite
from adapters.arrow.problems import UnfitValueError, shortened, shown
from adapters.arrow.text_values import text_parser
from domain.column_types import (
    INTEGER_BOUNDS,
    ColumnType,
    DecimalType,
    ListType,
    MapType,
    OpaqueType,
    ScalarKind,
    ScalarType,
    StructType,
)
from domain.json_depth import JSON_STRING, check_depth

if TYPE_CHECKING:
    from collections.abc import Callable

_KEYS = re.compile(JSON_STRING + rb"[ \t\r\n]*+(:?)", re.DOTALL)

_decode_list = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_raw = msgspec.json.Decoder(msgspec.Raw).decode
_decode_text = msgspec.json.Decoder(str).decode

LONG_INTEGERS = frozenset(
    {ScalarKind.BIGINT, ScalarKind.UBIGINT, ScalarKind.HUGEINT, ScalarKind.UHUGEINT}
)
"""Integers that a double cannot hold, so that clients may write them as strings."""

FLOATS = frozenset({ScalarKind.FLOAT, ScalarKind.DOUBLE})
"""The types that are not exact."""


def count_keys(raw: bytes) -> int:
    """How many members the objects in a JSON text have, at all depths."""
    return _KEYS.findall(raw).count(b":")


def split_list(raw: bytes) -> list[bytes]:
    """The elements of a JSON array, as raw text. Raises `msgspec.DecodeError`."""
    return [bytes(element) for element in _decode_list(raw)]


def split_object(raw: bytes) -> dict[str, bytes]:
    """The members of a JSON object, as raw text.

    Raises:
        msgspec.DecodeError: When it is no object.
        UnfitValueError: When two members have the same name.
    """
    members = {name: bytes(value) for name, value in _decode_object(raw).items()}
    if count_keys(raw) - sum(map(count_keys, members.values())) != len(members):
        raise UnfitValueError(f"{_shown(raw)} has two members of the same name.")
    return members


def value_reader(column_type: ColumnType, depth: int) -> Callable[[bytes], Any]:
    """The function that reads raw JSON text as this type; JSON null is None.

    The text has been found to be well formed. It raises `UnfitValueError`, and of a JSON
    value nested deeper than `depth` `TooLargeError`.
    """
    read = _value_reader(column_type, depth)
    return lambda raw: None if raw == b"null" else read(raw)


def _value_reader(column_type: ColumnType, depth: int) -> Callable[[bytes], Any]:
    match column_type:
        case ListType(element):
            return _list_reader(column_type, value_reader(element, depth))
        case StructType():
            return _struct_reader(column_type, depth)
        case MapType():
            return _map_reader(column_type, depth)
        case ScalarType(ScalarKind.JSON):
            return lambda raw: read_json(raw, depth)
        case ScalarType() | DecimalType():
            return _scalar_reader(column_type)
        case OpaqueType():
            raise TypeError(f"No value of the type {column_type} can be read.")


def _scalar_reader(column_type: ScalarType | DecimalType) -> Callable[[bytes], Any]:
    parse = text_parser(column_type)
    kind = column_type.kind if isinstance(column_type, ScalarType) else None
    takes_number = kind is None or kind in INTEGER_BOUNDS or kind in FLOATS
    takes_string = not takes_number or kind is None or kind in LONG_INTEGERS
    if kind is ScalarKind.BOOLEAN:
        takes_string = False

    def read(raw: bytes) -> Any:
        first = raw[:1]
        if first == b'"':
            text = _text(raw)
            if takes_string or (kind in FLOATS and parse_not_finite(text) is not None):
                return parse(text)
        elif first in b"-0123456789":
            if takes_number:
                return _number(raw, column_type, parse)
        elif first in b"tf" and kind is ScalarKind.BOOLEAN:
            return raw == b"true"
        raise UnfitValueError.expected(_shown(raw), column_type)

    return read


def _number(raw: bytes, column_type: ColumnType, parse: Callable[[str], Any]) -> Any:
    try:
        return parse(raw.decode())
    except UnfitValueError:
        # Shown as the number that it is, not as a text in quotes.
        raise UnfitValueError.expected(_shown(raw), column_type) from None


def read_json(raw: bytes, depth: int) -> str:
    """Take a well formed JSON value as its text.

    Raises:
        UnfitValueError: When it is not UTF-8.
        TooLargeError: When it is nested too deep.
    """
    check_depth(raw, depth)
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise UnfitValueError.expected(_shown(raw), ScalarType(ScalarKind.JSON)) from None


def json_text_parser(column_type: ColumnType, depth: int) -> Callable[[str], Any]:
    """The function that reads a text, which may be anything, as JSON of this type.

    For values in cells and strings of other formats. JSON null is a value of the type JSON,
    and no value of any other.
    """
    read = _value_reader(column_type, depth)

    def parse(text: str) -> Any:
        raw = text.encode(errors="surrogatepass")
        check_depth(raw, depth)
        try:
            raw = bytes(_decode_raw(raw)).strip(b" \t\r\n")
        except (msgspec.DecodeError, RecursionError):
            raise UnfitValueError.expected(shown(text), column_type) from None
        return read(raw)

    return parse


def _list_reader(column_type: ListType, read: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    def read_list(raw: bytes) -> list[Any]:
        if not raw.startswith(b"["):
            raise UnfitValueError.expected(_shown(raw), column_type)
        return [read(element) for element in split_list(raw)]

    return read_list


def _struct_reader(column_type: StructType, depth: int) -> Callable[[bytes], Any]:
    readers = {
        field.name.casefold(): (field.name, value_reader(field.type, depth))
        for field in column_type.fields
    }

    def read_struct(raw: bytes) -> dict[str, Any]:
        if not raw.startswith(b"{"):
            raise UnfitValueError.expected(_shown(raw), column_type)
        values: dict[str, Any] = {}
        for spelled, value in split_object(raw).items():
            name, read = readers.get(spelled.casefold(), (None, None))
            if name is None or read is None:
                raise UnfitValueError(f"the struct has no field {shown(spelled)}.")
            if name in values:
                raise UnfitValueError(f"the field {shown(name)} is given twice.")
            values[name] = read(value)
        return values

    return read_struct


def _map_reader(column_type: MapType, depth: int) -> Callable[[bytes], Any]:
    read_key = value_reader(column_type.key, depth)
    read_value = value_reader(column_type.value, depth)
    parse_key = _key_parser(column_type.key, depth)

    def read_map(raw: bytes) -> list[tuple[Any, Any]]:
        if raw.startswith(b"{"):
            members = split_object(raw).items()
            entries = [(parse_key(name), read_value(value)) for name, value in members]
        elif raw.startswith(b"["):
            entries = [_entry(element, read_key, read_value) for element in split_list(raw)]
        else:
            raise UnfitValueError.expected(_shown(raw), column_type)
        check_map_keys([key for key, _ in entries])
        return entries

    return read_map


def check_map_keys(keys: list[Any]) -> None:
    """Check the keys of one map, as carriers hold them.

    Raises:
        UnfitValueError: When one is NULL, or comes twice.
    """
    if any(key is None for key in keys):
        raise UnfitValueError("a map's key cannot be NULL.")
    seen: set[str] = set()
    for key in keys:
        if repr(key) in seen:
            raise UnfitValueError(f"the map's key {shown(str(key))} is given twice.")
        seen.add(repr(key))


def _key_parser(key_type: ColumnType, depth: int) -> Callable[[str], Any]:
    """How a member's name is read as a key: as a text, of nested types and JSON as JSON text."""
    if isinstance(key_type, DecimalType):
        return text_parser(key_type)
    if isinstance(key_type, ScalarType) and key_type.kind is not ScalarKind.JSON:
        return text_parser(key_type)
    return json_text_parser(key_type, depth)


def _entry(
    raw: bytes, read_key: Callable[[bytes], Any], read_value: Callable[[bytes], Any]
) -> tuple[Any, Any]:
    members = split_object(raw) if raw.startswith(b"{") else {}
    if members.keys() != {"key", "value"}:
        raise UnfitValueError(f'{_shown(raw)} is no map entry: {{"key": ..., "value": ...}}.')
    return read_key(members["key"]), read_value(members["value"])


def _text(raw: bytes) -> str:
    try:
        return str(_decode_text(raw))
    except (UnicodeDecodeError, msgspec.DecodeError):
        raise UnfitValueError(f"{_shown(raw)} is no text: it holds what is not Unicode.") from None


def _shown(raw: bytes) -> str:
    return shortened(raw.decode(errors="replace"))
