"""Rows on their way to a terminal, a pipe or a file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from application.queries.json_array import as_json_array
from application.queries.run import QueryAnswer, RunQueryCommand
from domain.column_types import (
    INTEGER_BOUNDS,
    DecimalType,
    ScalarKind,
    ScalarType,
    read_column_type,
)
from domain.formats import DataFormat
from domain.queries import Query, ResultColumn, ResultEncoding
from entrypoints.cli.errors import pointing_into
from entrypoints.cli.formats import ResultFormat, format_of_file
from entrypoints.cli.local_files import STANDARD_STREAM
from entrypoints.cli.output import chosen, destination, note, on_terminal, stdout_console
from entrypoints.cli.progress import counted, progress
from entrypoints.cli.session import Session
from entrypoints.cli.shown import rows
from entrypoints.cli.usage import UsageError

if TYPE_CHECKING:
    from entrypoints.container import Container

TERMINAL_ROWS = 1000
"""A terminal shows so many rows, unless it is said how many."""

_NUMBERS = frozenset(INTEGER_BOUNDS) | {ScalarKind.FLOAT, ScalarKind.DOUBLE}


@dataclass(frozen=True, slots=True)
class Shape:
    """How an answer is wanted.

    Attributes:
        format: The format that was asked for.
        output: The file it goes to; None for stdout.
    """

    format: ResultFormat | None
    output: str | None

    def resolve(self) -> ResultFormat:
        """The format to write.

        Raises:
            UsageError: When it cannot be told, or is nothing for where it goes.
        """
        if self.output is not None and self.output != STANDARD_STREAM:
            if self.format is None:
                return ResultFormat(format_of_file(self.output, "--format"))
            return self.format
        found = chosen(self.format, ResultFormat.TABLE, ResultFormat.JSON)
        if found.binary and on_terminal():
            raise UsageError(
                f"{found.value.capitalize()} is binary, and nothing for a terminal: "
                "name a file with --output, or pipe it on."
            )
        return found


def answer(session: Session, query: Query, shape: Shape) -> None:
    """Ask the lake, and write what it answers."""
    wanted = shape.resolve()
    if wanted is ResultFormat.TABLE:
        session.run(lambda lake: _show(session, lake, query, shape.output))
    else:
        session.run(lambda lake: _write(session, lake, query, DataFormat(wanted), shape.output))


def _open(lake: Container, query: Query, data_format: DataFormat) -> QueryAnswer:
    with pointing_into(query.sql):
        return lake.run_query()(RunQueryCommand(query, ResultEncoding(data_format))).value


def _write(
    session: Session, lake: Container, query: Query, data_format: DataFormat, output: str | None
) -> None:
    opened = _open(lake, query, data_format)
    to_stdout = output is None or output == STANDARD_STREAM
    with (
        session.stoppable(opened.body) as body,
        destination(output) as sink,
        progress("Querying", None, stdout_is_used=to_stdout) as advance,
    ):
        chunks = session.watched(counted(body, advance))
        for chunk in as_json_array(chunks) if data_format is DataFormat.JSON else chunks:
            sink.write(chunk)
    if not to_stdout:
        note(f"{rows(opened.result.row_count)} written to {output}.")


def _show(session: Session, lake: Container, query: Query, output: str | None) -> None:
    import msgspec  # noqa: PLC0415 - only here, and --help does without

    from entrypoints.cli.grid import GridColumn, draw_grid  # noqa: PLC0415 - as above

    if output is not None and output != STANDARD_STREAM:
        raise UsageError("A table is drawn for a terminal: write another --format to a file.")
    asked = query.row_limit
    bounded = replace(query, row_limit=TERMINAL_ROWS) if asked is None else query
    opened = _open(lake, bounded, DataFormat.NDJSON)
    with session.stoppable(opened.body) as body:
        text = b"".join(session.watched(body))
    decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
    columns = opened.result.columns
    cells = [
        [_cell(row[column.name]) for column in columns]
        for row in (decoder.decode(line) for line in text.splitlines())
    ]
    drawn = draw_grid(
        stdout_console(),
        [GridColumn(column.name, column.type, numeric=_numeric(column)) for column in columns],
        cells,
    )
    note(_told(opened, bounded_by_us=asked is None, hidden=drawn.columns_left_out))
    if drawn.values_cut:
        note("Long values are cut: --format json or csv gives them whole.")


def _cell(raw: bytes) -> str | None:
    import msgspec  # noqa: PLC0415 - as above

    value = bytes(raw)
    if value == b"null":
        return None
    # Numbers keep all their digits; lists and structs stay as they are written.
    return str(msgspec.json.decode(value)) if value.startswith(b'"') else value.decode()


def _numeric(column: ResultColumn) -> bool:
    match read_column_type(column.type):
        case ScalarType(kind):
            return kind in _NUMBERS
        case DecimalType():
            return True
        case _:
            return False


def _told(opened: QueryAnswer, *, bounded_by_us: bool, hidden: int) -> str:
    told = rows(opened.result.row_count)
    if opened.result.truncated:
        told = f"The first {told}"
        if bounded_by_us:
            told += " (--row-limit shows more, --format or --output gives all)"
    if hidden:
        told += f"; {hidden} of {len(opened.result.columns)} columns are left out for want of room"
        told += " (--format csv has all)"
    return f"{told}."
