"""Objects of each format as columns that are to be loaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb

from adapters.ducklake.engine.sql import identifier, literal
from adapters.ducklake.loads.columns import OBJECT, LoadedColumn, matched
from adapters.ducklake.loads.texts import Conversion, from_json, from_text
from adapters.ducklake.loads.values import from_value
from adapters.ducklake.objects.parquet_schemas import one_of_each_schema
from adapters.ducklake.objects.sources import ObjectSource
from domain.column_types import (
    INTEGER_BOUNDS,
    ColumnType,
    DecimalType,
    ScalarKind,
    ScalarType,
    read_column_type,
)
from domain.errors import RowProblem, RowsDoNotFitError
from domain.formats import DataFormat
from domain.tables import Column

_OBJECT_OPTION = f"filename = {literal(OBJECT)}"
_CSV_OPTIONS = (
    "header = true",
    "quote = '\"'",
    "escape = '\"'",
    "nullstr = ''",
    "allow_quoted_nulls = false",
    "union_by_name = true",
    "strict_mode = true",
    "skip = 0",
    "comment = ''",
    "hive_partitioning = false",
)
_NUMBERS = "('BIGINT', 'UBIGINT', 'HUGEINT', 'UHUGEINT', 'DOUBLE', 'VARCHAR')"
_JSON_NUMBER = r"[0-9][0-9.]*([eE][+-]?[0-9]+)?"
_SURE_DIGITS = 15
_FLOATS = frozenset({ScalarKind.FLOAT, ScalarKind.DOUBLE})

Loaded = tuple[list[LoadedColumn], str]
"""The columns that are loaded, and the relation that they are selected from."""


def loaded(
    cursor: duckdb.DuckDBPyConnection, source: ObjectSource, columns: Sequence[Column]
) -> Loaded:
    """What is to be selected from objects to fit a table's columns.

    Raises:
        RowsDoNotFitError: When the columns of the objects do not go into the table's.
        duckdb.Error: When they cannot be read.
    """
    match source.format.format:
        case DataFormat.PARQUET:
            return _parquet(cursor, source, columns)
        case DataFormat.CSV:
            return _csv(cursor, source, columns)
        case _:
            return _json(cursor, source, columns)


def _parquet(
    cursor: duckdb.DuckDBPyConnection, source: ObjectSource, columns: Sequence[Column]
) -> Loaded:
    relation = source.relation(
        [_OBJECT_OPTION, "union_by_name = true", "hive_partitioning = false"]
    )
    types = types_in_all(cursor, source)
    found: list[LoadedColumn] = []
    problems: list[RowProblem] = []
    for name, column in matched(list(types), columns).items():
        value = identifier(name)
        conversion = from_value(value, types[name], column.type)
        if conversion is None:
            problems.append(
                RowProblem(
                    None,
                    column.name,
                    f"values of the type {str(types[name])[:80]} do not fit "
                    f"{str(column.type)[:80]}.",
                )
            )
        else:
            found.append(LoadedColumn(column, value, conversion))
    if problems:
        raise RowsDoNotFitError(*problems)
    return found, relation


def types_in_all(
    cursor: duckdb.DuckDBPyConnection, source: ObjectSource
) -> Mapping[str, ColumnType]:
    """The columns of Parquet objects, each of the same type wherever it is.

    The engine would cast the values of one object to the type of another, and round.
    """
    types: dict[str, tuple[str, ColumnType, str]] = {}
    for sample in one_of_each_schema(cursor, source):
        described = cursor.execute(
            f"SELECT * FROM {sample.relation(['hive_partitioning = false'])} LIMIT 0"
        ).description
        for name, text, *_ in described or []:
            column_type = read_column_type(str(text))
            place = sample.objects[0].shown
            first = types.setdefault(name.casefold(), (name, column_type, place))
            if first[1] != column_type:
                message = f"it is {first[1]} in {first[2]}, and {column_type} in {place}"
                raise RowsDoNotFitError(
                    RowProblem(None, name, f"{message}: load these objects one by one.")
                )
    return {name: column_type for name, column_type, _ in types.values()}


def _csv(
    cursor: duckdb.DuckDBPyConnection, source: ObjectSource, columns: Sequence[Column]
) -> Loaded:
    relation = csv_texts(source)
    described = cursor.execute(f"SELECT * FROM {relation} LIMIT 0").description or []
    names = [name for name, *_ in described if name != OBJECT]
    return loaded_texts(matched(names, columns)), relation


def csv_dialect(source: ObjectSource) -> list[str]:
    """How CSV is read: not as the engine would guess, which may skip records in silence."""
    tabs = all(".tsv" in str(each.found.ref.name).lower() for each in source.objects)
    delimiter = "'\\t'" if tabs else "','"
    return [_OBJECT_OPTION, f"delim = {delimiter}", *_CSV_OPTIONS]


def csv_texts(source: ObjectSource) -> str:
    """What stands behind FROM to read CSV as texts."""
    return source.relation([*csv_dialect(source), "all_varchar = true"])


def loaded_texts(columns: Mapping[str, Column]) -> list[LoadedColumn]:
    """The columns for texts that are read by these names."""
    return [
        LoadedColumn(column, identifier(name), from_text(identifier(name), column.type))
        for name, column in columns.items()
    ]


def _json(
    cursor: duckdb.DuckDBPyConnection, source: ObjectSource, columns: Sequence[Column]
) -> Loaded:
    relation = json_records(source)
    names = matched(names_in_json(cursor, relation), columns)
    found = [
        LoadedColumn(column, text_in_json(name), _of_json(name, column.type))
        for name, column in names.items()
    ]
    return found, relation


def json_records(source: ObjectSource) -> str:
    """What stands behind FROM to read JSON as records, in a column `json`."""
    lines = source.format.format is DataFormat.NDJSON
    form = "newline_delimited" if lines else "auto"
    return source.relation(
        [_OBJECT_OPTION, f"format = {literal(form)}", "hive_partitioning = false"],
        "read_json_objects",
    )


def names_in_json(cursor: duckdb.DuckDBPyConnection, relation: str) -> list[str]:
    """The names that the objects' records have.

    Raises:
        RowsDoNotFitError: When a record is no JSON object, or has a name twice.
    """
    others, doubled = cursor.execute(
        "SELECT count(*) FILTER (json_type(json) <> 'OBJECT'), "
        "count(*) FILTER (len(json_keys(json)) <> len(list_distinct(json_keys(json)))) "
        f"FROM {relation}"
    ).fetchall()[0]
    if others:
        raise RowsDoNotFitError(RowProblem(None, None, "Each row is a JSON object."))
    if doubled:
        raise RowsDoNotFitError(RowProblem(None, None, "A row has two values of one name."))
    rows = cursor.execute(
        f"SELECT DISTINCT unnest(json_keys(json)) AS key FROM {relation} ORDER BY key"
    ).fetchall()
    return [key for (key,) in rows]


def _pointer(name: str) -> str:
    escaped = name.replace("~", "~0").replace("/", "~1")
    return literal(f"/{escaped}")


def text_in_json(name: str) -> str:
    """A record's value as text, in SQL; of a JSON string with its quotes."""
    # What is null is as what is not there.
    return f"nullif(CAST(json_extract(json, {_pointer(name)}) AS VARCHAR), 'null')"


def string_in_json(name: str) -> str:
    """A record's value as text, in SQL; of a JSON string what is between its quotes."""
    return f"json_extract_string(json, {_pointer(name)})"


def _of_json(name: str, column_type: ColumnType) -> Conversion:
    kind = f"json_type(json, {_pointer(name)})"
    text = string_in_json(name)
    match column_type:
        case ScalarType(ScalarKind.JSON):
            return Conversion(f"json_extract(json, {_pointer(name)})", "true")
        case ScalarType(ScalarKind.BOOLEAN):
            return Conversion(f"{text} = 'true'", f"{kind} = 'BOOLEAN'")
        case ScalarType(wanted) if wanted in INTEGER_BOUNDS or wanted in _FLOATS:
            plain = from_text(text, column_type)
            return Conversion(plain.value, f"{kind} IN {_NUMBERS} AND {plain.fits}")
        case DecimalType():
            plain = from_text(text, column_type)
            return Conversion(
                plain.value, f"{kind} IN {_NUMBERS} AND {plain.fits} AND {_is_exact(kind, text)}"
            )
        case ScalarType():
            plain = from_text(text, column_type)
            return Conversion(plain.value, f"{kind} = 'VARCHAR' AND {plain.fits}")
        case _:
            return from_json(f"json_extract(json, {_pointer(name)})", column_type)


def _is_exact(kind: str, text: str) -> str:
    """Whether the engine's JSON has kept all digits of a number.

    It makes doubles of numbers with a point, which surely keep 15 digits. So a number that may
    be a longer one of its row is refused; as a string it is read with all of its digits.
    """
    strings = literal(r'"(\\.|[^"\\])*"')
    others = f"system.main.regexp_replace(CAST(json AS VARCHAR), {strings}, '', 'g')"
    numbers = f"system.main.regexp_extract_all({others}, {literal(_JSON_NUMBER)})"
    same = f"TRY_CAST(token AS DOUBLE) = abs(TRY_CAST({text} AS DOUBLE))"
    longer = (
        f"system.main.list_filter({numbers}, lambda token: "
        f"length(token) > {_SURE_DIGITS + 1} AND {same})"
    )
    return (
        f"({kind} <> 'DOUBLE' OR system.main.regexp_full_match({text}, '-?[0-9]+') "
        f"OR system.main.len({longer}) = 0)"
    )
