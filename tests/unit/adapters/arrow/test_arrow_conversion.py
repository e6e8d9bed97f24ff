"""Arrow and Parquet columns: what each column type takes of them, and what is refused."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import UUID

import pyarrow as pa
import pytest

from domain.errors import MalformedBodyError, RowsDoNotFitError
from domain.formats import DataFormat
from tests.unit.adapters.arrow.bodies import Bench, arrow_body, binary_body, parquet_body

ARROW = DataFormat.ARROW
PARQUET = DataFormat.PARQUET
BOTH = pytest.mark.parametrize("data_format", [ARROW, PARQUET])
NAN = float("nan")
INFINITY = float("inf")
INT64_MAX = 2**63 - 1
UUID_TEXT = "550e8400-e29b-41d4-a716-446655440000"


def integers(values: list[int], arrow_type: pa.DataType) -> pa.Array:
    """Values of any type that is a number inside."""
    return pa.array(values, pa.int64()).cast(arrow_type)


def stamps(*texts: str) -> pa.Array:
    return pa.array(texts).cast(pa.timestamp("us"))


TAKEN: list[tuple[pa.Array, str, list[str | None] | None]] = [
    (pa.array([True, None]), "BOOLEAN", ["true", None]),
    (pa.array([-128, 127], pa.int64()), "TINYINT", ["-128", "127"]),
    (pa.array([255], pa.uint8()), "SMALLINT", ["255"]),
    (pa.array([2**63], pa.uint64()), "UBIGINT", [str(2**63)]),
    (pa.array([2**64 - 1], pa.uint64()), "HUGEINT", [str(2**64 - 1)]),
    (pa.array([1], pa.int8()), "UHUGEINT", ["1"]),
    (pa.array([1.0, None, -3.0]), "INTEGER", ["1", None, "-3"]),
    (pa.array([-(2.0**63)]), "BIGINT", [str(-(2**63))]),
    (pa.array([1e30]), "HUGEINT", [str(int(1e30))]),
    (pa.array([1.5, 2.0], pa.float16()), "DOUBLE", ["1.5", "2.0"]),
    (pa.array([Decimal(5), Decimal(-6)]), "HUGEINT", ["5", "-6"]),
    (pa.array([Decimal("5.00")]), "SMALLINT", ["5"]),
    (pa.array([0.5, NAN, INFINITY]), "FLOAT", ["0.5", "nan", "inf"]),
    (pa.array([0.1], pa.float32()), "FLOAT", ["0.1"]),
    (pa.array([2**53, 2**60, -(2**63)]), "DOUBLE", None),
    (pa.array([2**24]), "FLOAT", ["16777216.0"]),
    (pa.array([Decimal("0.1"), Decimal("1234567.25")]), "DOUBLE", ["0.1", "1234567.25"]),
    (pa.array([Decimal("0.25")]), "FLOAT", ["0.25"]),
    (pa.array([Decimal("1.50")]), "DECIMAL(9,1)", ["1.5"]),
    (pa.array([Decimal("1.5")], pa.decimal256(60, 10)), "DECIMAL(38,20)", ["1.5" + "0" * 19]),
    (pa.array([12, 2**63], pa.uint64()), "DECIMAL(20,0)", ["12", str(2**63)]),
    (pa.array([12], pa.int8()), "DECIMAL(4,2)", ["12.00"]),
    (pa.array(["x", None, ""]), "VARCHAR", ["x", None, ""]),
    (pa.array(["é🦆"], pa.large_string()), "VARCHAR", ["é🦆"]),
    (pa.array(["x", "y", "x", None]).dictionary_encode(), "VARCHAR", ["x", "y", "x", None]),
    (pa.array([b"\0\xff"]), "BLOB", ["\\x00\\xFF"]),
    (pa.array([b"ab"], pa.large_binary()), "BLOB", ["ab"]),
    (pa.array([b"ab"], pa.binary(2)), "BLOB", ["ab"]),
    (pa.array([UUID_TEXT.upper()]), "UUID", [UUID_TEXT]),
    (pa.array([UUID(UUID_TEXT).bytes], pa.uuid()), "UUID", [UUID_TEXT]),
    (pa.array([UUID(UUID_TEXT).bytes], pa.binary(16)), "UUID", [UUID_TEXT]),
    (pa.array(['{"a": 1.0}', None]), "JSON", ['{"a": 1.0}', None]),
    (pa.array(["[1]"], pa.json_(pa.string())), "JSON", ["[1]"]),
    (pa.array([dt.date(2024, 2, 29)]), "DATE", ["2024-02-29"]),
    (pa.array([dt.date(2024, 2, 29)], pa.date64()), "DATE", ["2024-02-29"]),
    (stamps("2024-02-29"), "DATE", ["2024-02-29"]),
    (pa.array([2**31 - 1, -(2**31) + 1], pa.date32()), "DATE", ["infinity", "-infinity"]),
    (pa.array([dt.time(12, 30, 0, 5)]), "TIME", ["12:30:00.000005"]),
    (pa.array([1], pa.time32("s")), "TIME", ["00:00:01"]),
    (pa.array([1000], pa.time64("ns")), "TIME", ["00:00:00.000001"]),
    (pa.array(["12:30:00Z"]), "TIME WITH TIME ZONE", ["12:30:00+00"]),
    (stamps("2024-02-29T01:00:00"), "TIMESTAMP", ["2024-02-29 01:00:00"]),
    (pa.array([2_000], pa.timestamp("ns")), "TIMESTAMP", ["1970-01-01 00:00:00.000002"]),
    (pa.array([2], pa.timestamp("s")), "TIMESTAMP_NS", ["1970-01-01 00:00:02"]),
    (pa.array([2_000_000], pa.timestamp("us")), "TIMESTAMP_S", ["1970-01-01 00:00:02"]),
    (pa.array([dt.date(2024, 2, 29)]), "TIMESTAMP_MS", ["2024-02-29 00:00:00"]),
    (integers([INT64_MAX, -INT64_MAX], pa.timestamp("us")), "TIMESTAMP", ["infinity", "-infinity"]),
    (
        pa.array([0], pa.timestamp("ms", "Europe/Paris")),
        "TIMESTAMP WITH TIME ZONE",
        ["1970-01-01 00:00:00+00"],
    ),
    (pa.array(["P1D", "1 year"]), "INTERVAL", ["1 day", "1 year"]),
    (pa.array([-1_500_000], pa.duration("us")), "INTERVAL", ["-00:00:01.5"]),
    (pa.nulls(2), "DECIMAL(4,1)", [None, None]),
    (pa.nulls(1), "STRUCT(x INTEGER)", [None]),
    (pa.array([[1, None], None, []]), "TINYINT[]", ["[1, NULL]", None, "[]"]),
    (pa.array([[1], None], pa.large_list(pa.int64())), "HUGEINT[]", ["[1]", None]),
    (pa.array([[1, 2], None], pa.list_(pa.int64(), 2)), "DOUBLE[]", ["[1.0, 2.0]", None]),
    (pa.array([[["a"], None], []]), "VARCHAR[][]", ["[[a], NULL]", "[]"]),
    (
        pa.array([{"X": 1, "y": None}, None, {"X": None, "y": "b"}]),
        "STRUCT(y VARCHAR, x TINYINT, z DATE)",
        ["{'y': NULL, 'x': 1, 'z': NULL}", None, "{'y': b, 'x': NULL, 'z': NULL}"],
    ),
    (
        pa.array([[(1, ["a"])], None, []], pa.map_(pa.int32(), pa.list_(pa.string()))),
        "MAP(BIGINT, VARCHAR[])",
        ["{1=[a]}", None, "{}"],
    ),
]

TAKEN_IN_ARROW: list[tuple[pa.Array, str, list[str | None] | None]] = [
    (pa.array(["x", "a longer text than 12", None], pa.string_view()), "VARCHAR", None),
    (pa.array([b"x", b"a longer one than 12 bytes"], pa.binary_view()), "BLOB", None),
    (pa.array([["x"], None], pa.list_(pa.string_view())), "VARCHAR[]", None),
    (
        pa.array([(14, -3, 5_000)], pa.month_day_nano_interval()),
        "INTERVAL",
        ["1 year 2 months -3 days 00:00:00.000005"],
    ),
    (pa.array([1, 2], pa.decimal32(5, 0)), "BIGINT", ["1", "2"]),
    (pa.array([1, 2], pa.decimal64(15, 0)), "DECIMAL(18,3)", ["1.000", "2.000"]),
]

# An array whose second value, or whose type, does not fit
REFUSED = [
    (pa.array([1, 128]), "TINYINT", 2),
    (pa.array([1, -1]), "UBIGINT", 2),
    (pa.array([1, -1]), "UHUGEINT", 2),
    (pa.array([1.0, 1.5]), "INTEGER", 2),
    (pa.array([1.0, NAN]), "INTEGER", 2),
    (pa.array([1.0, INFINITY]), "HUGEINT", 2),
    (pa.array([1.0, 2.0**63]), "BIGINT", 2),
    (pa.array([1.0, 2.0**127]), "HUGEINT", 2),
    (pa.array([Decimal("1.0"), Decimal("1.5")]), "INTEGER", 2),
    (pa.array([Decimal(1), Decimal(128)]), "TINYINT", 2),
    (pa.array([0.5, 0.1]), "FLOAT", 2),
    (pa.array([0.5, 1e39]), "FLOAT", 2),
    (pa.array([1, 2**53 + 1]), "DOUBLE", 2),
    (pa.array([1, 2**24 + 1]), "FLOAT", 2),
    (pa.array([Decimal(1), Decimal("0." + "1" * 30)]), "DOUBLE", 2),
    (pa.array([Decimal(1), Decimal("0.1")]), "FLOAT", 2),
    (pa.array([Decimal("1.50"), Decimal("1.55")]), "DECIMAL(9,1)", 2),
    (pa.array([Decimal(1), Decimal(1000)]), "DECIMAL(3,0)", 2),
    (pa.array([1, 1000]), "DECIMAL(4,1)", 2),
    (pa.array(["a", "a\0"]), "VARCHAR", 2),
    (pa.array([UUID_TEXT, "x"]), "UUID", 2),
    (pa.array(["{}", "{"]), "JSON", 2),
    (pa.array(["{}", ""]), "JSON", 2),
    (pa.array(["12:30:00Z", "12:30:00"]), "TIME WITH TIME ZONE", 2),
    (pa.array(["P1D", "1"]), "INTERVAL", 2),
    (pa.array([0, 1], pa.duration("ns")), "INTERVAL", 2),
    (stamps("2024-01-01", "2024-01-01T01:00:00"), "DATE", 2),
    (pa.array([0, -(2**31)], pa.date32()), "DATE", 2),
    (pa.array([0, 1], pa.time64("ns")), "TIME", 2),
    (pa.array([0, 1], pa.timestamp("ns")), "TIMESTAMP", 2),
    (pa.array([0, 1], pa.timestamp("us")), "TIMESTAMP_MS", 2),
    (integers([0, -(2**63)], pa.timestamp("us")), "TIMESTAMP", 2),
    (integers([0, 2**62], pa.timestamp("ms")), "TIMESTAMP", 2),
    (integers([0, -INT64_MAX + 5], pa.timestamp("ns")), "TIMESTAMP_NS", 2),
    (pa.array([[1], [2, 300]]), "TINYINT[]", 2),
    (pa.array([[[1]], [[2], [300]]]), "TINYINT[][]", 2),
    (pa.array([{"x": 1}, {"x": 300}]), "STRUCT(x TINYINT)", 2),
    (
        pa.array([[(1, 1)], [(1, 1), (1, 2)]], pa.map_(pa.int32(), pa.int32())),
        "MAP(INTEGER, INTEGER)",
        2,
    ),
    (pa.array([[(1, 1)], [(300, 2)]], pa.map_(pa.int32(), pa.int32())), "MAP(TINYINT, INTEGER)", 2),
    (pa.array(["1"]), "INTEGER", None),
    (pa.array(["1.5"]), "DOUBLE", None),
    (pa.array(["1.5"]), "DECIMAL(4,1)", None),
    (pa.array(["true"]), "BOOLEAN", None),
    (pa.array(["2024-01-01"]), "DATE", None),
    (pa.array(["x"]), "BLOB", None),
    (pa.array([b"x"]), "VARCHAR", None),
    (pa.array([b"x"], pa.binary(1)), "UUID", None),
    (pa.array([1]), "VARCHAR", None),
    (pa.array([1]), "BOOLEAN", None),
    (pa.array([True]), "INTEGER", None),
    (pa.array([1]), "DATE", None),
    (pa.array([1]), "TIMESTAMP", None),
    (pa.array([0.5]), "DECIMAL(4,1)", None),
    (pa.array([0], pa.timestamp("us")), "TIMESTAMP WITH TIME ZONE", None),
    (pa.array([0], pa.timestamp("us", "UTC")), "TIMESTAMP", None),
    (pa.array([0], pa.timestamp("us", "UTC")), "DATE", None),
    (pa.array([dt.date(2024, 1, 1)]), "TIMESTAMP WITH TIME ZONE", None),
    (pa.array([dt.time(1)]), "TIMESTAMP", None),
    (pa.array([dt.time(1)]), "TIME WITH TIME ZONE", None),
    (pa.array([[1]]), "INTEGER", None),
    (pa.array([1]), "INTEGER[]", None),
    (pa.array([["1"]]), "INTEGER[]", None),
    (pa.array([{"x": 1}]), "INTEGER[]", None),
    (pa.array([{"z": 1}]), "STRUCT(x INTEGER)", None),
    (pa.array([{"x": 1, "X": 1}]), "STRUCT(x INTEGER)", None),
    (pa.array([[1]]), "STRUCT(x INTEGER)", None),
    (pa.array([{"1": 1}]), "MAP(VARCHAR, INTEGER)", None),
]


@BOTH
@pytest.mark.parametrize("array,type_,texts", TAKEN)
def test_values_come_back_from_the_table(
    bench: Bench,
    data_format: DataFormat,
    array: pa.Array,
    type_: str,
    texts: list[str | None] | None,
) -> None:
    found = bench.table(binary_body(pa.table({"c": array}), data_format), data_format, f"c {type_}")
    assert len(found) == len(array)
    if texts is not None:
        assert found == [(text,) for text in texts]


@pytest.mark.parametrize("array,type_,texts", TAKEN + TAKEN_IN_ARROW)
def test_a_part_of_an_array_is_that_part(
    bench: Bench, array: pa.Array, type_: str, texts: list[str | None] | None
) -> None:
    part = pa.concat_arrays([array, array, array]).slice(1, len(array))
    found = bench.table(arrow_body(pa.table({"c": part})), ARROW, f"c {type_}")
    whole = bench.table(arrow_body(pa.table({"c": array})), ARROW, f"c {type_}")
    assert found == (whole + whole)[1 : 1 + len(array)]
    if texts is not None:
        assert whole == [(text,) for text in texts]


@BOTH
@pytest.mark.parametrize("array,type_,row", REFUSED)
def test_values_that_would_lose_something_are_refused(
    bench: Bench, data_format: DataFormat, array: pa.Array, type_: str, row: int | None
) -> None:
    body = binary_body(pa.table({"good": pa.array([1] * len(array)), "c": array}), data_format)
    with pytest.raises(RowsDoNotFitError) as caught:
        bench.read(body, data_format, f"good INTEGER; c {type_}")
    assert [(found.row, found.column) for found in caught.value.problems] == [(row, "c")]


def test_intervals_finer_than_a_microsecond_are_refused(bench: Bench) -> None:
    array = pa.array([(0, 0, 1_000), (0, 0, 1)], pa.month_day_nano_interval())
    with pytest.raises(RowsDoNotFitError) as caught:
        bench.read(arrow_body(pa.table({"c": array})), ARROW, "c INTERVAL")
    assert caught.value.problems[0].row == 2


@pytest.mark.parametrize(
    "array",
    [
        pa.array([[1]], pa.list_view(pa.int64())),
        pa.array([1, 1]).dictionary_encode().cast(pa.dictionary(pa.int32(), pa.int64())),
        pa.RunEndEncodedArray.from_arrays(pa.array([2], pa.int32()), pa.array([1])),
    ],
)
def test_encodings_are_read_or_refused(bench: Bench, array: pa.Array) -> None:
    body = arrow_body(pa.table({"c": array}))
    if pa.types.is_dictionary(array.type):
        assert bench.table(body, ARROW, "c INTEGER") == [("1",), ("1",)]
    else:
        with pytest.raises(RowsDoNotFitError):
            bench.read(body, ARROW, "c INTEGER")


@BOTH
@pytest.mark.parametrize(
    "names,problem",
    [
        (("a", "x"), "x"),
        (("a", "A"), "a"),
        (("a", "a"), "a"),
        (("a", ""), ""),
        (("a", "opaque"), "opaque"),
    ],
)
def test_columns_that_do_not_fit(
    bench: Bench, data_format: DataFormat, names: tuple[str, str], problem: str
) -> None:
    table = pa.table([pa.array([1]), pa.array([2])], names=list(names))
    with pytest.raises(RowsDoNotFitError) as caught:
        bench.read(binary_body(table, data_format), data_format, "a INTEGER; opaque VARIANT")
    assert [(found.row, found.column) for found in caught.value.problems] == [(None, problem)]


@BOTH
def test_columns_are_matched_by_name(bench: Bench, data_format: DataFormat) -> None:
    table = pa.table({"C": pa.array(["x", "y"]), "A": pa.array([1, 2])})
    body = binary_body(table, data_format)
    rows = bench.read(body, data_format, "a INTEGER; b DATE; c VARCHAR")
    assert rows.columns == ("a", "c")
    assert bench.table(body, data_format, "a INTEGER; b DATE; c VARCHAR") == [
        ("1", None, "x"),
        ("2", None, "y"),
    ]


@BOTH
def test_values_that_must_be_there(bench: Bench, data_format: DataFormat) -> None:
    table = pa.table({"a": pa.array([1, 2, None])})
    with pytest.raises(RowsDoNotFitError) as caught:
        bench.read(binary_body(table, data_format), data_format, "a INTEGER!; b DATE")
    assert [(found.row, found.column) for found in caught.value.problems] == [(3, "a")]
    with pytest.raises(RowsDoNotFitError) as caught:
        bench.read(binary_body(table, data_format), data_format, "a INTEGER; b DATE!")
    assert [(found.row, found.column) for found in caught.value.problems] == [(1, "b")]
    empty = binary_body(table.slice(0, 0), data_format)
    assert bench.table(empty, data_format, "a INTEGER; b DATE!") == []


@BOTH
def test_types_are_checked_without_rows_too(bench: Bench, data_format: DataFormat) -> None:
    body = binary_body(pa.table({"a": pa.array([], pa.string())}), data_format)
    with pytest.raises(RowsDoNotFitError):
        bench.read(body, data_format, "a INTEGER")


@BOTH
def test_row_numbers_go_on_over_batches(bench: Bench, data_format: DataFormat) -> None:
    good = pa.table({"a": pa.array([1] * 100_000)})
    table = pa.concat_tables([good, good, pa.table({"a": pa.array([1, 2**40])})])
    body = arrow_body(table) if data_format is ARROW else parquet_body(table, row_group_size=70_000)
    with pytest.raises(RowsDoNotFitError) as caught:
        bench.read(body, data_format, "a INTEGER")
    assert [(found.row, found.column) for found in caught.value.problems] == [(200_002, "a")]


@pytest.mark.parametrize("compression", [None, "lz4", "zstd"])
def test_compressed_streams(bench: Bench, compression: str | None) -> None:
    table = pa.table({"a": pa.array(range(50_000)), "b": pa.array(["text"] * 50_000)})
    body = arrow_body(table, compression)
    rows = bench.read([body[:5], body[5:1000], body[1000:]], ARROW, "a BIGINT; b VARCHAR")
    assert pa.table(rows).equals(table)
    rows.close()


def test_streams_of_old_writers(bench: Bench) -> None:
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(use_legacy_format=True)
    with pa.ipc.new_stream(sink, pa.schema([("a", pa.int64())]), options=options) as writer:
        writer.write_table(pa.table({"a": [1, 2]}))
    body = sink.getvalue().to_pybytes()
    assert bench.table([body[:3], body[3:]], ARROW, "a INTEGER") == [("1",), ("2",)]


def test_a_stream_ends_with_its_mark(bench: Bench) -> None:
    body = arrow_body(pa.table({"a": [1, 2]}))
    assert bench.table(body, ARROW, "a INTEGER") == [("1",), ("2",)]
    for wrong in (body + b"x", body + body, body[:-9], body[:-30]):
        with pytest.raises(MalformedBodyError):
            bench.read(wrong, ARROW, "a INTEGER")


def test_what_the_engine_gives_is_taken_back(bench: Bench) -> None:
    columns = (
        "d DECIMAL(38,0); u UUID; t TIMESTAMP_NS; "
        "l STRUCT(a INTEGER, b VARCHAR)[]; m MAP(VARCHAR, DATE)"
    )
    value: Any = bench.read(
        f'[{{"d": 5, "u": "{UUID_TEXT}", "t": "2024-01-31T12:30:00.123456789", '
        '"l": [{"a": 1, "b": "x"}, null], "m": {"k": "2024-01-31"}}]',
        DataFormat.JSON,
        columns,
    )
    table = pa.table(value)
    for data_format in (ARROW, PARQUET):
        found = bench.table(binary_body(table, data_format), data_format, columns)
        assert found == [
            (
                "5",
                UUID_TEXT,
                "2024-01-31 12:30:00.123456789",
                "[{'a': 1, 'b': x}, NULL]",
                "{k=2024-01-31}",
            )
        ]


def test_int96_timestamps_of_all_years(bench: Bench) -> None:
    texts = ["0001-01-01 00:00:00.000001", "2024-01-31 12:30:00.5", "9999-12-31 23:59:59"]
    table = pa.table({"a": stamps(*texts)})
    body = parquet_body(table, use_deprecated_int96_timestamps=True)
    assert bench.table(body, PARQUET, "a TIMESTAMP") == [(text,) for text in texts]


def test_int96_timestamps_lose_no_digits(bench: Bench) -> None:
    values = pa.array([None, 5_000, -1_001], pa.timestamp("ns"))
    table = pa.table({"a": pa.chunked_array([values.slice(0, 2), values])})
    body = parquet_body(table, use_deprecated_int96_timestamps=True)
    for type_ in ("TIMESTAMP", "TIMESTAMP_NS"):
        with pytest.raises(RowsDoNotFitError) as caught:
            bench.read(body, PARQUET, f"a {type_}")
        assert [(found.row, found.column) for found in caught.value.problems] == [(5, "a")]
    nested = pa.table({"a": pa.array([[0]], pa.list_(pa.timestamp("ns")))})
    with pytest.raises(RowsDoNotFitError):
        bench.read(
            parquet_body(nested, use_deprecated_int96_timestamps=True), PARQUET, "a TIMESTAMP[]"
        )
