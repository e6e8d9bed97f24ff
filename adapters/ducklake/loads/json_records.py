"""JSON and NDJSON objects as columns that are to be loaded.

The objects are read twice: once for the names of their records, and once for the values, each
as JSON of its own, so that a record is parsed once and not again for each of its members.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Self

import duckdb

from adapters.ducklake.engine.sql import identifier, literal, type_name
from adapters.ducklake.loads.columns import OBJECT, OBJECT_OPTION, Loaded, LoadedColumn
from adapters.ducklake.loads.path_columns import PathColumns
from adapters.ducklake.loads.texts import NOT_FINITE, Conversion, from_json, from_text, matches
from adapters.ducklake.objects.sources import ObjectSource
from domain.column_types import (
    INTEGER_BOUNDS,
    ColumnType,
    DecimalType,
    ScalarKind,
    ScalarType,
)
from domain.errors import RowProblem, RowsDoNotFitError
from domain.formats import DataFormat
from domain.tables import Column

_NUMBERS = "('BIGINT', 'UBIGINT', 'HUGEINT', 'UHUGEINT', 'DOUBLE')"
_STRING = "'VARCHAR'"
_JSON_NUMBER = r"[0-9][0-9.]*([eE][+-]?[0-9]+)?"
_JSON_FRACTION = r"[0-9]+\.[0-9]+([eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+"
_SURE_DIGITS = 15
_FLOATS = frozenset({ScalarKind.FLOAT, ScalarKind.DOUBLE})
_LONG_INTEGERS = frozenset(
    {ScalarKind.BIGINT, ScalarKind.UBIGINT, ScalarKind.HUGEINT, ScalarKind.UHUGEINT}
)
"""Integers that a double cannot hold, so that they may be written as strings."""


@dataclass(frozen=True, slots=True)
class JsonValue:
    """A member of a record, in SQL.

    Attributes:
        json: Its value as JSON; NULL where there is none, or where it is null.
        record: The whole record as it stands in its object, when it is known that numbers of
            it may have more digits than the engine's JSON keeps.
    """

    json: str
    record: str | None = None

    @classmethod
    def of(cls, name: str) -> Self:
        """The member of this name, of records in a column `json`."""
        # What is null is as what is not there.
        found = f"nullif(json_extract(json, {_pointer(name)}), 'null')"
        return cls(found, "CAST(json AS VARCHAR)")

    @property
    def kind(self) -> str:
        """Its type, as JSON has types."""
        return f"json_type({self.json})"

    @property
    def text(self) -> str:
        """Its text; of a string what is between the quotes."""
        return f"json_extract_string({self.json}, '$')"

    @property
    def written(self) -> str:
        """Its text as it is written; of a string with its quotes."""
        return f"CAST({self.json} AS VARCHAR)"

    @property
    def is_number(self) -> str:
        """Whether it is a number."""
        return f"{self.kind} IN {_NUMBERS}"

    @property
    def is_string(self) -> str:
        """Whether it is a string."""
        return f"{self.kind} = {_STRING}"


def json_columns(
    cursor: duckdb.DuckDBPyConnection,
    source: ObjectSource,
    columns: Sequence[Column],
    paths: PathColumns,
    left_out: Collection[str],
) -> Loaded:
    """What is to be selected from objects of JSON to fit a table's columns.

    Raises:
        RowsDoNotFitError: When a record is no object, or its members do not go into the table.
        duckdb.Error: When they cannot be read.
    """
    records = json_records(source)
    names, in_paths = paths.matched(names_in_json(cursor, records), columns, left_out)
    decimals = any(isinstance(column.type, DecimalType) for column in names.values())
    if decimals and _has_long_fractions(cursor, records):
        values = {name: JsonValue.of(name) for name in names}
        relation = records
    else:
        values, relation = json_members(source, list(names))
    found = [
        LoadedColumn(column, values[name].written, _conversion(values[name], column.type))
        for name, column in names.items()
    ]
    return paths.loaded(found, relation, in_paths)


def json_records(source: ObjectSource) -> str:
    """What stands behind FROM to read JSON as records, in a column `json`."""
    return source.relation(_options(source), "read_json_objects")


def json_members(source: ObjectSource, names: Sequence[str]) -> tuple[dict[str, JsonValue], str]:
    """The members of records, each as JSON, and what stands behind FROM to read them."""
    values = {name: JsonValue(identifier(f"json {n}")) for n, name in enumerate(names)}
    if not values:
        records = f"(SELECT {identifier(OBJECT)} FROM {json_records(source)})"
        return values, records
    types = ", ".join(f"{literal(name)}: 'JSON'" for name in values)
    options = [*_options(source), "records = 'true'", f"columns = {{{types}}}"]
    given = ", ".join(f"{identifier(name)} AS {value.json}" for name, value in values.items())
    read = source.relation(options, "read_json")
    return values, f"(SELECT {given}, {identifier(OBJECT)} FROM {read})"


def _options(source: ObjectSource) -> list[str]:
    lines = source.format.format is DataFormat.NDJSON
    form = "newline_delimited" if lines else "auto"
    return [OBJECT_OPTION, f"format = {literal(form)}", "hive_partitioning = false"]


def names_in_json(cursor: duckdb.DuckDBPyConnection, relation: str) -> list[str]:
    """The names that the objects' records have, in their alphabetical order.

    Raises:
        RowsDoNotFitError: When a record is no JSON object, or has a name twice.
    """
    # Most records have the names of the first: to see that costs half of what grouping them does.
    first = cursor.execute(f"SELECT json_keys(json) FROM {relation} LIMIT 1").fetchone()
    usual = [] if first is None else list(first[0] or ())
    others_alone, and_usual = "", ""
    if usual:
        others_alone = "WHERE keys IS DISTINCT FROM CAST($usual AS VARCHAR[])"
        and_usual = "UNION ALL SELECT CAST($usual AS VARCHAR[]), false"
    (found,) = cursor.execute(
        "WITH shapes AS MATERIALIZED ("
        # What is no object has no keys.
        "SELECT keys, bool_or(len(keys) = 0 AND json_type(json) <> 'OBJECT') AS other "
        f"FROM (SELECT json, json_keys(json) AS keys FROM {relation}) {others_alone} "
        f"GROUP BY keys {and_usual}) "
        "SELECT bool_or(other), bool_or(len(keys) <> len(list_distinct(keys))), "
        "(SELECT list(DISTINCT key ORDER BY key) FROM (SELECT unnest(keys) AS key FROM shapes)) "
        "FROM shapes",
        {"usual": usual} if usual else None,
    ).fetchall()
    others, doubled, names = found
    if others:
        raise RowsDoNotFitError(RowProblem(None, None, "Each row is a JSON object."))
    if doubled:
        raise RowsDoNotFitError(RowProblem(None, None, "A row has two values of one name."))
    return list(names or ())


def _has_long_fractions(cursor: duckdb.DuckDBPyConnection, relation: str) -> bool:
    """Whether a record has a number with a point that has more digits than a double surely has."""
    numbers = f"system.main.regexp_extract_all(CAST(json AS VARCHAR), {literal(_JSON_FRACTION)})"
    (found,) = cursor.execute(
        f"SELECT bool_or(system.main.list_bool_or(system.main.list_transform({numbers}, "
        f"lambda token: length(token) > {_SURE_DIGITS + 1}))) FROM {relation}"
    ).fetchall()
    return bool(found[0])


def _pointer(name: str) -> str:
    escaped = name.replace("~", "~0").replace("/", "~1")
    return literal(f"/{escaped}")


def string_in_json(name: str) -> str:
    """A record's value as text, in SQL; of a JSON string what is between its quotes."""
    return f"json_extract_string(json, {_pointer(name)})"


def _conversion(value: JsonValue, column_type: ColumnType) -> Conversion:
    """How a value of JSON becomes one of a type; strings go where appends take them."""
    match column_type:
        case ScalarType(ScalarKind.JSON):
            return Conversion(value.json, "true")
        case ScalarType(ScalarKind.BOOLEAN):
            return Conversion(f"{value.text} = 'true'", f"{value.kind} = 'BOOLEAN'")
        case ScalarType(wanted) if wanted in INTEGER_BOUNDS:
            return _integer(value, column_type)
        case ScalarType(wanted) if wanted in _FLOATS:
            return _float(value, column_type)
        case ScalarType() | DecimalType():
            return _text(value, column_type)
        case _:
            return from_json(value.json, column_type)


def _integer(value: JsonValue, column_type: ScalarType) -> Conversion:
    plain = from_text(value.text, column_type)
    # Most are written as the type itself is: that costs less to find out than what they are.
    cast = f"TRY_CAST({value.written} AS {type_name(column_type)})"
    kinds = value.is_number
    if column_type.kind in _LONG_INTEGERS:
        kinds = f"({kinds} OR {value.is_string})"
    return Conversion(
        f"coalesce({cast}, {plain.value})",
        f"(CAST({cast} AS VARCHAR) = {value.written} OR ({kinds} AND {plain.fits}))",
    )


def _float(value: JsonValue, column_type: ScalarType) -> Conversion:
    plain = from_text(value.text, column_type)
    # In quotes it is no number for a cast.
    cast = f"TRY_CAST({value.written} AS {type_name(column_type)})"
    not_finite = f"{value.is_string} AND {matches(value.text, NOT_FINITE)}"
    return Conversion(
        f"coalesce({cast}, {plain.value})",
        f"(isfinite({cast}) OR (({value.is_number} OR ({not_finite})) AND {plain.fits}))",
    )


def _text(value: JsonValue, column_type: ScalarType | DecimalType) -> Conversion:
    plain = from_text(value.text, column_type)
    if isinstance(column_type, ScalarType):
        return Conversion(plain.value, f"{value.is_string} AND {plain.fits}")
    fits = f"({value.is_number} OR {value.is_string}) AND {plain.fits}"
    if value.record is not None:
        fits += f" AND {_is_exact(value.record, value.kind, value.text)}"
    return Conversion(plain.value, fits)


def _is_exact(record: str, kind: str, text: str) -> str:
    """Whether the engine's JSON has kept all digits of a number.

    It makes doubles of numbers with a point, which surely keep 15 digits. So a number that may
    be a longer one of its row is refused; as a string it is read with all of its digits.
    """
    strings = literal(r'"(\\.|[^"\\])*"')
    others = f"system.main.regexp_replace({record}, {strings}, '', 'g')"
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
