"""The query port: what is refused, whatever it may look like."""

from __future__ import annotations

import duckdb
import pytest

from domain.errors import InvalidSqlError, StatementNotAllowedError
from domain.ports.queries import QueryPort
from domain.ports.tables import TablePort
from domain.tables import TableName
from tests.contract.lakes import OpenedLake, on_lakes_that_run_sql
from tests.contract.query_cases import ask
from tests.contract.table_cases import append, create, some_rows

pytestmark = on_lakes_that_run_sql

WRITES = (
    "INSERT INTO t VALUES (9, 'x')",
    "INSERT INTO t SELECT * FROM t",
    "UPDATE t SET label = 'x'",
    "DELETE FROM t",
    "TRUNCATE t",
    "MERGE INTO t USING t AS s ON t.id = s.id WHEN MATCHED THEN DELETE",
    "DROP TABLE t",
    "DROP SCHEMA main CASCADE",
    "ALTER TABLE t ADD COLUMN c INTEGER",
    "CREATE TABLE u (i INTEGER)",
    "CREATE TABLE u AS SELECT 1",
    "CREATE TEMP TABLE u AS SELECT 1",
    "CREATE OR REPLACE TABLE t AS SELECT 1",
    "CREATE VIEW v AS SELECT 1",
    "CREATE SCHEMA s",
    "CREATE MACRO m(a) AS a + 1",
    "CREATE FUNCTION m(a) AS TABLE SELECT 1",
    "CREATE TYPE e AS ENUM ('a')",
    "CREATE SEQUENCE s",
    "COMMENT ON TABLE t IS 'x'",
    "WITH x AS (SELECT 1) INSERT INTO t SELECT 9, 'x'",
    "WITH x AS (INSERT INTO t VALUES (9, 'x') RETURNING id) SELECT * FROM x",
)

COMMANDS = (
    "SET memory_limit = '1GB'",
    "SET GLOBAL threads = 1",
    "SET VARIABLE v = 1",
    "RESET threads",
    "PRAGMA database_list",
    "PRAGMA version",
    "PRAGMA enable_logging",
    "CALL duckdb_settings()",
    "CALL lake.set_commit_message('a', 'b')",
    "ATTACH ':memory:' AS other",
    "ATTACH '/tmp/other.duckdb' AS other",
    "DETACH lake",
    "USE memory",
    "COPY t TO '/tmp/stolen.csv'",
    "COPY t FROM '/etc/passwd'",
    "COPY (SELECT 1) TO '/tmp/stolen.parquet'",
    "COPY FROM DATABASE lake TO memory",
    "EXPORT DATABASE '/tmp/stolen'",
    "IMPORT DATABASE '/tmp/stolen'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "FORCE INSTALL httpfs",
    "UPDATE EXTENSIONS",
    "CREATE SECRET s (TYPE s3)",
    "CREATE PERSISTENT SECRET s (TYPE s3)",
    "DROP SECRET s",
    "CHECKPOINT",
    "CHECKPOINT lake",
    "FORCE CHECKPOINT",
    "VACUUM",
    "ANALYZE",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "ABORT",
    "PREPARE p AS SELECT 1",
    "EXECUTE p",
    "DEALLOCATE p",
    "EXPLAIN ANALYZE SELECT 1",
    "SHOW DATABASES",
    "SHOW ALL TABLES",
    "SHOW TABLES FROM memory",
)

SOURCES = (
    # Files and the network
    "'/etc/passwd'",
    '"/etc/passwd"',
    "'data.parquet'",
    "'*.csv'",
    "'https://127.0.0.1/x.csv'",
    "'../catalog.duckdb'",
    "read_csv('/etc/passwd')",
    "READ_CSV_AUTO('/etc/passwd')",
    "\"read_csv\"('/etc/passwd')",
    "main.read_csv('/etc/passwd')",
    "system.main.read_csv('/etc/passwd')",
    "read_text('/etc/passwd')",
    "read_blob('/etc/passwd')",
    "read_parquet('*.parquet')",
    "parquet_scan('*.parquet')",
    "parquet_metadata('*.parquet')",
    "parquet_schema('*.parquet')",
    "read_json('/etc/passwd')",
    "read_json_objects('/etc/passwd')",
    "read_ndjson('/etc/passwd')",
    "read_duckdb('/tmp/other.duckdb')",
    "sniff_csv('/etc/passwd')",
    "glob('/*')",
    "arrow_scan(0, 0, 0)",
    "pandas_scan(0)",
    "sqlite_scan('/tmp/x', 't')",
    "postgres_scan('host=127.0.0.1', 'public', 't')",
    "postgres_query('lake', 'SELECT 1')",
    "postgres_execute('lake', 'SELECT 1')",
    # SQL as text
    "query('SELECT 1')",
    "query_table('t')",
    "json_execute_serialized_sql('{}')",
    "sql_auto_complete('SEL')",
    # The engine
    "duckdb_secrets()",
    "duckdb_settings()",
    "duckdb_databases()",
    "duckdb_extensions()",
    "duckdb_tables()",
    "duckdb_logs()",
    "duckdb_memory()",
    "duckdb_temporary_files()",
    "pragma_database_list()",
    "pragma_table_info('t')",
    "pragma_storage_info('t')",
    "which_secret('s3://b', 's3')",
    "enable_logging()",
    "enable_logging(storage => 'file', storage_path => '/tmp/log')",
    "disable_logging()",
    "truncate_duckdb_logs()",
    "checkpoint()",
    "force_checkpoint('lake')",
    "enable_profiling()",
    "test_all_types()",
    "information_schema.tables",
    "pg_catalog.pg_tables",
    "system.information_schema.tables",
    "memory.main.x",
    "temp.x",
    # The engine's own views, which go by a bare name like tables
    "duckdb_columns",
    "duckdb_constraints",
    "duckdb_databases",
    "duckdb_indexes",
    "duckdb_logs",
    "duckdb_schemas",
    "duckdb_tables",
    "duckdb_types",
    "duckdb_views",
    "pragma_database_list",
    "sqlite_master",
    "sqlite_schema",
    "sqlite_temp_master",
    "sqlite_temp_schema",
    "SQLite_Master",
    "main.duckdb_databases",
    "pg_class",
    "pg_settings",
    # The lake's inside
    "ducklake_expire_snapshots('lake', versions => [1])",
    "ducklake_cleanup_old_files('lake', cleanup_all => true)",
    "ducklake_delete_orphaned_files('lake', cleanup_all => true)",
    "ducklake_merge_adjacent_files('lake')",
    "ducklake_flush_inlined_data('lake')",
    "ducklake_rewrite_data_files('lake')",
    "ducklake_set_option('lake', 'encrypted', true)",
    "ducklake_options('lake')",
    "ducklake_settings('lake')",
    "ducklake_add_data_files('lake', 't', '/tmp/x.parquet')",
    "ducklake_list_files('lake', 't')",
    "ducklake_table_info('lake')",
    "ducklake_snapshots('lake')",
    "lake.set_option('encrypted', true)",
    "lake.set_commit_message('a', 'b')",
    "lake.expire_snapshots(versions => [1])",
    "lake.merge_adjacent_files()",
    "lake.options()",
    "lake.table_info()",
    "__ducklake_metadata_lake.ducklake_snapshot",
    "__ducklake_metadata_lake.main.ducklake_snapshot",
    '"__DUCKLAKE_METADATA_LAKE"."ducklake_metadata"',
)

VALUES = (
    "getenv('HOME')",
    "current_setting('secret_directory')",
    "write_log('x')",
    "write_log('x', level := 'ERROR')",
    "checkpoint('lake')",
    "getvariable('v')",
    "main.getenv('HOME')",
    "\"getenv\"('HOME')",
)

AROUND_A_SOURCE = (
    "SELECT * FROM {}",
    "FROM {}",
    "SELECT 1 WHERE EXISTS (FROM {})",
    "WITH x AS (FROM {}) SELECT 1",
    "SELECT 1 UNION ALL SELECT 1 FROM {}",
    "DESCRIBE FROM {}",
    "SUMMARIZE FROM {}",
)


def refused(queries: QueryPort, sql: str, table: TableName) -> None:
    with pytest.raises(StatementNotAllowedError):
        ask(queries, sql, table=table)


@pytest.fixture
def untouched(lake: OpenedLake, tables: TablePort, name: TableName) -> TableName:
    """A table of five rows."""
    create(tables, name)
    append(tables, name, some_rows(5))
    return name


def same_as_before(tables: TablePort, table: TableName) -> bool:
    described = tables.describe(table)
    return tables.check().ok and described.row_count == 5 and len(described.columns) == 2


@pytest.mark.parametrize("sql", WRITES)
def test_writes(tables: TablePort, queries: QueryPort, untouched: TableName, sql: str) -> None:
    # Where the engine's parser does not know a form, it is wrong SQL and no less refused.
    with pytest.raises((StatementNotAllowedError, InvalidSqlError)):
        ask(queries, sql, table=untouched)

    assert same_as_before(tables, untouched)


@pytest.mark.parametrize("sql", COMMANDS)
def test_commands(tables: TablePort, queries: QueryPort, untouched: TableName, sql: str) -> None:
    with pytest.raises((StatementNotAllowedError, InvalidSqlError)):
        ask(queries, sql, table=untouched)

    assert same_as_before(tables, untouched)


@pytest.mark.parametrize("source", SOURCES)
def test_sources(tables: TablePort, queries: QueryPort, untouched: TableName, source: str) -> None:
    for around in AROUND_A_SOURCE:
        refused(queries, around.format(source), untouched)

    assert same_as_before(tables, untouched)


@pytest.mark.parametrize("value", VALUES)
def test_functions_on_values(
    tables: TablePort, queries: QueryPort, untouched: TableName, value: str
) -> None:
    for sql in (
        f"SELECT {value}",
        f"SELECT id FROM t WHERE {value} IS NULL",
        f"SELECT list_transform([1], lambda x: {value})",
        f"SELECT id FROM t ORDER BY {value}",
        f"SELECT (SELECT {value})",
        f"VALUES ({value})",
        f"SELECT max({value}) OVER () FROM t",
        f"SELECT CASE WHEN false THEN {value} END",
    ):
        refused(queries, sql, untouched)


@pytest.mark.parametrize("first", ["SELECT 1", "SELECT id FROM t"])
@pytest.mark.parametrize("second", ["SELECT 2", "DROP TABLE t", "BEGIN"])
def test_two_statements(
    tables: TablePort, queries: QueryPort, untouched: TableName, first: str, second: str
) -> None:
    for sql in (f"{first}; {second}", f"{first};{second};", f"{first} ;;\n-- x\n {second}"):
        with pytest.raises((StatementNotAllowedError, InvalidSqlError)):
            ask(queries, sql, table=untouched)

    assert same_as_before(tables, untouched)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1) AS result; DROP TABLE t; --",
        "SELECT 1\n) AS q(a) WHERE 1 = (SELECT 2",
        "SELECT 1) UNION ALL FROM (SELECT 2",
        "SELECT 1 /*",
        "(SELECT 1",
        "SELECT 1)",
    ],
)
def test_statements_that_do_not_end_where_they_should(
    tables: TablePort, queries: QueryPort, untouched: TableName, sql: str
) -> None:
    with pytest.raises((StatementNotAllowedError, InvalidSqlError)):
        ask(queries, sql, table=untouched)

    assert same_as_before(tables, untouched)


def test_a_view_is_judged_by_what_it_reads(
    lake: OpenedLake, queries: QueryPort, untouched: TableName
) -> None:
    space = f"lake.{untouched.namespace}"
    lake.as_another_client(f"CREATE VIEW {space}.settings AS SELECT * FROM duckdb_settings()")
    lake.as_another_client(f"CREATE VIEW {space}.outer_one AS SELECT * FROM {space}.settings")

    refused(queries, "FROM settings", untouched)
    refused(queries, "FROM outer_one", untouched)
    refused(queries, "SELECT 1 WHERE EXISTS (FROM outer_one)", untouched)


def test_no_view_of_the_engine_is_read(queries: QueryPort, untouched: TableName) -> None:
    with duckdb.connect() as engine:
        views = engine.execute(
            "SELECT schema_name, view_name FROM duckdb_views() WHERE internal"
        ).fetchall()
    assert views

    for schema, view in views:
        refused(queries, f"FROM {schema}.{view}", untouched)
        refused(queries, f"FROM system.{schema}.{view}", untouched)
        # The views of information_schema are not found by a bare name.
        if schema != "information_schema":
            refused(queries, f"FROM {view}", untouched)
            refused(queries, f"FROM (WITH {view} AS (SELECT 1) SELECT 1), {view}", untouched)


def test_common_tables_hide_nothing(queries: QueryPort, untouched: TableName) -> None:
    assert ask(queries, "WITH duckdb_settings AS (SELECT 7 AS v) FROM duckdb_settings").value == 7
    refused(queries, "WITH x AS (SELECT 7) FROM duckdb_settings()", untouched)
    refused(
        queries,
        'WITH "/etc/passwd" AS (SELECT 1) SELECT 1 FROM main."/etc/passwd", \'/etc/x\'',
        untouched,
    )


def test_a_refusal_tells_nothing_of_the_server(queries: QueryPort, untouched: TableName) -> None:
    for sql in ("FROM read_csv('/etc/passwd')", "SELECT getenv('HOME')", "ATTACH 'x' AS y"):
        with pytest.raises(StatementNotAllowedError) as raised:
            ask(queries, sql, table=untouched)
        assert "root:" not in raised.value.detail
        assert "/home" not in raised.value.detail
