"""`ducklake tables` on fakes."""

from __future__ import annotations

import csv
import gzip
import io
import json
import sys
from pathlib import Path

import pytest

from domain.lineage import RunState
from tests.integration.cli.conftest import Command

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

COLUMNS = ["--column", "carrier VARCHAR NOT NULL", "--column", "delay DECIMAL(9,2)"]


def made(ducklake: Command, name: str = "flights") -> None:
    ducklake.json("tables", "create", name, *COLUMNS)


def test_no_tables_are_an_empty_list(ducklake: Command) -> None:
    result = ducklake("tables", "list")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "[]\n", "")
    assert ducklake("tables", "list", "--format", "ndjson").stdout == ""
    assert ducklake("tables", "list", "--format", "csv").stdout == "name,namespace,comment\n"


def test_a_table_is_made_as_the_options_say(ducklake: Command) -> None:
    answer = ducklake.json(
        *("tables", "create", "staging.flights"),
        *("--column", "\"dep delay\" INTEGER NOT NULL COMMENT 'in minutes, it''s said'"),
        *("--column", "at TIMESTAMP WITH TIME ZONE"),
        *("--column", "parts STRUCT(a INTEGER, b VARCHAR)[]"),
        *("--partition-by", "month(at)", "--comment", "of 2013"),
    )
    assert (answer["namespace"], answer["name"]) == ("staging", "flights")
    assert answer["comment"] == "of 2013"
    assert answer["partition_by"] == ["month(at)"]
    assert answer["columns"] == [
        {
            "name": "dep delay",
            "type": "INTEGER",
            "nullable": False,
            "comment": "in minutes, it's said",
        },
        {"name": "at", "type": "TIMESTAMP WITH TIME ZONE", "nullable": True, "comment": None},
        {
            "name": "parts",
            "type": "STRUCT(a INTEGER, b VARCHAR)[]",
            "nullable": True,
            "comment": None,
        },
    ]


def test_a_table_is_made_from_the_description_of_another(ducklake: Command) -> None:
    made(ducklake)
    described = ducklake("tables", "describe", "flights", "--format", "json").stdout
    Path("columns.json").write_text(described)
    Path("list.json").write_text(json.dumps(json.loads(described)["columns"]))
    for name, file in (("from_description", "columns.json"), ("from_list", "list.json")):
        answer = ducklake.json("tables", "create", name, "--columns-file", file)
        assert answer["columns"] == json.loads(described)["columns"]
    piped = ducklake("tables", "create", "piped", "--columns-file", "-", stdin=described)
    assert piped.exit_code == 0


@pytest.mark.parametrize(
    "content",
    [
        "{}",
        "[1]",
        '[{"name": "a"}]',
        '[{"name": "a", "type": "INTEGER", "nullabel": false}]',
        '[{"name": "a", "type": 1}]',
        '[{"name": "a", "type": "INTEGER", "nullable": "no"}]',
        "[",
        "",
    ],
)
def test_a_file_that_holds_no_columns_makes_no_table(ducklake: Command, content: str) -> None:
    Path("columns.json").write_text(content)
    result = ducklake("tables", "create", "t", "--columns-file", "columns.json")
    assert result.exit_code == 5
    assert result.stderr.startswith("Error: ")
    assert ducklake.json("tables", "list") == []


@pytest.mark.parametrize("column", ["id", "", "id NUMBR", "id INTEGER NOT", '"id INTEGER'])
def test_a_column_that_cannot_be_read_is_told(ducklake: Command, column: str) -> None:
    result = ducklake("tables", "create", "t", "--column", column)
    assert result.exit_code == 5
    assert "DECIMAL(9,2)" in result.stderr


def test_columns_come_from_one_place(ducklake: Command) -> None:
    Path("columns.json").write_text('[{"name": "a", "type": "INTEGER"}]')
    assert ducklake("tables", "create", "t").exit_code == 2
    both = ducklake("tables", "create", "t", "--columns-file", "columns.json", *COLUMNS)
    assert both.exit_code == 2


def test_what_happens_to_a_table_that_is_there(ducklake: Command) -> None:
    made(ducklake)
    again = ducklake("tables", "create", "flights", *COLUMNS)
    assert again.exit_code == 4
    assert again.stdout == ""
    assert "--if-exists ignore" in again.stderr
    other = ["--column", "other INTEGER"]
    ignored = ducklake.json("tables", "create", "flights", *other, "--if-exists", "ignore")
    assert [column["name"] for column in ignored["columns"]] == ["carrier", "delay"]
    replaced = ducklake.json("tables", "create", "flights", *other, "--if-exists", "replace")
    assert [column["name"] for column in replaced["columns"]] == ["other"]


def test_all_tables_are_listed_whatever_the_page(ducklake: Command) -> None:
    for number in range(3):
        made(ducklake, f"staging.t{number}")
    made(ducklake)
    found = ducklake.json("tables", "list")
    assert [(table["namespace"], table["name"]) for table in found] == [
        ("main", "flights"),
        ("staging", "t0"),
        ("staging", "t1"),
        ("staging", "t2"),
    ]
    assert len(ducklake.json("tables", "list", "--namespace", "staging")) == 3
    lines = ducklake("tables", "list", "--format", "ndjson").stdout.splitlines()
    assert [json.loads(line) for line in lines] == found


def test_rows_are_appended_and_read_back(ducklake: Command) -> None:
    made(ducklake)
    Path("rows.csv").write_text("carrier,delay\nUA,2.50\nAA,\n")
    answer = ducklake.json("tables", "append", "flights", "rows.csv")
    assert answer["rows_appended"] == 2
    assert answer["run_id"] == ducklake.lineage.events[-1].run_id
    assert ducklake.lineage.events[-1].state is RunState.COMPLETE
    stdin = b'{"carrier": "DL", "delay": 1}\n'
    piped = ducklake("tables", "append", "flights", "-", "--input-format", "ndjson", stdin=stdin)
    assert json.loads(piped.stdout)["rows_appended"] == 1

    assert ducklake.json("tables", "query", "flights") == [
        {"carrier": "UA", "delay": 2.50},
        {"carrier": "AA", "delay": None},
        {"carrier": "DL", "delay": 1.00},
    ]
    rows = list(
        csv.reader(io.StringIO(ducklake("tables", "query", "flights", "--format", "csv").stdout))
    )
    assert rows == [["carrier", "delay"], ["UA", "2.50"], ["AA", ""], ["DL", "1.00"]]
    limited = ducklake.json("tables", "query", "flights", "--row-limit", "1")
    assert limited == [{"carrier": "UA", "delay": 2.50}]
    assert ducklake.json("tables", "query", "flights", "--row-limit", "0") == []


def test_rows_that_do_not_fit_are_told_one_by_one(ducklake: Command) -> None:
    made(ducklake)
    stdin = '[{"carrier": "UA"}, {"carrier": null}, {"carrier": 3}]'
    result = ducklake("tables", "append", "flights", "-", "--input-format", "json", stdin=stdin)
    assert result.exit_code == 5
    assert result.stdout == ""
    assert "row 2, column 'carrier'" in result.stderr
    assert "'ducklake tables describe NAME'" in result.stderr
    assert ducklake.json("tables", "query", "flights") == []


def test_the_format_of_a_file_is_known_or_asked_for(ducklake: Command) -> None:
    made(ducklake)
    for name in ("rows", "rows.xls"):
        Path(name).write_text("carrier\nUA\n")
        result = ducklake("tables", "append", "flights", name)
        assert result.exit_code == 2
        assert "--input-format" in result.stderr
    assert ducklake("tables", "append", "flights", "-").exit_code == 2
    Path("rows.csv.bz2").write_bytes(b"BZ")
    packed = ducklake("tables", "append", "flights", "rows.csv.bz2")
    assert packed.exit_code == 5
    assert "compressed" in packed.stderr
    absent = ducklake("tables", "append", "flights", "absent.csv")
    assert (absent.exit_code, absent.stderr) == (
        12,
        "Error: absent.csv: No such file or directory.\n",
    )


def test_packed_files_are_unpacked(ducklake: Command) -> None:
    made(ducklake)
    content = b"carrier\nUA\nAA\n"
    Path("rows.csv.gz").write_bytes(gzip.compress(content))
    Path("rows.CSV.ZST").write_bytes(zstd.compress(content))
    Path("rows.gz").write_bytes(gzip.compress(content) + gzip.compress(b"DL\n"))
    for file, more, count in (
        ("rows.csv.gz", [], 2),
        ("rows.CSV.ZST", [], 2),
        ("rows.gz", ["--input-format", "csv"], 3),
    ):
        told = ducklake.json("tables", "append", "flights", file, *more)
        assert told["rows_appended"] == count
    cut = ducklake("tables", "append", "flights", "rows.gz")
    assert cut.exit_code == 2
    Path("cut.csv.gz").write_bytes(gzip.compress(content)[:-4])
    assert ducklake("tables", "append", "flights", "cut.csv.gz").exit_code == 5


def test_csv_is_read_as_the_options_say(ducklake: Command) -> None:
    made(ducklake)
    Path("rows.csv").write_text("'U;A';NA\n'AA';1.50\n")
    options = ["--no-header", "--delimiter", ";", "--null", "NA", "--quote", "'"]
    ducklake.json("tables", "append", "flights", "rows.csv", *options)
    assert ducklake.json("tables", "query", "flights") == [
        {"carrier": "U;A", "delay": None},
        {"carrier": "AA", "delay": 1.50},
    ]
    Path("rows.tsv").write_text("delay\tcarrier\n2\tDL\n")
    tabs = ["--input-format", "csv", "--delimiter", "tab"]
    assert ducklake.json("tables", "append", "flights", "rows.tsv", *tabs)["rows_appended"] == 1
    assert ducklake("tables", "append", "flights", "rows.csv", "--delimiter", "ab").exit_code == 5
    Path("rows.json").write_text("[]")
    other = ducklake("tables", "append", "flights", "rows.json", "--null", "NA")
    assert other.exit_code == 5
    assert "no CSV" in other.stderr


def test_a_table_grows_when_it_is_told_to(ducklake: Command) -> None:
    made(ducklake)
    Path("rows.ndjson").write_text('{"carrier": "UA", "gate": "B7"}\n')
    assert ducklake("tables", "append", "flights", "rows.ndjson").exit_code == 5
    told = ducklake.json("tables", "append", "flights", "rows.ndjson", "--on-new-columns", "add")
    assert told["columns_added"] == [{"name": "gate", "type": "VARCHAR"}]
    assert told["columns_widened"] == []
    Path("rows.ndjson").write_text('{"carrier": "UA", "at": "2024-01-31"}\n')
    shown = ducklake(
        "tables", "append", "flights", "rows.ndjson", "--on-new-columns", "add", "--format", "table"
    )
    assert "Added at DATE." in shown.stdout


def test_the_past_is_described(ducklake: Command) -> None:
    made(ducklake)
    before = ducklake.json("tables", "describe", "flights")["snapshot_id"]
    Path("rows.ndjson").write_text('{"carrier": "UA"}\n')
    ducklake.json("tables", "append", "flights", "rows.ndjson")
    assert ducklake.json("tables", "describe", "flights")["row_count"] == 1
    then = ducklake.json("tables", "describe", "flights", "--at-version", str(before))
    assert then["row_count"] == 0
    assert ducklake("tables", "describe", "flights", "--at-version", "999").exit_code == 3
    for wrong in ("yesterday", "2026-01-31T12:00:00"):
        assert ducklake("tables", "describe", "flights", "--at-timestamp", wrong).exit_code == 2
    both = ["--at-version", "1", "--at-timestamp", "2026-01-31T12:00:00Z"]
    assert ducklake("tables", "describe", "flights", *both).exit_code == 2


def test_a_table_is_drawn_when_it_is_asked_for(ducklake: Command) -> None:
    made(ducklake)
    result = ducklake("tables", "describe", "flights", "--format", "table")
    assert "VARCHAR not null" in result.stdout
    Path("rows.ndjson").write_text('{"carrier": "a\\u001b[31mb"}\n')
    ducklake.json("tables", "append", "flights", "rows.ndjson")
    shown = ducklake("tables", "query", "flights", "--format", "table")
    assert "\x1b" not in shown.stdout
    assert r"a\x1b[31mb" in shown.stdout
    assert "NULL" in shown.stdout
    assert shown.stderr == "1 row.\n"


def test_dropping_needs_a_yes_where_nobody_can_be_asked(ducklake: Command) -> None:
    made(ducklake)
    refused = ducklake("tables", "drop", "flights", stdin="y\n")
    assert refused.exit_code == 2
    assert "--yes" in refused.stderr
    assert len(ducklake.json("tables", "list")) == 1
    assert ducklake("tables", "drop", "flights", "--yes").output == ""
    assert ducklake.json("tables", "list") == []
    made(ducklake)
    assert ducklake("tables", "delete", "flights", "-y").exit_code == 0
    gone = ducklake("tables", "drop", "flights", "--yes")
    assert gone.exit_code == 3
    assert gone.stderr == (
        "Error: There is no table main.flights.\n'ducklake tables list' shows the tables.\n"
    )


@pytest.mark.parametrize(
    "name", ["", "1a", "a b", "a.b.c", "information_schema.t", "x" * 200, "[red]"]
)
def test_a_bad_name_is_told(ducklake: Command, name: str) -> None:
    result = ducklake("tables", "describe", name)
    assert result.exit_code == 5
    assert result.stderr.startswith("Error: ")
    assert len(ducklake.lineage.events) == 0
