"""CSV bodies: headers, NULLs, quotes and records."""

from __future__ import annotations

from typing import Any

import pytest

from domain.errors import EmptyBodyError, MalformedBodyError, RowsDoNotFitError
from domain.formats import DataFormat
from tests.unit.adapters.arrow.bodies import Bench

CSV = DataFormat.CSV
COLUMNS = "a INTEGER; b VARCHAR"


@pytest.mark.parametrize(
    "body,rows",
    [
        ("a,b\n1,x\n", [("1", "x")]),
        ("B,A\r\nx,1\r\n", [("1", "x")]),
        ("\ufeffa,b\n1,x", [("1", "x")]),
        ("\n\na,b\n\n1,x\n\n\n2,y\n\n", [("1", "x"), ("2", "y")]),
        ('a,b\n,\n1,""\n', [(None, None), ("1", "")]),
        ('a,b\n1,"x,\r\n""y"""\n', [("1", 'x,\r\n"y"')]),
        ('"a","b"\n"1","x"\n', [("1", "x")]),
        ("a,b\r1,x\r2,y\r", [("1", "x"), ("2", "y")]),
        ("b\nx\n\ny\n", [(None, "x"), (None, None), (None, "y")]),
        ('b\n""\n', [(None, "")]),
        ("b\n\n", [(None, None)]),
        ("a,b\n", []),
        ("a,b", []),
        ("a,b\nNULL,NA\n".replace("NULL", ""), [(None, "NA")]),
        ("a,b\n1,  x  \n", [("1", "  x  ")]),
        ("a,b\n1,NaN\n2,null\n3,N/A\n", [("1", "NaN"), ("2", "null"), ("3", "N/A")]),
    ],
)
def test_csv_forms(bench: Bench, body: str, rows: list[tuple[Any, ...]]) -> None:
    assert bench.table(body, CSV, COLUMNS) == rows


@pytest.mark.parametrize("body", ["\n", "\r\n\r\n"])
def test_csv_without_header_is_empty(bench: Bench, body: str) -> None:
    with pytest.raises(EmptyBodyError):
        bench.read(body, CSV, COLUMNS)


@pytest.mark.parametrize(
    "body,column",
    [
        ("a,c\n1,2\n", "c"),
        ("a;b\n1;2\n", "a;b"),
        ("a,a\n1,2\n", "a"),
        ("a,A\n1,2\n", "a"),
        ("a,\n1,2\n", ""),
        ("a, b\n1,2\n", " b"),
        ("1,x\n2,y\n", "1"),
    ],
)
def test_headers_that_do_not_fit(bench: Bench, body: str, column: str) -> None:
    with pytest.raises(RowsDoNotFitError) as caught:
        bench.read(body, CSV, COLUMNS)
    assert (caught.value.problems[0].row, caught.value.problems[0].column) == (None, column)


@pytest.mark.parametrize(
    "body,row",
    [("a,b\n1\n", 1), ("a,b\n1,x\n\n2,y,z\n", 2), ('a,b\n1,"x\n\n"\n2,y\n3\n', 3), ("b\nx,y\n", 1)],
)
def test_a_record_has_as_many_fields_as_the_header(bench: Bench, body: str, row: int) -> None:
    with pytest.raises(RowsDoNotFitError) as caught:
        bench.read(body, CSV, COLUMNS)
    assert [(found.row, found.column) for found in caught.value.problems] == [(row, None)]


@pytest.mark.parametrize(
    "body,line",
    [
        ('a,b\n1,"x\n', 2),
        ('a,b\n1,x\n2,"x\n3,y\n', 3),
        ('a,b\n1,x"y\n', 2),
        ('a,b\n1,"x"y\n', 2),
        ('a,b\n1, "x"\n', 2),
        ('a,b\n1,"x" \n', 2),
        ('a,b\n"1"",x\n', 2),
        ('a,b\n1,x"y,"z\n2,w"\n', 2),
        ('a,"b\n1,x\n', 1),
        ("a,b\n1,\0\n", 2),
    ],
)
def test_broken_quotes_are_malformed(bench: Bench, body: str, line: int) -> None:
    with pytest.raises(MalformedBodyError, match=f"line {line} "):
        bench.read(body, CSV, COLUMNS)


def test_text_that_is_not_utf8_is_malformed(bench: Bench) -> None:
    with pytest.raises(MalformedBodyError, match="line 3 "):
        bench.read(b"a,b\n1,x\n2,\xe4\n", CSV, COLUMNS)
    with pytest.raises(MalformedBodyError):
        bench.read("a,b\n1,x\n".encode("utf-16"), CSV, COLUMNS)


def test_values_that_must_be_there(bench: Bench) -> None:
    for body in ("a\n1\n", "a,b\n1,x\n2,\n"):
        with pytest.raises(RowsDoNotFitError) as caught:
            bench.read(body, CSV, "a INTEGER; b VARCHAR!")
        assert caught.value.problems[0].column == "b"
        assert caught.value.problems[0].row == body.count("\n") - 1
    assert bench.table('a,b\n1,""\n', CSV, "a INTEGER; b VARCHAR!") == [("1", "")]
    assert bench.table("a\n", CSV, "a INTEGER; b VARCHAR!") == []


def test_row_numbers_go_on_over_parts(bench: Bench) -> None:
    body = "a,b\n" + '1,"line\nbreak"\n' * 200_000 + "x,y\n"
    with pytest.raises(RowsDoNotFitError) as caught:
        bench.read(body, CSV, COLUMNS)
    assert [(found.row, found.column) for found in caught.value.problems] == [(200_001, "a")]


def test_wide_records_and_headers(bench: Bench) -> None:
    columns = "; ".join(f"column_{number} INTEGER" for number in range(5_000))
    header = ",".join(f"column_{number}" for number in range(5_000))
    record = ",".join(map(str, range(5_000)))
    (row,) = bench.table(f"{header}\n{record}\n", CSV, columns)
    assert row == tuple(map(str, range(5_000)))
    assert bench.table(f"a,b\n1,{'x' * 5_000_000}\n", CSV, COLUMNS) == [("1", "x" * 5_000_000)]


def test_only_columns_of_the_header_are_given(bench: Bench) -> None:
    assert bench.read("B\nx\n", CSV, COLUMNS).columns == ("b",)
