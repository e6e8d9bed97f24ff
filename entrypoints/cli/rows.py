"""Rows: `ducklake tables append`, `ducklake tables query` and `ducklake query`."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Annotated

import typer

from application.tables.append import AppendRowsCommand
from domain.bodies import BodyFormat
from domain.errors import UnsupportedFormatError
from domain.formats import DataFormat
from domain.queries import Query
from domain.tables import TableName
from entrypoints.cli.formats import format_of_file
from entrypoints.cli.help import shows
from entrypoints.cli.local_files import STANDARD_STREAM, file_size, read_chunks
from entrypoints.cli.options import (
    FormatOfRecord,
    FormatOfResult,
    InputFile,
    Output,
    Parameters,
    RowLimit,
    Sql,
    TableArgument,
    Timeout,
    read_parameters,
    read_sql,
)
from entrypoints.cli.output import print_outcome
from entrypoints.cli.progress import counted, progress
from entrypoints.cli.results import Shape, answer
from entrypoints.cli.session import Session, session_of
from entrypoints.cli.shown import rows
from entrypoints.cli.usage import UsageError

if TYPE_CHECKING:
    from application.runs import Done
    from domain.tables import AppendOutcome
    from entrypoints.container import Container

_COMPRESSED = frozenset({".gz", ".zst", ".bz2", ".xz", ".zip"})


@shows(
    "ducklake tables append flights flights.csv",
    "ducklake tables append flights new.parquet",
    "gunzip -c flights.csv.gz | \\",
    "    ducklake tables append flights - --input-format csv",
)
def append(
    context: typer.Context,
    name: TableArgument,
    file: InputFile,
    input_format: Annotated[
        DataFormat | None,
        typer.Option(
            help="What the file holds; by default as its name's ending says.", show_default=False
        ),
    ] = None,
    output_format: FormatOfRecord = None,
) -> None:
    """Append a file's rows to a table: all of them in one commit, or none."""
    session = session_of(context)
    table = TableName.parse(name)
    data_format = input_format or _guessed(file)
    done = session.run(lambda lake: _append(session, lake, table, file, data_format))
    record = {
        "rows_appended": done.value.rows_appended,
        "snapshot_id": done.value.snapshot_id,
        "run_id": done.run_id,
    }
    told = rows(done.value.rows_appended)
    sentence = f"Appended {told} to {table} (snapshot {done.value.snapshot_id})."
    print_outcome(record, sentence, output_format)


def _append(
    session: Session, lake: Container, table: TableName, file: str, data_format: DataFormat
) -> Done[AppendOutcome]:
    with progress("Appending", file_size(file)) as advance:
        body = counted(session.watched(read_chunks(file)), advance)
        return lake.append_rows()(AppendRowsCommand(table, body, BodyFormat(data_format)))


def _guessed(file: str) -> DataFormat:
    if file == STANDARD_STREAM:
        raise UsageError(f"What stdin holds has to be said: --input-format {'|'.join(DataFormat)}.")
    if PurePath(file).suffix.lower() in _COMPRESSED:
        raise UnsupportedFormatError(
            f"{file} is compressed: unpack it into a pipe, and append - with --input-format."
        )
    return format_of_file(file, "--input-format")


@shows(
    "ducklake tables query flights",
    'ducklake tables query flights "SELECT carrier, avg(dep_delay) FROM flights GROUP BY 1"',
    "ducklake tables query flights --output flights.parquet",
)
def query_table(  # noqa: PLR0917 - one parameter for each thing that can be said
    context: typer.Context,
    name: TableArgument,
    sql: Annotated[
        str | None,
        typer.Argument(
            metavar="SQL",
            help="One SELECT statement; - reads it from stdin. Without it, the table itself.",
            show_default=False,
        ),
    ] = None,
    param: Parameters = None,
    row_limit: RowLimit = None,
    timeout: Timeout = None,
    output_format: FormatOfResult = None,
    output: Output = None,
) -> None:
    """Ask a table a question; its namespace is where other tables are looked for."""
    question = Query(
        read_sql(sql) if sql is not None else None,
        TableName.parse(name),
        read_parameters(param),
        row_limit,
        timeout,
    )
    answer(session_of(context), question, Shape(output_format, output))


@shows(
    'ducklake query "SELECT count(*) FROM flights"',
    "ducklake query 'FROM flights WHERE carrier = $c' --param c=UA --row-limit 10",
    'ducklake query "FROM flights" --format csv > flights.csv',
    'ducklake query "FROM flights" --output flights.parquet',
    "ducklake query - < report.sql",
)
def query_lake(
    context: typer.Context,
    sql: Sql,
    param: Parameters = None,
    row_limit: RowLimit = None,
    timeout: Timeout = None,
    output_format: FormatOfResult = None,
    output: Output = None,
) -> None:
    """Ask the lake a question: one SELECT over any of its tables."""
    question = Query(
        read_sql(sql), parameters=read_parameters(param), row_limit=row_limit, timeout_s=timeout
    )
    answer(session_of(context), question, Shape(output_format, output))
