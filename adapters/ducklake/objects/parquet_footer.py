"""The schema in a Parquet file's footer, looked at before DuckDB does.

DuckDB takes a schema in by recursion: nested 30,000 deep it takes the process with it, and
100,000 columns hold a thread for many seconds in which no interrupt is heard.
https://parquet.apache.org/docs/file-format/ and Thrift's compact protocol
(https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md)
"""

from __future__ import annotations

from domain.errors import MalformedObjectError, TooLargeError

MAGIC = b"PAR1"
TAIL_BYTES = 8
MAX_SCHEMA_BYTES = 4 * 1024**2
"""The bytes of the footer in which the schema must be."""

MAX_PARQUET_COLUMNS = 10_000
"""The columns, and the parts of columns, that a file may have."""

MAX_PARQUET_DEPTH = 60
"""How deep its columns may be nested."""

_SCHEMA_FIELD = 2
_CHILDREN_FIELD = 5
_STOP, _TRUE, _FALSE = 0, 1, 2
_BINARY, _LIST, _SET, _MAP, _STRUCT = 8, 9, 10, 11, 12
# A boolean in a struct is its type alone; a byte, and a double.
_WIDTHS = {_TRUE: 0, _FALSE: 0, 3: 1, 7: 8}
_INTEGERS = frozenset({4, 5, 6})
_MAX_SKIPPED_DEPTH = 16
_LONG_COUNT = 15
_VARINT_BITS = 70
_MORE = 128
_UNREADABLE = "Its Parquet footer cannot be read."


def footer_length(tail: bytes) -> int:
    """The length of the footer, by the last bytes of a file.

    Raises:
        MalformedObjectError: When it is no Parquet file.
    """
    if len(tail) < TAIL_BYTES or tail[-4:] != MAGIC:
        raise MalformedObjectError("It is not a Parquet file: it does not end as one.")
    return int.from_bytes(tail[-8:-4], "little")


def check_schema(footer: bytes) -> None:
    """Check the schema at the beginning of a footer.

    Raises:
        MalformedObjectError: When it cannot be read.
        TooLargeError: When it has too many columns, or is nested too deep.
    """
    try:
        _check_nesting(_Compact(footer).schema())
    except IndexError as error:
        raise MalformedObjectError(_UNREADABLE) from error


def _check_nesting(children: list[int]) -> None:
    """The schema is a tree, told element by element, each before its children."""
    waiting: list[int] = []
    for count in children:
        while waiting and waiting[-1] == 0:
            waiting.pop()
        if waiting:
            waiting[-1] -= 1
        waiting.append(count)
        # The root, and what may stand below the last level, are no nesting.
        if len(waiting) > MAX_PARQUET_DEPTH + 2:
            raise TooLargeError(f"Its columns are nested more than {MAX_PARQUET_DEPTH} deep.")


class _Compact:
    """Reads just so much of Thrift's compact protocol; IndexError behind the end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def schema(self) -> list[int]:
        """How many children each element of the schema has."""
        field = 0
        while True:
            field, kind = self._field(field)
            if kind == _STOP:
                raise MalformedObjectError("Its Parquet footer has no schema.")
            if field == _SCHEMA_FIELD and kind == _LIST:
                count, element = self._list()
                if count > MAX_PARQUET_COLUMNS:
                    raise TooLargeError(f"It has more than {MAX_PARQUET_COLUMNS} columns.")
                if element != _STRUCT:
                    raise MalformedObjectError(_UNREADABLE)
                return [self._children() for _ in range(count)]
            self._skip(kind, 0)

    def _children(self) -> int:
        field = children = 0
        while True:
            field, kind = self._field(field)
            if kind == _STOP:
                return max(0, children)
            if field == _CHILDREN_FIELD and kind in _INTEGERS:
                number = self._varint()
                children = (number >> 1) ^ -(number & 1)
            else:
                self._skip(kind, 0)

    def _field(self, last: int) -> tuple[int, int]:
        byte = self._byte()
        kind = byte & 15
        if kind == _STOP:
            return last, _STOP
        if byte >> 4:
            return last + (byte >> 4), kind
        number = self._varint()
        return (number >> 1) ^ -(number & 1), kind

    def _list(self) -> tuple[int, int]:
        byte = self._byte()
        count = byte >> 4
        return (self._varint() if count == _LONG_COUNT else count), byte & 15

    def _skip(self, kind: int, depth: int) -> None:
        if depth > _MAX_SKIPPED_DEPTH:
            raise MalformedObjectError(_UNREADABLE)
        if kind in _INTEGERS:
            self._varint()
        elif kind == _BINARY:
            length = self._varint()
            self._at += length
        elif kind in _WIDTHS:
            self._at += _WIDTHS[kind]
        elif kind in {_LIST, _SET}:
            count, element = self._list()
            for _ in range(count):
                self._skip_element(element, depth)
        elif kind == _MAP:
            self._skip_map(depth)
        elif kind == _STRUCT:
            self._skip_struct(depth)
        else:
            raise MalformedObjectError(_UNREADABLE)

    def _skip_struct(self, depth: int) -> None:
        field = 0
        while (found := self._field(field))[1] != _STOP:
            field = found[0]
            self._skip(found[1], depth + 1)

    def _skip_map(self, depth: int) -> None:
        count = self._varint()
        if count:
            kinds = self._byte()
            for _ in range(count):
                self._skip_element(kinds >> 4, depth)
                self._skip_element(kinds & 15, depth)

    def _skip_element(self, kind: int, depth: int) -> None:
        # In a list, unlike in a struct, a boolean has a byte of its own.
        if kind in {_TRUE, _FALSE}:
            self._byte()
        else:
            self._skip(kind, depth + 1)

    def _byte(self) -> int:
        byte = self._data[self._at]
        self._at += 1
        return byte

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & (_MORE - 1)) << shift
            if byte < _MORE:
                return value
            shift += 7
            if shift > _VARINT_BITS:
                raise MalformedObjectError(_UNREADABLE)
