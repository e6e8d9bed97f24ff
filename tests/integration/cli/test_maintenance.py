"""`ducklake check`, on fakes and as a real process."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from domain.lineage import Operation, RunState
from domain.maintenance import LakeFile
from domain.tables import TableName
from entrypoints.cli.exit_codes import ExitCode
from tests.extensions import extension_file
from tests.fakes.damage import LOST_DELETE_FILE, SHORT_FILE
from tests.integration.cli.conftest import Command, Process

ROWS = 2_000


def test_a_sound_lake_is_ok(ducklake: Command) -> None:
    answer = ducklake.json("check")
    assert (answer["status"], answer["damaged"], answer["repair"]) == ("ok", [], None)
    assert answer["orphans_deleted"] is None


def test_damage_is_told_and_is_a_failure(ducklake: Command) -> None:
    ducklake.maintenance.damaged = [SHORT_FILE]
    result = ducklake("check")
    assert result.exit_code == ExitCode.DAMAGED
    answer = json.loads(result.stdout)
    assert answer["status"] == "damaged"
    assert answer["current_count"] == 1
    assert answer["damaged"] == [
        {
            "table": "main.flights",
            "name": "main/flights/ducklake-1.parquet",
            "kind": "data",
            "damage": "wrong_size",
            "size_bytes": 828,
            "found_bytes": 100,
            "rows": 50,
            "first_snapshot": 2,
            "last_snapshot": None,
            "current": True,
        }
    ]
    assert "--repair" in result.stderr


def test_a_person_is_shown_sentences(ducklake: Command) -> None:
    ducklake.maintenance.damaged = [SHORT_FILE, LOST_DELETE_FILE]
    result = ducklake("check", "--repair", "--format", "table")
    assert result.exit_code == 0
    assert "main.flights: main/flights/ducklake-1.parquet (data, 50 rows, snapshots 2 on)" in (
        result.stdout
    )
    assert "snapshot 1 is without 50 rows, 7 rows that had been deleted are back" in result.stdout


def test_a_repair_is_a_run_that_writes_the_tables(ducklake: Command) -> None:
    ducklake.maintenance.damaged = [SHORT_FILE]
    answer = ducklake.json("check", "--repair")
    assert answer["repair"] == {
        "snapshot_id": 1,
        "tables": ["main.flights"],
        "data_files": 1,
        "delete_files": 0,
        "rows_lost": 50,
        "rows_back": 0,
    }
    start, end = ducklake.lineage.events
    assert (start.operation, start.state) == (Operation.LAKE_REPAIR, RunState.START)
    assert end.state is RunState.COMPLETE
    assert [usage.subject for usage in end.outputs] == [TableName("main", "flights")]
    # What is left is damage of the past.
    after = ducklake("check")
    assert after.exit_code == 0
    assert "past" in after.stderr


def test_orphans_are_deleted_when_asked_for(ducklake: Command) -> None:
    ducklake.maintenance.orphans = [LakeFile("main/t/ducklake-3.parquet", 9, datetime.now(UTC))]
    result = ducklake("check")
    assert "--delete-orphans" in result.stderr
    assert ducklake.json("check", "--delete-orphans")["orphans_deleted"] == 1
    assert ducklake.json("check")["orphan_files"] == 0
    done = [each.operation for each in ducklake.lineage.events if each.state is RunState.COMPLETE]
    assert done == [Operation.LAKE_CHECK] * 2 + [Operation.ORPHANS_DELETE, Operation.LAKE_CHECK]


def test_what_another_process_may_be_writing_is_no_orphan(ducklake: Command) -> None:
    ducklake.maintenance.alone = False
    written_at = datetime.now(UTC) - timedelta(hours=2)
    ducklake.maintenance.orphans = [LakeFile("main/t/ducklake-3.parquet", 9, written_at)]
    answer = ducklake.json("check", "--delete-orphans")
    assert (answer["orphan_files"], answer["recent_files"], answer["orphans_deleted"]) == (0, 1, 0)
    assert "too young" in ducklake("check", "--format", "table").stdout
    answer = ducklake.json("check", "--delete-orphans", "--older-than", "1.5")
    assert (answer["orphan_files"], answer["recent_files"], answer["orphans_deleted"]) == (1, 0, 1)
    assert ducklake("check", "--older-than", "-1").exit_code == ExitCode.USAGE


def test_a_short_file_is_found_taken_out_and_the_rest_is_read(process: Process) -> None:
    def run(*arguments: str, stdin: bytes = b"") -> tuple[int, str]:
        done = process(*arguments, stdin=stdin)
        return done.returncode, done.stdout.decode()

    assert run("tables", "create", "t", "--column", "id BIGINT")[0] == 0
    for batch in range(2):
        body = "".join(f'{{"id":{batch * ROWS + n}}}\n' for n in range(ROWS)).encode()
        assert run("tables", "append", "t", "-", "--input-format", "ndjson", stdin=body)[0] == 0
    data = process.home / "lake" / "data"
    first, _ = sorted(data.rglob("*.parquet"))
    os.truncate(first, 100)
    (data / "main" / "t" / "ducklake-half.parquet").write_bytes(b"half")
    assert run("query", "SELECT sum(id) FROM t")[0] != 0

    code, told = run("check")
    assert code == ExitCode.DAMAGED
    assert json.loads(told)["damaged"][0]["found_bytes"] == 100
    assert str(process.home) not in told
    assert run("check", "--repair", "--delete-orphans")[0] == 0
    assert not (data / "main" / "t" / "ducklake-half.parquet").exists()
    assert run("check")[0] == 0

    code, told = run("query", "SELECT count(*) AS n, min(id) AS least FROM t")
    assert json.loads(told) == [{"n": ROWS, "least": ROWS}]
    assert _plain_count(process.home) == ROWS
    assert any(event["job"]["name"] == "lake.repair" for event in process.events())


def _plain_count(home: Path) -> int:
    """What a DuckDB counts that knows nothing of this service."""
    with duckdb.connect() as plain:
        plain.execute(f"LOAD '{extension_file('ducklake')}'")
        catalog = home / "lake" / "catalog.ducklake"
        plain.execute(f"ATTACH 'ducklake:{catalog}' AS lake (DATA_PATH '{home}/lake/data')")
        row = plain.execute("SELECT count(*) FROM lake.t").fetchone()
    assert row is not None
    return int(row[0])
