"""Good questions pass the gate unchanged, and have the answers that plain DuckDB gives."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import closing
from decimal import Decimal
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from adapters.ducklake import DuckLakeQueries, Lake
from adapters.ducklake.engine.extensions import load_extension
from domain.formats import DataFormat
from domain.queries import Query, ResultEncoding
from domain.tables import TableName
from tests.local_lake import local_lake

DIGITS = 6

HITS, *CLICKBENCH = (
    (Path(__file__).parent / "clickbench.sql").read_text().removesuffix(";\n").split(";\n")
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("friendly")


@pytest.fixture(scope="module")
def plain(home: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Plain DuckDB with the tables; they are copied to the lake before it is opened."""
    engine = duckdb.connect()
    load_extension(engine, "tpch")
    load_extension(engine, "ducklake")
    engine.execute("SET TimeZone = 'UTC'")
    engine.execute("CALL dbgen(sf = 0.01)")
    engine.execute(HITS)
    flights = _flights()
    engine.execute("CREATE SCHEMA nycflights13")
    for name, columns in flights.TABLES.items():
        rows = home / f"{name}.csv"
        rows.write_bytes(b"".join(flights.csv_of(name)))
        engine.execute(f"CREATE TABLE nycflights13.{name} ({columns})")
        engine.execute(f"COPY nycflights13.{name} FROM '{rows}' (HEADER)")
    engine.execute(
        f"ATTACH 'ducklake:{home / 'catalog.ducklake'}' AS lake (DATA_PATH '{home / 'data'}/')"
    )
    tables = engine.execute(
        "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'memory'"
    ).fetchall()
    for schema, table in tables:
        engine.execute(f"CREATE SCHEMA IF NOT EXISTS lake.{schema}")
        engine.execute(f"CREATE TABLE lake.{schema}.{table} AS FROM memory.{schema}.{table}")
    engine.execute("DETACH lake")
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def friendly(plain: duckdb.DuckDBPyConnection, home: Path) -> Iterator[DuckLakeQueries]:
    lake = Lake(local_lake(home))
    yield DuckLakeQueries(lake)
    lake.close()


def _flights() -> Any:
    path = Path(__file__).parents[3] / "examples" / "nycflights13.py"
    spec = spec_from_file_location("nycflights13_demo", path)
    assert spec is not None
    assert spec.loader is not None
    demo = module_from_spec(spec)
    spec.loader.exec_module(demo)
    return demo


def _asked(queries: DuckLakeQueries, query: Query) -> list[tuple[object, ...]]:
    with closing(queries.open(query, ResultEncoding(DataFormat.ARROW))) as result:
        body = b"".join(result)
    table = pa.ipc.open_stream(io.BytesIO(body)).read_all()
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))


def _comparable(rows: Sequence[tuple[object, ...]]) -> list[tuple[object, ...]]:
    """The rows without what summing in another order changes, in an order of their own."""
    return sorted((tuple(map(_rounded, row)) for row in rows), key=repr)


def _rounded(value: object) -> object:
    if isinstance(value, list):
        return [_rounded(each) for each in value]
    if isinstance(value, float | int | Decimal) and not isinstance(value, bool):
        return f"{float(value):.{DIGITS}g}"
    return value


@pytest.mark.parametrize("number", range(1, 23))
def test_tpch(plain: duckdb.DuckDBPyConnection, friendly: DuckLakeQueries, number: int) -> None:
    (sql,) = plain.execute(
        "SELECT query FROM tpch_queries() WHERE query_nr = $number", {"number": number}
    ).fetchall()[0]

    expected = plain.execute(sql).fetchall()
    assert _comparable(_asked(friendly, Query(sql))) == _comparable(expected)


@pytest.mark.parametrize("sql", CLICKBENCH)
def test_clickbench(plain: duckdb.DuckDBPyConnection, friendly: DuckLakeQueries, sql: str) -> None:
    expected = plain.execute(sql).fetchall()
    assert _comparable(_asked(friendly, Query(sql))) == _comparable(expected)


@pytest.mark.parametrize("question", _flights().QUESTIONS)
def test_the_tutorials_questions(
    plain: duckdb.DuckDBPyConnection, friendly: DuckLakeQueries, question: str
) -> None:
    sql = _flights().QUESTIONS[question]
    cursor = plain.cursor()
    cursor.execute("USE memory.nycflights13")

    expected = cursor.execute(sql).fetchall()
    query = Query(sql, TableName("nycflights13", "flights"))
    assert _comparable(_asked(friendly, query)) == _comparable(expected)
