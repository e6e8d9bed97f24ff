"""Arguments and options that several commands share."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from domain.errors import InvalidSqlError
from domain.queries import Value
from entrypoints.cli.formats import ListFormat, RecordFormat, ResultFormat, SourceFormat
from entrypoints.cli.local_files import STANDARD_STREAM, read_chunks
from entrypoints.cli.usage import split_pairs

_FORMAT_HELP = "How it is shown; by default a table on a terminal and JSON in a pipe."

_MOST = 2**63 - 2


def check_count(value: int | None) -> int | None:
    """A number that is counted with; the engine has 64 bits for it."""
    if value is not None and not 0 <= value <= _MOST:
        raise typer.BadParameter(f"{value} is not a number of 0 or more.")
    return value


FormatOfRecord = Annotated[
    RecordFormat | None, typer.Option("--format", help=_FORMAT_HELP, show_default=False)
]
FormatOfList = Annotated[
    ListFormat | None, typer.Option("--format", help=_FORMAT_HELP, show_default=False)
]
FormatOfResult = Annotated[
    ResultFormat | None,
    typer.Option(
        "--format",
        help="How rows are written; by default as the ending of --output says, as a table on a "
        "terminal, and as JSON in a pipe.",
        show_default=False,
    ),
]
FormatOfSource = Annotated[
    SourceFormat | None,
    typer.Option(
        "--object-format",
        help="What the objects are; by default as their keys end.",
        show_default=False,
    ),
]
HivePartitioning = Annotated[
    bool | None,
    typer.Option(
        help="Read columns from the keys (month=7/origin=JFK/), in place of any of these names in "
        "the objects, or do not; by default those that all keys have and no object has itself.",
        show_default=False,
    ),
]
Output = Annotated[
    str | None,
    typer.Option(
        "--output", "-o", metavar="FILE", help="Write to this file, which appears when whole."
    ),
]
RowLimit = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        callback=check_count,
        help="At most so many rows. Without it, a table on a terminal shows 1,000.",
    ),
]
Timeout = Annotated[
    float | None,
    typer.Option(
        metavar="SECONDS",
        help="How long the engine may work for it; by default DUCKLAKE_QUERY_TIMEOUT_S.",
    ),
]
Parameters = Annotated[
    list[str] | None,
    typer.Option(
        "--param",
        metavar="NAME=VALUE",
        help="A value for $NAME. Numbers, true, false and null are what they look like, "
        "all else is text; in double quotes a number is text too.",
    ),
]
TableSql = Annotated[
    str | None,
    typer.Argument(
        metavar="SQL",
        help="One SELECT statement; - reads it from stdin. Without it, the table itself.",
        show_default=False,
    ),
]

TableArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="A table: name or namespace.name.")
]
BucketArgument = Annotated[str, typer.Argument(metavar="BUCKET", help="A bucket's name.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Sql = Annotated[
    str, typer.Argument(metavar="SQL", help="One SELECT statement; - reads it from stdin.")
]
InputFile = Annotated[
    str, typer.Argument(metavar="FILE", help="A file; - reads stdin.", show_default=False)
]


def read_sql(text: str) -> str:
    """The statement: what is said, or what stdin holds.

    Raises:
        InvalidSqlError: When stdin holds no text.
    """
    if text != STANDARD_STREAM:
        return text
    try:
        return b"".join(read_chunks(STANDARD_STREAM)).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidSqlError("The SQL on stdin is not UTF-8.") from error


def said_of_paths(hive_partitioning: bool | None) -> list[str]:
    """What a key's payload says of `HivePartitioning`; nothing when that is not said."""
    return [] if hive_partitioning is None else [f"hive_partitioning={hive_partitioning}"]


def read_parameters(pairs: list[str] | None) -> dict[str, Value]:
    """The values of the statement's parameters.

    Raises:
        UsageError: When one is not of the form `name=value`, or a name comes twice.
    """
    return {name: _value(text) for name, text in split_pairs(pairs or [], "--param").items()}


def _value(text: str) -> Value:
    try:
        value = json.loads(text, parse_constant=str)
    except (ValueError, RecursionError):
        return text
    # A list or struct is written as text, for the statement to cast.
    return value if isinstance(value, str | int | float | bool | None) else text
