"""Large appends over HTTP: Parquet against DuckLake's own INSERT, and the rates of text."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb

from adapters.ducklake.engine.extensions import load_extension
from tests.e2e.service import ServiceProcess

ROWS = 10_000_000
TEXT_ROWS = 1_000_000
ROUNDS = 2
MIB = 1024**2
COLUMNS = [
    {"name": "id", "type": "BIGINT"},
    {"name": "amount", "type": "DOUBLE"},
    {"name": "label", "type": "VARCHAR"},
    {"name": "day", "type": "DATE"},
]
SOURCE = """
    SELECT i AS id, i * 1.5::DOUBLE AS amount, 'label ' || i % 1000 AS label,
           DATE '2020-01-01' + (i % 1000)::INTEGER AS day
    FROM range({rows}) r(i)
"""
MEDIA_TYPES = {
    "parquet": "application/vnd.apache.parquet",
    "ndjson": "application/x-ndjson",
    "csv": "text/csv",
}


def run() -> None:
    """Make the files, insert them in process, then send them."""
    with tempfile.TemporaryDirectory(prefix="ducklake-bench-") as name:
        directory = Path(name)
        files = {kind: directory / f"rows.{kind}" for kind in MEDIA_TYPES}
        write_files(files)
        service = ServiceProcess(directory / "home", {"DUCKLAKE_LOG_LEVEL": "WARNING"})
        service.start()
        try:
            compare_parquet(service, directory, files["parquet"])
            for kind in ("ndjson", "csv"):
                seconds = min(append(service, files[kind], kind) for _ in range(ROUNDS))
                size = files[kind].stat().st_size / MIB
                print(
                    f"{TEXT_ROWS:,} rows as {kind}: {seconds:.2f} s, "
                    f"{TEXT_ROWS / seconds:,.0f} rows/s, {size / seconds:.0f} MiB/s"
                )
        finally:
            service.stop()


def write_files(files: dict[str, Path]) -> None:
    """The rows in each format."""
    with duckdb.connect() as connection:
        text = SOURCE.format(rows=TEXT_ROWS)
        connection.execute(f"COPY ({SOURCE.format(rows=ROWS)}) TO '{files['parquet']}'")
        connection.execute(f"COPY ({text}) TO '{files['ndjson']}' (FORMAT json)")
        connection.execute(f"COPY ({text}) TO '{files['csv']}' (HEADER)")


def compare_parquet(service: ServiceProcess, directory: Path, parquet: Path) -> None:
    """The same file by INSERT in process and over HTTP, in turns."""
    with duckdb.connect() as connection:
        load_extension(connection, "ducklake")
        connection.execute(
            f"ATTACH 'ducklake:{directory}/alone.ducklake' AS lake (DATA_PATH '{directory}/alone/')"
        )
        kinds = ", ".join(f"{column['name']} {column['type']}" for column in COLUMNS)
        over_http, alone = [], []
        for _ in range(ROUNDS):
            connection.execute(f"CREATE OR REPLACE TABLE lake.t ({kinds})")
            began = time.perf_counter()
            connection.execute(f"INSERT INTO lake.t FROM '{parquet}'")
            alone.append(time.perf_counter() - began)
            over_http.append(append(service, parquet, "parquet"))
    print(
        f"{ROWS:,} rows as Parquet: {min(over_http):.2f} s over HTTP, {min(alone):.2f} s by INSERT "
        f"in process: {min(over_http) / min(alone):.2f} (target 1.3)"
    )


def append(service: ServiceProcess, file: Path, kind: str) -> float:
    """Append a file to a new table; the seconds that it takes until it is durable."""
    with service.client(timeout_s=300) as client:
        table = {"name": "t", "columns": COLUMNS, "if_exists": "replace"}
        client.post("/tables", json=table).raise_for_status()
        began = time.perf_counter()
        client.put(
            "/tables/t", content=chunks_of(file), headers={"Content-Type": MEDIA_TYPES[kind]}
        ).raise_for_status()
        return time.perf_counter() - began


def chunks_of(file: Path) -> Iterator[bytes]:
    """The file's bytes."""
    with file.open("rb") as opened:
        while chunk := opened.read(MIB):
            yield chunk
