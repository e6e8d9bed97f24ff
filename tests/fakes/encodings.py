"""Rows of the fake tables in each format, as the API's contract writes values."""

from __future__ import annotations

import base64
import csv
import io
import json
import math
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from domain.column_types import (
    INTEGER_BOUNDS,
    ColumnType,
    DecimalType,
    ListType,
    MapType,
    ScalarKind,
    ScalarType,
    StructType,
    read_column_type,
)
from domain.errors import BadUpstreamError
from domain.formats import DataFormat
from domain.queries import ResultEncoding
from domain.tables import Column

_SPOOLED = b"fake.columns"
_WIDE = {
    ScalarKind.BIGINT,
    ScalarKind.UBIGINT,
    ScalarKind.HUGEINT,
    ScalarKind.UHUGEINT,
}


def encode(rows: pa.Table, columns: Sequence[Column], encoding: ResultEncoding) -> bytes:
    """All rows at once: a fake's tables are small."""
    if encoding.format is DataFormat.ARROW:
        return _arrow(rows)
    if encoding.format is DataFormat.PARQUET:
        return _parquet(rows)
    if encoding.format is DataFormat.CSV:
        return _csv(rows, columns)
    return _ndjson(rows, columns, wide_as_text=encoding.wide_numbers_as_text)


def spool(rows: pa.Table, columns: Sequence[Column]) -> bytes:
    """All rows with their columns' types, to be read by `unspool`."""
    told = [{"name": column.name, "type": str(column.type)} for column in columns]
    return _arrow(rows.replace_schema_metadata({_SPOOLED: json.dumps(told)}))


def unspool(content: bytes) -> tuple[pa.Table, Sequence[Column]]:
    """The rows and columns that were spooled."""
    try:
        with pa.ipc.open_stream(content) as reader:
            rows = reader.read_all()
        told = json.loads(rows.schema.metadata[_SPOOLED])
    except (pa.ArrowInvalid, OSError, KeyError, TypeError) as error:
        raise BadUpstreamError("The result cannot be read.") from error
    columns = [Column(each["name"], read_column_type(each["type"])) for each in told]
    return rows.replace_schema_metadata(None), columns


def _arrow(rows: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as writer:
        writer.write_table(rows)
    return bytes(sink.getvalue())


def _parquet(rows: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(rows, sink)
    return bytes(sink.getvalue())


def _csv(rows: pa.Table, columns: Sequence[Column]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(column.name for column in columns)
    for values in _values(rows):
        writer.writerow(
            _csv_value(column.type, value) for column, value in zip(columns, values, strict=True)
        )
    return text.getvalue().encode()


def _csv_value(column_type: ColumnType, value: Any) -> str:
    # A number in quotes of JSON would be text in CSV: quotes are for the CSV writer to put.
    if value is None:
        return ""
    written = _json(column_type, value, wide_as_text=False)
    return str(json.loads(written)) if written.startswith('"') else written


def _ndjson(rows: pa.Table, columns: Sequence[Column], *, wide_as_text: bool) -> bytes:
    lines = []
    for values in _values(rows):
        members = (
            f"{json.dumps(column.name)}:{_json(column.type, value, wide_as_text=wide_as_text)}"
            for column, value in zip(columns, values, strict=True)
        )
        lines.append("{" + ",".join(members) + "}\n")
    return "".join(lines).encode()


def _values(rows: pa.Table) -> Iterator[tuple[Any, ...]]:
    return zip(*(_to_python(column) for column in rows.columns), strict=True)


def _to_python(column: pa.ChunkedArray) -> list[Any]:
    if pa.types.is_timestamp(column.type) and column.type.unit == "ns":
        # Python's datetime has no nanoseconds.
        return [text and text.replace(" ", "T") for text in column.cast(pa.string()).to_pylist()]
    return list(column.to_pylist())


def _json(column_type: ColumnType, value: Any, *, wide_as_text: bool) -> str:
    """A value as JSON, by the column's type and never by the value."""

    def inner(part: ColumnType, inside: Any) -> str:
        return _json(part, inside, wide_as_text=wide_as_text)

    if value is None:
        return "null"
    match column_type:
        case ListType(element):
            written = "[" + ",".join(inner(element, each) for each in value) + "]"
        case StructType(fields):
            members = (f"{json.dumps(f.name)}:{inner(f.type, value[f.name])}" for f in fields)
            written = "{" + ",".join(members) + "}"
        case MapType():
            written = _json_map(column_type, value, inner)
        case DecimalType():
            digits = format(Decimal(value), "f")
            written = f'"{digits}"' if wide_as_text else digits
        case ScalarType(kind):
            written = _json_scalar(kind, value, wide_as_text=wide_as_text)
        case _:
            written = json.dumps(str(value))
    return written


def _json_map(
    column_type: MapType, pairs: Sequence[tuple[Any, Any]], inner: Callable[[ColumnType, Any], str]
) -> str:
    def name(key: Any) -> str:
        written = inner(column_type.key, key)
        return written if written.startswith('"') else json.dumps(written)

    return (
        "{"
        + ",".join(f"{name(key)}:{inner(column_type.value, value)}" for key, value in pairs)
        + "}"
    )


def _json_scalar(kind: ScalarKind, value: Any, *, wide_as_text: bool) -> str:
    if kind in INTEGER_BOUNDS:
        # Integers over 64 bits are carried as text.
        return json.dumps(str(value)) if wide_as_text and kind in _WIDE else str(int(value))
    if kind in {ScalarKind.FLOAT, ScalarKind.DOUBLE} and not math.isfinite(value):
        return '"NaN"' if math.isnan(value) else f'"{"-" if value < 0 else ""}Infinity"'
    if kind is ScalarKind.BLOB:
        return json.dumps(base64.b64encode(value).decode())
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    if kind is ScalarKind.JSON:
        return str(value)
    return json.dumps(value.isoformat() if hasattr(value, "isoformat") else str(value))
