"""`/maintenance/check` on fakes."""

from datetime import UTC, datetime
from pathlib import Path

import httpx

from domain.lineage import Operation, RunState
from domain.maintenance import LakeFile
from entrypoints.rest.app import create_app
from tests.fakes.damage import LOST_DELETE_FILE, SHORT_FILE
from tests.integration.rest.conftest import Api, Fakes
from tests.integration.rest.serving import served


def test_a_sound_lake_is_ok(api: Api) -> None:
    answer = api.http.get("/maintenance/check")
    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"
    assert answer.json()["damaged"] == []
    run_id = answer.headers["lineage-run-id"]
    start, end = (event for event in api.lineage.events if event.run_id == run_id)
    assert (start.operation, end.state) == (Operation.LAKE_CHECK, RunState.COMPLETE)


def test_damaged_files_and_orphans_are_told(fakes: Fakes, tmp_path: Path) -> None:
    fakes.maintenance.damaged = [SHORT_FILE, LOST_DELETE_FILE]
    fakes.maintenance.orphans = [LakeFile("main/flights/ducklake-3.parquet", 9, datetime.now(UTC))]
    with served(create_app(fakes.container(tmp_path))) as url:
        answer = httpx.get(f"{url}/maintenance/check")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "damaged",
        "snapshot_id": 0,
        "files_checked": 2,
        "files_elsewhere": 0,
        "damaged_count": 2,
        "current_count": 2,
        "damaged": [
            {
                "table": "main.flights",
                "path": "main/flights/ducklake-1.parquet",
                "kind": "data",
                "damage": "wrong_size",
                "size_bytes": 828,
                "found_bytes": 100,
                "rows": 50,
                "first_snapshot": 2,
                "last_snapshot": None,
                "current": True,
            },
            {
                "table": "main.flights",
                "path": "main/flights/ducklake-2-delete.parquet",
                "kind": "delete",
                "damage": "missing",
                "size_bytes": 400,
                "found_bytes": None,
                "rows": 7,
                "first_snapshot": 3,
                "last_snapshot": None,
                "current": True,
            },
        ],
        "orphans": {"files": 1, "bytes": 9},
        "recent": {"files": 0, "bytes": 0},
    }


def test_it_changes_nothing(fakes: Fakes, tmp_path: Path) -> None:
    fakes.maintenance.damaged = [SHORT_FILE]
    with (
        served(create_app(fakes.container(tmp_path))) as url,
        httpx.Client(base_url=url) as http,
    ):
        http.get("/maintenance/check")
        assert http.get("/maintenance/check").json()["current_count"] == 1
        assert http.get("/maintenance/check?repair=true").status_code == 422
        assert http.post("/maintenance/check").status_code == 405
