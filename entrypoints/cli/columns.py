"""Columns as a command line or a file tells them."""

from __future__ import annotations

import json
import re

from domain.column_types import parse_column_type
from domain.errors import InvalidColumnError, MalformedBodyError
from domain.tables import Column
from entrypoints.cli.local_files import read_chunks

_COLUMN = re.compile(
    r"""
    \s*
    (?: "(?P<quoted>(?:[^"]|"")+)" | (?P<plain>[^\s"]+) )
    \s+
    (?P<type>.+?)
    (?P<not_null>\s+NOT\s+NULL)?
    (?:\s+COMMENT\s+'(?P<comment>(?:[^']|'')*)')?
    \s*
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_MEMBERS = frozenset({"name", "type", "nullable", "comment"})


def parse_column(text: str) -> Column:
    """Read `name TYPE [NOT NULL] [COMMENT 'text']`, as in CREATE TABLE.

    Raises:
        InvalidColumnError: When it has another form, or is no type that a table can hold.
    """
    match = _COLUMN.fullmatch(text)
    if match is None:
        raise InvalidColumnError(f"{text!r} is not of the form: name TYPE [NOT NULL].")
    quoted, comment = match["quoted"], match["comment"]
    return Column(
        name=quoted.replace('""', '"') if quoted is not None else match["plain"],
        type=parse_column_type(match["type"]),
        nullable=match["not_null"] is None,
        comment=comment.replace("''", "'") if comment is not None else None,
    )


def read_columns(file: str) -> tuple[Column, ...]:
    """Read columns from a JSON file: the list that `POST /tables` and `describe` know.

    Raises:
        MalformedBodyError: When it is not JSON.
        InvalidColumnError: When it is not a list of columns, or `{"columns": [...]}`.
        OSError: When it cannot be read.
    """
    try:
        content = json.loads(b"".join(read_chunks(file)))
    except (ValueError, RecursionError) as error:
        raise MalformedBodyError("The columns' file is not JSON.") from error
    if isinstance(content, dict):
        # Of a whole description, its columns are what was asked for.
        content = content.get("columns")
    if not isinstance(content, list):
        raise InvalidColumnError(
            'The columns\' file holds a list, [{"name": "id", "type": "BIGINT"}, ...], '
            'or {"columns": [...]}.'
        )
    return tuple(_column(entry, number) for number, entry in enumerate(content, start=1))


def _column(entry: object, number: int) -> Column:
    if not isinstance(entry, dict) or not {"name", "type"} <= entry.keys() <= _MEMBERS:
        raise InvalidColumnError(
            f"Column {number} of the file is an object with name and type, "
            "and perhaps nullable and comment; no more and no less."
        )
    name, column_type = entry["name"], entry["type"]
    nullable, comment = entry.get("nullable", True), entry.get("comment")
    if not isinstance(name, str) or not isinstance(column_type, str):
        raise InvalidColumnError(f"The name and type of column {number} of the file are texts.")
    if not isinstance(nullable, bool) or not isinstance(comment, str | None):
        raise InvalidColumnError(
            f"Of column {number} of the file, nullable is true or false, and comment a text."
        )
    return Column(name, parse_column_type(column_type), nullable, comment)
