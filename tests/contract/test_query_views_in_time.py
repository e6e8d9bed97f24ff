"""Views over a past snapshot: as they were defined then, over what their tables held then."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from domain.errors import InvalidSqlError, StatementNotAllowedError
from domain.queries import Query
from domain.tables import AtVersion, TableName
from tests.contract.lakes import OpenedLake, on_lakes_that_run_sql
from tests.contract.query_cases import Answer, read
from tests.contract.table_cases import column, create

pytestmark = on_lakes_that_run_sql


@dataclass(frozen=True, slots=True)
class Changing:
    """A lake whose table `t` has the rows 1 and 2, and on which the view `v` is over it."""

    lake: OpenedLake
    table: TableName

    @property
    def space(self) -> str:
        return f"lake.{self.table.namespace}"

    def run(self, *statements: str) -> int:
        """Run statements, with the namespace for `{}`; the snapshot after them."""
        for statement in statements:
            self.lake.as_another_client(statement.replace("{}", self.space))
        return read(self.lake.queries, Query("SELECT 1")).result.snapshot_id

    def change(self) -> None:
        """Let there be other rows, another column, and another view `v`."""
        self.run(
            "INSERT INTO {}.t VALUES (10), (20)",
            "ALTER TABLE {}.t ADD COLUMN z INTEGER",
            "CREATE OR REPLACE VIEW {}.v AS SELECT 99 AS a, 98 AS b",
        )

    def ask(self, sql: str, at: int | None = None) -> Answer:
        moment = None if at is None else AtVersion(at)
        sql = sql.replace("{}", self.space)
        return read(self.lake.queries, Query(sql, self.table, at=moment))


@pytest.fixture
def changing(lake: OpenedLake, name: TableName) -> Changing:
    table = TableName(name.namespace, "t")
    create(lake.tables, table, column("a", "BIGINT"))
    made = Changing(lake, table)
    made.run("INSERT INTO {}.t VALUES (1), (2)", "CREATE VIEW {}.v AS FROM {}.t")
    return made


BODIES = (
    "SELECT a FROM t WHERE a > 0",
    "FROM {}.t AS x",
    "FROM v",
    "FROM v JOIN {}.v y USING (a)",
    "WITH t AS (FROM t) FROM t",
    "WITH v AS (FROM v), x AS MATERIALIZED (FROM v) FROM x, v",
    "WITH RECURSIVE r(a) AS (FROM t UNION SELECT r.a + 1 FROM r, v WHERE r.a < 5) FROM r",
    "SELECT (SELECT count(*) FROM t) AS n, EXISTS (FROM v WHERE a = 10) AS e, 10 IN (FROM t) AS i",
    "SELECT x.a, m FROM t x, LATERAL (SELECT max(a) AS m FROM v y WHERE y.a >= x.a)",
    "FROM t UNION ALL (SELECT a + 1 FROM v)",
    "PIVOT t ON a IN (1, 10) USING count(*)",
    "SELECT a, count(*) OVER () AS n FROM t",
    "SELECT ARRAY(SELECT a FROM t ORDER BY a) AS l",
    "FROM t TABLESAMPLE 100%",
    "SELECT count(*) AS n FROM range((SELECT count(*) FROM v)::INT)",
    "SELECT 'é; -- /*' AS \"a)b\", count(*) AS n FROM t -- )",
)


@pytest.mark.parametrize("body", BODIES)
def test_a_view_answers_as_it_did_then(changing: Changing, body: str) -> None:
    changing.run("USE {}")
    then = changing.run(f"CREATE VIEW {{}}.w AS {body}", "USE memory")
    asked = ("FROM w ORDER BY ALL", "DESCRIBE w", "SUMMARIZE w", "SELECT count(*) FROM w, w y")
    before = [changing.ask(sql).rows for sql in asked]

    changing.change()

    assert [changing.ask(sql, then).rows for sql in asked] == before


@pytest.mark.parametrize(
    "sql",
    [
        *("FROM v", "TABLE v", "FROM {}.v", "SELECT v.a FROM v", "FROM v AS x", "(FROM v);"),
        *("SELECT y AS a FROM v AS x(y)", "FROM v TABLESAMPLE 100%", "SELECT v.* FROM {}.v"),
        *("SELECT {}.v.a FROM {}.v", "WITH v AS (FROM v) FROM v", "WITH t AS (SELECT 7) FROM v"),
        *("SELECT a FROM t WHERE a IN (FROM v)", "SELECT v.a FROM v JOIN t USING (a)", "FROM V"),
        *("FROM v UNION FROM v", 'FROM "v" -- v', "FROM w", 'FROM "w ""x"', "FROM (FROM w) AS w"),
        *("SELECT a FROM v SEMI JOIN w USING (a)", "SELECT v.a FROM v, LATERAL (SELECT v.a)"),
    ],
)
def test_a_view_travels_wherever_it_stands(changing: Changing, sql: str) -> None:
    then = changing.run(
        "CREATE VIEW {}.w(a) AS SELECT x.a FROM {}.v x",
        'CREATE VIEW {}."w ""x"(a) AS FROM {}.w',
    )
    changing.change()
    assert sorted(row["a"] for row in changing.ask(sql, then).rows) == [1, 2]


@pytest.mark.parametrize(
    "sql, columns",
    [
        ("PIVOT v ON a USING count(*)", ["1", "2"]),
        ("SELECT column_name FROM (DESCRIBE named)", ["column_name"]),
        ("FROM named", ["x", "b"]),
        ("FROM named AS n(y)", ["y", "b"]),
        ("EXPLAIN FROM v", ["explain_key", "explain_value"]),
    ],
)
def test_columns_are_those_of_the_past(changing: Changing, sql: str, columns: list[str]) -> None:
    then = changing.run("CREATE VIEW {}.named(x) AS SELECT a, a AS b FROM {}.v")
    changing.change()
    assert list(changing.ask(sql, then).rows[0]) == columns


def test_names_that_a_statement_hides_stay_hidden(changing: Changing) -> None:
    then = changing.run("SELECT 1")
    changing.change()
    assert changing.ask("WITH v AS (SELECT 7 AS a) FROM v", then).value == 7
    rows = changing.ask("FROM v, (WITH v AS (SELECT 7 AS b) FROM v)", then).rows
    assert sorted(row["a"] for row in rows) == [1, 2]


def test_a_moment_that_a_view_names_is_kept(changing: Changing) -> None:
    then = changing.run("INSERT INTO {}.t VALUES (3)")
    later = changing.run(
        f"CREATE VIEW {{}}.w AS SELECT count(*) AS n FROM {{}}.t, {{}}.v AT (VERSION => {then})",
        "INSERT INTO {}.t VALUES (4)",
    )
    changing.change()
    assert changing.ask("FROM w", later).value == 4 * 3
    assert changing.ask(f"SELECT count(*) FROM t, t x AT (VERSION => {then})", later).value == 4 * 3


def test_a_view_is_there_from_when_it_was_made_until_it_was_dropped(changing: Changing) -> None:
    before = changing.run("SELECT 1")
    made = changing.run("CREATE VIEW {}.w AS FROM {}.t")
    dropped = changing.run("DROP VIEW {}.w")
    assert len(changing.ask("FROM w", made).rows) == 2
    for version in (before, dropped):
        with pytest.raises(InvalidSqlError, match="w does not exist") as raised:
            changing.ask("SELECT 'é' FROM w", version)
        assert raised.value.position == len("SELECT 'é' FROM ")


def test_the_tables_of_a_view_are_those_of_the_past(changing: Changing) -> None:
    then = changing.run("CREATE VIEW {}.w AS FROM {}.v")
    changing.change()
    result = changing.ask("FROM w", then).result
    assert result.tables == (changing.table,)
    assert result.snapshot_id == then
    assert changing.ask("FROM w").result.tables == ()


def test_a_view_is_judged_by_what_it_was(changing: Changing) -> None:
    then = changing.run("CREATE VIEW {}.w AS SELECT name AS a FROM duckdb_settings()")
    harmless = changing.run("CREATE OR REPLACE VIEW {}.w AS FROM {}.v")
    changing.run("CREATE OR REPLACE VIEW {}.w AS SELECT name AS a FROM duckdb_settings()")
    for sql in ("FROM w", "DESCRIBE w", "SELECT 1 WHERE EXISTS (FROM w)"):
        with pytest.raises(StatementNotAllowedError, match="duckdb_settings"):
            changing.ask(sql, then)
    assert len(changing.ask("FROM w", harmless).rows) == 2


def test_errors_keep_their_places(changing: Changing) -> None:
    then = changing.run("SELECT 1")
    changing.change()
    before = "SELECT 'é', (SELECT max(a) FROM v x), "
    with pytest.raises(InvalidSqlError) as raised:
        changing.ask(f"{before}nosuch FROM v", then)
    assert raised.value.position == len(before)
