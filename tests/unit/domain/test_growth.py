"""How a table grows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.column_types import INTEGER_BOUNDS, ScalarType, parse_column_type
from domain.errors import InvalidColumnError
from domain.growth import NO_GROWTH, Growth, integer_type, wider_type
from domain.tables import MAX_COLUMNS, Column


def column(name: str, type_: str, *, nullable: bool = True) -> Column:
    return Column(name, parse_column_type(type_), nullable)


@pytest.mark.parametrize(
    "first, second, wider",
    [
        ("INTEGER", "INTEGER", "INTEGER"),
        ("TINYINT", "BIGINT", "BIGINT"),
        ("UTINYINT", "TINYINT", "SMALLINT"),
        ("UINTEGER", "INTEGER", "BIGINT"),
        ("USMALLINT", "UINTEGER", "UINTEGER"),
        ("UBIGINT", "TINYINT", None),
        ("INTEGER", "DOUBLE", None),
        ("BIGINT", "DECIMAL(38,0)", None),
        ("FLOAT", "DOUBLE", "DOUBLE"),
        ("DECIMAL(4,2)", "DECIMAL(9,4)", "DECIMAL(9,4)"),
        ("DECIMAL(9,2)", "DECIMAL(5,4)", "DECIMAL(11,4)"),
        ("DECIMAL(38,2)", "DECIMAL(5,4)", None),
        ("VARCHAR", "VARCHAR", "VARCHAR"),
        ("VARCHAR", "DATE", None),
        ("DATE", "TIMESTAMP", None),
        ("INTEGER[]", "BIGINT[]", None),
    ],
)
def test_wider_types(first: str, second: str, wider: str | None) -> None:
    one, other = parse_column_type(first), parse_column_type(second)
    expected = None if wider is None else parse_column_type(wider)
    assert wider_type(one, other) == expected
    assert wider_type(other, one) == expected


@given(least=st.integers(-(2**65), 2**65), greatest=st.integers(-(2**65), 2**65))
def test_the_smallest_integer_type_has_both(least: int, greatest: int) -> None:
    least, greatest = sorted((least, greatest))
    found = integer_type(least, greatest)
    fitting = [
        bounds
        for kind, bounds in INTEGER_BOUNDS.items()
        if "HUGE" not in kind and bounds[0] <= least and greatest <= bounds[1]
    ]
    if found is None:
        assert not fitting
    else:
        assert isinstance(found, ScalarType)
        bounds = INTEGER_BOUNDS[found.kind]
        assert bounds in fitting
        assert bounds[1] - bounds[0] == min(high - low for low, high in fitting)


def test_growth_is_applied_in_place_and_at_the_end() -> None:
    table = (column("a", "INTEGER", nullable=False), column("b", "VARCHAR"))
    growth = Growth((column("c", "DATE"),), (column("A", "BIGINT"),))
    assert growth.applied_to(table) == (
        column("a", "BIGINT", nullable=False),
        column("b", "VARCHAR"),
        column("c", "DATE"),
    )
    assert NO_GROWTH.applied_to(table) == table
    assert not NO_GROWTH
    assert growth


@pytest.mark.parametrize("name", ["", "rowid", "a\nb", "x" * 129])
def test_new_columns_follow_the_rules(name: str) -> None:
    with pytest.raises(InvalidColumnError):
        Growth((column(name, "DATE"),)).applied_to((column("a", "DATE"),))


def test_a_table_of_another_client_may_have_other_names() -> None:
    grown = Growth((column("a", "DATE"),)).applied_to((column("rowid", "DATE"),))
    assert [each.name for each in grown] == ["rowid", "a"]


def test_a_table_has_so_many_columns_at_most() -> None:
    table = tuple(column(f"c{number}", "DATE") for number in range(MAX_COLUMNS))
    with pytest.raises(InvalidColumnError, match=str(MAX_COLUMNS)):
        Growth((column("a", "DATE"),)).applied_to(table)


@pytest.mark.parametrize(
    "there, growth, missing",
    [
        ([], Growth((column("n", "INTEGER"),)), Growth((column("n", "INTEGER"),))),
        ([column("N", "INTEGER")], Growth((column("n", "INTEGER"),)), NO_GROWTH),
        ([column("n", "BIGINT")], Growth((column("n", "INTEGER"),)), NO_GROWTH),
        (
            [column("N", "SMALLINT")],
            Growth((column("n", "INTEGER"),)),
            Growth(widened=(column("N", "INTEGER"),)),
        ),
        ([column("n", "VARCHAR")], Growth((column("n", "INTEGER"),)), None),
        (
            [column("n", "SMALLINT")],
            Growth(widened=(column("n", "INTEGER"),)),
            Growth(widened=(column("n", "INTEGER"),)),
        ),
        ([column("n", "BIGINT")], Growth(widened=(column("n", "INTEGER"),)), NO_GROWTH),
        ([], Growth(widened=(column("n", "INTEGER"),)), None),
        ([column("n", "DATE")], Growth(widened=(column("n", "INTEGER"),)), None),
    ],
)
def test_what_is_left_to_do(there: list[Column], growth: Growth, missing: Growth | None) -> None:
    assert growth.missing_in(there) == missing
