"""Which names the engine may suggest in the place of one that it does not know."""

from __future__ import annotations

from domain.sql.functions import ALLOWED_FUNCTIONS, ENGINE_VIEWS, TABLE_FUNCTIONS
from domain.sql.policy import REFUSED_TYPES, is_foreign
from domain.sql.statement import Reference


def may_suggest_table(name: str) -> bool:
    """Whether a statement may name a table or view that is called so, dots and all."""
    *places, table = name.split(".")
    catalog, schema = ["", "", *places][-2:]
    return table.casefold() not in ENGINE_VIEWS and not is_foreign(
        Reference(catalog, schema, table)
    )


def may_suggest_function(name: str) -> bool:
    """Whether a statement may call a function that is called so."""
    return name.casefold() in ALLOWED_FUNCTIONS | TABLE_FUNCTIONS


def may_suggest_type(name: str) -> bool:
    """Whether a statement may cast to a type that is called so."""
    return name.casefold() not in REFUSED_TYPES
