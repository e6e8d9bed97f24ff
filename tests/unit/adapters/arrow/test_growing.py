"""Bodies for tables that grow: what their values show of the types, and that none is lost."""

from __future__ import annotations

import datetime as dt
import gzip
import json
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.arrow.limits import Limits
from adapters.arrow.reader import ArrowRowReader
from domain.bodies import BodyFormat, ContentCoding, CsvOptions
from domain.errors import (
    EmptyBodyError,
    InvalidColumnError,
    MalformedBodyError,
    RowsDoNotFitError,
    TooLargeError,
)
from domain.formats import DataFormat
from domain.growth import Growth
from domain.rows import Rows
from tests.unit.adapters.arrow.bodies import arrow_body, columns_of, parquet_body

JSON, NDJSON, CSV = DataFormat.JSON, DataFormat.NDJSON, DataFormat.CSV
PARQUET, ARROW = DataFormat.PARQUET, DataFormat.ARROW
TABLE = "id INTEGER"


class Growing:
    """A row reader for tables that grow."""

    def __init__(self, spool: Path) -> None:
        self.spool = spool

    def rows(
        self,
        body: bytes | str,
        data_format: DataFormat | BodyFormat,
        columns: str = TABLE,
        **limits: int,
    ) -> Rows:
        content = body.encode() if isinstance(body, str) else body
        wanted = data_format if isinstance(data_format, BodyFormat) else BodyFormat(data_format)
        reader = ArrowRowReader(self.spool, Limits(**limits))
        with closing(reader.hold([content], wanted)) as held:
            return held.rows(columns_of(columns))

    def few_columns(self, body: str, data_format: DataFormat) -> None:
        """Read with a limit of 4 columns."""
        reader = ArrowRowReader(self.spool, Limits(columns=4))
        with closing(reader.hold([body.encode()], BodyFormat(data_format))) as held:
            held.rows(columns_of(TABLE))

    def added(self, body: bytes | str, data_format: DataFormat) -> dict[str, str]:
        """The types of the columns that the body adds."""
        with closing(self.rows(body, data_format)) as rows:
            return types(rows.growth)


def types(growth: Growth) -> dict[str, str]:
    return {column.name: str(column.type) for column in growth.added}


def widened(growth: Growth) -> dict[str, str]:
    return {column.name: str(column.type) for column in growth.widened}


@pytest.fixture
def growing(tmp_path: Path) -> Growing:
    return Growing(tmp_path / "spool")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Growing:
    """One for all examples of a property."""
    return Growing(tmp_path_factory.mktemp("spool"))


@pytest.mark.parametrize(
    "values, type_",
    [
        (["true", "false", "null"], "BOOLEAN"),
        (["0", "-1", "9223372036854775807"], "BIGINT"),
        (["9223372036854775808"], "DECIMAL(38,0)"),
        (["1" * 38, "-1"], "DECIMAL(38,0)"),
        (["1" * 39], "JSON"),
        (["1" * 5000], "JSON"),
        (["1.5", "2"], "DOUBLE"),
        (["1e3"], "DOUBLE"),
        (["-0"], "DOUBLE"),
        (["1.0"], "DOUBLE"),
        (["1.5", '"NaN"', '"Infinity"', '"-Infinity"'], "DOUBLE"),
        (["1", '"NaN"'], "DOUBLE"),
        (['"NaN"'], "VARCHAR"),
        (["0.12345678901234567891"], "DECIMAL(20,20)"),
        (["9007199254740993", "0.5"], "DECIMAL(17,1)"),
        (["1e400"], "JSON"),
        (["0." + "1" * 39], "JSON"),
        (['"x"', '""'], "VARCHAR"),
        (['"1"', '"2"'], "VARCHAR"),
        (['"2024-01-31"'], "DATE"),
        (['"2024-01-31"', '"2024-02-30"'], "VARCHAR"),
        (['"2024-01-31"', '"2024-01-31T00:00:00"'], "VARCHAR"),
        (['"2024-01-31T12:30:00"', '"2024-01-31 12:30:00.123456"'], "TIMESTAMP"),
        (['"2024-01-31T12:30:00.1234567"'], "VARCHAR"),
        (['"2024-01-31T24:00:00"'], "VARCHAR"),
        (['"2024-01-31T12:30:00Z"', '"2024-01-31 12:30:00+00:00"'], "TIMESTAMP WITH TIME ZONE"),
        (['"2024-01-31T12:30:00+01:00"'], "VARCHAR"),
        (['"2024-01-31T12:30:00"', '"2024-01-31T12:30:00Z"'], "VARCHAR"),
        (['"12:30:00"'], "VARCHAR"),
        (["1", '"x"'], "JSON"),
        (["1", "true"], "JSON"),
        (['{"a": 1}'], "JSON"),
        (["[1, 2]", "[null]", "null"], "BIGINT[]"),
        (["[[1.5], []]", "[[2]]"], "DOUBLE[][]"),
        (["[]", "[null]"], "JSON"),
        (['[1, "x"]'], "JSON"),
        (['[{"a": 1}]'], "JSON"),
        (["[1]", "1"], "JSON"),
    ],
)
def test_types_of_json_values(growing: Growing, values: list[str], type_: str) -> None:
    rows = [f'{{"New": {value}}}' for value in values]
    for given_rows in (rows, rows[::-1]):
        assert growing.added("[" + ",".join(given_rows) + "]", JSON) == {"New": type_}
        assert growing.added("\n".join(given_rows), NDJSON) == {"New": type_}


@pytest.mark.parametrize(
    "fields, type_",
    [
        (["true", "False", "TRUE"], "BOOLEAN"),
        (["1", "-5", "0"], "BIGINT"),
        (["007"], "VARCHAR"),
        (["+1"], "VARCHAR"),
        (["-0"], "VARCHAR"),
        (["1e5"], "VARCHAR"),
        (["1e+05", "1.5e10", "-2.5e-3", "7"], "DOUBLE"),
        (["1.50", "2"], "DOUBLE"),
        (["1.", ".5"], "VARCHAR"),
        (["1.5", "NaN", "-Infinity"], "DOUBLE"),
        (["9" * 38], "DECIMAL(38,0)"),
        (["9" * 39], "VARCHAR"),
        (["0.12345678901234567891"], "DECIMAL(20,20)"),
        (["2024-01-31"], "DATE"),
        (["2024-01-31 00:00:00"], "TIMESTAMP"),
        (["2024-01-31T00:00:00Z"], "TIMESTAMP WITH TIME ZONE"),
        (["1", "x"], "VARCHAR"),
        (["1", "true"], "VARCHAR"),
        (['"a,b"', '""'], "VARCHAR"),
        (["{}"], "VARCHAR"),
    ],
)
def test_types_of_csv_fields(growing: Growing, fields: list[str], type_: str) -> None:
    for given_fields in (fields, fields[::-1]):
        body = "id,New\n" + "".join(f"1,{field}\n" for field in given_fields) + "1,\n"
        assert growing.added(body, CSV) == {"New": type_}


@pytest.mark.parametrize(
    "arrow_type, type_",
    [
        (pa.bool_(), "BOOLEAN"),
        (pa.int8(), "TINYINT"),
        (pa.uint64(), "UBIGINT"),
        (pa.float16(), "FLOAT"),
        (pa.float64(), "DOUBLE"),
        (pa.decimal128(9, 2), "DECIMAL(9,2)"),
        (pa.decimal128(5, -2), "DECIMAL(7,0)"),
        (pa.large_string(), "VARCHAR"),
        (pa.string_view(), "VARCHAR"),
        (pa.dictionary(pa.int8(), pa.string()), "VARCHAR"),
        (pa.binary(5), "BLOB"),
        (pa.uuid(), "UUID"),
        (pa.json_(), "JSON"),
        (pa.date64(), "DATE"),
        (pa.time32("s"), "TIME"),
        (pa.timestamp("s"), "TIMESTAMP"),
        (pa.timestamp("us"), "TIMESTAMP"),
        (pa.timestamp("ns"), "TIMESTAMP_NS"),
        (pa.timestamp("us", "Europe/Berlin"), "TIMESTAMP WITH TIME ZONE"),
        (pa.duration("us"), "INTERVAL"),
        (pa.list_(pa.int32()), "INTEGER[]"),
        (pa.list_(pa.int32(), 3), "INTEGER[]"),
        (pa.struct([("a", pa.int32()), ("b c", pa.string())]), 'STRUCT(a INTEGER, "b c" VARCHAR)'),
        (pa.map_(pa.string(), pa.int64()), "MAP(VARCHAR, BIGINT)"),
    ],
)
def test_types_of_arrow_fields(growing: Growing, arrow_type: pa.DataType, type_: str) -> None:
    table = pa.table({"id": pa.array([1], pa.int32()), "New": pa.nulls(1, arrow_type)})
    assert growing.added(arrow_body(table), ARROW) == {"New": type_}


def test_parquet_says_its_types(growing: Growing) -> None:
    table = pa.table(
        {
            "id": pa.array([1, 2]),
            "s": pa.array(["x", None]),
            "t": pa.array([1, 2], pa.timestamp("ms")),
            "l": pa.array([[1], None], pa.list_(pa.int16())),
        }
    )
    assert growing.added(parquet_body(table), PARQUET) == {
        "s": "VARCHAR",
        "t": "TIMESTAMP",
        "l": "SMALLINT[]",
    }


@pytest.mark.parametrize(
    "arrow_type",
    [
        pa.list_(pa.null()),
        pa.struct([]),
        pa.decimal256(60, 2),
        pa.run_end_encoded(pa.int32(), pa.int8()),
    ],
)
def test_arrow_types_that_no_column_has(growing: Growing, arrow_type: pa.DataType) -> None:
    schema = pa.schema([("id", pa.int32()), ("new", arrow_type)])
    with pytest.raises(InvalidColumnError):
        growing.added(arrow_body(schema.empty_table()), ARROW)


@pytest.mark.parametrize(
    "body, data_format",
    [
        ('[{"id": 1, "x": null}, {"ID": 2}]', JSON),
        ('{"id": 1, "x": null}\n{"id": 2, "X": null, "y": null}', NDJSON),
        ("x,id\n,1\n,2\n", CSV),
        (arrow_body(pa.table({"x": pa.nulls(2), "id": pa.array([1, 2])})), ARROW),
        (parquet_body(pa.table({"x": pa.nulls(2), "id": pa.array([1, 2])})), PARQUET),
    ],
)
def test_columns_of_nulls_alone_are_left_out(
    growing: Growing, body: bytes | str, data_format: DataFormat
) -> None:
    with closing(growing.rows(body, data_format)) as rows:
        assert not rows.growth
        assert rows.columns == ("id",)
        assert pa.table(rows).to_pydict() == {"id": [1, 2]}


def test_rows_of_nothing_else_have_no_column(growing: Growing) -> None:
    with pytest.raises(RowsDoNotFitError, match="no column"):
        growing.rows('[{"x": null}]', JSON)


@pytest.mark.parametrize(
    "columns, body, type_",
    [
        ("n TINYINT", '[{"n": 127}, {"n": 128}]', "SMALLINT"),
        ("n TINYINT", '[{"n": 70000}]', "INTEGER"),
        ("n INTEGER", '[{"n": -2147483649}]', "BIGINT"),
        ("n UTINYINT", '[{"n": -1}]', "SMALLINT"),
        ("n UINTEGER", '[{"n": 18446744073709551615}]', "UBIGINT"),
        ("n FLOAT", '[{"n": 1e39}]', "DOUBLE"),
        ("n DECIMAL(4,2)", '[{"n": 123.4}]', "DECIMAL(5,2)"),
        ("n DECIMAL(4,2)", '[{"n": 1.234}]', "DECIMAL(5,3)"),
        ("n INTEGER", '[{"n": 9223372036854775808}]', None),
        ("n UBIGINT", '[{"n": -1}]', None),
        ("n INTEGER", '[{"n": 1.5}]', None),
        ("n INTEGER", '[{"n": 5000000000}, {"n": "x"}]', None),
        ("n INTEGER", '[{"n": true}]', None),
        ("n DECIMAL(38,0)", '[{"n": 0.5}, {"n": ' + "1" * 38 + "}]", None),
        ("n VARCHAR", '[{"n": 1}]', None),
        ("n INTEGER[]", '[{"n": [5000000000]}]', None),
    ],
)
def test_numbers_widen_columns_of_their_kind(
    growing: Growing, columns: str, body: str, type_: str | None
) -> None:
    if type_ is None:
        with pytest.raises(RowsDoNotFitError) as caught:
            growing.rows(body, JSON, columns)
        assert caught.value.problems[0].column == "n"
    else:
        with closing(growing.rows(body, JSON, columns)) as rows:
            assert widened(rows.growth) == {"n": type_}


@pytest.mark.parametrize(
    "columns, array, type_",
    [
        ("n SMALLINT", pa.array([1, None, 2**40]), "BIGINT"),
        ("n SMALLINT", pa.array([1, 2**63], pa.uint64()), None),
        ("n FLOAT", pa.array([0.5, 0.1]), "DOUBLE"),
        ("n DECIMAL(4,2)", pa.array([Decimal("123.4500")], pa.decimal128(20, 4)), "DECIMAL(5,2)"),
        ("n INTEGER", pa.array(["x"]), None),
    ],
)
def test_arrays_widen_columns_of_their_kind(
    growing: Growing, columns: str, array: pa.Array, type_: str | None
) -> None:
    body = arrow_body(pa.table({"n": array}))
    if type_ is None:
        with pytest.raises(RowsDoNotFitError):
            growing.rows(body, ARROW, columns)
    else:
        with closing(growing.rows(body, ARROW, columns)) as rows:
            assert widened(rows.growth) == {"n": type_}


def test_columns_that_have_the_room_are_not_widened(growing: Growing) -> None:
    columns = "id SMALLINT; f FLOAT; d DECIMAL(9,2)"
    table = pa.table(
        {
            "id": pa.array([7], pa.int64()),
            "f": pa.array([0.5]),
            "d": pa.array([Decimal("1.50")], pa.decimal128(38, 10)),
            "new": pa.array([True]),
        }
    )
    for body, data_format in (
        (arrow_body(table), ARROW),
        (parquet_body(table), PARQUET),
        ('[{"id": 7, "f": 0.1, "d": 1.50, "new": true}]', JSON),
        ("id,f,d,new\n7,0.1,1.50,true\n", CSV),
    ):
        with closing(growing.rows(body, data_format, columns)) as rows:
            assert (types(rows.growth), widened(rows.growth)) == ({"new": "BOOLEAN"}, {})


def test_new_columns_come_in_the_order_of_the_body(growing: Growing) -> None:
    body = '[{"z": 1, "id": 1}, {"a": 2, "Z": 3, "m": null}, {"B": 1, "m": 1}]'
    assert [*growing.added(body, JSON)] == ["z", "a", "m", "B"]


@pytest.mark.parametrize(
    "body, data_format",
    [
        ('[{"x": 1, "X": 2}]', JSON),
        ('[{"x": 1, "x": 2}]', JSON),
        ("id,x,X\n1,2,3\n", CSV),
        (arrow_body(pa.table([pa.array([1]), pa.array([2])], names=["x", "X"])), ARROW),
    ],
)
def test_a_new_column_given_twice_does_not_fit(
    growing: Growing, body: bytes | str, data_format: DataFormat
) -> None:
    with pytest.raises(RowsDoNotFitError, match=r"twice|same name"):
        growing.rows(body, data_format)


@pytest.mark.parametrize(
    "body, row",
    [
        ('[{"new": 1}, {"id": "x"}]', 2),
        ('[{"new": 1}, 5]', 2),
        ('[{"new": 1, "id": 1}, {"new": 1, "id": 1.5}]', 2),
    ],
)
def test_what_does_not_fit_all_the_same_is_told_by_its_row(
    growing: Growing, body: str, row: int
) -> None:
    with pytest.raises(RowsDoNotFitError) as caught:
        growing.rows(body, JSON)
    assert caught.value.problems[0].row == row


def test_names_against_the_rules(growing: Growing) -> None:
    for body, data_format in (
        ('[{"rowid": 1}]', JSON),
        ('[{"": 1}]', JSON),
        ("id,\n1,2\n", CSV),
        ('[{"' + "x" * 129 + '": 1}]', JSON),
    ):
        with pytest.raises(InvalidColumnError):
            growing.rows(body, data_format)


def test_too_many_columns(growing: Growing) -> None:
    names = [f"c{number}" for number in range(100_000)]
    with pytest.raises(TooLargeError, match="10000 columns"):
        growing.rows(",".join(names) + "\n", CSV)
    row = "{" + ",".join(f'"{name}":1' for name in names) + "}"
    with pytest.raises(InvalidColumnError, match="10000 columns"):
        growing.rows(f"[{row}]", JSON)
    schema = pa.schema([(name, pa.int8()) for name in names])
    with pytest.raises(TooLargeError, match="10000 columns"):
        growing.rows(arrow_body(schema.empty_table()), ARROW)
    with pytest.raises(InvalidColumnError, match="4 columns"):
        growing.few_columns('[{"a": 1, "b": 1, "c": 1, "d": 1}]', JSON)


@pytest.mark.parametrize(
    "body, data_format, error",
    [
        ("", JSON, EmptyBodyError),
        ('[{"x": 1}', JSON, MalformedBodyError),
        ('{"x": 1}\n{"x"', NDJSON, MalformedBodyError),
        ('id,x\n1,"2\n', CSV, MalformedBodyError),
        ("PAR1", PARQUET, MalformedBodyError),
        ('[{"x": ' + "[" * 100_000 + "]" * 100_000 + "}]", JSON, TooLargeError),
        ('{"x": ' + "[" * 501 + "]" * 501 + "}\n", NDJSON, TooLargeError),
    ],
)
def test_bodies_that_cannot_be_read(
    growing: Growing, body: str, data_format: DataFormat, error: type[Exception]
) -> None:
    with pytest.raises(error):
        growing.rows(body, data_format)


def test_packed_and_large_bodies_are_held_in_a_file(growing: Growing) -> None:
    lines = b"".join(b'{"id": %d, "new": "%d"}\n' % (number, number) for number in range(10_000))
    packed = BodyFormat(NDJSON, (ContentCoding.GZIP,))
    with closing(growing.rows(gzip.compress(lines), packed, memory_bytes=1000)) as rows:
        assert types(rows.growth) == {"new": "VARCHAR"}
        assert pa.table(rows).column("new").to_pylist() == [str(n) for n in range(10_000)]
    with pytest.raises(TooLargeError):
        growing.rows(lines, NDJSON, expanded_bytes=1000)


def test_csv_options_hold_for_new_columns(growing: Growing) -> None:
    options = BodyFormat(CSV, csv=CsvOptions(delimiter=";", null="NA", quote="'"))
    with closing(growing.rows("id;x\n1;NA\nNA;'2'\n", options)) as rows:
        assert types(rows.growth) == {"x": "BIGINT"}
        assert pa.table(rows).to_pydict() == {"id": [1, None], "x": [None, 2]}


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.decimals(allow_nan=False, allow_infinity=False, places=5).map(float)
    | st.text(max_size=5)
    | st.dates().map(str)
    | st.datetimes().map(lambda moment: moment.isoformat())
    | st.datetimes().map(lambda moment: f"{moment.isoformat(timespec='microseconds')}Z")
    | st.sampled_from(["NaN", "Infinity", "2024-01-31", "true", "1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=5,
)


@settings(max_examples=400, deadline=None)
@given(values=st.lists(JSON_VALUES, min_size=1, max_size=4))
def test_json_values_come_back_as_they_were(shared: Growing, values: list[Any]) -> None:
    body = json.dumps([{"id": 1, "new": value} for value in values])
    with closing(shared.rows(body, JSON)) as rows:
        table = pa.table(rows)
        if "new" not in rows.columns:
            assert values == [None] * len(values)
            return
        (added,) = rows.growth.added
        found = [_as_json(value, str(added.type)) for value in table.column("new").to_pylist()]
    assert found == [_as_told(value, str(added.type)) for value in values]


@settings(max_examples=300, deadline=None)
@given(
    fields=st.lists(
        st.integers(-(2**130), 2**130).map(str)
        | st.floats(allow_nan=False).map(repr)
        | st.decimals(allow_nan=False, allow_infinity=False).map(str)
        | st.dates().map(str)
        | st.datetimes().map(str)
        | st.from_regex(r"[-+]?0?[0-9]{1,3}(\.[0-9]{0,2})?([eE][-+]?[0-9])?Z?", fullmatch=True)
        | st.sampled_from(["true", "FALSE", "NaN", "inf", "x"]),
        min_size=1,
        max_size=4,
    )
)
def test_csv_fields_come_back_as_they_were(shared: Growing, fields: list[str]) -> None:
    body = "id,new\n" + "".join(f"1,{field}\n" for field in fields)
    with closing(shared.rows(body, CSV)) as rows:
        (added,) = rows.growth.added
        found = pa.table(rows).column("new").to_pylist()
    for field, value in zip(fields, found, strict=True):
        match str(added.type):
            case "VARCHAR":
                assert value == field
            case "BIGINT" | "DECIMAL(38,0)":
                assert str(value) == field
            case "DOUBLE":
                assert repr(value) == repr(float(field))
                assert value != value or Decimal(repr(value)) == Decimal(field)  # noqa: PLR0124
            case "BOOLEAN":
                assert str(value).lower() == field.lower()
            case "DATE":
                assert str(value) == field
            case "TIMESTAMP":
                assert value.isoformat(sep=field[10]) == field or str(value) in field
            case _:
                assert Decimal(value) == Decimal(field)


def _as_json(value: Any, type_: str) -> Any:
    """A value of a column as JSON would tell it; numbers as exact ones."""
    if value is None:
        return None
    if type_.endswith("[]"):
        return [_as_json(part, type_.removesuffix("[]")) for part in value]
    if type_ == "JSON":
        return json.loads(value, parse_float=Decimal)
    if type_ == "DOUBLE":
        text = repr(value)
        named = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
        return named[text] if text in named else Decimal(text)
    if type_ in ("DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE"):
        return value.isoformat().replace("+00:00", "Z")
    return value


def _as_told(value: Any, type_: str) -> Any:
    """What was sent, in the same form."""
    told = json.loads(json.dumps(value), parse_float=Decimal)
    return _moment(told, type_)


def _moment(value: Any, type_: str) -> Any:
    if isinstance(value, list) and type_.endswith("[]"):
        return [_moment(part, type_.removesuffix("[]")) for part in value]
    if type_.startswith("TIMESTAMP") and isinstance(value, str):
        return dt.datetime.fromisoformat(value).isoformat().replace("+00:00", "Z")
    return value
