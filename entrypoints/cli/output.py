"""The one sink of the command: results on stdout, all that is said about them on stderr."""

from __future__ import annotations

import csv
import io
import json
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import typer

from entrypoints.cli.formats import AnyFormat, ListFormat, RecordFormat
from entrypoints.cli.local_files import STANDARD_STREAM, open_for_writing

if TYPE_CHECKING:
    from rich.console import Console

# ruff: noqa: PLC0415 - Rich is imported when something is drawn: pipes need not wait for it

Record = Mapping[str, Any]

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
    _write(json.dumps(record, ensure_ascii=False, indent=2) + "\n")


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
    shown: Mapping[str, str] | None = None,
) -> None:
    """Records as they come, in bounded memory.

    Args:
        fields: The names of their members.
        records: The records.
        asked: The format that was asked for.
        shown: Those members that a person is shown, and their titles; None shows all.
    """
    match chosen(asked, ListFormat.TABLE, ListFormat.JSON):
        case ListFormat.TABLE:
            _draw_blocks(shown or {field: field for field in fields}, records)
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
                _write(_csv_line([record[field] for field in fields]))


def _json_line(record: Record) -> str:
    return json.dumps(record, ensure_ascii=False, separators=(",", ":"))


def _csv_line(values: Sequence[Any]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(values)
    return line.getvalue()


def _draw_blocks(shown: Mapping[str, str], records: Iterable[Record]) -> None:
    from entrypoints.cli.grid import GridColumn, draw_grid

    console = stdout_console()
    columns = [GridColumn(title, numeric=title == "size") for title in shown.values()]
    block: list[list[str | None]] = []
    count = 0
    for record in records:
        block.append([_cell(record[field]) for field in shown])
        count += 1
        if len(block) == BLOCK_ROWS:
            draw_grid(console, columns, block, cut=False)
            block = []
    if block or not count:
        draw_grid(console, columns, block, cut=False)


def _cell(value: Any) -> str:
    return "" if value is None else str(value)


def _write(text: str) -> None:
    # Bytes, so that neither the locale's encoding nor its line ends get into data.
    sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
