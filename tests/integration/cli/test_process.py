"""The installed command, as a process on a real lake."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
from pathlib import Path

import pyarrow.ipc
import pyarrow.parquet
import pytest

from tests.eventually import eventually
from tests.integration.cli.conftest import DUCKLAKE, Process

pytestmark = pytest.mark.timeout(300)


def flights(process: Process) -> None:
    made = process(
        *("tables", "create", "flights", "--column", "carrier VARCHAR NOT NULL"),
        *("--column", "delay DECIMAL(9,2)", "--column", "at TIMESTAMP"),
    )
    assert made.returncode == 0, made.stderr
    rows = b"carrier,delay,at\nUA,2.50,2013-01-01 05:00:00\nAA,,\n"
    appended = process("tables", "append", "flights", "-", "--input-format", "csv", stdin=rows)
    assert json.loads(appended.stdout)["rows_appended"] == 2, appended.stderr


def test_a_table_from_its_making_to_its_end(process: Process) -> None:
    flights(process)
    found = process(
        "query",
        "SELECT * FROM flights WHERE carrier = $c AND delay < $d",
        *("--param", "c=UA", "--param", "d=3"),
    )
    assert found.stderr == b""
    assert json.loads(found.stdout) == [
        {"carrier": "UA", "delay": 2.5, "at": "2013-01-01T05:00:00"}
    ]
    assert b'"delay":2.50' in found.stdout

    drawn = process("query", "-", "--format", "table", stdin=b"FROM flights ORDER BY carrier")
    assert b"decimal(9,2)" in drawn.stdout
    assert b"NULL" in drawn.stdout
    assert drawn.stderr == b"2 rows.\n"

    for name in ("flights.parquet", "flights.arrow"):
        written = process("tables", "query", "flights", "--output", name)
        assert (written.returncode, written.stdout) == (0, b"")
        assert written.stderr == f"2 rows written to {name}.\n".encode()
    assert pyarrow.parquet.read_table(process.directory / "flights.parquet").num_rows == 2
    piped = process("tables", "query", "flights", "--format", "arrow").stdout
    assert pyarrow.ipc.open_stream(piped).read_all().num_rows == 2

    dropped = process("tables", "drop", "flights", "--yes")
    assert (dropped.returncode, dropped.stdout, dropped.stderr) == (0, b"", b"")
    states = [(event["job"]["name"], event["eventType"]) for event in process.events()]
    assert len(states) == 2 * 8
    assert {state for _, state in states} == {"START", "COMPLETE"}


def test_wrong_sql_points_at_the_place(process: Process) -> None:
    result = process("query", "SELECT 1 AS a,\n  nope FROM range(3)")
    assert (result.returncode, result.stdout) == (5, b"")
    assert b"\n    nope FROM range(3)\n    ^\n" in result.stderr
    refused = process("query", "DROP TABLE flights")
    assert (refused.returncode, refused.stdout) == (6, b"")


def test_a_parameter_that_does_not_fit_is_named(process: Process) -> None:
    cast = process("query", "SELECT $day::DATE AS d, $n AS n", "--param", "day=x", "--param", "n=1")
    assert (cast.returncode, cast.stdout) == (5, b"")
    assert b"$day does not fit" in cast.stderr
    typed = process("query", "SELECT 1 AS a,\n  upper($n) FROM range(3)", "--param", "n=1")
    assert (typed.returncode, typed.stdout) == (5, b"")
    assert b"$n does not fit" in typed.stderr
    assert b"\n    upper($n) FROM range(3)\n    ^\n" in typed.stderr


def test_a_query_that_takes_too_long(process: Process) -> None:
    endless = "SELECT sum(hash(i)) FROM range(1000000000000) r(i)"
    result = process("query", endless, "--timeout", "0.2")
    assert result.returncode == 10
    assert b"longer than 0.2 s" in result.stderr
    assert b"--timeout" in result.stderr
    assert process("query", "SELECT 1", "--timeout", "0").returncode == 5
    assert process("query", endless, "--timeout", "0.2", "--format", "table").returncode == 10


@pytest.mark.parametrize("shape", ["table", "csv"])
def test_the_past_is_asked(process: Process, shape: str) -> None:
    assert process("tables", "create", "t", "--column", "a VARCHAR").returncode == 0
    described = json.loads(process("tables", "describe", "t").stdout)
    (process.directory / "rows.csv").write_text("a\nlate\n")
    assert process("tables", "append", "t", "rows.csv").returncode == 0
    for asked in (("query", "FROM t"), ("tables", "query", "t")):
        assert b"late" in process(*asked, "--format", shape).stdout
        at = ("--format", shape, "--at-version")
        then = process(*asked, *at, str(described["snapshot_id"]))
        assert (then.returncode, b"late" in then.stdout) == (0, False)
        assert process(*asked, *at, "999").returncode == 3


def test_an_object_there_and_back(process: Process) -> None:
    content = os.urandom(3_000_000)
    (process.directory / "blob.bin").write_bytes(content)
    assert process("datasets", "create", "raw-data").returncode == 0
    put = process("datasets", "put", "blob.bin", "raw-data/a b/ü.bin")
    assert json.loads(put.stdout)["size"] == len(content), put.stderr
    assert process("datasets", "get", "raw-data/a b/ü.bin", "-").stdout == content
    assert process("datasets", "get", "raw-data/a b/ü.bin").returncode == 0
    assert (process.directory / "ü.bin").read_bytes() == content


def test_a_lake_that_another_process_holds(process: Process, tmp_path: Path) -> None:
    reader, writer = os.pipe()
    made = process("datasets", "create", "raw-data")
    assert made.returncode == 0
    # An upload that waits for its bytes holds the lake.
    holder = process.start("datasets", "put", "-", "raw-data/a", stdin=reader)
    try:
        eventually(lambda: any(e["job"]["name"].startswith("object") for e in process.events()[2:]))
        result = process("tables", "list")
        assert (result.returncode, result.stdout) == (8, b"")
        assert f"held by process {holder.pid}.".encode() in result.stderr
        assert result.stderr.count(b"\n") == 2
        elsewhere = process("--home", str(tmp_path / "other"), "tables", "list")
        assert (elsewhere.returncode, elsewhere.stdout) == (0, b"[]\n")
    finally:
        os.close(writer)
        _, said = holder.communicate(timeout=120)
        os.close(reader)
    assert holder.returncode == 0, said


def test_a_reader_that_goes_away_ends_it_quietly(process: Process) -> None:
    with process.start("query", "FROM range(50000000)", "--format", "csv") as running:
        assert running.stdout is not None
        assert running.stderr is not None
        assert running.stdout.readline() == b"range\n"
        running.stdout.close()
        assert running.stderr.read() == b""
        assert running.wait(timeout=120) == 141
    assert process.events()[-1]["eventType"] == "ABORT"


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT sum(hash(i)) FROM range(100000000000) t(i)",
        "SELECT i FROM range(100000000000) t(i) WHERE hash(i) = 5",
    ],
)
def test_ctrl_c_stops_a_query(process: Process, sql: str) -> None:
    running = process.start("query", sql)
    eventually(lambda: len(process.events()) > 0)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=120)
    assert running.returncode == 130
    assert err == b"Interrupted.\n"
    assert out in {b"", b"["}
    assert [event["eventType"] for event in process.events()] == ["START", "ABORT"]


def test_ctrl_c_while_stdin_is_silent_appends_nothing(process: Process) -> None:
    flights(process)
    before = len(process.events())
    reader, writer = os.pipe()
    running = process.start(
        "tables", "append", "flights", "-", "--input-format", "csv", stdin=reader
    )
    os.write(writer, b"carrier,delay\nDL,1\n")
    eventually(lambda: len(process.events()) > before)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=120)
    os.close(reader)
    os.close(writer)
    assert (running.returncode, out) == (130, b"")
    assert err.endswith(b"Interrupted.\n")
    assert process.events()[-1]["eventType"] == "ABORT"
    described = json.loads(process("tables", "describe", "flights").stdout)
    assert described["row_count"] == 2


def on_terminal(process: Process, *arguments: str, answers: bytes = b"") -> tuple[int, str]:
    """Run it as a person does: on a terminal of 80 columns."""
    here, there = pty.openpty()
    try:
        running = subprocess.Popen(
            [DUCKLAKE, *arguments],
            stdin=there,
            stdout=there,
            stderr=there,
            cwd=process.directory,
            env=process.environment | {"NO_COLOR": "1", "TERM": "xterm", "COLUMNS": "80"},
        )
        os.close(there)
        os.write(here, answers)
        shown = b""
        while True:
            try:
                chunk = os.read(here, 65536)
            except OSError:  # how the end of a terminal reads
                break
            if not chunk:
                break
            shown += chunk
        return running.wait(timeout=120), shown.decode().replace("\r\n", "\n")
    finally:
        os.close(here)


def test_a_person_is_asked_and_shown_tables(process: Process) -> None:
    code, shown = on_terminal(process, "tables", "create", "t", "--column", "a INTEGER")
    assert (code, shown) == (0, "Made main.t with 1 column.\n")
    code, shown = on_terminal(process, "query", "SELECT 7 AS a, 'x' AS b")
    assert code == 0
    drawn = [line.rstrip() for line in re.sub(r"\x1b\[\d+m", "", shown).splitlines()]
    assert drawn[:2] == ["      a   b", "integer   varchar"]
    assert "1 row." in shown
    assert "\x1b[3" not in shown
    code, shown = on_terminal(process, "query", "FROM range(5000)")
    assert "The first 1,000 rows" in shown
    code, shown = on_terminal(process, "query", "SELECT 1", "--format", "parquet")
    assert code == 2
    assert "--output" in shown
    code, shown = on_terminal(process, "tables", "drop", "t", answers=b"n\n")
    assert code == 130
    assert "Drop the table main.t? [y/N]" in shown
    code, shown = on_terminal(process, "tables", "drop", "t", answers=b"y\n")
    assert code == 0
    assert "Dropped main.t." in shown


def test_help_and_version_import_nothing_heavy(process: Process) -> None:
    for arguments in (["--help"], ["tables", "create", "--help"], ["version"]):
        result = process(*arguments, PYTHONPROFILEIMPORTTIME="1")
        assert result.returncode == 0
        imported = {line.rpartition(b"|")[2].strip() for line in result.stderr.splitlines()}
        heavy = {b"duckdb", b"pyarrow", b"fastapi", b"dependency_injector", b"loguru", b"minio"}
        assert not heavy & imported


def test_a_wrong_setting_is_told(process: Process) -> None:
    result = process("tables", "list", DUCKLAKE_THREADS="many")
    assert (result.returncode, result.stdout) == (9, b"")
    assert result.stderr.startswith(b"Error: DUCKLAKE_THREADS: ")


def test_completion_knows_the_commands(process: Process) -> None:
    result = process(
        "", _DUCKLAKE_COMPLETE="complete_bash", COMP_WORDS="ducklake ta", COMP_CWORD="1"
    )
    assert b"tables" in result.stdout
