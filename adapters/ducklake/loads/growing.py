"""What a table must grow by before the rows of objects fit it.

The types of new columns are those that an append of the same rows would add; but lists in JSON,
and JSON numbers with a point, are as a table has them that is made of objects: JSON, and DOUBLE.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import duckdb

from adapters.ducklake.catalog.stored_types import reason_not_kept
from adapters.ducklake.engine.sql import identifier
from adapters.ducklake.loads.columns import check_spelling
from adapters.ducklake.loads.formats import csv_names, csv_texts, types_in_all
from adapters.ducklake.loads.json_records import (
    JsonValue,
    json_members,
    json_records,
    names_in_json,
)
from adapters.ducklake.loads.path_columns import PathColumns, without
from adapters.ducklake.loads.texts import matches
from adapters.ducklake.objects.sources import ObjectSource
from domain.column_types import (
    MAX_DECIMAL_DIGITS,
    ColumnType,
    OpaqueType,
    ScalarKind,
    ScalarType,
)
from domain.errors import InvalidColumnError
from domain.formats import DataFormat
from domain.growth import NO_GROWTH, Growth
from domain.tables import Column
from domain.value_kinds import TEXTS, CountedNumbers, Kind, needed_type, plain_type, widens

_INTEGER = "0|-?[1-9][0-9]*"
_CSV_FRACTION = r"-?(0|[1-9][0-9]*)(\.[0-9]+([eE][+-]?[0-9]+)?|[eE][+-][0-9]+)"
_DATE = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_TIMESTAMP = rf"{_DATE}[T ]([01][0-9]|2[0-3])(:[0-5][0-9]){{2}}(\.[0-9]{{1,6}})?"
_UTC = r"(Z|\+00:00)"
_SURE_DIGITS = 15

Needed = tuple[Growth, frozenset[str]]
"""What a table must grow by, and the new columns that have nothing but NULLs."""

NOTHING_NEEDED: Needed = (NO_GROWTH, frozenset())
"""What is needed where a table is not to grow."""

Found = tuple[frozenset[Kind], CountedNumbers]
"""The kinds of a column's values, and what its numbers have in common."""


def needed_growth(
    cursor: duckdb.DuckDBPyConnection,
    source: ObjectSource,
    columns: Sequence[Column],
    paths: PathColumns,
) -> Needed:
    """What a table must grow by, and the new columns that have nothing but NULLs.

    What is wrong with a value is left to the reading that follows.

    Raises:
        InvalidColumnError: When a column would have a type that no table has.
        RowsDoNotFitError: When the objects' columns are wrong whatever the table has.
        duckdb.Error: When they cannot be read.
    """
    known = {column.name.casefold(): column for column in columns}
    match source.format.format:
        case DataFormat.PARQUET:
            return _of_parquet(cursor, source, known, paths)
        case DataFormat.CSV:
            names = csv_names(cursor, source)
            check_spelling(names)
            texts = {name: identifier(name) for name in names}
            kinds = {name: _kind_of_field(text) for name, text in texts.items()}
            relation, other = csv_texts(source), ScalarKind.VARCHAR
        case _:
            names = names_in_json(cursor, json_records(source))
            check_spelling(names)
            values, relation = json_members(source, names)
            texts = {name: value.text for name, value in values.items()}
            kinds = {name: _kind_in_json(value) for name, value in values.items()}
            other = ScalarKind.JSON
    in_paths = paths.beside(names, None)
    in_doubt = _in_doubt(without(names, in_paths), known)
    found = _looked_at(cursor, relation, {name: (kinds[name], texts[name]) for name in in_doubt})
    return _together(_needed(found, known, other), _of_paths(cursor, paths, in_paths, known))


def types_in_paths(
    cursor: duckdb.DuckDBPyConnection, paths: PathColumns, names: Sequence[str]
) -> dict[str, ColumnType | None]:
    """The types that the values of columns in paths show; None where there are only NULLs."""
    found = _found_in_paths(cursor, paths, names)
    return {name: _type_of(each, ScalarKind.VARCHAR) for name, each in found.items()}


def _of_paths(
    cursor: duckdb.DuckDBPyConnection,
    paths: PathColumns,
    names: Sequence[str],
    known: Mapping[str, Column],
) -> Needed:
    found = _found_in_paths(cursor, paths, _in_doubt(names, known))
    return _needed(found, known, ScalarKind.VARCHAR)


def _found_in_paths(
    cursor: duckdb.DuckDBPyConnection, paths: PathColumns, names: Sequence[str]
) -> dict[str, Found]:
    if not names:
        return {}
    relation, texts = paths.values(names)
    return _looked_at(
        cursor, relation, {name: (_kind_of_field(text), text) for name, text in texts.items()}
    )


def _in_doubt(names: Sequence[str], known: Mapping[str, Column]) -> list[str]:
    """The columns whose values say what the table needs."""
    return [
        name
        for name in names
        if name.casefold() not in known or widens(known[name.casefold()].type)
    ]


def _needed(found: Mapping[str, Found], known: Mapping[str, Column], other: ScalarKind) -> Needed:
    added: list[Column] = []
    empty: set[str] = set()
    for name, each in found.items():
        if name.casefold() in known:
            continue
        column_type = _type_of(each, other)
        if column_type is None:
            empty.add(name)
        else:
            added.append(Column(name, column_type))
    return Growth(tuple(added), _widened(found, known)), frozenset(empty)


def _together(one: Needed, other: Needed) -> Needed:
    growth = Growth(one[0].added + other[0].added, one[0].widened + other[0].widened)
    return growth, one[1] | other[1]


def _of_parquet(
    cursor: duckdb.DuckDBPyConnection,
    source: ObjectSource,
    known: Mapping[str, Column],
    paths: PathColumns,
) -> Needed:
    types = types_in_all(cursor, source)
    check_spelling(list(types))
    in_paths = paths.beside(list(types), None)
    types = {name: types[name] for name in without(list(types), in_paths)}
    added = [Column(name, each) for name, each in types.items() if name.casefold() not in known]
    for column in added:
        reason = reason_not_kept(column.type)
        if isinstance(column.type, OpaqueType):
            reason = f"a table holds no {str(column.type)[:100]}."
        if reason is not None:
            raise InvalidColumnError(f"The column {column.name!r}: {reason}")
    looked_at = {
        name: _number_in_parquet(identifier(name), each)
        for name, each in types.items()
        if name.casefold() in known
        and widens(known[name.casefold()].type)
        and each != known[name.casefold()].type
    }
    relation = source.relation(["union_by_name = true", "hive_partitioning = false"])
    found = _looked_at(cursor, relation, looked_at)
    growth = Growth(tuple(added), _widened(found, known))
    return _together((growth, frozenset()), _of_paths(cursor, paths, in_paths, known))


def _type_of(found: Found, other: ScalarKind) -> ColumnType | None:
    kinds, numbers = found
    if not kinds:
        return None
    plain = plain_type(kinds, numbers)
    if plain is not None:
        return plain
    return ScalarType(ScalarKind.VARCHAR if kinds <= TEXTS else other)


def _widened(found: Mapping[str, Found], known: Mapping[str, Column]) -> tuple[Column, ...]:
    widened = []
    for name, (kinds, numbers) in found.items():
        column = known.get(name.casefold())
        if column is None:
            continue
        needed = needed_type(kinds, numbers, column.type)
        if needed is not None and needed != column.type:
            widened.append(replace(column, type=needed))
    return tuple(widened)


def _looked_at(
    cursor: duckdb.DuckDBPyConnection, relation: str, columns: Mapping[str, tuple[str, str]]
) -> dict[str, Found]:
    """What the values of columns show; for each column its values' kind and text, in SQL."""
    if not columns:
        return {}
    items = [item for kind, text in columns.values() for item in _facts(kind, text)]
    (row,) = cursor.execute(f"SELECT {', '.join(items)} FROM {relation}").fetchall()
    size = len(items) // len(columns)
    return {
        name: _found(row[size * number : size * (number + 1)])
        for number, name in enumerate(columns)
    }


def _facts(kind: str, text: str) -> list[str]:
    is_integer = f"{kind} = '{Kind.INTEGER.name}'"
    is_number = f"{kind} IN ('{Kind.INTEGER.name}', '{Kind.FRACTION.name}')"
    number = f"CASE WHEN {is_number} THEN {text} END"
    double = f"TRY_CAST({number} AS DOUBLE)"
    whole = f"system.main.regexp_extract({number}, '^-?0*([0-9]*)', 1)"
    fraction = rf"system.main.regexp_extract({number}, '\.([0-9]+)', 1)"
    zeros = r"system.main.regexp_replace({0}, '(\.[0-9]*?)0+$', '\1')".format
    written = f"CAST({double} AS VARCHAR)"
    exact = (
        f"(length({whole}) + length({fraction}) <= {_SURE_DIGITS} "
        f"OR {zeros(written)} = {zeros(number)} "
        f"OR TRY_CAST({double} AS DECIMAL({MAX_DECIMAL_DIGITS},0)) = "
        f"TRY_CAST(CASE WHEN {is_integer} THEN {text} END AS DECIMAL({MAX_DECIMAL_DIGITS},0)))"
    )
    return [
        f"list(DISTINCT {kind})",
        f"min(CASE WHEN {is_integer} THEN TRY_CAST({text} AS HUGEINT) END)",
        f"max(CASE WHEN {is_integer} THEN TRY_CAST({text} AS HUGEINT) END)",
        f"max(abs({double}))",
        f"max(length({whole}))",
        f"max(length({fraction}))",
        f"bool_and(CASE WHEN {is_number} THEN coalesce({exact}, false) END)",
        # A DECIMAL is not read from a text with an exponent.
        f"bool_or(contains(lower({number}), 'e'))",
    ]


def _found(row: Sequence[Any]) -> Found:
    kinds, least, greatest, largest, before, behind, doubles, exponents = row
    numbers = CountedNumbers(
        least=min(0, int(least or 0)),
        greatest=max(0, int(greatest or 0)),
        largest=float(largest or 0.0),
        before=int(before or 0),
        behind=int(behind or 0),
        doubles=doubles is not False,
        decimals=not exponents and int(before or 0) <= MAX_DECIMAL_DIGITS,
    )
    return frozenset(Kind[name] for name in kinds or () if name is not None), numbers


def _kind(*cases: tuple[str, Kind], other: Kind) -> str:
    whens = " ".join(f"WHEN {condition} THEN '{kind.name}'" for condition, kind in cases)
    return f"CASE {whens} ELSE '{other.name}' END"


def _of_text(text: str) -> Iterable[tuple[str, Kind]]:
    return (
        (f"{text} IN ('NaN', 'Infinity', '-Infinity')", Kind.NOT_FINITE),
        (f"{matches(text, _DATE)} AND TRY_CAST({text} AS DATE) IS NOT NULL", Kind.DATE),
        (
            f"{matches(text, _TIMESTAMP)} AND TRY_CAST({text} AS TIMESTAMP) IS NOT NULL",
            Kind.TIMESTAMP,
        ),
        (
            f"{matches(text, _TIMESTAMP + _UTC)} AND TRY_CAST({text} AS TIMESTAMPTZ) IS NOT NULL",
            Kind.TIMESTAMPTZ,
        ),
    )


def _kind_of_field(text: str) -> str:
    kind = _kind(
        (f"lower({text}) IN ('true', 'false')", Kind.BOOLEAN),
        (matches(text, _INTEGER), Kind.INTEGER),
        (matches(text, _CSV_FRACTION), Kind.FRACTION),
        *_of_text(text),
        other=Kind.TEXT,
    )
    return f"CASE WHEN {text} IS NOT NULL THEN {kind} END"


def _kind_in_json(value: JsonValue) -> str:
    text = _kind(*_of_text(value.text), other=Kind.TEXT)
    return (
        f"CASE WHEN {value.json} IS NULL THEN NULL WHEN {value.is_string} THEN {text} "
        f"WHEN {value.kind} = 'BOOLEAN' THEN '{Kind.BOOLEAN.name}' "
        f"WHEN NOT {value.is_number} THEN '{Kind.OTHER.name}' "
        f"WHEN {matches(value.text, _INTEGER)} THEN '{Kind.INTEGER.name}' "
        f"ELSE '{Kind.FRACTION.name}' END"
    )


def _number_in_parquet(value: str, column_type: ColumnType) -> tuple[str, str]:
    """The kind and text of values of a type; of doubles, those that no single is are too large."""
    if column_type == ScalarType(ScalarKind.DOUBLE):
        single = f"CAST(TRY_CAST({value} AS FLOAT) AS DOUBLE)"
        same = f"{single} IS NOT DISTINCT FROM {value} AND isfinite({value})"
        text = f"CASE WHEN {same} OR isnan({value}) THEN '0' ELSE '1e308' END"
        return f"CASE WHEN {value} IS NOT NULL THEN '{Kind.FRACTION.name}' END", text
    text = f"CAST({value} AS VARCHAR)"
    digits = r"system.main.regexp_replace({0}, '\.?0+$', '')".format
    plain = f"CASE WHEN contains({text}, '.') THEN {digits(text)} ELSE {text} END"
    kind = _kind(
        (matches(plain, "-?[0-9]+"), Kind.INTEGER),
        (matches(plain, r"-?[0-9]+\.[0-9]+"), Kind.FRACTION),
        other=Kind.OTHER,
    )
    return f"CASE WHEN {value} IS NOT NULL THEN {kind} END", plain
