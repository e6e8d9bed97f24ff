"""Every column type, in JSON and in CSV: what it takes and what it refuses."""

from __future__ import annotations

import csv
import io
import json

import pytest

from domain.errors import RowsDoNotFitError
from domain.formats import DataFormat
from tests.unit.adapters.arrow.bodies import Bench, engine_text

HUGE = 2**127
UHUGE = 2**128
UUID = "550e8400-e29b-41d4-a716-446655440000"

NOT_READ_BACK = {"BLOB", "JSON[]"}
"""Types whose texts the engine writes, but does not read as the same value."""

# The type, the value's JSON text, and what the engine reads as the same value
TAKEN_JSON = [
    ("BOOLEAN", "true", "true"),
    ("BOOLEAN", "false", "false"),
    ("TINYINT", "-128", "-128"),
    ("TINYINT", "-0", "0"),
    ("SMALLINT", "32767", "32767"),
    ("INTEGER", "-2147483648", "-2147483648"),
    ("BIGINT", "9223372036854775807", "9223372036854775807"),
    ("BIGINT", '"-9223372036854775808"', "-9223372036854775808"),
    ("UTINYINT", "255", "255"),
    ("USMALLINT", "65535", "65535"),
    ("UINTEGER", "4294967295", "4294967295"),
    ("UBIGINT", "18446744073709551615", "18446744073709551615"),
    ("UBIGINT", '"18446744073709551615"', "18446744073709551615"),
    ("HUGEINT", str(HUGE - 1), str(HUGE - 1)),
    ("HUGEINT", f'"{-HUGE}"', str(-HUGE)),
    ("UHUGEINT", str(UHUGE - 1), str(UHUGE - 1)),
    ("FLOAT", "0.5", "0.5"),
    ("FLOAT", "0.1", "0.1"),
    ("FLOAT", "3.4028234e38", "3.4028234e38"),
    ("FLOAT", '"NaN"', "nan"),
    ("FLOAT", '"-Infinity"', "-inf"),
    ("DOUBLE", "3", "3"),
    ("DOUBLE", "1.7976931348623157e308", "1.7976931348623157e308"),
    ("DOUBLE", '"Infinity"', "inf"),
    ("DOUBLE", '"NaN"', "nan"),
    ("DECIMAL(9,2)", "1234567.89", "1234567.89"),
    ("DECIMAL(9,2)", "-1.500", "-1.50"),
    ("DECIMAL(9,2)", '"1.5"', "1.50"),
    ("DECIMAL(9,2)", "1e3", "1000.00"),
    ("DECIMAL(38,0)", "9" * 38, "9" * 38),
    ("DECIMAL(38,38)", "0." + "9" * 38, "0." + "9" * 38),
    ("VARCHAR", '""', ""),
    ("VARCHAR", '"\\ud83e\\udd86 \\" \\\\ \\n,"', '🦆 " \\ \n,'),
    ("BLOB", '"AP8="', "\\x00\\xFF"),
    ("BLOB", '""', ""),
    ("UUID", f'"{UUID}"', UUID),
    ("UUID", f'"{UUID.upper()}"', UUID),
    ("JSON", '{"a": [1.50, "x", null], "a": 1e400}', '{"a": [1.50, "x", null], "a": 1e400}'),
    ("JSON", '"text"', '"text"'),
    ("JSON", "12345678901234567890.10", "12345678901234567890.10"),
    ("DATE", '"2024-02-29"', "2024-02-29"),
    ("DATE", '"0001-01-01"', "0001-01-01"),
    ("DATE", '"0044-03-15 (BC)"', "0044-03-15 (BC)"),
    ("DATE", '"5881580-07-10"', "5881580-07-10"),
    ("DATE", '"5877642-06-25 (BC)"', "5877642-06-25 (BC)"),
    ("DATE", '"infinity"', "infinity"),
    ("DATE", '"-infinity"', "-infinity"),
    ("TIME", '"12:30:00.123456"', "12:30:00.123456"),
    ("TIME", '"12:30"', "12:30:00"),
    ("TIME", '"24:00:00"', "24:00:00"),
    ("TIME", '"12:30:00.1000000"', "12:30:00.1"),
    ("TIME WITH TIME ZONE", '"12:30:00.5+05:30"', "12:30:00.5+05:30"),
    ("TIME WITH TIME ZONE", '"12:30:00-15:59:59"', "12:30:00-15:59:59"),
    ("TIME WITH TIME ZONE", '"12:30:00Z"', "12:30:00+00"),
    ("TIMESTAMP", '"2024-01-31T12:30:00.123456"', "2024-01-31 12:30:00.123456"),
    ("TIMESTAMP", '"2024-01-31 12:30:00"', "2024-01-31 12:30:00"),
    ("TIMESTAMP", '"2024-01-31"', "2024-01-31 00:00:00"),
    ("TIMESTAMP", '"0044-03-15 (BC)T12:00:00"', "0044-03-15 (BC) 12:00:00"),
    ("TIMESTAMP", '"294247-01-10T04:00:54.775806"', "294247-01-10 04:00:54.775806"),
    ("TIMESTAMP", '"290309-12-22 (BC) 00:00:00"', "290309-12-22 (BC) 00:00:00"),
    ("TIMESTAMP", '"infinity"', "infinity"),
    ("TIMESTAMP_S", '"2024-01-31T12:30:00.000"', "2024-01-31 12:30:00"),
    ("TIMESTAMP_S", '"-infinity"', "-infinity"),
    ("TIMESTAMP_MS", '"2024-01-31T12:30:00.123"', "2024-01-31 12:30:00.123"),
    ("TIMESTAMP_NS", '"2024-01-31T12:30:00.123456789"', "2024-01-31 12:30:00.123456789"),
    ("TIMESTAMP_NS", '"1677-09-22T00:00:00"', "1677-09-22 00:00:00"),
    ("TIMESTAMP_NS", '"infinity"', "infinity"),
    ("TIMESTAMP WITH TIME ZONE", '"2024-01-31T12:30:00Z"', "2024-01-31 12:30:00+00"),
    ("TIMESTAMP WITH TIME ZONE", '"2024-01-31 12:30:00.5+05:30"', "2024-01-31 07:00:00.5+00"),
    ("TIMESTAMP WITH TIME ZONE", '"2024-01-31T12:30:00-0330"', "2024-01-31 16:00:00+00"),
    ("TIMESTAMP WITH TIME ZONE", '"infinity"', "infinity"),
    ("INTERVAL", '"P1Y2M3DT4H5M6.5S"', "1 year 2 months 3 days 04:05:06.5"),
    ("INTERVAL", '"P0Y-2M0DT0H0M-0.500000S"', "-2 months -00:00:00.5"),
    ("INTERVAL", '"-P1W"', "-7 days"),
    ("INTERVAL", '"1 year 2 days 00:00:03"', "1 year 2 days 00:00:03"),
    ("INTERVAL", '"-1 day -100:00:01"', "-1 day -100:00:01"),
    ("INTERVAL", '"00:00:00"', "00:00:00"),
    ("INTERVAL", '"100:00:00.000001"', "100:00:00.000001"),
    ("INTEGER[]", "[1, null, -3]", "[1, NULL, -3]"),
    ("INTEGER[]", "[]", "[]"),
    ("HUGEINT[][]", f"[[{HUGE - 1}], null, []]", f"[[{HUGE - 1}], NULL, []]"),
    ("DECIMAL(4,2)[]", '[1.5, "2.25"]', "[1.50, 2.25]"),
    ("JSON[]", '[{"a": 1.0}, "x", null]', '[{"a": 1.0}, "x", NULL]'),
    (
        "UUID[]",
        '["550e8400-e29b-41d4-a716-446655440000"]',
        "[550e8400-e29b-41d4-a716-446655440000]",
    ),
    ("STRUCT(x INTEGER, y VARCHAR)", '{"Y": "z", "x": 1}', "{'x': 1, 'y': z}"),
    ("STRUCT(x INTEGER, y VARCHAR)", "{}", "{'x': NULL, 'y': NULL}"),
    ("STRUCT(i INTERVAL)[]", '[{"i": "P1D"}, null]', "[{'i': 1 day}, NULL]"),
    ("MAP(INTEGER, VARCHAR)", '{"1": "a", "2": null}', "{1=a, 2=NULL}"),
    ("MAP(VARCHAR, DOUBLE[])", '{"a": [1, "NaN"]}', "{a=[1.0, nan]}"),
    ("MAP(DATE, UHUGEINT)", '[{"key": "2024-01-31", "value": 5}]', "{2024-01-31=5}"),
    ("MAP(INTEGER[], INTEGER)", '[{"value": 1, "key": [1, 2]}]', "{[1, 2]=1}"),
    ("MAP(INTEGER[], INTEGER)", '{"[1,2]": 1}', "{[1, 2]=1}"),
    ("MAP(INTEGER, INTEGER)", "{}", "{}"),
]

REFUSED_JSON = [
    *[
        (type_, value)
        for type_ in ("TINYINT", "INTEGER", "BIGINT", "UBIGINT", "HUGEINT")
        for value in ("1.5", "1.0", "1e2", "true", '"x"', "[1]", "{}", "9" * 200, '"1.0"', '""')
    ],
    ("TINYINT", "128"),
    ("TINYINT", '"5"'),
    ("INTEGER", "2147483648"),
    ("BIGINT", "9223372036854775808"),
    ("BIGINT", '"9223372036854775808"'),
    ("BIGINT", '"0x1F"'),
    ("BIGINT", '" 1"'),
    ("UBIGINT", "-1"),
    ("UBIGINT", "18446744073709551616"),
    ("HUGEINT", str(HUGE)),
    ("HUGEINT", str(-HUGE - 1)),
    ("UHUGEINT", "-1"),
    ("UHUGEINT", str(UHUGE)),
    ("BOOLEAN", "1"),
    ("BOOLEAN", '"true"'),
    ("FLOAT", "1e39"),
    ("FLOAT", "true"),
    ("DOUBLE", "1e400"),
    ("DOUBLE", '"1.5"'),
    ("DOUBLE", '"x"'),
    ("DOUBLE", "false"),
    ("DECIMAL(9,2)", "1.005"),
    ("DECIMAL(9,2)", "12345678"),
    ("DECIMAL(9,2)", '"1,5"'),
    ("DECIMAL(9,2)", '"1_0"'),
    ("DECIMAL(9,2)", '"NaN"'),
    ("DECIMAL(9,2)", "true"),
    ("DECIMAL(9,2)", "1e9999"),
    ("VARCHAR", "5"),
    ("VARCHAR", "true"),
    ("VARCHAR", "{}"),
    ("VARCHAR", '"a\\u0000b"'),
    ("BLOB", '"A"'),
    ("BLOB", '"AB=="'),
    ("BLOB", '"AP8"'),
    ("BLOB", '"A P8="'),
    ("BLOB", '"\\u00e4AAA"'),
    ("UUID", '"550e8400e29b41d4a716446655440000"'),
    ("UUID", '"{550e8400-e29b-41d4-a716-446655440000}"'),
    ("DATE", '"2023-02-29"'),
    ("DATE", '"2024-1-1"'),
    ("DATE", '"2024-01-31T00:00:00"'),
    ("DATE", '"0000-01-01 (BC)"'),
    ("DATE", '"5881580-07-11"'),
    ("DATE", "20240131"),
    ("TIME", '"25:00:00"'),
    ("TIME", '"24:00:00.000001"'),
    ("TIME", '"12:30:60"'),
    ("TIME", '"12:30:00.1234567"'),
    ("TIME", '"12:30:00Z"'),
    ("TIME WITH TIME ZONE", '"12:30:00"'),
    ("TIME WITH TIME ZONE", '"12:30:00+16:00"'),
    ("TIMESTAMP", '"2024-01-31T12:30:00Z"'),
    ("TIMESTAMP", '"2024-01-31T12:30:00+01:00"'),
    ("TIMESTAMP", '"2024-01-31T12:30:00.1234567"'),
    ("TIMESTAMP", '"2024-01-31T24:00:00"'),
    ("TIMESTAMP", '"2024-02-30T00:00:00"'),
    ("TIMESTAMP", '"294247-01-10T04:00:54.775807"'),
    ("TIMESTAMP", '"Infinity"'),
    ("TIMESTAMP", "1706704200"),
    ("TIMESTAMP_S", '"2024-01-31T12:30:00.5"'),
    ("TIMESTAMP_MS", '"2024-01-31T12:30:00.1234"'),
    ("TIMESTAMP_NS", '"2024-01-31T12:30:00.1234567891"'),
    ("TIMESTAMP_NS", '"1677-09-21T23:59:59"'),
    ("TIMESTAMP_NS", '"2300-01-01T00:00:00"'),
    ("TIMESTAMP WITH TIME ZONE", '"2024-01-31T12:30:00"'),
    ("TIMESTAMP WITH TIME ZONE", '"2024-01-31"'),
    ("TIMESTAMP WITH TIME ZONE", '"2024-01-31T12:30:00+25:00"'),
    ("INTERVAL", '"P"'),
    ("INTERVAL", '"PT"'),
    ("INTERVAL", '"P1DT"'),
    ("INTERVAL", '"PT0.0000001S"'),
    ("INTERVAL", '"1 fortnight"'),
    ("INTERVAL", '""'),
    ("INTERVAL", '"P9999999999M"'),
    ("INTERVAL", "5"),
    ("INTEGER[]", "[1.5]"),
    ("INTEGER[]", "1"),
    ("INTEGER[]", '{"a": 1}'),
    ("INTEGER[]", '"[1]"'),
    ("STRUCT(x INTEGER)", '{"z": 1}'),
    ("STRUCT(x INTEGER)", '{"x": "1"}'),
    ("STRUCT(x INTEGER)", '{"x": 1, "x": 2}'),
    ("STRUCT(x INTEGER)", '{"x": 1, "X": 2}'),
    ("STRUCT(x INTEGER)", "[1]"),
    ("MAP(INTEGER, VARCHAR)", '{"x": "a"}'),
    ("MAP(INTEGER, VARCHAR)", '{"1": "a", "01": "b"}'),
    ("MAP(INTEGER, VARCHAR)", '{"1": "a", "1": "b"}'),
    ("MAP(INTEGER, VARCHAR)", '[{"key": 1}]'),
    ("MAP(INTEGER, VARCHAR)", '[{"key": null, "value": "a"}]'),
    ("MAP(INTEGER, VARCHAR)", '[{"key": 1, "value": "a", "more": 2}]'),
    ("MAP(INTEGER, VARCHAR)", "5"),
]

TAKEN_CSV = [
    ("BOOLEAN", "TRUE", "true"),
    ("BOOLEAN", "False", "false"),
    ("BOOLEAN", "tRue", "true"),
    ("INTEGER", "007", "7"),
    ("DOUBLE", "nan", "nan"),
    ("DOUBLE", "-inf", "-inf"),
    ("DOUBLE", "+1.5e3", "1500.0"),
    ("DOUBLE", ".5", "0.5"),
    ("DECIMAL(5,2)", "1e2", "100.00"),
    ("VARCHAR", " spaces are kept ", " spaces are kept "),
    ("INTEGER[]", "[1,2]", "[1, 2]"),
    ("STRUCT(x INTEGER)", '{"x":1}', "{'x': 1}"),
    ("JSON", "null", "null"),
]

REFUSED_CSV = [
    *[("INTEGER", text) for text in ("+5", "0x1F", " 5", "5 ", "1.0", "1e3", "٣", "")],
    *[("DOUBLE", text) for text in ("1e400", "0x1p3", "1,5", "-", "1_0", " 1", "")],
    *[("BOOLEAN", text) for text in ("1", "0", "t", "yes", "")],
    *[("DECIMAL(5,2)", text) for text in ("1.005", "1000", "x", "nan", "")],
    *[("TIMESTAMP", text) for text in ("2024-01-31 12:30:00+00", "yesterday", "2024-13-01", "")],
    *[("INTEGER[]", text) for text in ("[1", "1,2", "null", "['a']", "")],
    ("JSON", "{'a': 1}"),
    ("JSON", ""),
    ("BLOB", "\\xAA"),
    ("UUID", "x"),
    ("DATE", "31.01.2024"),
    ("INTERVAL", "soon"),
]


def csv_body(value: str) -> str:
    sink = io.StringIO()
    csv.writer(sink, quoting=csv.QUOTE_ALL).writerows([["c"], [value]])
    return sink.getvalue()


def expected(text: str, type_: str) -> str:
    return text if type_ in NOT_READ_BACK else engine_text(text, type_)


@pytest.mark.parametrize("type_,value,text", TAKEN_JSON)
@pytest.mark.parametrize("data_format", [DataFormat.JSON, DataFormat.NDJSON])
def test_a_json_value_comes_back_from_the_table(
    bench: Bench, data_format: DataFormat, type_: str, value: str, text: str
) -> None:
    row = f'{{"c": {value}}}\n'
    body = f"[{row}]" if data_format is DataFormat.JSON else row
    assert bench.table(body, data_format, f"c {type_}") == [(expected(text, type_),)]


@pytest.mark.parametrize("type_,value,_text", TAKEN_JSON)
def test_plain_and_exact_reading_agree(bench: Bench, type_: str, value: str, _text: str) -> None:
    # Two spellings of a column in one body are not plain, so all of it is read one by one.
    plain = bench.table(f'[{{"c": {value}}}, {{"c": null}}]', DataFormat.JSON, f"c {type_}")
    exact = bench.table(f'[{{"c": {value}}}, {{"C": null}}]', DataFormat.JSON, f"c {type_}")
    assert plain == exact
    assert plain[1] == (None,)


@pytest.mark.parametrize("type_,value", REFUSED_JSON)
@pytest.mark.parametrize("row", ['{{"c": {}}}', '{{"c": null}}, {{"c": {}}}'])
def test_a_json_value_that_does_not_fit_is_refused(
    bench: Bench, row: str, type_: str, value: str
) -> None:
    with pytest.raises(RowsDoNotFitError) as caught:
        bench.read(f"[{row.format(value)}]", DataFormat.JSON, f"c {type_}")
    problem = caught.value.problems[0]
    assert (problem.row, problem.column) == (row.count("c"), "c")
    assert len(problem.message) < 700


@pytest.mark.parametrize(
    "type_,value,text",
    [
        (type_, json.loads(value) if value.startswith('"') else value, text)
        for type_, value, text in TAKEN_JSON
        # JSON's text is one in CSV; a map's entries are JSON there as well
        if type_ != "JSON"
    ]
    + TAKEN_CSV,
)
def test_a_csv_value_comes_back_from_the_table(
    bench: Bench, type_: str, value: str, text: str
) -> None:
    found = bench.table(csv_body(value), DataFormat.CSV, f"c {type_}")
    assert found == [(expected(text, type_),)]


@pytest.mark.parametrize("type_,value", REFUSED_CSV)
def test_a_csv_value_that_does_not_fit_is_refused(bench: Bench, type_: str, value: str) -> None:
    with pytest.raises(RowsDoNotFitError) as caught:
        bench.read(csv_body(value), DataFormat.CSV, f"c {type_}")
    assert (caught.value.problems[0].row, caught.value.problems[0].column) == (1, "c")


@pytest.mark.parametrize("sign", ["", "-"])
def test_the_longest_intervals(bench: Bench, sign: str) -> None:
    body = f'[{{"c": "{sign}P2147483647M2147483647DT9223372036854.775807S"}}]'
    (row,) = bench.table(body, DataFormat.JSON, "c INTERVAL")
    assert row == (
        f"{sign}178956970 years {sign}7 months {sign}2147483647 days {sign}2562047788:00:54.775807",
    )


def test_long_values_are_shortened_in_messages(bench: Bench) -> None:
    with pytest.raises(RowsDoNotFitError) as caught:
        bench.read(f'[{{"c": "{"x" * 10_000}"}}]', DataFormat.JSON, "c INTEGER")
    assert len(str(caught.value)) < 300
