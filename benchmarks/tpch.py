"""A lake with TPC-H at scale factor 1, and DuckDB on a copy of its catalog to compare with."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import copyfile

import duckdb

from adapters.ducklake.engine.extensions import load_extension

TABLES = ("customer", "lineitem", "nation", "orders", "part", "partsupp", "region", "supplier")
QUERIES = range(1, 23)
ARROW_BATCH_ROWS = 16_384


def make_lake(home: Path) -> None:
    """Make the embedded lake of a home, with the eight tables in it."""
    (home / "lake" / "data").mkdir(parents=True)
    with duckdb.connect() as connection:
        load_extension(connection, "ducklake")
        load_extension(connection, "tpch")
        connection.execute("CALL dbgen(sf = 1)")
        _attach(connection, home / "lake" / "catalog.ducklake", home)
        for table in TABLES:
            connection.execute(f"CREATE TABLE lake.{table} AS FROM memory.{table}")


def queries() -> dict[int, str]:
    """The 22 queries by number, as DuckDB's extension has them."""
    with duckdb.connect() as connection:
        load_extension(connection, "tpch")
        return dict(connection.execute(_ALL_QUERIES).fetchall())


_ALL_QUERIES = "SELECT query_nr, query FROM tpch_queries() ORDER BY query_nr"


@contextmanager
def in_process(home: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """DuckDB alone on the same files. Its catalog is a copy, since a service holds the other."""
    catalog = home.parent / "copy.ducklake"
    copyfile(home / "lake" / "catalog.ducklake", catalog)
    with duckdb.connect() as connection:
        load_extension(connection, "ducklake")
        _attach(connection, catalog, home)
        connection.execute("USE lake")
        yield connection


def drain(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    """Read a result to its end as Arrow; its bytes."""
    reader = connection.execute(sql).to_arrow_reader(ARROW_BATCH_ROWS)
    return sum(batch.nbytes for batch in reader)


def _attach(connection: duckdb.DuckDBPyConnection, catalog: Path, home: Path) -> None:
    connection.execute(
        f"ATTACH 'ducklake:{catalog}' AS lake (DATA_PATH '{home / 'lake' / 'data'}/')"
    )
