"""The domain's lists against the functions of the DuckDB that is installed."""

from __future__ import annotations

import duckdb
import pytest

from adapters.ducklake import Lake
from adapters.ducklake.gate.guards import GUARDS
from domain.sql import functions
from domain.sql.functions import ALLOWED_FUNCTIONS, ENGINE_VIEWS, REFUSED_FUNCTIONS, SYNTAX
from domain.sql.sizes import COLLECTING, GUARDED
from domain.sql.volatility import VOLATILE_FUNCTIONS

_ABSENT = frozenset(
    {
        # Of other builds, or table functions; refused by name all the same
        *("checkpoint", "force_checkpoint", "getenv", "json_execute_serialized_sql"),
        *("query", "query_table", "sql_auto_complete"),
    }
)


@pytest.fixture(scope="module")
def engine_functions() -> frozenset[str]:
    """The names of the functions on values, in lower case."""
    with duckdb.connect() as engine:
        rows = engine.execute(
            """
            SELECT DISTINCT lower(function_name) FROM duckdb_functions()
            WHERE function_type IN ('scalar', 'aggregate', 'macro')
            """
        ).fetchall()
    return frozenset(name for (name,) in rows)


def test_each_function_is_judged(engine_functions: frozenset[str]) -> None:
    assert engine_functions - ALLOWED_FUNCTIONS - frozenset(REFUSED_FUNCTIONS) == frozenset()


def test_each_allowed_function_is_there(engine_functions: frozenset[str]) -> None:
    assert ALLOWED_FUNCTIONS - engine_functions - SYNTAX == frozenset()
    assert frozenset(REFUSED_FUNCTIONS) - engine_functions == _ABSENT


def test_no_function_is_in_two_lists() -> None:
    lists = [
        *(functions.OPERATORS, functions.AGGREGATES, functions.LISTS, functions.JSON),
        *(functions.NESTED, functions.SCALARS, functions.MACROS, functions.SYNTAX),
        *(group.names for group in functions.REFUSED_GROUPS),
    ]
    assert sum(map(len, lists)) == len(frozenset().union(*lists))


def test_the_engines_views_are_known() -> None:
    with duckdb.connect() as engine:
        rows = engine.execute(
            """
            SELECT DISTINCT view_name FROM duckdb_views()
            WHERE internal AND schema_name <> 'information_schema'
            """
        ).fetchall()
    assert frozenset(name for (name,) in rows) == ENGINE_VIEWS


def test_each_guarded_function_has_its_guard(lake: Lake) -> None:
    with lake.cursor() as cursor:
        rows = cursor.execute(
            """
            SELECT DISTINCT function_name FROM duckdb_functions()
            WHERE database_name || '.' || schema_name = $guards AND NOT internal
            """,
            {"guards": GUARDS},
        ).fetchall()
    assert frozenset(name for (name,) in rows) == GUARDED
    assert (GUARDED | COLLECTING) <= ALLOWED_FUNCTIONS


def test_a_guard_takes_what_its_function_takes(lake: Lake) -> None:
    """Each number of arguments of a guarded function is one of its guard's."""
    with lake.cursor() as cursor:
        rows = cursor.execute(
            """
            SELECT function_name, list(DISTINCT len(parameters)) FILTER (WHERE NOT internal),
                   list(DISTINCT len(parameters)) FILTER (WHERE internal)
            FROM duckdb_functions() WHERE function_type IN ('scalar', 'macro')
            GROUP BY function_name HAVING count(*) FILTER (WHERE NOT internal) > 0
            """
        ).fetchall()
    lacking = {
        name: set(engine) - set(guard)
        for name, guard, engine in rows
        if name in GUARDED and set(engine or ()) - set(guard or ())
    }
    # The options of a regular expression must be a literal, which a macro's parameter is not.
    assert lacking == {"regexp_replace": {4}}


def test_each_function_that_is_not_of_its_arguments_alone_is_known() -> None:
    with duckdb.connect() as engine:
        rows = engine.execute(
            """
            SELECT DISTINCT lower(function_name) FROM duckdb_functions()
            WHERE stability IS NOT NULL AND stability <> 'CONSISTENT'
            """
        ).fetchall()
    volatile = {name for (name,) in rows} & ALLOWED_FUNCTIONS
    assert volatile <= VOLATILE_FUNCTIONS
    assert volatile
