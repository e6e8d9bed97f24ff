"""Rows between tables and objects: `ducklake tables export`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from application.tables.export import ExportCommand
from domain.datasets import WriteCondition
from domain.errors import InvalidSqlError
from domain.formats import DataFormat
from domain.queries import Query
from domain.tables import TableName
from entrypoints.cli.errors import point_into
from entrypoints.cli.formats import format_of_file
from entrypoints.cli.help import shows
from entrypoints.cli.options import (
    FormatOfRecord,
    Parameters,
    TableArgument,
    read_parameters,
    read_sql,
)
from entrypoints.cli.output import print_outcome
from entrypoints.cli.places import object_record, object_ref
from entrypoints.cli.session import session_of
from entrypoints.cli.shown import size

if TYPE_CHECKING:
    from domain.datasets import PutOutcome
    from entrypoints.container import Container

ObjectFormat = Annotated[
    DataFormat | None,
    typer.Option(
        help="How the object's rows are written; by default as its key's ending says.",
        show_default=False,
    ),
]


@shows(
    "ducklake tables export flights exports/flights.parquet",
    "ducklake tables export flights exports/july.csv \\",
    '    "SELECT * FROM flights WHERE month = \\$m" --param m=7',
)
def export(  # noqa: PLR0917 - one parameter for each thing that can be said
    context: typer.Context,
    name: TableArgument,
    place: Annotated[str, typer.Argument(metavar="BUCKET/KEY", help="Where the rows go.")],
    sql: Annotated[
        str | None,
        typer.Argument(
            metavar="SQL",
            help="One SELECT statement; - reads it from stdin. Without it, the table itself.",
            show_default=False,
        ),
    ] = None,
    param: Parameters = None,
    object_format: ObjectFormat = None,
    if_none_match: Annotated[
        bool, typer.Option("--if-none-match", help="Only when there is no object of that key.")
    ] = False,
    output_format: FormatOfRecord = None,
) -> None:
    """Write a table, or what a query answers, to an object: whole, or not at all."""
    session = session_of(context)
    query = Query(
        read_sql(sql) if sql is not None else None, TableName.parse(name), read_parameters(param)
    )
    command = ExportCommand(
        query,
        object_ref(place),
        object_format or format_of_file(place, "--object-format"),
        WriteCondition(if_none_match=if_none_match),
    )
    outcome = session.run(lambda lake: _exported(lake, command))
    sentence = f"Exported to {command.ref} ({size(outcome.info.size)})."
    print_outcome(object_record(outcome.info), sentence, output_format)


def _exported(lake: Container, command: ExportCommand) -> PutOutcome:
    try:
        return lake.export_to_object()(command).value
    except InvalidSqlError as error:
        if command.query.sql is not None:
            point_into(error, command.query.sql)
        raise
