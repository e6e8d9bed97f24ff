"""CSV bodies written in other ways than RFC 4180's."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from domain.bodies import BodyFormat, CsvOptions
from domain.errors import MalformedBodyError, RowsDoNotFitError
from domain.formats import DataFormat
from tests.unit.adapters.arrow.bodies import Bench

COLUMNS = "a INTEGER; b VARCHAR"
MARKS = st.sampled_from(";\t|^]\\%-'$ ~\x1f.*")


def written(**options: Any) -> BodyFormat:
    return BodyFormat(DataFormat.CSV, csv=CsvOptions(**options))


@pytest.mark.parametrize(
    "options, body, rows",
    [
        ({"header": False}, "1,x\n2,y\n", [("1", "x"), ("2", "y")]),
        ({"header": False}, "\ufeff1,x\r\n\r\n2,y", [("1", "x"), ("2", "y")]),
        ({"header": False}, "b,a\n", None),
        ({"header": False}, "\n", []),
        ({"delimiter": ";"}, "a;b\n1;x,y\n", [("1", "x,y")]),
        ({"delimiter": ";"}, 'a;b\n1;"x;""y"\n', [("1", 'x;"y')]),
        ({"delimiter": "\t"}, "b\ta\nx\t1\n", [("1", "x")]),
        ({"delimiter": "|", "header": False}, "1|\n", [("1", None)]),
        ({"null": "NA"}, 'a,b\nNA,NA\n1,"NA"\n2,\n', [(None, None), ("1", "NA"), ("2", "")]),
        ({"null": "\\N"}, "a,b\n\\N,\\N\n", [(None, None)]),
        ({"null": "NA"}, "a,b\n,x\n", None),
        ({"quote": "'"}, "a,b\n1,'x,''\ny'\n2,\"\n", [("1", "x,'\ny"), ("2", '"')]),
        ({"quote": None}, 'a,b\n1,"x"\n2,it"s\n', [("1", '"x"'), ("2", 'it"s')]),
        ({"quote": None}, 'a,b\n1,"x\n2,y"\n', [("1", '"x'), ("2", 'y"')]),
        ({"quote": None, "null": '"'}, 'a,b\n1,"\n', [("1", None)]),
    ],
)
def test_options(
    bench: Bench, options: dict[str, Any], body: str, rows: list[tuple[Any, ...]] | None
) -> None:
    if rows is None:
        with pytest.raises(RowsDoNotFitError):
            bench.read(body, written(**options), COLUMNS)
    else:
        assert bench.table(body, written(**options), COLUMNS) == rows


@pytest.mark.parametrize("body, fields", [("1\n", 1), ("1,x,y\n", 3)])
def test_records_without_a_header_have_all_columns(bench: Bench, body: str, fields: int) -> None:
    with pytest.raises(RowsDoNotFitError, match=f"{fields} fields, and the table has 2") as caught:
        bench.read("1,x\n" + body, written(header=False), COLUMNS)
    assert caught.value.problems[0].row == 2


def test_row_numbers_without_a_header(bench: Bench) -> None:
    body = "1,x\n" * 300_000 + "y,x\n"
    with pytest.raises(RowsDoNotFitError) as caught:
        bench.read(body, written(header=False), COLUMNS)
    assert (caught.value.problems[0].row, caught.value.problems[0].column) == (300_001, "a")


@pytest.mark.parametrize("body", ["a;b\n1;'x\n", "a;b\n1;'x'y\n", "a;b\n1;\0\n"])
def test_other_quotes_are_checked_too(bench: Bench, body: str) -> None:
    with pytest.raises(MalformedBodyError, match="line 2 "):
        bench.read(body, written(delimiter=";", quote="'"), COLUMNS)


def test_a_nul_is_refused_without_quotes_too(bench: Bench) -> None:
    for body in ("a,b\n1,\0\n", "a,b\n1,\0\n\0,x\n"):
        with pytest.raises(MalformedBodyError, match="NUL"):
            bench.read(body, written(quote=None), COLUMNS)


@settings(max_examples=200, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.integers(-9, 9), st.text("ab;,\t|'\"\n\r ^]\\%-$~.*\x1f", max_size=6)),
        max_size=4,
    ),
    delimiter=MARKS,
    quote=MARKS,
    header=st.booleans(),
)
def test_what_another_writer_wrote_is_read_back(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[int, str]],
    delimiter: str,
    quote: str,
    *,
    header: bool,
) -> None:
    assume(delimiter != quote and (header or rows))
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, quotechar=quote, quoting=csv.QUOTE_ALL)
    if header:
        writer.writerow(["a", "b"])
    writer.writerows(rows)
    bench = Bench(tmp_path_factory.getbasetemp() / "spool")
    options = written(delimiter=delimiter, quote=quote, header=header)
    found = bench.table(text.getvalue(), options, COLUMNS)
    assert found == [(str(number), label) for number, label in rows]
