"""A disk that is full: 507, reads go on, and writes work again once there is space.

Each place of the home in turn is a small file system of its own: a tmpfs in a mount namespace
of the service's, which needs no administrator where user namespaces are allowed.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.e2e.service import DUCKLAKE, ServiceProcess

UNSHARE = ("unshare", "--map-root-user", "--mount")


def _can_mount() -> bool:
    if sys.platform != "linux" or shutil.which("unshare") is None:
        return False
    mounted = subprocess.run(
        [*UNSHARE, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False
    )
    return mounted.returncode == 0


pytestmark = pytest.mark.skipif(
    not _can_mount(), reason="this system lets no user mount a file system of his own"
)

FILE_ROWS = 20_000
"""More rows than the catalog keeps."""


@dataclass
class Disk:
    """A service, one place of whose home is a small file system."""

    service: ServiceProcess
    place: Path

    @property
    def seen(self) -> Path:
        """The place as the service sees it: the mount is in its namespace alone."""
        return Path(f"/proc/{self.service.process.pid}/root{self.place}")

    def fill(self) -> None:
        with suppress(OSError), (self.seen / "filler").open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))

    def free(self) -> None:
        (self.seen / "filler").unlink()

    def files(self) -> set[str]:
        found = {
            str(path.relative_to(self.seen)) for path in self.seen.rglob("*") if path.is_file()
        }
        return found - {"filler"}


@contextmanager
def small_disk(home: Path, place: str, size: str) -> Iterator[tuple[Disk, httpx.Client]]:
    mounted = home / place
    mounted.mkdir(parents=True)
    script = f'mount -t tmpfs -o size={size} none "$1" && exec "$0" serve'
    command = (*UNSHARE, "sh", "-c", script, str(DUCKLAKE), str(mounted))
    service = ServiceProcess(home, command=command)
    service.start()
    try:
        with service.client() as client:
            yield Disk(service, mounted), client
    finally:
        if service.process.poll() is None:
            service.kill()


def is_full(answer: httpx.Response, home: Path) -> None:
    assert answer.status_code == 507, answer.text
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["code"] == "storage_full"
    assert str(home) not in answer.text


def rows(count: int, first: int = 0) -> list[dict[str, object]]:
    return [{"id": first + number, "text": f"{number:040}"} for number in range(count)]


def make_table(client: httpx.Client) -> None:
    columns = [{"name": "id", "type": "BIGINT"}, {"name": "text", "type": "VARCHAR"}]
    assert client.post("/tables", json={"name": "t", "columns": columns}).status_code == 201
    assert client.put("/tables/t", json=rows(10)).status_code == 200


def count(client: httpx.Client) -> int:
    answer = client.post("/query", json={"sql": "SELECT count(*) AS n FROM t"})
    assert answer.status_code == 200, answer.text
    found: int = answer.json()["rows"][0]["n"]
    return found


@pytest.mark.parametrize(
    "place, size, appended",
    [
        pytest.param("lake/data", "4m", FILE_ROWS, id="data files"),
        pytest.param("lake", "24m", 1, id="catalog"),
    ],
)
def test_a_full_disk_under_the_lake(tmp_path: Path, place: str, size: str, appended: int) -> None:
    home = tmp_path / "home"
    with small_disk(home, place, size) as (disk, client):
        make_table(client)
        before = disk.files()
        disk.fill()
        there = 10
        # The last page of the catalog's log may have room for some rows more.
        while (answer := client.put("/tables/t", json=rows(appended, there))).is_success:
            there += appended
            assert there < 1_000, "the disk is not full"
        for _ in range(3):
            is_full(answer, home)
            assert count(client) == there
            answer = client.put("/tables/t", json=rows(appended, there))
        assert client.get("/tables/t").json()["row_count"] == there
        assert {name for name in disk.files() - before if name.endswith(".parquet")} == set()
        disk.free()
        answer = client.put("/tables/t", json=rows(appended, there))
        assert answer.status_code == 200, answer.text
        assert count(client) == there + appended
        disk.service.stop()


def test_a_full_disk_under_the_datasets(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with small_disk(home, "datasets", "4m") as (disk, client):
        assert client.post("/datasets/raw").status_code == 201
        assert client.put("/datasets/raw/a", content=b"small").status_code == 201
        disk.fill()
        for name in ("a", "b"):
            is_full(client.put(f"/datasets/raw/{name}", content=bytes(1_000_000)), home)
        assert client.get("/datasets/raw/a").content == b"small"
        assert client.get("/datasets/raw/b").status_code == 404
        disk.free()
        before = disk.files()
        assert client.put("/datasets/raw/b", content=bytes(1_000_000)).status_code == 201
        assert len(disk.files() - before) <= 2
        disk.service.stop()


def test_a_full_disk_under_the_bodies_that_are_read(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with small_disk(home, "tmp", "4m") as (disk, client):
        make_table(client)
        disk.fill()
        many = {"rows": rows(400_000, 10)}
        is_full(client.put("/tables/t", json=many, timeout=120), home)
        assert count(client) == 10
        assert client.put("/tables/t", json=rows(1, 10)).status_code == 200
        disk.free()
        assert count(client) == 11
        disk.service.stop()
