"""Rows: `ducklake tables append`, `ducklake tables query` and `ducklake query`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from application.tables.append import AppendRowsCommand
from domain.formats import DataFormat
from domain.growth import OnNewColumns
from domain.queries import Query
from domain.tables import TableName
from entrypoints.cli.appended import OnNewColumnsOption, tell_appended
from entrypoints.cli.help import shows
from entrypoints.cli.keys import KeyOption, under_key
from entrypoints.cli.local_files import file_size, read_chunks
from entrypoints.cli.moments import AtTimestampOption, AtVersionOption, point_in_time
from entrypoints.cli.options import (
    FormatOfRecord,
    FormatOfResult,
    InputFile,
    Output,
    Parameters,
    RowLimit,
    Sql,
    TableArgument,
    TableSql,
    Timeout,
    read_parameters,
    read_sql,
)
from entrypoints.cli.progress import counted, progress
from entrypoints.cli.results import Shape, answer
from entrypoints.cli.row_files import body_format_of_file, csv_options
from entrypoints.cli.session import Session, session_of

if TYPE_CHECKING:
    from application.runs import Done
    from application.writes import Fingerprint
    from domain.tables import AppendOutcome
    from entrypoints.container import Container


@shows(
    "ducklake tables append flights flights.csv",
    "ducklake tables append flights new.parquet",
    "ducklake tables append flights flights.csv.gz",
    "ducklake tables append flights export.csv --delimiter ';' --null NA",
    "ducklake tables append flights new.ndjson --on-new-columns add",
    "cat flights.csv | ducklake tables append flights - --input-format csv",
)
def append(  # noqa: PLR0917 - one parameter for each thing that can be said
    context: typer.Context,
    name: TableArgument,
    file: InputFile,
    input_format: Annotated[
        DataFormat | None,
        typer.Option(
            help="What the file holds; by default as its name's ending says. One that ends in "
            ".gz or .zst is unpacked.",
            show_default=False,
        ),
    ] = None,
    on_new_columns: OnNewColumnsOption = OnNewColumns.ERROR,
    no_header: Annotated[
        bool, typer.Option("--no-header", help="CSV: the fields are the table's columns in order.")
    ] = False,
    delimiter: Annotated[
        str | None,
        typer.Option(help="CSV: what is between fields, or tab.", show_default=","),
    ] = None,
    null: Annotated[
        str | None,
        typer.Option(help="CSV: what a field has that is NULL; by default nothing."),
    ] = None,
    quote: Annotated[
        str | None,
        typer.Option(help="CSV: what is around fields; '' for none.", show_default='"'),
    ] = None,
    idempotency_key: KeyOption = None,
    output_format: FormatOfRecord = None,
) -> None:
    """Append a file's rows to a table: all of them in one commit, or none."""
    session = session_of(context)
    table = TableName.parse(name)
    csv = csv_options(no_header=no_header, delimiter=delimiter, null=null, quote=quote)
    body_format = body_format_of_file(file, input_format, csv)
    said = ("append", str(table), repr(body_format), on_new_columns.value)
    with under_key(idempotency_key, *said) as (terms, sent):
        command = AppendRowsCommand(table, (), body_format, terms, on_new_columns)
        done = session.run(lambda lake: _append(session, lake, command, file, sent))
    did = f"Appended {{}} to {table}"
    tell_appended(done, done.value, did, on_new_columns, output_format)


def _append(
    session: Session,
    lake: Container,
    command: AppendRowsCommand,
    file: str,
    sent: Fingerprint,
) -> Done[AppendOutcome]:
    with progress("Appending", file_size(file)) as advance:
        body = sent.of(counted(session.watched(read_chunks(file)), advance))
        return lake.append_rows()(replace(command, body=body))


@shows(
    "ducklake tables query flights",
    'ducklake tables query flights "SELECT carrier, avg(dep_delay) FROM flights GROUP BY 1"',
    "ducklake tables query flights --output flights.parquet",
)
def query_table(  # noqa: PLR0917 - one parameter for each thing that can be said
    context: typer.Context,
    name: TableArgument,
    sql: TableSql = None,
    param: Parameters = None,
    row_limit: RowLimit = None,
    timeout: Timeout = None,
    at_version: AtVersionOption = None,
    at_timestamp: AtTimestampOption = None,
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
        at=point_in_time(at_version, at_timestamp),
    )
    answer(session_of(context), question, Shape(output_format, output))


@shows(
    'ducklake query "SELECT count(*) FROM flights"',
    "ducklake query 'FROM flights WHERE carrier = $c' --param c=UA --row-limit 10",
    'ducklake query "FROM flights" --format csv > flights.csv',
    'ducklake query "FROM flights" --output flights.parquet',
    'ducklake query "SELECT count(*) FROM flights" --at-version 3',
    "ducklake query - < report.sql",
)
def query_lake(  # noqa: PLR0917 - one parameter for each thing that can be said
    context: typer.Context,
    sql: Sql,
    param: Parameters = None,
    row_limit: RowLimit = None,
    timeout: Timeout = None,
    at_version: AtVersionOption = None,
    at_timestamp: AtTimestampOption = None,
    output_format: FormatOfResult = None,
    output: Output = None,
) -> None:
    """Ask the lake a question: one SELECT over any of its tables."""
    question = Query(
        read_sql(sql),
        parameters=read_parameters(param),
        row_limit=row_limit,
        timeout_s=timeout,
        at=point_in_time(at_version, at_timestamp),
    )
    answer(session_of(context), question, Shape(output_format, output))
