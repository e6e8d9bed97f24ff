"""Small appends, one after the other: what they and queries cost as snapshots pile up.

The time of an append is told beside that on a lake with few snapshots, measured in turns with
it: other work on the machine then counts for both.

python -m benchmarks.small_appends 10000 > docs/explanation/small-appends.csv
"""

import csv
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import duckdb

from adapters.ducklake import (
    DuckLakeTables,
    FileCatalog,
    Lake,
    LakeConfig,
    LocalStorage,
    PostgresCatalog,
)
from domain.column_types import parse_column_type
from domain.commits import Write
from domain.tables import Column, IfExists, TableDefinition, TableName
from tests.fakes.rows import FakeRows
from tests.servers.endpoints import PostgresEndpoint
from tests.servers.postgres import any_postgres, new_database
from tests.servers.postgres_sql import connected

MIB = 1024**2
APPENDS = 1_000
CHECKPOINTS = (100, 300, 1_000, 3_000, 10_000, 30_000)
TURNS = 30
ROUNDS = 5
NAME = TableName("main", "t")
COLUMNS = (
    Column("id", parse_column_type("BIGINT")),
    Column("at", parse_column_type("TIMESTAMP")),
    Column("label", parse_column_type("VARCHAR")),
)


@dataclass(frozen=True)
class Case:
    """One way to append.

    Attributes:
        catalog: `file` or `postgresql`.
        rows: How many rows each append has.
        inline_rows: How many of them stay in the catalog.
        flush_every: After how many appends they are written to files; 0 for never.
    """

    catalog: str
    rows: int
    inline_rows: int
    flush_every: int = 0


CASES = [
    Case(catalog, rows, inline_rows, flush_every)
    for catalog in ("file", "postgresql")
    for rows, inline_rows, flush_every in (
        (1, 10, 0),
        (1, 10, 1_000),
        (20, 10, 0),
        (20, 100, 0),
        (20, 100, 1_000),
    )
]


@dataclass(frozen=True)
class Measured:
    """What was measured at one number of appends.

    Attributes:
        appends: How many appends were made before.
        append_ms: The median time of some more.
        small_append_ms: The same, at the same time, on a lake with few snapshots.
        count_ms: The median time of `count(*)`.
        filter_ms: The median time of a search for one id.
        scan_ms: The median time of a sum over all rows.
        files: The table's data files.
        catalog_mib: The size of the catalog.
        flush_ms: How long the last flush took; 0 when there was none.
    """

    catalog: str
    rows: int
    inline_rows: int
    flush_every: int
    appends: int
    append_ms: float
    small_append_ms: float
    count_ms: float
    filter_ms: float
    scan_ms: float
    files: int
    catalog_mib: float
    flush_ms: float


def run(appends: int = APPENDS) -> None:
    """Measure all cases, and print them as a table."""
    for measured in measure(CASES, appends):
        print(
            f"{measured.catalog:>10} {measured.rows:>3} rows, inlined up to "
            f"{measured.inline_rows:>4}, flushed every {measured.flush_every:>5}: "
            f"after {measured.appends:>6} an append {measured.append_ms:>6.1f} ms "
            f"({measured.append_ms / measured.small_append_ms:.2f} of a small lake's), "
            f"count {measured.count_ms:>7.1f} ms, filter {measured.filter_ms:>7.1f} ms, "
            f"scan {measured.scan_ms:>7.1f} ms, "
            f"{measured.files:>5} files, catalog {measured.catalog_mib:>6.1f} MiB, "
            f"flush {measured.flush_ms:>6.0f} ms"
        )


def measure(cases: Sequence[Case], appends: int) -> Iterator[Measured]:
    """Measure cases, each on a lake of its own, beside a small one of the same kind."""
    with tempfile.TemporaryDirectory(prefix="ducklake-bench-") as name, ExitStack() as servers:
        directory = Path(name)
        directory.chmod(0o755)
        server: PostgresEndpoint | None = None
        for number, case in enumerate(cases):
            if case.catalog == "postgresql" and server is None:
                server = servers.enter_context(any_postgres(directory / "pg"))
            with ExitStack() as cleanup:
                large, small = (
                    cleanup.enter_context(opened(case, directory / f"{number}-{which}", server))
                    for which in ("large", "small")
                )
                yield from _measure_case(case, large, small, appends)


@dataclass(frozen=True)
class Opened:
    """A lake with an empty table."""

    lake: Lake
    tables: DuckLakeTables
    catalog_size: Callable[[], int]


@contextmanager
def opened(case: Case, home: Path, server: PostgresEndpoint | None) -> Iterator[Opened]:
    """A lake of its own for a case, with an empty table."""
    with ExitStack() as cleanup:
        file = home / "catalog.ducklake"
        catalog: FileCatalog | PostgresCatalog = FileCatalog(file)
        size = partial(_file_size, file)
        if case.catalog == "postgresql" and server is not None:
            database = cleanup.enter_context(new_database(server))
            catalog = PostgresCatalog.parse(database.url)
            size = partial(_database_size, database)
        config = LakeConfig(
            catalog=catalog,
            storage=LocalStorage(home / "data"),
            temp_directory=home / "temp",
            inline_rows=case.inline_rows,
        )
        lake = cleanup.enter_context(closing(Lake(config)))
        tables = DuckLakeTables(lake)
        created = Write(str(NAME), "create", "0")
        tables.create(TableDefinition(NAME, COLUMNS), IfExists.ERROR, created)
        yield Opened(lake, tables, size)


def _measure_case(case: Case, large: Opened, small: Opened, appends: int) -> Iterator[Measured]:
    flush_ms = 0.0
    for done in range(1, appends + 1):
        fill(large.lake, case.rows, done)
        if case.flush_every and done % case.flush_every == 0:
            flush_ms = _timed(partial(_flush, large.lake))
        if done in CHECKPOINTS or done == appends:
            # In turns, so that what else the machine does is the same for both.
            took = [
                [_timed(partial(append, each.tables, case.rows, done)) for each in (large, small)]
                for _ in range(TURNS)
            ]
            yield Measured(
                **asdict(case),
                appends=done,
                append_ms=statistics.median(pair[0] for pair in took),
                small_append_ms=statistics.median(pair[1] for pair in took),
                count_ms=_query(large.lake, "SELECT count(*) FROM lake.main.t"),
                filter_ms=_query(large.lake, f"SELECT max(label) FROM lake.main.t WHERE id={done}"),
                scan_ms=_query(large.lake, "SELECT sum(id) FROM lake.main.t"),
                files=large.tables.describe(NAME).file_count,
                catalog_mib=large.catalog_size() / MIB,
                flush_ms=flush_ms,
            )


def fill(lake: Lake, count: int, number: int) -> None:
    """An append by the engine alone, which is the same to the lake, and faster."""
    with lake.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO lake.main.t SELECT {number}, TIMESTAMP '2026-01-01' + INTERVAL "
            f"({number}) SECOND, 'row {number}' FROM range({count})"
        )


def append(tables: DuckLakeTables, count: int, number: int) -> None:
    """An append as the service makes it."""
    moment = datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None) + timedelta(seconds=number)
    values = {"id": [number] * count, "at": [moment] * count, "label": [f"row {number}"] * count}
    rows = FakeRows.of(COLUMNS, values)
    tables.append(NAME, rows, Write(str(NAME), "append", f"run {number}", count))


def _flush(lake: Lake) -> None:
    with lake.cursor() as cursor:
        cursor.execute("CALL ducklake_flush_inlined_data('lake')")
        cursor.execute("CALL ducklake_merge_adjacent_files('lake')")


def _query(lake: Lake, sql: str) -> float:
    def ask(cursor: duckdb.DuckDBPyConnection) -> None:
        cursor.execute(sql).fetchall()

    return statistics.median(_timed(partial(lake.read, ask)) for _ in range(ROUNDS))


def _timed(call: Callable[[], object]) -> float:
    """How long a call takes, in milliseconds."""
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1000


def _file_size(path: Path) -> int:
    return sum(each.stat().st_size for each in path.parent.glob(f"{path.name}*"))


def _database_size(database: PostgresEndpoint) -> int:
    sql = "FROM postgres_query('pg', 'SELECT pg_database_size(current_database())')"
    with connected(database) as connection:
        row = connection.execute(sql).fetchone()
    return 0 if row is None else int(row[0])


def _write_csv(appends: int, only: str) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow([field.name for field in fields(Measured)])
    for measured in measure([case for case in CASES if only in case.catalog], appends):
        writer.writerow(
            round(value, 1) if isinstance(value, float) else value
            for value in asdict(measured).values()
        )
        sys.stdout.flush()


if __name__ == "__main__":
    _write_csv(int(sys.argv[1]), "".join(sys.argv[2:]))
