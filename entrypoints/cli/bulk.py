"""Rows between tables and objects: `ducklake tables load` and `export`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from application.tables.export import ExportCommand
from application.tables.load import LoadObjectsCommand
from domain.datasets import WriteCondition
from domain.errors import InvalidSqlError
from domain.formats import DataFormat
from domain.object_rows import ObjectRows
from domain.queries import Query
from domain.tables import TableName
from entrypoints.cli.errors import point_into
from entrypoints.cli.formats import format_of_file
from entrypoints.cli.help import shows
from entrypoints.cli.keys import KeyOption, under_key
from entrypoints.cli.options import (
    FormatOfRecord,
    Parameters,
    TableArgument,
    TableSql,
    read_parameters,
    read_sql,
)
from entrypoints.cli.output import print_outcome
from entrypoints.cli.places import object_record, object_ref
from entrypoints.cli.session import session_of
from entrypoints.cli.shown import rows, size

if TYPE_CHECKING:
    from domain.datasets import PutOutcome
    from entrypoints.container import Container

ObjectFormat = Annotated[
    DataFormat | None,
    typer.Option(
        help="The format of the objects; by default as their keys end.",
        show_default=False,
    ),
]


@shows(
    "ducklake tables load flights raw-data/2013/flights.parquet",
    "ducklake tables load flights 'raw-data/2013/*.csv.gz'",
)
def load(
    context: typer.Context,
    name: TableArgument,
    objects: Annotated[
        list[str],
        typer.Argument(
            metavar="BUCKET/KEY...", help="The objects; *, **, ? and [a-z] stand for several."
        ),
    ],
    object_format: ObjectFormat = None,
    idempotency_key: KeyOption = None,
    output_format: FormatOfRecord = None,
) -> None:
    """Append the rows of objects to a table: all of them in one commit, or none."""
    session = session_of(context)
    table = TableName.parse(name)
    places = [place.removeprefix("s3://") for place in objects]
    wanted = ObjectRows.parse(places, object_format)
    said = ("load", str(table), wanted.format.format.value, *places)
    with under_key(idempotency_key, *said) as (terms, _):
        command = LoadObjectsCommand(table, wanted, terms)
        done = session.run(lambda lake: lake.load_objects()(command))
    outcome = done.value.outcome
    record = {
        "rows_appended": outcome.rows_appended,
        "snapshot_id": outcome.snapshot_id,
        "run_id": done.run_id,
    }
    told = rows(outcome.rows_appended)
    sentence = f"Loaded {told} into {table} (snapshot {outcome.snapshot_id})."
    print_outcome(record, sentence, output_format)


@shows(
    "ducklake tables export flights exports/flights.parquet",
    "ducklake tables export flights exports/july.csv \\",
    '    "SELECT * FROM flights WHERE month = \\$m" --param m=7',
)
def export(  # noqa: PLR0917 - one parameter for each thing that can be said
    context: typer.Context,
    name: TableArgument,
    place: Annotated[str, typer.Argument(metavar="BUCKET/KEY", help="Where the rows go.")],
    sql: TableSql = None,
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
