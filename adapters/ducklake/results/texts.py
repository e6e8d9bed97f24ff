"""SQL that writes values as JSON and CSV text, exactly and by the column's type alone.

DuckDB's own JSON writer loses the scale and the digits of decimals and writes bare NaN, which
is no JSON; so the text is put together here, and the engine's threads do the work.

JSON: numbers are numbers with all their digits; NaN and the infinities the strings "NaN",
"Infinity", "-Infinity"; dates, times and intervals ISO 8601; binary base64. CSV: the same
texts without quotes; nested values as JSON; NULL is empty, an empty string is `""`.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from duckdb.sqltypes import DuckDBPyType

from adapters.ducklake.engine.sql import literal
from adapters.ducklake.results.types import parts

_PLAIN = frozenset(
    {
        "boolean",
        "tinyint",
        "smallint",
        "integer",
        "utinyint",
        "usmallint",
        "uinteger",
        "bigint",
        "ubigint",
        "hugeint",
        "uhugeint",
        "decimal",
    }
)
_WIDER_THAN_A_DOUBLE = frozenset({"bigint", "ubigint", "hugeint", "uhugeint", "decimal"})
_FLOATS = frozenset({"float", "double"})
_TIMESTAMPS = frozenset({"timestamp", "timestamp_s", "timestamp_ms", "timestamp_ns"})
_TEXTS = frozenset({"uuid", "date", "time", "time_ns", "time with time zone", "bit", "bignum"})

_JSON_CASTS = {
    "json": "CAST({} AS VARCHAR)",
    "variant": "CAST(CAST({} AS JSON) AS VARCHAR)",
    "union": "CAST(to_json({}) AS VARCHAR)",
}

_PartText = Callable[[str, DuckDBPyType], str]


def json_text(
    value: str, result_type: DuckDBPyType, *, wide_as_text: bool = False, depth: int = 0
) -> str:
    """An expression for the JSON text of a value; never NULL.

    Args:
        value: An expression for the value.
        result_type: Its type.
        wide_as_text: Whether numbers that a double cannot hold are to be strings.
        depth: How many lambdas are around it, so that their parameters have their own names.
    """

    def of_part(part: str, part_type: DuckDBPyType) -> str:
        return json_text(part, part_type, wide_as_text=wide_as_text, depth=depth + 1)

    element = f"element_{depth}"
    match result_type.id:
        case "list" | "array":
            text = _json_of_list(value, result_type, element, of_part)
        case "map":
            text = _json_of_map(value, result_type, element, of_part)
        case "struct":
            text = _json_of_struct(value, result_type, of_part)
        case _:
            text = _json_of_scalar(value, result_type, wide_as_text=wide_as_text)
    return f"coalesce({text}, 'null')"


def csv_text(value: str, result_type: DuckDBPyType) -> str:
    """An expression for a value in CSV (RFC 4180); never NULL."""
    scalar = _plain_text(value, result_type)
    if scalar is not None and result_type.id == "blob":
        # Without quotes, no bytes at all would read as NULL.
        return f"CASE WHEN {scalar} = '' THEN '\"\"' ELSE coalesce({scalar}, '') END"
    if scalar is not None:
        return f"coalesce({scalar}, '')"
    if result_type.id in {"varchar", "enum"}:
        # JSON is a VARCHAR, too, but compares as JSON unless it is cast.
        text = f"CAST({value} AS VARCHAR)"
    else:
        text = f"CASE WHEN {value} IS NOT NULL THEN {json_text(value, result_type)} END"
    return f"coalesce({_quoted_where_needed(text)}, '')"


def csv_name(name: str) -> str:
    """A column's name as it stands in a CSV header."""
    if name == "" or any(mark in name for mark in ',"\r\n'):
        escaped = name.replace('"', '""')
        return f'"{escaped}"'
    return name


def _json_of_scalar(value: str, result_type: DuckDBPyType, *, wide_as_text: bool) -> str:
    kind = "json" if str(result_type) == "JSON" else result_type.id
    if kind in _JSON_CASTS:
        # JSON of a user's may hold line breaks between its parts (never inside a string).
        text = _JSON_CASTS[kind].format(value)
        return f"replace(replace({text}, chr(10), ' '), chr(13), ' ')"
    plain = _plain_text(value, result_type)
    if plain is None:
        return f"CAST(to_json(CAST({value} AS VARCHAR)) AS VARCHAR)"
    if kind in _FLOATS:
        # The engine writes doubles in a third of the time of a cast; a FLOAT would be one.
        finite = f"CAST(to_json({value}) AS VARCHAR)" if kind == "double" else plain
        return f"CASE WHEN isfinite({value}) THEN {finite} ELSE {_in_quotes(plain)} END"
    if kind in _PLAIN and not (wide_as_text and kind in _WIDER_THAN_A_DOUBLE):
        return plain
    return _in_quotes(plain)


def _json_of_list(value: str, result_type: DuckDBPyType, element: str, of_part: _PartText) -> str:
    text = of_part(element, parts(result_type)[0].type)
    texts = f"list_transform({value}, lambda {element}: {text})"
    return f"CASE WHEN {value} IS NOT NULL THEN concat('[', {_joined(texts)}, ']') END"


def _json_of_map(value: str, result_type: DuckDBPyType, element: str, of_part: _PartText) -> str:
    key, item = parts(result_type)
    key_text = f"{element}.key"
    if key.type.id != "varchar":
        key_text = _plain_text(key_text, key.type) or of_part(key_text, key.type)
    member = (
        f"CAST(to_json({key_text}) AS VARCHAR) || ':' || {of_part(f'{element}.value', item.type)}"
    )
    members = f"list_transform(map_entries({value}), lambda {element}: {member})"
    return f"CASE WHEN {value} IS NOT NULL THEN concat('{{', {_joined(members)}, '}}') END"


def _joined(texts: str) -> str:
    """An expression for the texts of a list with commas between them; NULL when it is empty."""
    # array_to_string is a macro that names its list twice: nested, that doubles at each level.
    return f"list_aggregate({texts}, 'string_agg', ',')"


def _json_of_struct(value: str, result_type: DuckDBPyType, of_part: _PartText) -> str:
    fields = parts(result_type)
    texts = [
        of_part(f"struct_extract_at({value}, {number})", field.type)
        for number, field in enumerate(fields, start=1)
    ]
    if any(field.name for field in fields):
        names = (literal(f"{json.dumps(field.name, ensure_ascii=False)}:") for field in fields)
        texts = [f"{name}, {text}" for name, text in zip(names, texts, strict=True)]
        opening, closing = "{", "}"
    else:
        # What row(1, 2) makes has no names: it is written as an array.
        opening, closing = "[", "]"
    body = ", ',', ".join(texts)
    return f"CASE WHEN {value} IS NOT NULL THEN concat('{opening}', {body}, '{closing}') END"


def _plain_text(value: str, result_type: DuckDBPyType) -> str | None:
    """The text of a value that needs no escaping in JSON or CSV; None of other types."""
    kind = result_type.id
    text: str | None = f"CAST({value} AS VARCHAR)"
    if kind in _FLOATS:
        text = (
            f"CASE WHEN isnan({value}) THEN 'NaN' WHEN isinf({value}) "
            f"THEN CASE WHEN {value} > 0 THEN 'Infinity' ELSE '-Infinity' END ELSE {text} END"
        )
    elif kind == "decimal" and _is_all_fraction(result_type):
        # ".5" and "-.5" get the zero without which they are no JSON.
        text = f"regexp_replace({text}, '^(-?)[.]', '\\10.')"
    elif kind in _TIMESTAMPS:
        text = _with_t(f"CAST({value} AS VARCHAR)")
    elif kind == "timestamp with time zone":
        # The engine's zone is UTC, so the offset is always +00.
        text = f"replace({_with_t(f'CAST({value} AS VARCHAR)')}, '+00', 'Z')"
    elif kind == "blob":
        text = f"to_base64({value})"
    elif kind == "interval":
        text = _iso_duration(value)
    elif kind not in _PLAIN | _TEXTS:
        text = None
    return text


def _is_all_fraction(decimal: DuckDBPyType) -> bool:
    (_, precision), (_, scale) = decimal.children
    return precision == scale


def _with_t(text: str) -> str:
    # "2020-01-01 12:00:00" and, before our era, "0044-03-15 (BC) 12:00:00".
    return f"replace(replace({text}, ' ', 'T'), 'T(BC)', ' (BC)')"


def _iso_duration(value: str) -> str:
    """ISO 8601-2, where each part may have a sign: PT-1H is an hour back."""
    seconds = f"CAST(datepart('microsecond', {value}) AS DECIMAL(18,0)) * 0.000001"
    named = [
        f"datepart('{part}', {value}), '{mark}'"
        for part, mark in (
            ("year", "Y"),
            ("month", "M"),
            ("day", "DT"),
            ("hour", "H"),
            ("minute", "M"),
        )
    ]
    return f"CASE WHEN {value} IS NOT NULL THEN concat('P', {', '.join(named)}, {seconds}, 'S') END"


def _in_quotes(text: str) -> str:
    return f"'\"' || {text} || '\"'"


def _quoted_where_needed(text: str) -> str:
    quoted = f"'\"' || replace({text}, '\"', '\"\"') || '\"'"
    special = f"regexp_matches({text}, '[,\"\\r\\n]')"
    return f"CASE WHEN {text} = '' OR {special} THEN {quoted} ELSE {text} END"
