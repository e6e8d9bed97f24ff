"""Any value of any type, in any format, comes back from the table as it was."""

from __future__ import annotations

import base64
import csv
import datetime as dt
import io
import json
import math
from decimal import Context, Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.column_types import INTEGER_BOUNDS, ScalarKind
from domain.formats import DataFormat
from tests.unit.adapters.arrow.bodies import Bench, binary_body, pieces

SETTINGS = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
DATES = st.dates()
TIMES = st.times()
STAMPS = st.datetimes()
ZONED = st.datetimes(
    min_value=dt.datetime(1000, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone itself
    max_value=dt.datetime(9000, 1, 1),  # noqa: DTZ001
    timezones=st.timezones().map(lambda _: dt.UTC) | st.just(dt.timezone(dt.timedelta(hours=-3))),
)


_WIDE = Context(prec=60)


def decimals(precision: int, scale: int) -> st.SearchStrategy[Decimal]:
    greatest = 10**precision - 1
    return st.integers(-greatest, greatest).map(
        lambda digits: Decimal(digits).scaleb(-scale, context=_WIDE)
    )


# The type, its values as Python has them, and the Arrow type that other clients use for it
TYPES: list[tuple[str, st.SearchStrategy[Any], pa.DataType | None]] = [
    ("BOOLEAN", st.booleans(), pa.bool_()),
    *[
        (kind.value, st.integers(*bounds), None if "HUGE" in kind else pa.from_numpy_dtype(name))
        for kind, bounds, name in (
            (kind, INTEGER_BOUNDS[kind], name)
            for kind, name in (
                (ScalarKind.TINYINT, "int8"),
                (ScalarKind.SMALLINT, "int16"),
                (ScalarKind.INTEGER, "int32"),
                (ScalarKind.BIGINT, "int64"),
                (ScalarKind.UTINYINT, "uint8"),
                (ScalarKind.USMALLINT, "uint16"),
                (ScalarKind.UINTEGER, "uint32"),
                (ScalarKind.UBIGINT, "uint64"),
                (ScalarKind.HUGEINT, ""),
                (ScalarKind.UHUGEINT, ""),
            )
        )
    ],
    ("FLOAT", st.floats(width=32), pa.float32()),
    ("DOUBLE", st.floats(), pa.float64()),
    ("DECIMAL(9,2)", decimals(9, 2), pa.decimal128(9, 2)),
    ("DECIMAL(38,10)", decimals(38, 10), pa.decimal128(38, 10)),
    ("VARCHAR", TEXTS, pa.large_string()),
    ("BLOB", st.binary(max_size=12), pa.large_binary()),
    ("UUID", st.uuids(), None),
    ("DATE", DATES, pa.date32()),
    ("TIME", TIMES, pa.time64("us")),
    ("TIMESTAMP", STAMPS, pa.timestamp("us")),
    ("TIMESTAMP WITH TIME ZONE", ZONED, pa.timestamp("us", "UTC")),
    ("INTEGER[]", st.lists(st.none() | st.integers(-5, 5), max_size=3), pa.list_(pa.int64())),
    ("VARCHAR[]", st.lists(st.none() | TEXTS, max_size=3), pa.large_list(pa.string())),
    (
        "STRUCT(x DOUBLE, y VARCHAR[])",
        st.fixed_dictionaries(
            {"x": st.none() | st.floats(allow_nan=False), "y": st.lists(TEXTS, max_size=2)}
        ),
        pa.struct([("x", pa.float64()), ("y", pa.list_(pa.string()))]),
    ),
    ("MAP(VARCHAR, INTEGER)", st.dictionaries(TEXTS, st.integers(-5, 5), max_size=3), None),
]


def json_value(value: Any) -> Any:
    """A value as JSON has it; numbers that Python would round stay texts."""
    if isinstance(value, float) and not math.isfinite(value):
        return {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, "NaN")
    if isinstance(value, dict):
        return {name: json_value(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [json_value(inner) for inner in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return value_text(value)


def value_text(value: Any) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, Decimal):
        return format(value, "f")
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def csv_value(value: Any) -> str:
    converted = json_value(value)
    if isinstance(converted, bool | list | dict):
        return json.dumps(converted)
    return converted if isinstance(converted, str) else repr(converted)


def csv_body(values: list[Any]) -> bytes:
    lines = ["c,n"]
    for number, value in enumerate(values):
        sink = io.StringIO()
        if value is not None:
            csv.writer(sink, quoting=csv.QUOTE_ALL, lineterminator="").writerow([csv_value(value)])
        lines.append(f"{sink.getvalue()},{number}")
    return "\n".join(lines).encode()


def stored(bench: Bench, body: bytes, data_format: DataFormat, type_: str, size: int) -> list[Any]:
    """The values that are in the table afterwards, as Python has them."""
    rows = bench.read(pieces(body, size), data_format, f"c {type_}; n INTEGER")
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"CREATE TABLE t (c {type_})")
        if rows.row_count and "c" in rows.columns:
            connection.execute(f"INSERT INTO t SELECT CAST(c AS {type_}) FROM rows")
        found = [value for (value,) in connection.execute("SELECT c FROM t").fetchall()]
    rows.close()
    return found


def same(found: Any, value: Any) -> bool:
    if isinstance(value, float) and isinstance(found, float):
        return found == value or (math.isnan(found) and math.isnan(value))
    if isinstance(value, dict):
        return found.keys() == value.keys() and all(
            same(found[name], value[name]) for name in value
        )
    if isinstance(value, dt.datetime) and value.tzinfo:
        return bool(found.astimezone(dt.UTC) == value.astimezone(dt.UTC))
    return bool(found == value)


@pytest.mark.parametrize("type_,values,_arrow_type", TYPES)
@pytest.mark.parametrize("data_format", [DataFormat.JSON, DataFormat.NDJSON, DataFormat.CSV])
def test_texts(
    tmp_path: Path,
    data_format: DataFormat,
    type_: str,
    values: st.SearchStrategy[Any],
    _arrow_type: pa.DataType | None,
) -> None:
    bench = Bench(tmp_path)

    @SETTINGS
    @given(st.lists(st.none() | values, min_size=1, max_size=5), st.integers(1, 50))
    def check(column: list[Any], size: int) -> None:
        rows = [
            json.dumps({"c": json_value(value), "n": number}, ensure_ascii=bool(size % 2))
            for number, value in enumerate(column)
        ]
        body = {
            DataFormat.JSON: f"[{','.join(rows)}]".encode(),
            DataFormat.NDJSON: "\n".join(rows).encode(),
            DataFormat.CSV: csv_body(column),
        }[data_format]
        found = stored(bench, body, data_format, type_, size)
        assert len(found) == len(column)
        assert all(map(same, found, column))

    check()


@pytest.mark.parametrize("type_,values,arrow_type", [case for case in TYPES if case[2] is not None])
@pytest.mark.parametrize("data_format", [DataFormat.ARROW, DataFormat.PARQUET])
def test_binaries(
    tmp_path: Path,
    data_format: DataFormat,
    type_: str,
    values: st.SearchStrategy[Any],
    arrow_type: pa.DataType,
) -> None:
    bench = Bench(tmp_path)

    @SETTINGS
    @given(st.lists(st.none() | values, min_size=1, max_size=5), st.integers(1, 500))
    def check(column: list[Any], size: int) -> None:
        table = pa.table({"c": pa.array(column, arrow_type)})
        found = stored(bench, binary_body(table, data_format), data_format, type_, size)
        assert len(found) == len(column)
        assert all(map(same, found, column))

    check()


@SETTINGS
@given(
    st.lists(
        st.text(st.sampled_from(',"\n\r ab\\'), max_size=8) | st.just(""), min_size=1, max_size=6
    ),
    st.integers(1, 9),
)
def test_csv_texts_full_of_marks(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], size: int
) -> None:
    bench = Bench(tmp_path_factory.getbasetemp())
    assert stored(bench, csv_body(texts), DataFormat.CSV, "VARCHAR", size) == texts


JSON_SCALARS = st.none() | st.booleans() | st.integers() | TEXTS
JSON_VALUES = st.recursive(
    JSON_SCALARS | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@SETTINGS
@given(
    st.lists(JSON_VALUES, min_size=1, max_size=5), st.integers(1, 9), st.none() | st.integers(0, 2)
)
def test_json_values_keep_their_text(
    tmp_path_factory: pytest.TempPathFactory, values: list[Any], size: int, indent: int | None
) -> None:
    bench = Bench(tmp_path_factory.getbasetemp())
    rows = [{"n": 1, "c": value} for value in values]
    body = json.dumps(rows, indent=indent).encode()
    found = stored(bench, body, DataFormat.JSON, "JSON", size)
    assert [json.loads(text) if text is not None else None for text in found] == values
    lines = "\n".join(map(json.dumps, rows)).encode()
    texts = stored(bench, lines, DataFormat.NDJSON, "JSON", size)
    assert texts == [None if value is None else json.dumps(value) for value in values]
