"""docs/reference/sql.md says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from domain.sql import limits
from domain.sql.functions import (
    ALLOWED_FUNCTIONS,
    LAKE_FUNCTIONS,
    REFUSED_FUNCTIONS,
    REFUSED_GROUPS,
    TABLE_FUNCTIONS,
    RefusedGroup,
)

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "sql.md").read_text()
LIMITS = {name: value for name, value in vars(limits).items() if name.startswith("MAX_")}


def test_each_limit_is_told_as_it_is() -> None:
    told = dict(re.findall(r"\| `(MAX_\w+)` \| ([0-9,]+) \|", PAGE))

    assert {name: int(value.replace(",", "")) for name, value in told.items()} == LIMITS


def test_each_reason_is_told() -> None:
    for group in REFUSED_GROUPS:
        assert group.reason in PAGE


@pytest.mark.parametrize("group", REFUSED_GROUPS, ids=lambda group: group.reason)
def test_the_named_functions_are_refused(group: RefusedGroup) -> None:
    (line,) = (line for line in PAGE.splitlines() if group.reason in line)
    named = re.findall(r"`(\w+\*?)`", line.partition(group.reason)[2])
    assert named

    for name in named:
        beginning = name.removesuffix("*")
        assert name in group.names or (
            beginning != name and any(each.startswith(beginning) for each in group.names)
        )


def test_each_table_function_is_told() -> None:
    for name in TABLE_FUNCTIONS:
        assert f"`{name}`" in PAGE
    for name in LAKE_FUNCTIONS:
        assert f"`lake.{name}(" in PAGE


def test_no_function_is_allowed_and_refused() -> None:
    assert not ALLOWED_FUNCTIONS & set(REFUSED_FUNCTIONS)
