from __future__ import annotations

import pytest

from domain.errors import InvalidParametersError, InvalidSqlError, TooLargeError
from domain.formats import FORMAT_OF_MEDIA_TYPE, DataFormat
from domain.queries import MAX_PARAMETERS, Parameters, Query, QueryTimeouts
from domain.sql.limits import MAX_SQL_LENGTH
from domain.tables import TableName

TABLE = TableName.parse("t")


def test_questions() -> None:
    assert Query("SELECT 1").sql == "SELECT 1"
    assert Query(table=TABLE).row_limit is None
    assert Query("SELECT ?", TABLE, (1,), 0).row_limit == 0


@pytest.mark.parametrize("sql", ["", " ", "\n\t"])
def test_no_sql(sql: str) -> None:
    with pytest.raises(InvalidSqlError):
        Query(sql, TABLE)


def test_neither_sql_nor_a_table() -> None:
    with pytest.raises(InvalidSqlError):
        Query()


@pytest.mark.parametrize("codepoint", [0, 0xD800, 0xDFFF])
def test_characters_that_no_sql_has(codepoint: int) -> None:
    with pytest.raises(InvalidSqlError) as raised:
        Query(f"SELECT 1{chr(codepoint)}; DROP TABLE t")

    assert raised.value.position == 8


@pytest.mark.parametrize("timeout_s", [0.0, -1.0, float("inf"), float("nan")])
def test_timeouts_that_are_none(timeout_s: float) -> None:
    with pytest.raises(InvalidParametersError):
        Query("SELECT 1", timeout_s=timeout_s)


def test_how_long_a_query_may_take() -> None:
    timeouts = QueryTimeouts(default_s=5, max_s=10)

    assert timeouts.of(Query("SELECT 1")) == 5
    assert timeouts.of(Query("SELECT 1", timeout_s=0.5)) == 0.5
    assert timeouts.of(Query("SELECT 1", timeout_s=10)) == 10
    with pytest.raises(InvalidParametersError, match="at most 10"):
        timeouts.of(Query("SELECT 1", timeout_s=10.1))


def test_how_long_sql_is() -> None:
    Query("x" * MAX_SQL_LENGTH)
    with pytest.raises(TooLargeError):
        Query("x" * (MAX_SQL_LENGTH + 1))


def test_how_many_parameters_there_are() -> None:
    Query("SELECT 1", parameters=[1] * MAX_PARAMETERS)
    with pytest.raises(InvalidParametersError):
        Query("SELECT 1", parameters=[1] * (MAX_PARAMETERS + 1))


@pytest.mark.parametrize("parameters", [(1,), {"a": 1}])
def test_parameters_need_sql(parameters: Parameters) -> None:
    with pytest.raises(InvalidParametersError):
        Query(table=TABLE, parameters=parameters)


@pytest.mark.parametrize("query", [{"sql": "SELECT 1"}, {"table": TABLE}])
def test_a_row_limit_below_zero(query: dict[str, str | TableName]) -> None:
    with pytest.raises(InvalidParametersError):
        Query(**query, row_limit=-1)  # type: ignore[arg-type]


def test_every_format_has_its_media_type() -> None:
    assert {each.media_type: each for each in DataFormat} == FORMAT_OF_MEDIA_TYPE
    assert len(FORMAT_OF_MEDIA_TYPE) == len(DataFormat)
