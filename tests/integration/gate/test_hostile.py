"""What must not pass does not, with the right answer, and leaves nothing behind."""

from __future__ import annotations

from contextlib import closing

import pytest

from adapters.ducklake import DuckLakeQueries, Lake
from domain.errors import LakehouseError
from domain.formats import DataFormat
from domain.queries import Query, ResultEncoding
from tests.integration.gate.hostile import GROUPS
from tests.integration.gate.world import World

CASES = [
    pytest.param(sql, code, id=f"{group}-{number}")
    for group, (statements, code) in GROUPS.items()
    for number, sql in enumerate(statements)
]


def test_there_are_enough_of_them() -> None:
    assert len({case.values[0] for case in CASES}) == len(CASES) >= 150


@pytest.mark.parametrize("sql, code", CASES)
def test_hostile_statements(lake: Lake, queries: DuckLakeQueries, sql: str, code: str) -> None:
    before = World.of(lake)

    with (
        pytest.raises(LakehouseError) as raised,
        closing(queries.open(Query(sql), ResultEncoding(DataFormat.ARROW))) as result,
    ):
        for _ in result:
            pass

    assert raised.value.code == code, raised.value.detail
    assert str(lake.config.data_path) not in raised.value.detail
    assert World.of(lake) == before
