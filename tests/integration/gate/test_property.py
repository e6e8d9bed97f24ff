"""No accepted statement changes the lake, the files around it, or the engine's settings.

Statements are made of fragments, good ones and bad ones, in every place where one can stand.
"""

from __future__ import annotations

import threading
from contextlib import closing

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.ducklake import DuckLakeQueries, Lake
from domain.errors import LakehouseError
from domain.formats import DataFormat
from domain.queries import Query, ResultEncoding
from tests.integration.gate.world import World

TIMEOUT_S = 20.0

VALUES = st.sampled_from(
    (
        *("1", "NULL", "'x'", "id", "label", "t.id", "lake.main.t.id", "current_date", "$$x$$"),
        *("[1, 2]", "{'a': 1}", "MAP {'a': 1}", "DATE '2020-01-01'", "INTERVAL 1 DAY", "true"),
        *("filename", "rowid", "snapshot_id", "current_user", "*", "COLUMNS(*)", "COLUMNS('i.*')"),
        *("getenv('HOME')", "current_setting('threads')", "version()", "nextval('s')"),
        *("setseed(0.1)", "write_log('x')", "mine(1)", "upper('x')", "lower('X')", "random()"),
        *("checkpoint('lake')", "getvariable('checked_list_limit')", "uuid()", "now()"),
    )
)
FUNCTIONS = st.sampled_from(
    (
        *("abs", "length", "list", "sum", "count", "range", "repeat", "lpad", "string_agg", "md5"),
        *("list_transform", "typeof", "unnest", "to_json", "json_structure", "coalesce", "row"),
        *("getenv", "current_setting", "query", "read_text", "write_log", "pg_sleep", "mine"),
        *("system.main.repeat", "lake.main.mine", "memory.main.repeat", "error", "hash"),
    )
)
SOURCES = st.sampled_from(
    (
        *("t", "v", "main.t", "lake.t", "lake.main.t", '"T"', "range(3)", "range(3) t(id)"),
        *("(VALUES (1, 'x')) t(id, label)", "unnest([1, 2]) t(id)", "t AT (VERSION => 1)"),
        *("lake.snapshots()", "lake.table_changes('t', 1, 1)", "json_each('[1]')", "leaky"),
        *("'x.parquet'", "'/etc/passwd'", "read_csv('/etc/passwd')", "glob('/*')", "mine_too()"),
        *("'s3://gate/o.csv'", "'s3://gate/o.*'", "read_csv('s3://gate/o.csv')", "'s3://gate/x'"),
        *("read_parquet(['s3://gate/o.parquet'])", "read_json('s3://gate/*.json')"),
        *("'s3://gate/*.parquet'", "read_csv('s3://gate/o.csv', skip = 1) x(a, b)"),
        *("duckdb_settings()", "duckdb_databases", "sqlite_master", "pg_class", "query('FROM t')"),
        *("__ducklake_metadata_lake.ducklake_table", "memory.main.x", "information_schema.tables"),
        *("ducklake_set_option('lake', 'encrypted', true)", "enable_logging()", "checkpoint()"),
        *("ducklake_expire_snapshots('lake', versions => [1])", "lake.options()"),
        *("lake.set_commit_message('a', 'b')", "truncate_duckdb_logs()", "enable_profiling()"),
    )
)
COMMANDS = st.sampled_from(
    (
        *("", "EXPLAIN ", "EXPLAIN ANALYZE ", "DESCRIBE ", "SUMMARIZE ", "PREPARE p AS "),
        *("CREATE TABLE u AS ", "CREATE OR REPLACE VIEW v AS ", "INSERT INTO t ", "SET x = 1; "),
        *(
            "COPY t TO '/tmp/x'; ",
            "/* x */",
            "-- x\n",
            "DELETE FROM t; ",
            "BEGIN; ",
            "USE memory; ",
        ),
        *("CREATE TYPE e AS ENUM ('a'); ", "PRAGMA version; ", "CALL checkpoint(); ", "LOAD x; "),
    )
)
ENDINGS = st.sampled_from(
    (
        *(
            "",
            ";",
            "; ",
            " -- x",
            "; DROP TABLE t",
            ";;",
            " LIMIT 1",
            " ORDER BY 1",
            " ORDER BY ALL",
        ),
        *(" USING SAMPLE 1", " INTO x", " FOR UPDATE", ") AS x; DROP TABLE t; --", " UNION FROM t"),
    )
)


@st.composite
def expressions(draw: st.DrawFn, depth: int = 2) -> str:
    if depth == 0:
        return draw(VALUES)
    inner = expressions(depth=depth - 1)
    form = draw(
        st.sampled_from(
            (
                *("{0}", "{0}", "{f}({0})", "{f}({0}, {1})", "({0} || {1})", "({0} = {1})"),
                *("CASE WHEN {0} THEN {1} END", "{f}({0}) OVER ()", "({0})::VARCHAR", "[{0}, {1}]"),
                *("(SELECT {0})", "(SELECT {0} FROM {s} LIMIT 1)", "list_transform([1], x -> {0})"),
                *("EXISTS (FROM {s})", "{0} IN (SELECT 1 FROM {s})", "try({0})", "{0} LIKE {1}"),
                *("{f}(DISTINCT {0})", "{f}({0} ORDER BY {1})", "[{0} for x in [1]]", "{0}.{f}()"),
            )
        )
    )
    return str(form).format(draw(inner), draw(inner), f=draw(FUNCTIONS), s=draw(SOURCES))


@st.composite
def statements(draw: st.DrawFn) -> str:
    value = expressions()
    form = draw(
        st.sampled_from(
            (
                *("SELECT {0} FROM {s}", "SELECT {0}", "FROM {s}", "FROM {s} SELECT {0}, {1}"),
                *("SELECT {0} FROM {s} WHERE {1}", "SELECT {0} FROM {s} GROUP BY ALL"),
                *(
                    "WITH w AS (SELECT {0} AS a FROM {s}) FROM w",
                    "WITH t AS (FROM {s}) FROM t, {u}",
                ),
                *("WITH RECURSIVE r(a) AS (SELECT 1 UNION SELECT a + 1 FROM r WHERE a < 3) FROM r"),
                *("SELECT {0} FROM {s} UNION ALL SELECT {1} FROM {u}", "VALUES ({0})", "TABLE t"),
                *("SELECT * FROM {s} x JOIN {u} y ON {0}", "SELECT * FROM {s} x, LATERAL {u} y"),
                *("PIVOT {s} ON {0}", "PIVOT {s} ON {0} IN (1) USING count({1})", "SUMMARIZE {s}"),
                *("UNPIVOT {s} ON id", "SELECT {0} FROM {s} QUALIFY {1}", "(FROM {s})", "SHOW {s}"),
                *("SELECT {0} FROM {s} LIMIT {1}", "SELECT * FROM {s} AT (VERSION => {0})"),
                *("SELECT * REPLACE ({0} AS id) FROM {s}", "SELECT * FROM {s} POSITIONAL JOIN {u}"),
            )
        )
    )
    body = form.format(draw(value), draw(value), s=draw(SOURCES), u=draw(SOURCES))
    return f"{draw(COMMANDS)}{body}{draw(ENDINGS)}"


def answered(lake: Lake, queries: DuckLakeQueries, sql: str) -> bool:
    """Whether a statement passes the gate; its answer is read to the end, or for some time."""

    def interrupt() -> None:
        for cursor in list(lake._cursors):
            cursor.interrupt()

    watchdog = threading.Timer(TIMEOUT_S, interrupt)
    watchdog.start()
    try:
        with closing(queries.open(Query(sql), ResultEncoding(DataFormat.NDJSON))) as result:
            for _ in result:
                pass
    except LakehouseError:
        return False
    finally:
        watchdog.cancel()
    return True


@pytest.fixture(scope="module")
def before(lake: Lake) -> World:
    return World.of(lake)


@settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(sql=statements())
def test_no_statement_changes_anything(
    lake: Lake, queries: DuckLakeQueries, before: World, sql: str
) -> None:
    answered(lake, queries, sql)

    assert World.of(lake) == before


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT id, label FROM t",
        "EXPLAIN FROM t",
        "SUMMARIZE t",
        "PIVOT t ON label USING count(*)",
        "PIVOT (FROM t) ON id % 2, label USING max(id) GROUP BY label",
        "SELECT max(labels) FROM v",
        "SELECT random(), uuid(), now()",
        "WITH RECURSIVE r(a) AS (SELECT 1 UNION SELECT a + 1 FROM r WHERE a < 30) FROM r",
        "SELECT list_transform(range(10), x -> x + 1), repeat(label, 3) FROM t",
        "FROM lake.snapshots()",
        "FROM lake.table_changes('t', 1, 1)",
        "SELECT * FROM t USING SAMPLE 3",
        "SELECT id FROM t ORDER BY hash(id) LIMIT 2",
    ],
)
def test_what_passes_changes_nothing(
    lake: Lake, queries: DuckLakeQueries, before: World, sql: str
) -> None:
    assert answered(lake, queries, sql)

    assert World.of(lake) == before
