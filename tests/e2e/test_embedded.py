"""The embedded service as its user starts it: a real process, real signals, a real restart."""

import json
import os
import signal
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import httpx
import pytest

from tests.e2e.service import DUCKLAKE, ServiceProcess, clean_environment, running_service
from tests.extensions import extension_file

COLUMNS = [{"name": "id", "type": "BIGINT", "nullable": False}, {"name": "text", "type": "VARCHAR"}]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def make_table(client: httpx.Client, name: str) -> None:
    answer = client.post("/tables", json={"name": name, "columns": COLUMNS})
    assert answer.status_code == 201, answer.text


def append(client: httpx.Client, name: str, *ids: int) -> httpx.Response:
    return client.put(f"/tables/{name}", json=[{"id": number, "text": "x"} for number in ids])


def ids(client: httpx.Client, name: str) -> list[int]:
    answer = client.post(
        f"/tables/{name}/query", json={"sql": f"SELECT id FROM {name} ORDER BY id"}
    )
    assert answer.status_code == 200, answer.text
    return [row["id"] for row in answer.json()["rows"]]


def test_a_second_service_on_the_lake_is_refused_in_one_sentence(home: Path) -> None:
    with running_service(home) as service:
        second = subprocess.run(
            [DUCKLAKE, "serve", "--port", "0"],
            env=clean_environment() | {"DUCKLAKE_HOME": str(home)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert second.returncode not in {0, 1, 2}
        said = second.stderr.strip().splitlines()
        assert str(service.process.pid) in second.stderr
        assert not any("Traceback" in line for line in said)
        with service.client() as client:
            assert client.get("/readyz").is_success


def test_what_was_acknowledged_is_there_after_a_restart(home: Path) -> None:
    with running_service(home) as service, service.client() as client:
        make_table(client, "t")
        append(client, "t", 1, 2)
        client.post("/datasets/bucket").raise_for_status()
        client.put("/datasets/bucket/a/b.txt", content=b"hello").raise_for_status()
    with running_service(home) as service, service.client() as client:
        assert ids(client, "t") == [1, 2]
        assert client.get("/datasets/bucket/a/b.txt").content == b"hello"


def test_kill_9_loses_nothing_acknowledged(home: Path) -> None:
    """Clients write rows and objects until the process is killed; all they were told is there."""
    service = ServiceProcess(home)
    service.start()
    with service.client() as client:
        make_table(client, "t")
        client.post("/datasets/bucket").raise_for_status()
    for round_number in range(3):
        rows, objects = write_until_killed(service, first_id=round_number * 1_000_000)
        assert rows
        assert objects
        service.start()
        with service.client() as client:
            kept = ids(client, "t")
            assert len(kept) == len(set(kept))
            assert set(rows) <= set(kept)
            for name, content in objects.items():
                assert client.get(f"/datasets/bucket/{name}").content == content
    service.stop()


def write_until_killed(
    service: ServiceProcess, first_id: int
) -> tuple[list[int], dict[str, bytes]]:
    rows: list[int] = []
    objects: dict[str, bytes] = {}
    enough = threading.Event()

    def write(worker: int) -> None:
        with service.client(timeout_s=30) as client:
            for number in range(10_000):
                row = first_id + worker * 10_000 + number
                content = f"{row}".encode() * 1000
                try:
                    if append(client, "t", row).status_code == 200:
                        rows.append(row)
                    name = f"{worker}/{number % 5}-{first_id}"
                    objects.pop(name, None)
                    if client.put(f"/datasets/bucket/{name}", content=content).is_success:
                        objects[name] = content
                except httpx.TransportError:
                    return
                if len(rows) > 40:
                    enough.set()

    with ThreadPoolExecutor(4) as pool:
        workers = [pool.submit(write, worker) for worker in range(4)]
        assert enough.wait(timeout=60)
        service.kill()
        for worker in workers:
            worker.result()
    return rows, objects


def test_sigterm_under_load_cuts_nothing_off(home: Path) -> None:
    with running_service(home) as service:
        with service.client() as client:
            make_table(client, "t")
        acknowledged: list[int] = []
        cut_off: list[Exception] = []
        enough = threading.Event()

        def write(worker: int) -> None:
            with service.client() as client:
                for number in range(10_000):
                    row = worker * 10_000 + number
                    try:
                        answer = append(client, "t", row)
                    except (httpx.ConnectError, httpx.RemoteProtocolError):
                        # A connection that the server had closed already: nothing was begun.
                        return
                    except httpx.TransportError as error:
                        cut_off.append(error)
                        return
                    if answer.status_code == 200:
                        acknowledged.append(row)
                    else:
                        assert answer.status_code == 503, answer.text
                        return
                    if len(acknowledged) > 40:
                        enough.set()

        with ThreadPoolExecutor(4) as pool:
            workers = [pool.submit(write, worker) for worker in range(4)]
            assert enough.wait(timeout=60)
            assert service.stop() == 0
            for worker in workers:
                worker.result()
        assert not cut_off
    with running_service(home) as service, service.client() as client:
        assert set(acknowledged) <= set(ids(client, "t"))


def test_a_plain_duckdb_reads_the_lake_once_the_service_is_stopped(home: Path) -> None:
    with running_service(home) as service, service.client() as client:
        make_table(client, "shop.orders")
        run_id = append(client, "shop.orders", 1, 2).json()["run_id"]
    with duckdb.connect() as connection:
        connection.execute(f"LOAD '{extension_file('ducklake')}'")
        connection.execute(f"ATTACH 'ducklake:{home}/lake/catalog.ducklake' AS lake (READ_ONLY)")
        rows = connection.execute("FROM lake.shop.orders ORDER BY id").fetchall()
        assert rows == [(1, "x"), (2, "x")]
        messages = connection.execute(
            "SELECT commit_message FROM lake.snapshots() ORDER BY snapshot_id"
        ).fetchall()
    assert json.loads(messages[-1][0])["writes"][0]["run_id"] == run_id


def test_a_moved_home_is_the_same_lake(home: Path) -> None:
    with running_service(home) as service, service.client() as client:
        make_table(client, "t")
        # More rows than the catalog keeps inline, so that there is a data file.
        append(client, "t", *range(200)).raise_for_status()
    moved = home.with_name("moved")
    home.rename(moved)
    with running_service(moved) as service, service.client() as client:
        assert ids(client, "t") == list(range(200))
        append(client, "t", 200).raise_for_status()


def test_every_operation_leaves_its_lineage_in_the_home(home: Path) -> None:
    with running_service(home) as service, service.client() as client:
        make_table(client, "t")
        run_id = append(client, "t", 1).headers["Lineage-Run-Id"]
        failed = append(client, "nothing", 1).headers["Lineage-Run-Id"]
    events = [
        json.loads(line) for line in (home / "lineage" / "events.ndjson").read_text().splitlines()
    ]
    states = {
        run: [event["eventType"] for event in events if event["run"]["runId"] == run]
        for run in (run_id, failed)
    }
    assert states == {run_id: ["START", "COMPLETE"], failed: ["START", "FAIL"]}


def test_an_impatient_interrupt_leaves_a_lake_that_opens(home: Path) -> None:
    with running_service(home) as service:
        os.kill(service.process.pid, signal.SIGINT)
        os.kill(service.process.pid, signal.SIGINT)
        assert service.ended() in {0, 130, -signal.SIGINT}
    with running_service(home) as service, service.client() as client:
        assert client.get("/readyz").is_success
