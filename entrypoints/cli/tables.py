"""Tables: `ducklake tables list`, `create`, `describe` and `drop`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from application.tables.create import CreateTableCommand
from application.tables.create_from import CreateTableFromCommand
from application.tables.describe import DescribeTableCommand
from application.tables.drop import DropTableCommand
from application.tables.list import ListTablesCommand
from domain.derived_tables import DerivedTable
from domain.object_rows import ObjectRows
from domain.queries import Query
from domain.tables import (
    Column,
    CreateOutcome,
    IfExists,
    NamespaceName,
    PartitionKey,
    TableDefinition,
    TableDescription,
    TableName,
)
from entrypoints.cli.columns import parse_column, read_columns
from entrypoints.cli.errors import pointing_into
from entrypoints.cli.formats import data_format_of
from entrypoints.cli.help import shows
from entrypoints.cli.keys import KeyOption, under_key
from entrypoints.cli.moments import AtTimestampOption, AtVersionOption, point_in_time
from entrypoints.cli.options import (
    FormatOfList,
    FormatOfRecord,
    FormatOfSource,
    HivePartitioning,
    Parameters,
    TableArgument,
    Yes,
    read_parameters,
    read_sql,
    said_of_paths,
)
from entrypoints.cli.output import Shown, print_outcome, print_record, print_records, say
from entrypoints.cli.session import session_of
from entrypoints.cli.shown import moment, size
from entrypoints.cli.usage import UsageError, confirm

if TYPE_CHECKING:
    from entrypoints.container import Container


@shows(
    "ducklake tables list",
    "ducklake tables list --namespace staging --format csv",
)
def list_tables(
    context: typer.Context,
    namespace: Annotated[
        str | None, typer.Option(metavar="NAMESPACE", help="Only tables of this namespace.")
    ] = None,
    output_format: FormatOfList = None,
) -> None:
    """List the tables."""
    session = session_of(context)
    wanted = NamespaceName(namespace) if namespace is not None else None
    session.run(
        lambda lake: print_records(
            ("name", "namespace", "comment"),
            session.watched(_listed(lake, wanted)),
            output_format,
            [
                Shown("namespace", "namespace"),
                Shown("name", "table"),
                Shown("comment", "comment"),
            ],
        )
    )


def _listed(lake: Container, namespace: NamespaceName | None) -> Iterator[dict[str, Any]]:
    command: ListTablesCommand | None = ListTablesCommand(namespace)
    while command is not None:
        page = lake.list_tables()(command).value
        for table in page.tables:
            yield {"name": table.name, "namespace": table.namespace, "comment": table.comment}
        after = page.next_after
        command = ListTablesCommand(namespace, after) if after is not None else None


@shows(
    "ducklake tables create flights \\",
    '    --column "carrier VARCHAR NOT NULL" --column "dep_delay INTEGER" \\',
    '    --column "time_hour TIMESTAMP" --partition-by "month(time_hour)"',
    "ducklake tables create staging.flights --columns-file columns.json",
    "ducklake tables create flights --columns-file columns.json --if-exists ignore",
    "ducklake tables create late --from-query 'FROM flights WHERE dep_delay > $m' --param m=60",
    "ducklake tables create flights --from-object 'raw-data/2013/*.parquet'",
)
def create(  # noqa: PLR0917 - one parameter for each thing that can be said
    context: typer.Context,
    name: TableArgument,
    column: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN",
            help="A column, as in CREATE TABLE: name TYPE [NOT NULL] [COMMENT 'text'].",
        ),
    ] = None,
    columns_file: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="The columns as JSON: a list of objects with name and type, and perhaps "
            "nullable and comment; what describe --format json writes will do. - reads stdin.",
        ),
    ] = None,
    from_query: Annotated[
        str | None,
        typer.Option(
            metavar="SQL",
            help="In place of columns, one SELECT statement: the table gets its columns and rows. "
            "- reads it from stdin.",
        ),
    ] = None,
    param: Parameters = None,
    from_object: Annotated[
        list[str] | None,
        typer.Option(
            metavar="BUCKET/KEY",
            help="In place of columns, objects: the table gets their columns and rows. "
            "*, **, ? and [a-z] stand for several.",
        ),
    ] = None,
    object_format: FormatOfSource = None,
    hive_partitioning: HivePartitioning = None,
    comment: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What the table is, for people.")
    ] = None,
    partition_by: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY",
            help="A column, or year(c), month(c), day(c), hour(c) or bucket(8, c) of one.",
        ),
    ] = None,
    if_exists: Annotated[
        IfExists, typer.Option(help="What to do when the table is there.")
    ] = IfExists.ERROR,
    idempotency_key: KeyOption = None,
    output_format: FormatOfRecord = None,
) -> None:
    """Make a table, and its namespace when that is not there."""
    session = session_of(context)
    table_name = TableName.parse(name)
    keys = tuple(PartitionKey.parse(key) for key in partition_by or ())
    said = ("create", str(table_name), comment, if_exists.value, *map(str, keys))
    if from_query is not None or from_object:
        if column or columns_file is not None or (from_query is not None and from_object):
            raise UsageError("Say one of: the columns, --from-query, --from-object.")
        source: Query | ObjectRows
        if from_query is not None:
            source = Query(read_sql(from_query), parameters=read_parameters(param))
            what = ["query", source.sql, *map(repr, param or ())]
        else:
            places = [place.removeprefix("s3://") for place in from_object or ()]
            source = ObjectRows.parse(places, data_format_of(object_format), hive_partitioning)
            paths = said_of_paths(hive_partitioning)
            what = ["objects", source.format.format.value, *paths, *places]
        derived = DerivedTable(table_name, source, comment, keys)
        with under_key(idempotency_key, *said, *what) as (terms, _):
            derive = CreateTableFromCommand(derived, if_exists, terms)
            made = session.run(lambda lake: _derived(lake, derive))
    else:
        if param:
            raise UsageError("--param is for the statement of --from-query.")
        columns = _columns(column, columns_file)
        definition = TableDefinition(table_name, columns, comment, keys)
        with under_key(idempotency_key, *said, *map(repr, columns)) as (terms, _):
            command = CreateTableCommand(definition, if_exists, terms)
            made = session.run(lambda lake: lake.create_table()(command)).value
    table = made.description
    count = len(table.columns)
    done = "Made" if made.created else "It was there already:"
    sentence = f"{done} {table.name} with {count} {'column' if count == 1 else 'columns'}."
    print_outcome(_record(table), sentence, output_format)


def _derived(lake: Container, command: CreateTableFromCommand) -> CreateOutcome:
    with pointing_into(command.table.sql):
        return lake.create_table_from()(command).value.outcome


def _columns(texts: list[str] | None, file: str | None) -> tuple[Column, ...]:
    if (not texts) == (file is None):
        raise UsageError(
            "Name the columns (--column, --columns-file), or say --from-query or --from-object."
        )
    return read_columns(file) if file is not None else tuple(map(parse_column, texts or ()))


@shows(
    "ducklake tables describe flights",
    "ducklake tables describe flights --at-version 3",
    "ducklake tables describe flights --at-timestamp 2026-01-31T12:00:00Z",
)
def describe(
    context: typer.Context,
    name: TableArgument,
    at_version: AtVersionOption = None,
    at_timestamp: AtTimestampOption = None,
    output_format: FormatOfRecord = None,
) -> None:
    """Say what a table is, now or at a moment of the past."""
    session = session_of(context)
    command = DescribeTableCommand(TableName.parse(name), point_in_time(at_version, at_timestamp))
    table = session.run(lambda lake: lake.describe_table()(command)).value
    if print_record(_record(table), _shown(table), output_format):
        _draw_columns(table)


def _record(table: TableDescription) -> dict[str, Any]:
    # The API's own words. Late: its models take time to build, and --help does without.
    from entrypoints.rest.models.tables import TableAnswer  # noqa: PLC0415

    return TableAnswer.of(table).model_dump(mode="json")


def _shown(table: TableDescription) -> list[tuple[str, str]]:
    files = "1 file" if table.file_count == 1 else f"{table.file_count:,} files"
    # A few rows do not make a file: the lake keeps them in its catalog until there are more.
    inlined = table.row_count > 0 and table.file_count == 0
    fields = [
        ("table", str(table.name)),
        ("comment", table.comment or ""),
        ("rows", f"{table.row_count:,}"),
        ("data", "in the catalog" if inlined else f"{size(table.size_bytes)} in {files}"),
        ("partitioned by", ", ".join(table.partition_by)),
        ("snapshot", str(table.snapshot_id)),
        ("created", moment(table.created_at)),
        ("updated", moment(table.updated_at) if table.updated_at is not None else ""),
        ("location", table.location),
    ]
    return [(label, value) for label, value in fields if value]


def _draw_columns(table: TableDescription) -> None:
    from entrypoints.cli.grid import GridColumn, draw_grid  # noqa: PLC0415 - needs Rich
    from entrypoints.cli.output import stdout_console  # noqa: PLC0415 - as above

    rows = [
        (
            column.name,
            str(column.type) + ("" if column.nullable else " not null"),
            column.comment or "",
        )
        for column in table.columns
    ]
    titles = ["column", "type"] + ["comment"] * any(row[2] for row in rows)
    console = stdout_console()
    console.print()
    draw_grid(
        console,
        [GridColumn(title) for title in titles],
        [row[: len(titles)] for row in rows],
        cut=False,
    )


@shows("ducklake tables drop flights", "ducklake tables drop flights --yes")
def drop(
    context: typer.Context,
    name: TableArgument,
    yes: Yes = False,
    idempotency_key: KeyOption = None,
) -> None:
    """Drop a table. Its past stays in the lake's snapshots."""
    table = TableName.parse(name)
    confirm(f"Drop the table {table}?", yes=yes)
    with under_key(idempotency_key, "drop", str(table)) as (terms, _):
        session_of(context).run(lambda lake: lake.drop_table()(DropTableCommand(table, terms)))
    say(f"Dropped {table}.")
