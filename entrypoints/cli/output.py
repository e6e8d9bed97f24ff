"""The one sink of the command: results on stdout, all that is said about them on stderr."""

from __future__ import annotations

import csv
import io
import json
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import typer

from entrypoints.cli.formats import AnyFormat, ListFormat, RecordFormat
from entrypoints.cli.local_files import STANDARD_STREAM, open_for_writing
from entrypoints.cli.shown import moment_in_json

if TYPE_CHECKING:
    from rich.console import Console

# ruff: noqa: PLC0415 - Rich is imported when something is drawn: pipes need not wait for it

Record = Mapping[str, Any]
"""Names to what JSON has, and times."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A column of records as a person is shown it.

    Attributes:
        field: The records' member.
        title: What stands over it.
        text: How a value is written.
        numeric: Whether it stands at the right.
    """

    field: str
    title: str
    text: Callable[[Any], str] = str
    numeric: bool = False


BLOCK_ROWS = 1000
"""A table on a terminal is drawn in blocks of so many rows: its widths must be known."""

_UNBOUNDED_WIDTH = 10_000


def on_terminal() -> bool:
    """Whether a person looks at stdout."""
    return sys.stdout.isatty()


def chosen(asked: AnyFormat | None, table: AnyFormat, piped: AnyFormat) -> AnyFormat:
    """The format that was asked for, or the one that suits who reads stdout."""
    if asked is not None:
        return asked
    return table if on_terminal() else piped


def printable(text: str, keep: str = "") -> str:
    """The text with control characters written out, so that data cannot steer a terminal."""
    if text.isprintable():
        return text
    return "".join(
        char
        if char.isprintable() or char in keep or unicodedata.category(char) == "Zs"
        else repr(char)[1:-1]
        for char in text
    )


def stdout_console() -> Console:
    """Rich on stdout; a pipe has no width that anything need be cut to."""
    from rich.console import Console

    width = None if on_terminal() else _UNBOUNDED_WIDTH
    return Console(file=sys.stdout, width=width, highlight=False, markup=False, emoji=False)


def stderr_console() -> Console:
    """Rich on stderr."""
    from rich.console import Console

    return Console(file=sys.stderr, highlight=False, markup=False, emoji=False)


def note(text: str) -> None:
    """Say something about the result, on stderr."""
    stderr_console().print(printable(text), style="dim", soft_wrap=True)


def say(text: str) -> None:
    """Say to a person that something is done; a program knows by the exit code."""
    if on_terminal():
        typer.echo(printable(text))


@contextmanager
def destination(name: str | None) -> Iterator[BinaryIO]:
    """Where bytes go: a file, which appears as a whole, or stdout.

    Raises:
        OSError: When it cannot be written.
    """
    if name is None or name == STANDARD_STREAM:
        sys.stdout.flush()
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    else:
        with open_for_writing(Path(name)) as file:
            yield file


def print_json(record: Record) -> None:
    """One record as JSON."""
    _write(json.dumps(record, ensure_ascii=False, indent=2, default=_for_programs) + "\n")


def print_outcome(record: Record, sentence: str, asked: RecordFormat | None) -> None:
    """What was done: a sentence for a person, a record for a program."""
    if chosen(asked, RecordFormat.TABLE, RecordFormat.JSON) is RecordFormat.JSON:
        print_json(record)
    else:
        typer.echo(printable(sentence))


def print_record(
    record: Record, shown: Sequence[tuple[str, str]], asked: RecordFormat | None
) -> bool:
    """One record; whether it was drawn for a person.

    Args:
        record: The record.
        shown: What a person is shown of it: labels and texts.
        asked: The format that was asked for.
    """
    if chosen(asked, RecordFormat.TABLE, RecordFormat.JSON) is RecordFormat.JSON:
        print_json(record)
        return False
    from entrypoints.cli.grid import draw_fields

    draw_fields(stdout_console(), shown)
    return True


def print_records(
    fields: Sequence[str],
    records: Iterable[Record],
    asked: ListFormat | None,
    shown: Sequence[Shown],
) -> None:
    """Records as they come, in bounded memory.

    Args:
        fields: The names of their members.
        records: The records.
        asked: The format that was asked for.
        shown: The columns that a person is shown.
    """
    match chosen(asked, ListFormat.TABLE, ListFormat.JSON):
        case ListFormat.TABLE:
            _draw_blocks(shown, records)
        case ListFormat.JSON:
            before = "["
            for record in records:
                _write(before + "\n" + _json_line(record))
                before = ","
            _write("[]\n" if before == "[" else "\n]\n")
        case ListFormat.NDJSON:
            for record in records:
                _write(_json_line(record) + "\n")
        case ListFormat.CSV:
            _write(_csv_line(fields))
            for record in records:
                _write(_csv_line([_for_programs(record[field]) for field in fields]))


def _json_line(record: Record) -> str:
    return json.dumps(record, ensure_ascii=False, separators=(",", ":"), default=_for_programs)


def _for_programs(value: Any) -> Any:
    return moment_in_json(value) if isinstance(value, datetime) else value


def _csv_line(values: Sequence[Any]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(values)
    return line.getvalue()


def _draw_blocks(shown: Sequence[Shown], records: Iterable[Record]) -> None:
    from entrypoints.cli.grid import GridColumn, draw_grid

    console = stdout_console()
    columns = [GridColumn(column.title, numeric=column.numeric) for column in shown]
    block: list[list[str]] = []
    drawn = False
    for record in records:
        values = [(column, record[column.field]) for column in shown]
        block.append(["" if value is None else column.text(value) for column, value in values])
        if len(block) == BLOCK_ROWS:
            draw_grid(console, columns, block, cut=False)
            block, drawn = [], True
    if block or not drawn:
        draw_grid(console, columns, block, cut=False)


def _write(text: str) -> None:
    # Bytes, so that neither the locale's encoding nor its line ends get into data.
    sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
