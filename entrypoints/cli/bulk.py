"""Rows between tables and objects: `ducklake tables load` and `export`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from application.tables.export import ExportCommand
from application.tables.export_partitioned import PartitionedExportCommand
from application.tables.load import LoadObjectsCommand
from domain.datasets import WriteCondition
from domain.formats import DataFormat
from domain.growth import OnNewColumns
from domain.object_rows import ObjectRows
from domain.partitions import PartitionedPlace
from domain.queries import Query
from domain.tables import TableName
from entrypoints.cli.appended import OnNewColumnsOption, tell_appended
from entrypoints.cli.errors import pointing_into
from entrypoints.cli.formats import data_format_of, format_of_file
from entrypoints.cli.help import shows
from entrypoints.cli.keys import KeyOption, under_key
from entrypoints.cli.options import (
    FormatOfRecord,
    FormatOfSource,
    HivePartitioning,
    Parameters,
    TableArgument,
    TableSql,
    read_parameters,
    read_sql,
    said_of_paths,
)
from entrypoints.cli.output import print_outcome
from entrypoints.cli.places import object_record, object_ref
from entrypoints.cli.session import session_of
from entrypoints.cli.shown import rows, size

if TYPE_CHECKING:
    from collections.abc import Callable

    from application.tables.export_partitioned import PartitionedExport
    from entrypoints.cli.formats import RecordFormat

T = TypeVar("T")

ObjectFormat = Annotated[
    DataFormat | None,
    typer.Option(
        help="How the rows are written; by default as the key ends.",
        show_default=False,
    ),
]


@shows(
    "ducklake tables load flights raw-data/2013/flights.parquet",
    "ducklake tables load flights 'raw-data/2013/*.csv.gz'",
    "ducklake tables load flights raw-data/2014.parquet --on-new-columns add",
)
def load(  # noqa: PLR0917 - one parameter for each thing that can be said
    context: typer.Context,
    name: TableArgument,
    objects: Annotated[
        list[str],
        typer.Argument(
            metavar="BUCKET/KEY...", help="The objects; *, **, ? and [a-z] stand for several."
        ),
    ],
    object_format: FormatOfSource = None,
    hive_partitioning: HivePartitioning = None,
    on_new_columns: OnNewColumnsOption = OnNewColumns.ERROR,
    idempotency_key: KeyOption = None,
    output_format: FormatOfRecord = None,
) -> None:
    """Append the rows of objects to a table: all of them in one commit, or none."""
    session = session_of(context)
    table = TableName.parse(name)
    places = [place.removeprefix("s3://") for place in objects]
    wanted = ObjectRows.parse(places, data_format_of(object_format), hive_partitioning)
    what = [wanted.format.format.value, on_new_columns.value, *said_of_paths(hive_partitioning)]
    said = ("load", str(table), *what, *places)
    with under_key(idempotency_key, *said) as (terms, _):
        command = LoadObjectsCommand(table, wanted, terms, on_new_columns)
        done = session.run(lambda lake: lake.load_objects()(command))
    did = f"Loaded {{}} into {table}"
    tell_appended(done, done.value.outcome, did, on_new_columns, output_format)


@shows(
    "ducklake tables export flights exports/flights.parquet",
    "ducklake tables export flights exports/july.csv \\",
    '    "SELECT * FROM flights WHERE month = \\$m" --param m=7',
    "ducklake tables export flights exports/2013/ --partition-by month --object-format parquet",
)
def export(  # noqa: PLR0917 - one parameter for each thing that can be said
    context: typer.Context,
    name: TableArgument,
    place: Annotated[
        str,
        typer.Argument(
            metavar="BUCKET/KEY", help="Where the rows go; with --partition-by, BUCKET/PREFIX/."
        ),
    ],
    sql: TableSql = None,
    param: Parameters = None,
    object_format: ObjectFormat = None,
    partition_by: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN",
            help="The rows of each value go to an object of their own, "
            "PREFIX/COLUMN=VALUE/part-0.parquet.",
        ),
    ] = None,
    if_none_match: Annotated[
        bool,
        typer.Option(
            "--if-none-match",
            help="Only when there is no object of that key, or nothing under that prefix.",
        ),
    ] = False,
    output_format: FormatOfRecord = None,
) -> None:
    """Write a table, or what a query answers, to an object: whole, or not at all."""
    session = session_of(context)
    query = Query(
        read_sql(sql) if sql is not None else None, TableName.parse(name), read_parameters(param)
    )
    if partition_by:
        partitioned = PartitionedExportCommand(
            query,
            PartitionedPlace.parse(place.removeprefix("s3://")),
            object_format or format_of_file(place, "--object-format"),
            tuple(partition_by),
            if_none_match,
        )
        export = session.run(
            lambda lake: _pointing(query, lambda: lake.export_partitioned()(partitioned).value)
        )
        _tell_partitions(partitioned.place, export, output_format)
        return
    command = ExportCommand(
        query,
        object_ref(place),
        object_format or format_of_file(place, "--object-format"),
        WriteCondition(if_none_match=if_none_match),
    )
    outcome = session.run(
        lambda lake: _pointing(query, lambda: lake.export_to_object()(command).value)
    )
    sentence = f"Exported to {command.ref} ({size(outcome.info.size)})."
    print_outcome(object_record(outcome.info), sentence, output_format)


def _tell_partitions(
    place: PartitionedPlace, export: PartitionedExport, output_format: RecordFormat | None
) -> None:
    # The API's own words. Late: its models take time to build, and --help does without.
    from entrypoints.rest.models.transfers import PartitionsAnswer  # noqa: PLC0415

    count = len(export.objects)
    sentence = (
        f"Exported {rows(export.row_count)} to {count:,} {'object' if count == 1 else 'objects'} "
        f"under {place} ({size(export.size)})."
    )
    if export.removed:
        sentence += f" Removed {len(export.removed):,} of an earlier export."
    record = PartitionsAnswer.of(place, export).model_dump(mode="json")
    print_outcome(record, sentence, output_format)


def _pointing(query: Query, call: Callable[[], T]) -> T:
    """What a call gives; an error in the query's SQL shows where it is."""
    with pointing_into(query.sql):
        return call()
