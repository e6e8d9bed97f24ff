"""JSON and NDJSON bodies: their forms, their rows, and where they are wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest

from domain.errors import (
    EmptyBodyError,
    LakehouseError,
    MalformedBodyError,
    RowsDoNotFitError,
    TooLargeError,
)
from domain.formats import DataFormat
from tests.unit.adapters.arrow.bodies import Bench, pieces

JSON = DataFormat.JSON
NDJSON = DataFormat.NDJSON
COLUMNS = "a INTEGER; b VARCHAR"


@pytest.mark.parametrize(
    "body,rows",
    [
        ('[{"a": 1, "b": "x"}]', [("1", "x")]),
        ('{"rows": [{"a": 1}, {"b": "x"}]}', [("1", None), (None, "x")]),
        (' { "rows" : [ {"a":1} ] } \n', [("1", None)]),
        ('\ufeff[{"a": 1}]', [("1", None)]),
        ('[{"A": 1, "B": "x"}, {"a": 2, "b": "y"}]', [("1", "x"), ("2", "y")]),
        ('[{"b": null}]', [(None, None)]),
        ('[{}, {"a": 1}]', [(None, None), ("1", None)]),
        ('[{"a" : 1, "b" : ":"}, {"a"\n:2, "b":"\\": :"}]', [("1", ":"), ("2", '": :')]),
        ('[{"b": "}, {"}, {"b": "]"}]', [(None, "}, {"), (None, "]")]),
        ('[{"\\u0061": 1}]', [("1", None)]),
        ("[]", []),
        ('{"rows": []}', []),
        (" [ ] ", []),
    ],
)
def test_json_forms(bench: Bench, body: str, rows: list[tuple[Any, ...]]) -> None:
    assert bench.table(body, JSON, COLUMNS) == rows


@pytest.mark.parametrize(
    "body,rows",
    [
        ('{"a": 1}\n{"b": "x"}\n', [("1", None), (None, "x")]),
        ('{"a": 1}\r\n\r\n  \n{"a": 2}', [("1", None), ("2", None)]),
        ('\ufeff{"a": 1}\n', [("1", None)]),
        ('{"b": "} {"}\n{"b": "y"}\n', [(None, "} {"), (None, "y")]),
        ("\n", []),
        (" \n\t\r\n", []),
    ],
)
def test_ndjson_forms(bench: Bench, body: str, rows: list[tuple[Any, ...]]) -> None:
    assert bench.table(body, NDJSON, COLUMNS) == rows


@pytest.mark.parametrize("data_format", list(DataFormat))
def test_no_bytes_are_an_empty_body(bench: Bench, data_format: DataFormat) -> None:
    with pytest.raises(EmptyBodyError):
        bench.read([], data_format, COLUMNS)
    with pytest.raises(EmptyBodyError):
        bench.read([b"", b""], data_format, COLUMNS)


@pytest.mark.parametrize(
    "body",
    [
        " ",
        "[",
        "{",
        '{"rows": [{"a": 1}]',
        '{"rows": [{"a": 1}], "more": 1}',
        '{"more": 1, "rows": []}',
        '{"a": 1}',
        "null",
        "5",
        '"x"',
        "<html>",
        '[{"a": 1}',
        '[{"a": 1},]',
        '[{"a": 1},',
        '[{"a": 1',
        '[{"a',
        "[,]",
        '[{"a": 1} {"a": 2}]',
        '[{"a": 1}] x',
        '[{"a": 1}]]',
        '[{"a": 1,}]',
        "[{'a': 1}]",
        "[{a: 1}]",
        '[{"a": 01}]',
        '[{"a": .5}]',
        '[{"a": NaN}]',
        '[{"a": Infinity}]',
        '[{"a": undefined}]',
        '[{"b": "\n"}]',
        '[{"b": "\\x41"}]',
        '[{"b": "\\ud800"}]',
        '[{"b": "\\udc00\\ud800"}]',
        '[{"a": 1}, x]',
    ],
)
def test_what_is_no_json_is_malformed(bench: Bench, body: str) -> None:
    with pytest.raises(MalformedBodyError):
        bench.read(body, JSON, COLUMNS)


@pytest.mark.parametrize(
    "body",
    [
        b'[{"b": "\xff"}]',
        b'[{"b": "\xc3"}]',
        b'[{"b": "\xed\xa0\x80"}]',
        b'[{"\xff": 1}]',
        b'[{"b": "x\x00"}]',
        "[]".encode("utf-16"),
    ],
)
def test_what_is_not_utf8_is_malformed(bench: Bench, body: bytes) -> None:
    with pytest.raises(MalformedBodyError):
        bench.read(body, JSON, COLUMNS)


def test_the_place_of_malformed_json_is_told(bench: Bench) -> None:
    rows = ",".join(['{"a": 1, "b": "some text"}'] * 100_000)
    with pytest.raises(MalformedBodyError, match=rf"at byte {len(rows) + 8}\)"):
        bench.read(f'[{rows},{{"a": x}}]', JSON, COLUMNS)


@pytest.mark.parametrize(
    "body",
    [
        '{"a": 1}{"a": 2}\n',
        '{"a": 1} {"a": 2}\n{"a":\n3}\n',
        '{"a": 1}\n{"a":\n2}\n',
        '{"a": 1},\n{"a": 2}\n',
        '[{"a": 1},\n{"a": 2}]',
        '{"a": 1}\nx\n',
        '{"a": 1}\n{"a": 2',
        '{"b": "x\n"}',
    ],
)
def test_ndjson_is_one_value_on_a_line(bench: Bench, body: str) -> None:
    with pytest.raises(MalformedBodyError):
        bench.read(body, NDJSON, COLUMNS)


@pytest.mark.parametrize("element", ["5", "null", '"x"', "[1]", "true", "[{}]", "-1.5"])
def test_a_row_is_an_object(bench: Bench, element: str) -> None:
    for body, data_format in (
        (f'[{{"a": 1}}, {element}, {{"a": 2}}]', JSON),
        (f'{{"a": 1}}\n\n{element}\n', NDJSON),
    ):
        with pytest.raises(RowsDoNotFitError) as caught:
            bench.read(body, data_format, COLUMNS)
        assert [(found.row, found.column) for found in caught.value.problems] == [(2, None)]


@pytest.mark.parametrize(
    "row,column",
    [
        ('{"c": 1}', "c"),
        ('{"": 1}', ""),
        ('{"a": 1, "A": 2}', "a"),
        ('{"a": 1, "a": 2}', None),
        ('{"a": 1, "\\u0061": 2}', None),
        ('{"a": null, "a": 2}', None),
        ('{"a": 1, "b": "x", "a": 1}', None),
    ],
)
def test_members_that_do_not_fit(bench: Bench, row: str, column: str | None) -> None:
    with pytest.raises(RowsDoNotFitError) as caught:
        bench.read(f'[{{"a": 1, "b": "x"}}, {row}]', JSON, COLUMNS)
    problem = caught.value.problems[0]
    assert (problem.row, problem.column) == (2, column)


def test_a_repeated_member_beside_a_missing_one_is_found(bench: Bench) -> None:
    # As many members as two full rows have
    with pytest.raises(RowsDoNotFitError):
        bench.read('[{"a": 1, "b": "x"}, {"a": 1, "a": 2}]', JSON, COLUMNS)
    with pytest.raises(RowsDoNotFitError):
        bench.read('[{"a": 1, "b": "x"}, {"a": 1}, {"a": 1, "a": 2}]', JSON, COLUMNS)


@pytest.mark.parametrize(
    "body,row",
    [('[{"a": 1}]', 1), ('[{"a": 1, "b": null}]', 1), ('[{"b": "x"}, {"a": 1}]', 2), ("[{}]", 1)],
)
@pytest.mark.parametrize("type_", ["VARCHAR", "DECIMAL(4,1)", "JSON", "INTEGER[]"])
def test_a_value_that_must_be_there(bench: Bench, type_: str, body: str, row: int) -> None:
    good = {"VARCHAR": '"x"', "DECIMAL(4,1)": "1", "JSON": "{}", "INTEGER[]": "[]"}[type_]
    with pytest.raises(RowsDoNotFitError) as caught:
        bench.read(body.replace('"x"', good), JSON, f"a INTEGER; b {type_}!")
    assert [(found.row, found.column) for found in caught.value.problems] == [(row, "b")]


def test_several_problems_are_reported_in_order(bench: Bench) -> None:
    rows = [{"a": "x" if number % 100 == 50 else number, "b": "t"} for number in range(5_000)]
    with pytest.raises(RowsDoNotFitError) as caught:
        bench.read(json.dumps(rows), JSON, COLUMNS)
    assert [found.row for found in caught.value.problems] == list(range(51, 1051, 100))


def test_rows_without_any_column_are_refused(bench: Bench) -> None:
    with pytest.raises(RowsDoNotFitError):
        bench.read("[{}, {}]", JSON, COLUMNS)


def test_only_columns_that_some_row_has_are_given(bench: Bench) -> None:
    rows = bench.read('[{}, {"B": null}]', JSON, "a INTEGER; b VARCHAR; c DATE")
    assert (rows.columns, rows.row_count) == (("b",), 2)
    assert bench.read("[]", JSON, COLUMNS).columns == ()


def test_columns_may_come_and_go(bench: Bench) -> None:
    count = 60_000
    rows = [{"a" if number < count // 2 else "b": str(number)} for number in range(count)]
    found = bench.table(json.dumps(rows), JSON, "a VARCHAR; b VARCHAR; c VARCHAR")
    expected = [(row.get("a"), row.get("b"), None) for row in rows]
    assert found == expected


def test_short_rows_of_a_wide_table(bench: Bench) -> None:
    columns = "; ".join(f"c{number} INTEGER" for number in range(800))
    rows = [{f"c{number % 800}": number} for number in range(8_000)]
    body = "\n".join(map(json.dumps, rows))
    read = bench.read(body, NDJSON, columns)
    assert (len(read.columns), read.row_count) == (800, 8_000)
    read.close()


@pytest.mark.parametrize("data_format", [JSON, NDJSON])
@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"a":'])
def test_deep_nesting_is_an_error(bench: Bench, data_format: DataFormat, opening: str) -> None:
    for body in (opening * 100_000, f'[{{"b": {opening * 100_000}'):
        with pytest.raises((TooLargeError, MalformedBodyError)):
            bench.read(body, data_format, "a INTEGER; b JSON")


@pytest.mark.parametrize("depth,fits", [(500, True), (501, False), (990, False), (5_000, False)])
def test_a_json_value_is_nested_to_a_depth(bench: Bench, depth: int, fits: bool) -> None:
    value = "[" * depth + "]" * depth
    body = f'{{"b": {value}}}'
    for text, data_format in (
        (f"[{body}]", JSON),
        (body, NDJSON),
        (f'b\n"{value}"\n', DataFormat.CSV),
    ):
        if fits:
            assert bench.table(text, data_format, "b JSON") == [(value,)]
        else:
            with pytest.raises(TooLargeError):
                bench.read(text, data_format, "b JSON")


def test_brackets_in_strings_are_no_nesting(bench: Bench) -> None:
    value = json.dumps(["[" * 500, '"' + "{" * 500])
    assert bench.table(f'[{{"b": {value}}}]', JSON, "b JSON") == [(value,)]


BODIES = [
    (
        JSON,
        """\ufeff { "rows" : [ {"a": -12, "b": "é🦆\\"}, {\\\\"} , {"b":"x"},{"a":3},
        {"a": 4, "j": [{"k": [1, {"l": "}"}]}, {}]} ] } """,
    ),
    (JSON, '[{"j": {"a": [{"b": 1}, {"b": 2}]}}, {"j": [[[[[]]]]]}, {"a": 1}]'),
    (NDJSON, '\ufeff{"a": -12, "b": "é🦆\\n"}\r\n\n{"j": [1, {"l": "\\\\"}]}\n  {"a": 3}'),
    (
        DataFormat.CSV,
        '\ufeffa,"b",j\r\n-12,"é🦆\r\n""quoted"", and more",\r\n\r\n,"","[1, 2]"\n3,x,',
    ),
]


@pytest.mark.parametrize("batch_bytes", [8, 1_000_000])
@pytest.mark.parametrize("data_format,body", BODIES)
def test_where_a_body_is_divided_makes_no_difference(
    bench: Bench,
    monkeypatch: pytest.MonkeyPatch,
    data_format: DataFormat,
    body: str,
    batch_bytes: int,
) -> None:
    # At 8 bytes each body is worked on in many parts, else in one
    for module in ("json_split", "csv_split"):
        monkeypatch.setattr(f"adapters.arrow.{module}.BATCH_BYTES", batch_bytes)
    columns = "a INTEGER; b VARCHAR; j JSON"
    whole = body.encode()
    rows = bench.table(whole, data_format, columns)
    assert len(rows) >= 3
    for size in range(1, len(whole)):
        assert bench.table(pieces(whole, size), data_format, columns) == rows
    for cut in range(len(whole)):
        assert bench.table([whole[:cut], whole[cut:]], data_format, columns) == rows


@pytest.mark.parametrize("data_format,body", BODIES)
def test_a_body_cut_short_is_an_error_or_fewer_rows(
    bench: Bench, data_format: DataFormat, body: str
) -> None:
    columns = "a INTEGER; b VARCHAR; j JSON"
    whole = body.encode()
    rows = bench.table(whole, data_format, columns)
    for cut in range(len(whole)):
        try:
            found = bench.table(whole[:cut], data_format, columns)
        except LakehouseError:
            continue
        # JSON says where it ends; the others may end after any record or number.
        assert data_format is not JSON or not whole[cut:].strip()
        assert len(found) <= len(rows)


def test_large_rows_are_cut_right_however_they_come(bench: Bench) -> None:
    rows = [{"a": 1, "b": "}, {" * 300_000}, {"a": 2, "b": "x"}, {"a": 3, "b": "y" * 3_000_000}]
    body = json.dumps(rows).encode()
    found = bench.table(pieces(body, 100_000), JSON, COLUMNS)
    assert found == [(str(row["a"]), row["b"]) for row in rows]


@pytest.mark.parametrize(
    "data_format,start,text",
    [
        (JSON, b'[{"b": "', b"x"),
        (JSON, b"[", b" "),
        (JSON, b"", b" "),
        (JSON, b'[{"j": [', b'{"a": []}, '),
        (NDJSON, b'{"b": "', b"x"),
        (DataFormat.CSV, b'a,b\n1,"', b"x\n"),
        (DataFormat.CSV, b"", b"a,"),
        (DataFormat.CSV, b"a,b\n1,", b"x"),
    ],
)
def test_an_endless_row_is_too_large(
    bench: Bench, data_format: DataFormat, start: bytes, text: bytes
) -> None:
    sent = 0

    def endless() -> Any:
        nonlocal sent
        yield start
        while sent < 64_000_000:
            sent += 1_000_000
            yield text * (1_000_000 // len(text))

    limits = {"row_bytes": 4_000_000, "body_bytes": 32_000_000}
    with pytest.raises((TooLargeError, MalformedBodyError)):
        bench.read(endless(), data_format, "a INTEGER; b VARCHAR; j JSON", **limits)
    assert sent <= 33_000_000


def test_what_the_body_raises_passes_through(bench: Bench) -> None:
    class GoneError(Exception):
        pass

    def body() -> Any:
        yield b'[{"a": 1},'
        raise GoneError

    for data_format in DataFormat:
        with pytest.raises((GoneError, MalformedBodyError)) as caught:
            bench.read(body(), data_format, COLUMNS)
        assert caught.type is GoneError or data_format is DataFormat.ARROW


def test_a_body_over_the_limit_is_refused(bench: Bench) -> None:
    body = b"[" + b'{"a": 1},' * 100 + b"{}]"
    assert bench.read(body, JSON, COLUMNS, body_bytes=len(body)).row_count == 101
    with pytest.raises(TooLargeError):
        bench.read(body, JSON, COLUMNS, body_bytes=len(body) - 1)
