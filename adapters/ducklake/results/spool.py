"""Results as they are put aside, to be encoded later: an Arrow IPC stream of our own kind.

Arrow carries most values exactly, and those of other types as texts that DuckDB reads back as
the same values. The columns' names and types are in the schema's metadata, so that they can be
cast back, and the encoders then see what they would have seen of the statement itself.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import duckdb
from duckdb.sqltypes import DuckDBPyType

from adapters.ducklake.engine.lake import Lake
from adapters.ducklake.engine.sql import identifier
from adapters.ducklake.engine.watchdog import TimeLimit
from adapters.ducklake.objects.views import ObjectReader
from adapters.ducklake.results.columns import SelectedColumn
from adapters.ducklake.results.encoders import Batches, Encoder, Sink, encoder_for
from adapters.ducklake.results.results import BATCH_ROWS, BoundQuery, DuckLakeResult
from adapters.ducklake.results.types import NESTED, parts
from domain.datasets import ByteStream
from domain.errors import BadUpstreamError, LakehouseError, NotAcceptableError
from domain.queries import EncodedRows, ResultColumn, ResultEncoding

_KEY = b"ducklake.columns"
_VIEW = "spooled_rows"
_COMPRESSION = "zstd"
_READ_BYTES = 1 << 20

GROUP_BATCHES = 8
"""So many batches are scanned at a time: as many rows as a row group of DuckDB's own has."""

# Arrow has no such type, or DuckDB writes it there with a loss; as text they come back exactly.
_AS_TEXT = frozenset(
    {
        "bignum",
        "bit",
        "enum",
        "hugeint",
        "interval",
        "time with time zone",
        "time_ns",
        "uhugeint",
    }
)
_KEPT = frozenset(
    {
        "bigint",
        "blob",
        "boolean",
        "date",
        "decimal",
        "double",
        "float",
        "integer",
        "null",
        "smallint",
        "time",
        "timestamp",
        "timestamp with time zone",
        "timestamp_ms",
        "timestamp_ns",
        "timestamp_s",
        "tinyint",
        "ubigint",
        "uinteger",
        "usmallint",
        "utinyint",
        "uuid",
        "varchar",
    }
)


@dataclass(frozen=True, slots=True)
class SpoolEncoder(Encoder):
    """Writes a result to be read by `reopened`."""

    columns: Sequence[SelectedColumn]

    def __post_init__(self) -> None:
        """Raises: NotAcceptableError: When a column has values that cannot be put aside."""
        for column in self.columns:
            _spooled_type(column.name, column.type)

    def select_list(self) -> str:
        """Each column in a type that Arrow carries exactly."""
        return ", ".join(
            f"{_cast(column)} AS column_{number}" for number, column in enumerate(self.columns)
        )

    def encode(self, schema: Any, batches: Batches, /) -> Iterator[bytes]:
        """Schema with the columns' own types, compressed batches, end of stream."""
        # Imported late: it costs a tenth of a second of the service's start.
        import pyarrow as pa  # noqa: PLC0415

        columns = [{"name": column.name, "type": str(column.type)} for column in self.columns]
        told = schema.with_metadata({_KEY: json.dumps(columns).encode()})
        options = pa.ipc.IpcWriteOptions(compression=_COMPRESSION)
        sink = Sink()
        with pa.ipc.new_stream(sink, told, options=options) as writer:
            yield sink.take()
            for batch in batches:
                writer.write_batch(batch)
                yield sink.take()
        yield sink.take()


def reopened(lake: Lake, spool: ByteStream, encoding: ResultEncoding) -> EncodedRows:
    """As `QueryPort.reopen`."""
    try:
        return _reopened(lake, spool, encoding)
    except BaseException:
        spool.close()
        raise


def _reopened(lake: Lake, spool: ByteStream, encoding: ResultEncoding) -> EncodedRows:
    import pyarrow as pa  # noqa: PLC0415

    source = _Source(spool)
    cursor = lake.take_cursor()
    try:
        batches = pa.ipc.open_stream(io.BufferedReader(source, _READ_BYTES))
        columns = _columns_of(cursor, batches.schema)
        # Where functions are looked for that the encoders call, there are no guards for callers.
        cursor.execute("SET search_path = 'temp'")
        encoder = encoder_for(encoding, columns)
        bound = BoundQuery(
            statement=f"SELECT {encoder.select_list()} FROM {_restored(columns)}",
            parameters=(),
            columns=columns,
            row_limit=None,
            snapshot_id=0,
            tables=(),
            reader=ObjectReader(lake),
        )
        limit = TimeLimit(lake.watchdog, None)
        result = _ResultByGroups(lake, cursor, bound, encoder, limit)
        result.batches = batches
        return _ReopenedRows(result, source)
    except (pa.ArrowInvalid, OSError) as error:
        lake.return_cursor(cursor)
        raise source.failure or _damaged() from error
    except BaseException:
        lake.return_cursor(cursor)
        raise


def _columns_of(cursor: duckdb.DuckDBPyConnection, schema: Any) -> list[SelectedColumn]:
    try:
        told = json.loads((schema.metadata or {})[_KEY])
        columns = [
            # The type is read before it becomes a part of SQL.
            SelectedColumn(column["name"], cursor.type(column["type"]), f"column_{number}")
            for number, column in enumerate(told)
        ]
    except (KeyError, TypeError, ValueError, duckdb.Error) as error:
        raise _damaged() from error
    if [column.source for column in columns] != list(schema.names):
        raise _damaged()
    return columns


def _restored(columns: Sequence[SelectedColumn]) -> str:
    """The rows with the types that the statement gave them."""
    casts = ", ".join(
        f"CAST({column.source} AS {column.type}) AS {column.source}" for column in columns
    )
    return f"(SELECT {casts} FROM {_VIEW}) AS result"


def _damaged() -> BadUpstreamError:
    return BadUpstreamError("The result cannot be read; the store gave other bytes than it took.")


def _cast(column: SelectedColumn) -> str:
    spooled = _spooled_type(column.name, column.type)
    if spooled == str(column.type):
        return column.source
    text = f"CAST({column.source} AS {spooled})"
    if "INTERVAL" in str(column.type):
        # Of 290,000 years of hours DuckDB writes a text that it does not read: fail now.
        text = f"CAST(CAST({text} AS {column.type}) AS {spooled})"
    return text


def _spooled_type(name: str, result_type: DuckDBPyType) -> str:
    """The type in which Arrow carries values exactly, and from which they can be cast back.

    Raises:
        NotAcceptableError: When there is none.
    """

    def inner(part: DuckDBPyType) -> str:
        return _spooled_type(name, part)

    kind = result_type.id
    if kind in _AS_TEXT:
        return "VARCHAR"
    if kind in _KEPT:
        return str(result_type)
    # A union is none of these: DuckDB tells Arrow of one that holds NULL as if it were NULL.
    found = parts(result_type) if kind in NESTED else []
    match kind:
        case "array" | "list":
            return f"{inner(found[0].type)}[]"
        case "map":
            return f"MAP({inner(found[0].type)}, {inner(found[1].type)})"
        case "struct" if all(part.name for part in found):
            members = (f"{identifier(part.name)} {inner(part.type)}" for part in found)
            return f"STRUCT({', '.join(members)})"
    raise NotAcceptableError(
        f"Values of the column {name} ({result_type}) cannot be kept for later; cast them to "
        "another type (JSON, VARCHAR, a STRUCT with names), or ask without respond-async."
    )


class _Source(io.RawIOBase):
    """A stream of bytes as a file that Arrow reads. Remembers what went wrong in it.

    Arrow and DuckDB make texts of the errors that come up through them.
    """

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self._chunks = iter(stream)
        self._rest = memoryview(b"")
        self.failure: LakehouseError | None = None

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read some bytes."""
        try:
            while not self._rest:
                chunk = next(self._chunks, None)
                if chunk is None:
                    return 0
                self._rest = memoryview(chunk)
        except LakehouseError as error:
            self.failure = error
            raise OSError(error.detail) from error
        taken = self._rest[: len(buffer)]
        buffer[: len(taken)] = taken
        self._rest = self._rest[len(taken) :]
        return len(taken)

    def close_stream(self) -> None:
        """Close the stream, which wakes who waits for it."""
        self._stream.close()


class _ResultByGroups(DuckLakeResult):
    """Runs its statement on some batches at a time.

    On the stream as a whole DuckDB runs far ahead of its reader, to keep the rows in their
    order: 700 MB were seen where these are 100.
    """

    batches: Any

    def _run(self) -> Any:
        return _Groups(self._cursor, self._query.statement, self.batches)


class _Groups:
    """What a statement makes of a stream of batches, in their order."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, statement: str, batches: Any) -> None:
        self._cursor = cursor
        self._statement = statement
        self._batches = batches
        self._made = self._make(self._group())
        self.schema = self._made.schema

    def __next__(self) -> Any:
        while (batch := next(self._made, None)) is None:
            group = self._group()
            if not group:
                raise StopIteration
            self._made = self._make(group)
        return batch

    def _group(self) -> list[Any]:
        try:
            return list(islice(self._batches, GROUP_BATCHES))
        except (ValueError, OSError) as error:
            # Of Arrow, and of what it reads from: that has kept its own error.
            raise _damaged() from error

    def _make(self, group: list[Any]) -> Any:
        import pyarrow as pa  # noqa: PLC0415

        self._cursor.register(_VIEW, pa.Table.from_batches(group, self._batches.schema))
        return self._cursor.execute(self._statement).to_arrow_reader(BATCH_ROWS)


class _ReopenedRows(EncodedRows):
    def __init__(self, result: DuckLakeResult, source: _Source) -> None:
        self._result = result
        self._source = source

    @property
    def columns(self) -> tuple[ResultColumn, ...]:
        return self._result.columns

    @property
    def row_count(self) -> int:
        return self._result.row_count

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._result
        except Exception as error:
            if self._source.failure is not None:
                raise self._source.failure from error
            raise

    def close(self) -> None:
        self._source.close_stream()
        self._result.close()
