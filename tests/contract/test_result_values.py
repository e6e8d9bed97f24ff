"""docs/reference/values.md: what each type looks like in each format, in one row."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest

from domain.errors import InvalidValueError
from domain.formats import DataFormat
from domain.ports.queries import QueryPort
from domain.queries import Query, ResultEncoding
from tests.contract.lakes import on_lakes_that_run_sql
from tests.contract.query_cases import read

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "values.md"


class Case(NamedTuple):
    """A value in every format; Parquet's type is given where it is not Arrow's."""

    row: str
    sql: str
    json: str
    csv: str
    arrow: str
    parquet: str | None = None


INTEGERS = "TINYINT to BIGINT, UTINYINT to UBIGINT"
HUGE = "HUGEINT, UHUGEINT"
TEXTS = "ENUM, BIT, BIGNUM"
MOMENTS = "TIMESTAMP (also _S, _MS, _NS)"
ZONED = "TIMESTAMP WITH TIME ZONE"
FLOATS = "FLOAT, DOUBLE"
T = "2020-01-31T12:30:00"
D38 = "12345678901234567890123456789012345678"
UUID = "6d9f8c38-3c1c-4a77-9c5f-0b5b1e2f7a11"
CASES = (
    Case("BOOLEAN", "TRUE", "true", "true", "bool"),
    Case(INTEGERS, "127::TINYINT", "127", "127", "int8"),
    Case(INTEGERS, "255::UTINYINT", "255", "255", "uint8"),
    Case(INTEGERS, f"{2**63 - 1}", f"{2**63 - 1}", f"{2**63 - 1}", "int64"),
    Case(INTEGERS, f"{2**64 - 1}::UBIGINT", f"{2**64 - 1}", f"{2**64 - 1}", "uint64"),
    Case(HUGE, f"{D38}::HUGEINT", D38, D38, "decimal128(38, 0)"),
    Case(HUGE, f"{D38}::UHUGEINT", D38, D38, "decimal128(38, 0)"),
    Case("DECIMAL(p,s)", "2.50::DECIMAL(9,2)", "2.50", "2.50", "decimal128(9, 2)"),
    Case(FLOATS, "0.1::DOUBLE", "0.1", "0.1", "double"),
    Case(FLOATS, "1.5::FLOAT", "1.5", "1.5", "float"),
    Case(FLOATS, "'-inf'::DOUBLE", '"-Infinity"', "-Infinity", "double"),
    Case("VARCHAR", "'a \"b\", c'", '"a \\"b\\", c"', '"a ""b"", c"', "string"),
    Case("VARCHAR", "''", '""', '""', "string"),
    Case(TEXTS, "'b'::ENUM('a', 'b')", '"b"', "b", "string"),
    Case(TEXTS, "'0101'::BIT", '"0101"', "0101", "string"),
    Case(TEXTS, f"'{D38}{D38}'::BIGNUM", f'"{D38}{D38}"', f"{D38}{D38}", "string"),
    Case("BLOB", r"'\xAA\x00'::BLOB", '"qgA="', "qgA=", "binary"),
    Case("UUID", f"'{UUID}'::UUID", f'"{UUID}"', UUID, "string"),
    Case("JSON", "'{\"a\": 2.50}'::JSON", '{"a": 2.50}', '"{""a"": 2.50}"', "string"),
    Case("DATE", "DATE '2020-01-31'", '"2020-01-31"', "2020-01-31", "date32[day]"),
    Case("TIME", "TIME '12:30:00.5'", '"12:30:00.5"', "12:30:00.5", "time64[us]"),
    Case(
        "TIME WITH TIME ZONE",
        "'12:30:00+01:30'::TIMETZ",
        '"12:30:00+01:30"',
        "12:30:00+01:30",
        "string",
    ),
    Case(MOMENTS, f"TIMESTAMP '{T}'", f'"{T}"', T, "timestamp[us]"),
    Case(MOMENTS, f"'{T}'::TIMESTAMP_S", f'"{T}"', T, "timestamp[s]", "timestamp[ms]"),
    Case(MOMENTS, f"'{T}.123'::TIMESTAMP_MS", f'"{T}.123"', f"{T}.123", "timestamp[ms]"),
    Case(
        MOMENTS,
        f"'{T}.123456789'::TIMESTAMP_NS",
        f'"{T}.123456789"',
        f"{T}.123456789",
        "timestamp[ns]",
    ),
    Case(
        ZONED,
        "TIMESTAMPTZ '2020-01-31 12:30:00+01'",
        '"2020-01-31T11:30:00Z"',
        "2020-01-31T11:30:00Z",
        "timestamp[us, tz=UTC]",
    ),
    Case(
        "INTERVAL",
        "INTERVAL '1 year 2 months 3 days 04:05:06.5'",
        '"P1Y2M3DT4H5M6.500000S"',
        "P1Y2M3DT4H5M6.500000S",
        "month_day_nano_interval",
        "string",
    ),
    Case("LIST, ARRAY", "[1, NULL]", "[1,null]", '"[1,null]"', "list<l: int32>"),
    Case("LIST, ARRAY", "[1, 2]::INTEGER[2]", "[1,2]", '"[1,2]"', "list<l: int32>"),
    Case(
        "STRUCT",
        "{'a': 1, 'b c': DATE '2020-01-31'}",
        '{"a":1,"b c":"2020-01-31"}',
        '"{""a"":1,""b c"":""2020-01-31""}"',
        "struct<a: int32, b c: date32[day]>",
    ),
    Case(
        "STRUCT",
        "row(1, 'x')",
        '[1,"x"]',
        '"[1,""x""]"',
        "struct<field_1: int32, field_2: string>",
    ),
    Case("MAP", "MAP {1: 'a'}", '{"1":"a"}', '"{""1"":""a""}"', "map<int32, string>"),
    Case("UNION, VARIANT", "union_value(n := 2)", '{"n":2}', '"{""n"":2}"', "string"),
    Case("NULL", "NULL::INTEGER", "null", "", "int32"),
)
ONE_ROW = "SELECT " + ", ".join(f"{case.sql} AS c{n}" for n, case in enumerate(CASES))


def answered(queries: QueryPort, data_format: DataFormat) -> bytes:
    return read(queries, Query(ONE_ROW), ResultEncoding(data_format)).body


def as_shown(arrow_type: pa.DataType) -> str:
    """A type without the names that writers give to the parts of lists and maps."""
    return re.sub(r" \('\w+'\)", "", str(arrow_type)).replace("list<element: ", "list<l: ")


def test_each_type_of_the_page_has_a_case() -> None:
    rows = re.findall(r"^\| ([^|]+) \|", PAGE.read_text(), re.MULTILINE)
    assert {row for row in rows if row != "type"} == {case.row for case in CASES}


@on_lakes_that_run_sql
@pytest.mark.parametrize("data_format", [DataFormat.JSON, DataFormat.NDJSON])
def test_json(queries: QueryPort, data_format: DataFormat) -> None:
    members = ",".join(f'"c{n}":{case.json}' for n, case in enumerate(CASES))
    assert answered(queries, data_format).decode() == f"{{{members}}}\n"


@on_lakes_that_run_sql
def test_csv(queries: QueryPort) -> None:
    _, row = answered(queries, DataFormat.CSV).decode().split("\n", maxsplit=1)
    assert row == ",".join(case.csv for case in CASES) + "\n"


@on_lakes_that_run_sql
def test_arrow_and_parquet(queries: QueryPort) -> None:
    arrow = pa.ipc.open_stream(answered(queries, DataFormat.ARROW)).read_all()
    parquet = pq.read_table(io.BytesIO(answered(queries, DataFormat.PARQUET)))
    assert [as_shown(field.type) for field in arrow.schema] == [case.arrow for case in CASES]
    assert [as_shown(field.type) for field in parquet.schema] == [
        case.parquet or case.arrow for case in CASES
    ]
    for number, case in enumerate(CASES):
        (from_arrow,) = arrow.column(number).to_pylist()
        (from_parquet,) = parquet.column(number).to_pylist()
        if case.row != "INTERVAL":
            assert from_arrow == from_parquet, case.row
        if as_shown(arrow.schema.field(number).type).startswith(("int", "uint", "decimal")):
            assert str(from_arrow) == case.json.replace("null", "None")


@on_lakes_that_run_sql
@pytest.mark.parametrize("data_format", [DataFormat.ARROW, DataFormat.PARQUET])
def test_what_a_format_cannot_hold_is_an_error(queries: QueryPort, data_format: DataFormat) -> None:
    query = Query(f"SELECT {2**128 - 1}::UHUGEINT AS n")
    with pytest.raises(InvalidValueError):
        read(queries, query, ResultEncoding(data_format))
