from __future__ import annotations

import re

import pytest

import domain.errors
from domain.errors import (
    InvalidError,
    LakehouseError,
    RangeNotSatisfiableError,
    RowProblem,
    RowsDoNotFitError,
)

ALL = [
    each
    for each in vars(domain.errors).values()
    if isinstance(each, type) and issubclass(each, LakehouseError)
]


def test_codes_are_stable_names_and_no_two_are_the_same() -> None:
    codes = [each.code for each in ALL]

    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", code) for code in codes)
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize("error", ALL, ids=lambda error: error.__name__)
def test_every_error_has_its_own_code_and_says_what_it_is(error: type[LakehouseError]) -> None:
    assert "code" in vars(error)
    assert error.__doc__


def test_an_error_has_no_run_until_it_is_told() -> None:
    error = InvalidError("Something is wrong.")

    assert error.run_id is None
    assert str(error) == error.detail == "Something is wrong."


@pytest.mark.parametrize(
    "problem, shown",
    [
        (RowProblem(3, "price", "1.5 is no integer."), "row 3, column 'price': 1.5 is no integer."),
        (RowProblem(3, None, "It is no object."), "row 3: It is no object."),
        (RowProblem(None, "price", "It is not there."), "column 'price': It is not there."),
        (RowProblem(None, None, "Nothing fits."), "Nothing fits."),
    ],
)
def test_a_problem_says_where_it_is(problem: RowProblem, shown: str) -> None:
    assert str(problem) == shown


def test_rows_that_do_not_fit_tell_all_problems() -> None:
    problems = (RowProblem(1, "a", "One."), RowProblem(2, "b", "Two."))
    error = RowsDoNotFitError(*problems)

    assert error.problems == problems
    assert "One." in error.detail
    assert "Two." in error.detail


def test_a_range_error_knows_the_size() -> None:
    assert RangeNotSatisfiableError("Out of range.", 10).size == 10
