"""Column types: the ones a DuckLake table can hold, as values.

The grammar is DuckDB's (https://duckdb.org/docs/stable/sql/data_types/overview), less the
types that DuckLake does not store: ENUM, UNION, BIT, BIGNUM and fixed-size arrays.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from domain.errors import InvalidColumnError

MAX_TYPE_LENGTH = 10_000
MAX_TYPE_DEPTH = 32
MAX_DECIMAL_DIGITS = 38
_SHOWN = 100
_MAX_NUMBER_DIGITS = 9


class ScalarKind(StrEnum):
    """The types without parts, by DuckDB's own names."""

    BOOLEAN = "BOOLEAN"
    TINYINT = "TINYINT"
    SMALLINT = "SMALLINT"
    INTEGER = "INTEGER"
    BIGINT = "BIGINT"
    HUGEINT = "HUGEINT"
    UTINYINT = "UTINYINT"
    USMALLINT = "USMALLINT"
    UINTEGER = "UINTEGER"
    UBIGINT = "UBIGINT"
    UHUGEINT = "UHUGEINT"
    FLOAT = "FLOAT"
    DOUBLE = "DOUBLE"
    VARCHAR = "VARCHAR"
    BLOB = "BLOB"
    UUID = "UUID"
    JSON = "JSON"
    DATE = "DATE"
    TIME = "TIME"
    TIMETZ = "TIME WITH TIME ZONE"
    TIMESTAMP = "TIMESTAMP"
    TIMESTAMP_S = "TIMESTAMP_S"
    TIMESTAMP_MS = "TIMESTAMP_MS"
    TIMESTAMP_NS = "TIMESTAMP_NS"
    TIMESTAMPTZ = "TIMESTAMP WITH TIME ZONE"
    INTERVAL = "INTERVAL"


INTEGER_BOUNDS: dict[ScalarKind, tuple[int, int]] = {
    ScalarKind.TINYINT: (-(2**7), 2**7 - 1),
    ScalarKind.SMALLINT: (-(2**15), 2**15 - 1),
    ScalarKind.INTEGER: (-(2**31), 2**31 - 1),
    ScalarKind.BIGINT: (-(2**63), 2**63 - 1),
    ScalarKind.HUGEINT: (-(2**127), 2**127 - 1),
    ScalarKind.UTINYINT: (0, 2**8 - 1),
    ScalarKind.USMALLINT: (0, 2**16 - 1),
    ScalarKind.UINTEGER: (0, 2**32 - 1),
    ScalarKind.UBIGINT: (0, 2**64 - 1),
    ScalarKind.UHUGEINT: (0, 2**128 - 1),
}
"""The least and the greatest value of each integer type."""

_ALIASES: dict[str, ScalarKind] = {kind.value: kind for kind in ScalarKind} | {
    "BOOL": ScalarKind.BOOLEAN,
    "LOGICAL": ScalarKind.BOOLEAN,
    "INT1": ScalarKind.TINYINT,
    "INT2": ScalarKind.SMALLINT,
    "INT16": ScalarKind.SMALLINT,
    "SHORT": ScalarKind.SMALLINT,
    "INT": ScalarKind.INTEGER,
    "INT4": ScalarKind.INTEGER,
    "INT32": ScalarKind.INTEGER,
    "SIGNED": ScalarKind.INTEGER,
    "INT8": ScalarKind.BIGINT,
    "INT64": ScalarKind.BIGINT,
    "LONG": ScalarKind.BIGINT,
    "INT128": ScalarKind.HUGEINT,
    "UINT8": ScalarKind.UTINYINT,
    "UINT16": ScalarKind.USMALLINT,
    "UINT32": ScalarKind.UINTEGER,
    "UINT64": ScalarKind.UBIGINT,
    "UINT128": ScalarKind.UHUGEINT,
    "REAL": ScalarKind.FLOAT,
    "FLOAT4": ScalarKind.FLOAT,
    "FLOAT8": ScalarKind.DOUBLE,
    "DOUBLE PRECISION": ScalarKind.DOUBLE,
    "STRING": ScalarKind.VARCHAR,
    "TEXT": ScalarKind.VARCHAR,
    "CHAR": ScalarKind.VARCHAR,
    "BPCHAR": ScalarKind.VARCHAR,
    "BYTEA": ScalarKind.BLOB,
    "BINARY": ScalarKind.BLOB,
    "VARBINARY": ScalarKind.BLOB,
    "TIMETZ": ScalarKind.TIMETZ,
    "TIME WITHOUT TIME ZONE": ScalarKind.TIME,
    "DATETIME": ScalarKind.TIMESTAMP,
    "TIMESTAMP_US": ScalarKind.TIMESTAMP,
    "TIMESTAMP WITHOUT TIME ZONE": ScalarKind.TIMESTAMP,
    "TIMESTAMPTZ": ScalarKind.TIMESTAMPTZ,
}


@dataclass(frozen=True, slots=True)
class ScalarType:
    """A type without parts."""

    kind: ScalarKind

    def __str__(self) -> str:
        return self.kind.value


@dataclass(frozen=True, slots=True)
class DecimalType:
    """An exact number of `precision` digits, `scale` of them behind the point.

    Raises:
        InvalidColumnError: Unless 1 <= precision <= 38 and 0 <= scale <= precision.
    """

    precision: int
    scale: int

    def __post_init__(self) -> None:
        if not 1 <= self.precision <= MAX_DECIMAL_DIGITS or not 0 <= self.scale <= self.precision:
            raise InvalidColumnError(
                f"{self} is not a type: a DECIMAL has 1 to 38 digits, "
                "and no more of them behind the point than in all."
            )

    def __str__(self) -> str:
        return f"DECIMAL({self.precision},{self.scale})"


@dataclass(frozen=True, slots=True)
class ListType:
    """A list of any length."""

    element: ColumnType

    def __str__(self) -> str:
        return f"{self.element}[]"


@dataclass(frozen=True, slots=True)
class StructField:
    """A named part of a struct."""

    name: str
    type: ColumnType

    def __str__(self) -> str:
        return f"{_quoted_if_needed(self.name)} {self.type}"


@dataclass(frozen=True, slots=True)
class StructType:
    """Named parts, in order.

    Raises:
        InvalidColumnError: When it has no part, or two of one name (compared without case).
    """

    fields: tuple[StructField, ...]

    def __post_init__(self) -> None:
        names = [field.name.casefold() for field in self.fields]
        if not names or len(set(names)) < len(names):
            raise InvalidColumnError("A STRUCT has at least one field, each with its own name.")

    def __str__(self) -> str:
        return f"STRUCT({', '.join(map(str, self.fields))})"


@dataclass(frozen=True, slots=True)
class MapType:
    """Keys to values."""

    key: ColumnType
    value: ColumnType

    def __str__(self) -> str:
        return f"MAP({self.key}, {self.value})"


@dataclass(frozen=True, slots=True)
class OpaqueType:
    """A type that this service does not write, in a table that another client made."""

    text: str

    def __str__(self) -> str:
        return self.text


ColumnType = ScalarType | DecimalType | ListType | StructType | MapType | OpaqueType


def parse_column_type(text: str) -> ColumnType:
    """Read a type as DuckDB writes it, e.g. `DECIMAL(9,2)` or `STRUCT(x INTEGER)[]`.

    Raises:
        InvalidColumnError: When a DuckLake table cannot have a column of this type.
    """
    if len(text) > MAX_TYPE_LENGTH:
        raise InvalidColumnError(f"A type has at most {MAX_TYPE_LENGTH} characters.")
    return _TypeParser(text).parse()


def read_column_type(text: str) -> ColumnType:
    """Read a type of an existing table; one that is not known comes back as it stands."""
    try:
        return parse_column_type(text)
    except InvalidColumnError:
        return OpaqueType(text)


_TOKEN = re.compile(
    r'\s*(?:(?P<word>[A-Za-z0-9_]+)|(?P<quoted>"(?:[^"]|"")+")|(?P<mark>[(),\[\]]))'
)
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _quoted_if_needed(name: str) -> str:
    if _PLAIN_NAME.fullmatch(name):
        return name
    escaped = name.replace('"', '""')
    return f'"{escaped}"'


class _TypeParser:
    """Recursive descent over the tokens of one type."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(self._tokenize(text.strip()))
        self._next = 0

    def parse(self) -> ColumnType:
        parsed = self._type(depth=0)
        if self._next < len(self._tokens):
            raise self._error()
        return parsed

    def _tokenize(self, text: str) -> Iterator[str]:
        place = 0
        while place < len(text):
            match = _TOKEN.match(text, place)
            if match is None:
                raise self._error()
            yield match.group().strip()
            place = match.end()

    def _error(self) -> InvalidColumnError:
        shown = self._text if len(self._text) <= _SHOWN else f"{self._text[:_SHOWN]}..."
        return InvalidColumnError(f"{shown!r} is not a type that a table can hold.")

    def _peek(self) -> str:
        return self._tokens[self._next] if self._next < len(self._tokens) else ""

    def _take(self) -> str:
        token = self._peek()
        self._next += 1
        return token

    def _expect(self, token: str) -> None:
        if self._take() != token:
            raise self._error()

    @staticmethod
    def _check_depth(depth: int) -> None:
        if depth > MAX_TYPE_DEPTH:
            raise InvalidColumnError(f"A type is nested at most {MAX_TYPE_DEPTH} deep.")

    def _type(self, depth: int) -> ColumnType:
        self._check_depth(depth)
        word = self._take().upper()
        parsed: ColumnType
        if word in {"DECIMAL", "NUMERIC", "DEC"}:
            parsed = self._decimal()
        elif word == "STRUCT":
            parsed = self._struct(depth)
        elif word == "MAP":
            parsed = self._map(depth)
        else:
            parsed = self._scalar(word)
        while self._peek() == "[":
            self._take()
            self._expect("]")
            depth += 1
            self._check_depth(depth)
            parsed = ListType(parsed)
        return parsed

    def _scalar(self, word: str) -> ScalarType:
        # Names of several words ("TIMESTAMP WITH TIME ZONE"): take the longest that is one.
        words = [word]
        while self._peek() and self._peek().upper() in {
            "WITH",
            "WITHOUT",
            "TIME",
            "ZONE",
            "PRECISION",
        }:
            words.append(self._take().upper())
        name = " ".join(words)
        if name == "VARCHAR" and self._peek() == "(":
            # A length is accepted and has no effect, as in DuckDB.
            self._take()
            self._number()
            self._expect(")")
        if name not in _ALIASES:
            raise self._error()
        return ScalarType(_ALIASES[name])

    def _decimal(self) -> DecimalType:
        if self._peek() != "(":
            return DecimalType(18, 3)
        self._take()
        precision, scale = self._number(), 0
        if self._peek() == ",":
            self._take()
            scale = self._number()
        self._expect(")")
        return DecimalType(precision, scale)

    def _number(self) -> int:
        token = self._take()
        if not (token.isascii() and token.isdigit() and len(token) <= _MAX_NUMBER_DIGITS):
            raise self._error()
        return int(token)

    def _struct(self, depth: int) -> StructType:
        self._expect("(")
        fields = [self._field(depth)]
        while self._peek() == ",":
            self._take()
            fields.append(self._field(depth))
        self._expect(")")
        return StructType(tuple(fields))

    def _field(self, depth: int) -> StructField:
        token = self._take()
        if not token or token in set("(),[]"):
            raise self._error()
        name = token[1:-1].replace('""', '"') if token.startswith('"') else token
        return StructField(name, self._type(depth + 1))

    def _map(self, depth: int) -> MapType:
        self._expect("(")
        key = self._type(depth + 1)
        self._expect(",")
        value = self._type(depth + 1)
        self._expect(")")
        return MapType(key, value)
