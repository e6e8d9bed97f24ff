"""A name is judged by what the engine finds by it, in whatever namespace and at whatever snapshot.

Other clients of the lake make views and macros. None of theirs gets past the gate because a name
means something else than it seems to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from adapters.ducklake import DuckLakeQueries, Lake
from adapters.filesystem.datasets import FilesystemDatasets
from domain.errors import LakehouseError, StatementNotAllowedError, TooLargeError
from domain.formats import DataFormat
from domain.queries import Query, ResultEncoding
from domain.tables import AtVersion, TableName
from tests.local_lake import local_lake

LEAKY = "SELECT name AS a FROM duckdb_settings() LIMIT 1"


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lake]:
    """A lake with the table `t` in three namespaces."""
    opened = Lake(local_lake(tmp_path, FilesystemDatasets(tmp_path / "datasets"), threads=2))
    run(opened, "CREATE SCHEMA lake.s", "CREATE SCHEMA lake.other")
    run(
        opened, *(f"CREATE TABLE lake.{each}.t AS SELECT 1 AS a" for each in ("main", "s", "other"))
    )
    yield opened
    opened.close()


def run(lake: Lake, *statements: str) -> int:
    """Run statements as another client would; the newest snapshot after them."""
    with lake.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        row = cursor.execute("SELECT max(snapshot_id) FROM lake.snapshots()").fetchone()
    assert row is not None
    return int(row[0])


def ask(
    lake: Lake, sql: str, namespace: str = "main", at: int | None = None
) -> tuple[str, list[str]]:
    """The answer, and the tables that were read for it."""
    moment = None if at is None else AtVersion(at)
    query = Query(sql, TableName(namespace, "t"), at=moment)
    with closing(DuckLakeQueries(lake).open(query, ResultEncoding(DataFormat.NDJSON))) as result:
        return b"".join(result).decode(), [str(table) for table in result.tables]


def refused(lake: Lake, sql: str, namespace: str = "main", at: int | None = None) -> None:
    with pytest.raises(StatementNotAllowedError, match=r"duckdb_settings|macro"):
        ask(lake, sql, namespace, at)


def test_a_bare_name_may_be_one_of_the_default_namespace(lake: Lake) -> None:
    run(
        lake,
        f"CREATE VIEW lake.main.leaky AS {LEAKY}",
        "CREATE TABLE lake.main.here AS FROM lake.t",
    )
    refused(lake, "FROM leaky", "s")
    assert ask(lake, "FROM here", "s") == ('{"a":1}\n', ["main.here"])


def test_a_bare_name_in_a_view_may_be_one_of_the_callers_namespace(lake: Lake) -> None:
    run(
        lake,
        "CREATE TABLE lake.s.x AS SELECT 1 AS a",
        "CREATE VIEW lake.s.v AS FROM x",
        "CREATE VIEW lake.s.v2 AS FROM v",
        "DROP TABLE lake.s.x",
        f"CREATE VIEW lake.other.x AS {LEAKY}",
    )
    for sql in ("FROM s.v", "FROM s.v2"):
        refused(lake, sql, "other")
    run(lake, "CREATE TABLE lake.main.x AS SELECT 2 AS a")
    assert ask(lake, "FROM s.v2", "s") == ('{"a":2}\n', ["main.x"])
    run(lake, "CREATE TABLE lake.s.x AS SELECT 3 AS a")
    assert ask(lake, "FROM s.v2", "other") == ('{"a":3}\n', ["s.x"])


def test_a_name_of_the_lake_is_one_of_the_callers_namespace(lake: Lake) -> None:
    run(
        lake,
        "CREATE TABLE lake.main.x AS SELECT 1 AS a",
        f"CREATE VIEW lake.s.x AS {LEAKY}",
        "CREATE TABLE lake.other.x AS SELECT 1 AS a",
        "CREATE VIEW lake.other.v AS FROM lake.x",
        "DROP TABLE lake.other.x",
    )
    refused(lake, "FROM lake.x", "s")
    refused(lake, "FROM other.v", "s")
    assert ask(lake, "FROM lake.x") == ('{"a":1}\n', ["main.x"])
    with pytest.raises(LakehouseError, match="x does not exist"):
        ask(lake, "FROM lake.x", "other")


@pytest.mark.parametrize(
    "after", ["CREATE OR REPLACE VIEW lake.v AS SELECT 1 AS a", "DROP VIEW lake.v"]
)
def test_a_view_is_judged_by_what_it_was_at_the_moment_that_is_named(
    lake: Lake, after: str
) -> None:
    run(lake, "CREATE VIEW lake.inner_one AS SELECT 1 AS a")
    version = run(lake, f"CREATE VIEW lake.v AS {LEAKY}")
    run(lake, after)
    for sql in (
        f"FROM v AT (VERSION => {version})",
        f"SELECT 1 WHERE EXISTS (FROM main.v AT (VERSION => {version}))",
        "FROM v AT (TIMESTAMP => now() - INTERVAL 1 SECOND)",
    ):
        refused(lake, sql)
    refused(lake, f"FROM v AT (VERSION => {version})", "s")


def test_what_is_in_a_view_is_of_that_moment_too(lake: Lake) -> None:
    run(lake, f"CREATE VIEW lake.inner_one AS {LEAKY}")
    version = run(lake, "CREATE VIEW lake.v AS FROM inner_one")
    run(lake, "CREATE OR REPLACE VIEW lake.inner_one AS SELECT 5 AS a")
    refused(lake, f"FROM v AT (VERSION => {version})")
    refused(lake, f"SELECT 1 FROM t WHERE EXISTS (FROM v AT (VERSION => {version}))")
    assert ask(lake, "FROM v")[0] == '{"a":5}\n'


def test_an_at_in_a_view_is_judged_likewise(lake: Lake) -> None:
    version = run(lake, f"CREATE VIEW lake.x AS {LEAKY}")
    now = run(
        lake,
        "CREATE OR REPLACE VIEW lake.x AS SELECT 5 AS a",
        f"CREATE VIEW lake.v AS FROM x AT (VERSION => {version})",
    )
    refused(lake, "FROM v")
    refused(lake, "FROM v", at=now)


def test_a_macro_is_there_now_whatever_the_moment(lake: Lake) -> None:
    version = run(lake, "CREATE VIEW lake.v AS SELECT upper('a') AS a")
    run(lake, "CREATE MACRO lake.main.upper(x) AS (SELECT name FROM duckdb_settings() LIMIT 1)")
    refused(lake, "SELECT upper('a') FROM t", at=version)
    refused(lake, "FROM v", at=version)
    refused(lake, f"FROM v AT (VERSION => {version})")


def _joined(view: str) -> str:
    return f"SELECT x.a FROM {view} x JOIN {view} y USING (a)"


def _in_a_value(view: str) -> str:
    return f"SELECT (SELECT max(a) FROM {view}) + (SELECT min(a) FROM {view}) AS a"


def _longer(view: str) -> str:
    return f"SELECT a || a || a || a AS a FROM {view}"


@pytest.mark.parametrize("body", [_joined, _in_a_value, _longer])
def test_views_in_views_weigh_what_they_are_made_of(lake: Lake, body: Callable[[str], str]) -> None:
    made = ["CREATE VIEW lake.v0 AS SELECT a::VARCHAR AS a FROM t"]
    if body is _in_a_value:
        made = ["CREATE VIEW lake.v0 AS FROM t"]
    now = run(lake, *made, *(f"CREATE VIEW lake.v{n + 1} AS {body(f'v{n}')}" for n in range(12)))
    assert ask(lake, "FROM v3")[1] == ["main.t"]
    for at in (None, now):
        with pytest.raises(TooLargeError):
            ask(lake, "FROM v12", at=at)
    with pytest.raises(TooLargeError):
        ask(lake, f"FROM v12 AT (VERSION => {now})")
