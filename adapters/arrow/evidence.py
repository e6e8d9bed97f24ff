"""What type the values of a column have, when nothing but the values says so.

The type is the narrowest of a short list that takes every value back exactly as it was. It
depends on the set of values alone, not on their order, and there always is one.

| all values that are not NULL are                          | type              |
|-----------------------------------------------------------|-------------------|
| true, false                                               | BOOLEAN           |
| whole numbers of up to 64 bits                            | BIGINT            |
| whole numbers of up to 38 digits                          | DECIMAL(38,0)     |
| numbers whose digits a double keeps, NaN and the infinities| DOUBLE            |
| other numbers of up to 38 digits                          | DECIMAL(p,s)      |
| dates as `2024-01-31`                                     | DATE              |
| times as `2024-01-31T12:30:00`, or with a space for the T | TIMESTAMP         |
| the same with `Z` or `+00:00`                             | TIMESTAMP WITH TIME ZONE |
| other texts                                               | VARCHAR           |
| lists of one of these (JSON)                              | a list of that    |
| all else (JSON)                                           | JSON              |

Texts with another offset than UTC stay texts, since a timestamp would forget the offset; and
so do numbers in CSV with zeros before them, or a plus, or an exponent of bare digits (`1e5`),
which are identifiers as often as numbers.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING

import msgspec

from adapters.arrow.json_values import split_list
from adapters.arrow.number_evidence import Numbers
from domain.column_types import (
    MAX_TYPE_DEPTH,
    ColumnType,
    ListType,
    ScalarKind,
    ScalarType,
)
from domain.value_kinds import TEXTS, Kind, plain_type

if TYPE_CHECKING:
    from collections.abc import Iterable

_INTEGER = re.compile(r"0|-?[1-9][0-9]*")
_CSV_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+([eE][+-]?[0-9]+)?|[eE][+-][0-9]+)")
_NOT_FINITE = frozenset({"NaN", "Infinity", "-Infinity"})
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIMESTAMP = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ](?:[01][0-9]|2[0-3])(?::[0-5][0-9]){2}(?:\.[0-9]{1,6})?"
)
_UTC = re.compile(r"(?:Z|\+00:00)\Z")
_decode_text = msgspec.json.Decoder(str).decode


class Evidence:
    """What the values of one column, or of the elements of its lists, have shown.

    Attributes:
        kinds: The kinds of its values.
        numbers: What those that are numbers have in common.
        element: The same of the elements of its lists; None when there were none.
        declared: The type that the body itself says, in formats that say one.
    """

    def __init__(self) -> None:
        self.declared: ColumnType | None = None
        self.kinds: set[Kind] = set()
        self.numbers = Numbers()
        self.element: Evidence | None = None

    def add_json(self, values: Iterable[bytes], depth: int = MAX_TYPE_DEPTH) -> None:
        """Learn values as raw JSON text, well formed and no deeper than a body may be.

        Args:
            values: The values.
            depth: How deep in lists there can be a type; what is deeper is not looked at.
        """
        for raw in values:
            first = raw[:1]
            if first in b"-0123456789":
                self._add_number(raw.decode())
            elif first == b'"':
                self._add_text(raw)
            elif first in b"tf":
                self.kinds.add(Kind.BOOLEAN)
            elif first == b"[":
                self.kinds.add(Kind.LIST)
                if depth > 0:
                    self.element = self.element or Evidence()
                    self.element.add_json(split_list(raw), depth - 1)
            elif first == b"{":
                self.kinds.add(Kind.OTHER)

    def add_fields(self, values: Iterable[str]) -> None:
        """Learn fields of a CSV body, which tell no numbers from texts."""
        for text in values:
            if text.lower() in ("true", "false"):
                self.kinds.add(Kind.BOOLEAN)
            elif _INTEGER.fullmatch(text):
                self.kinds.add(Kind.INTEGER)
                self.numbers.add(text, whole=True)
            elif _CSV_NUMBER.fullmatch(text):
                self.kinds.add(Kind.FRACTION)
                self.numbers.add(text, whole=False)
            else:
                self.kinds.add(_kind_of_text(text))

    def json_type(self) -> ColumnType | None:
        """The type of a column of JSON values; None when there were NULLs alone."""
        return _json_type(self, MAX_TYPE_DEPTH)

    def field_type(self) -> ColumnType | None:
        """The type of a column of CSV fields; None when there were NULLs alone."""
        if not self.kinds:
            return None
        return plain_type(self.kinds, self.numbers) or ScalarType(ScalarKind.VARCHAR)

    def _add_number(self, text: str) -> None:
        whole = _INTEGER.fullmatch(text) is not None
        self.kinds.add(Kind.INTEGER if whole else Kind.FRACTION)
        self.numbers.add(text, whole=whole)

    def _add_text(self, raw: bytes) -> None:
        try:
            self.kinds.add(_kind_of_text(_decode_text(raw)))
        except msgspec.DecodeError:
            # Half of a surrogate pair is no text of any type; reading it says so.
            self.kinds.add(Kind.TEXT)


def _kind_of_text(text: str) -> Kind:
    if text in _NOT_FINITE:
        return Kind.NOT_FINITE
    if _DATE.fullmatch(text) and _is_date(text):
        return Kind.DATE
    bare = _UTC.sub("", text)
    if _TIMESTAMP.fullmatch(bare) and _is_date(bare[:10]):
        return Kind.TIMESTAMP if bare == text else Kind.TIMESTAMPTZ
    return Kind.TEXT


def _is_date(text: str) -> bool:
    try:
        dt.date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _json_type(evidence: Evidence, depth: int) -> ColumnType | None:
    """The type of JSON values, with lists in lists to a depth."""
    if not evidence.kinds:
        return None
    found = plain_type(evidence.kinds, evidence.numbers)
    if found is not None:
        return found
    if evidence.kinds <= TEXTS:
        return ScalarType(ScalarKind.VARCHAR)
    if evidence.kinds == {Kind.LIST} and evidence.element is not None and depth > 0:
        element = _json_type(evidence.element, depth - 1)
        # A list of what has no type of its own has none either.
        if element is not None and element != ScalarType(ScalarKind.JSON):
            return ListType(element)
    return ScalarType(ScalarKind.JSON)
