"""Whether a statement gives the same rows as long as the lake does not change."""

from __future__ import annotations

from domain.sql.statement import Statement


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


VOLATILE_FUNCTIONS = _names(
    """
    age current_connection_id current_database current_date current_query current_query_id
    current_schema current_schemas current_transaction_id currval error gen_random_uuid
    get_current_time get_current_timestamp in_search_path nextval now random
    reservoir_quantile setseed sleep_ms stats today transaction_timestamp txid_current uuid
    uuidv4 uuidv7 write_log
    """
)
"""Functions that answer by chance, by the time, or by the session."""

VOLATILE_NAMES = _names(
    """
    current_catalog current_date current_role current_schema current_time current_timestamp
    current_user localtime localtimestamp session_user user
    """
)
"""Names that the engine takes for such a function where no column is called so."""

_OBJECT_SCHEME = "s3://"
_PURE_TABLE_FUNCTIONS = frozenset({"generate_series", "json_each", "json_tree", "range", "unnest"})


def depends_on_lake_alone(statement: Statement) -> bool:
    """Whether nothing but the lake's snapshot decides which rows a statement gives.

    Their order, and which of them a LIMIT without ORDER BY takes, may still differ.
    """
    return not (
        statement.sampled
        or statement.columns & VOLATILE_NAMES
        or any(call.name in VOLATILE_FUNCTIONS for call in statement.calls)
        or any(table.name.startswith(_OBJECT_SCHEME) for table in statement.tables)
        or any(
            function.name.casefold() not in _PURE_TABLE_FUNCTIONS
            for function in statement.table_functions
        )
    )
