"""What a statement names, and whether a caller may run it.

The engine's adapter parses SQL into a `Statement`; `judge` says yes, or no with a reason. It
is the gate: inside one DuckDB process nothing else keeps a statement from what it names.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from domain.errors import StatementNotAllowedError


@dataclass(frozen=True, slots=True)
class Reference:
    """A table or function as a statement names it; a part that is not said is empty."""

    catalog: str
    schema: str
    name: str

    def __str__(self) -> str:
        return ".".join(part for part in (self.catalog, self.schema, self.name) if part)


@dataclass(frozen=True, slots=True)
class Statement:
    """One SELECT, by what it names anywhere in it.

    Attributes:
        tables: Tables and views, and names of its own common table expressions.
        table_functions: Functions that stand in place of a table.
        functions: Functions on values.
        listings: What it lists of the engine itself (`SHOW TABLES`, `SHOW DATABASES`).
        common_tables: The names of its common table expressions, in lower case.
    """

    tables: frozenset[Reference]
    table_functions: frozenset[Reference]
    functions: frozenset[Reference]
    listings: frozenset[str]
    common_tables: frozenset[str]

    def may_be_common(self, table: Reference) -> bool:
        """Whether `table` may be one of the statement's own common table expressions."""
        return (
            not table.catalog and not table.schema and table.name.casefold() in self.common_tables
        )


LAKE_CATALOG = "lake"
"""The catalog of the lake's own tables."""

_FOREIGN_CATALOGS = frozenset({"memory", "temp", "system"})
_FOREIGN_SCHEMAS = frozenset({"information_schema", "pg_catalog", "pg_temp", "temp"})
_PATH_LIKE = re.compile(
    r"[/\\*?]|://|\.(parquet|csv|tsv|json|jsonl|ndjson|txt|arrow|db|duckdb|ducklake|xlsx)(\.|$)",
    re.IGNORECASE,
)

ALLOWED_TABLE_FUNCTIONS = frozenset(
    {"range", "generate_series", "unnest", "repeat", "repeat_row", "json_each", "json_tree"}
)
"""Table functions that make rows of their arguments alone."""

ALLOWED_LAKE_FUNCTIONS = frozenset(
    {
        "current_snapshot",
        "snapshots",
        "table_changes",
        "table_deletions",
        "table_insertions",
    }
)
"""Table functions of the lake that only read it; they go by `lake.name()`."""

REFUSED_FUNCTIONS = frozenset(
    {
        "checkpoint",
        "current_setting",
        "force_checkpoint",
        "getenv",
        "getvariable",
        "in_search_path",
        "write_log",
    }
)
"""Functions on values that tell of the server or change it."""


def judge(statement: Statement) -> None:
    """Let a statement pass, or refuse it.

    Raises:
        StatementNotAllowedError: With what it names that it may not.
    """
    for table in statement.tables:
        _judge_table(table)
    for function in statement.table_functions:
        _judge_table_function(function)
    for function in statement.functions:
        if function.name.casefold() in REFUSED_FUNCTIONS:
            raise StatementNotAllowedError(f"The function {function.name} is not allowed.")
    for listing in statement.listings:
        raise StatementNotAllowedError(
            f"SHOW {listing} is not allowed; GET /tables lists the tables."
        )


def _judge_table(table: Reference) -> None:
    catalog, schema = table.catalog.casefold(), table.schema.casefold()
    # Of `a.b` only the engine knows whether `a` is a catalog or a schema, so both must do.
    outside = (
        catalog not in {"", LAKE_CATALOG}
        or schema in _FOREIGN_SCHEMAS
        or (not catalog and schema in _FOREIGN_CATALOGS)
        or schema.startswith("__ducklake_metadata")
    )
    if outside:
        raise StatementNotAllowedError(f"{table} is not a table of the lake.")
    if not catalog and not schema and _PATH_LIKE.search(table.name):
        raise StatementNotAllowedError(
            f"{table.name!r} is not a table: files are not read by name."
        )


def _judge_table_function(function: Reference) -> None:
    name = function.name.casefold()
    qualifiers = {function.catalog.casefold(), function.schema.casefold()} - {""}
    allowed = (
        name in ALLOWED_LAKE_FUNCTIONS
        if LAKE_CATALOG in qualifiers
        else name in ALLOWED_TABLE_FUNCTIONS and qualifiers <= {"main"}
    )
    if not allowed:
        raise StatementNotAllowedError(f"The table function {function} is not allowed.")
