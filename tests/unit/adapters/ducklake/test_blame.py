"""When a parameter is blamed for an error, and when none is."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping

import duckdb
import pytest

from adapters.ducklake.engine.blame import blamed
from domain.errors import (
    InvalidParametersError,
    InvalidSqlError,
    InvalidValueError,
    LakehouseError,
    QueryTimeoutError,
    TableNotFoundError,
)
from domain.queries import Parameters


def conversion(text: str, position: int | None = None) -> duckdb.ConversionException:
    """An error as the engine tells it."""
    told = {"exception_type": "Conversion", "exception_message": text}
    if position is not None:
        told["position"] = str(position)
    return duckdb.ConversionException(f"Conversion Error: {json.dumps(told)}")


def casting(parameters: Parameters) -> duckdb.ConversionException:
    """What the engine says where it casts the second parameter."""
    return conversion(f"Could not convert string '{list(parameters)[1]}' to INT32", 8)


def blame(
    parameters: Parameters,
    ask: Callable[[Parameters], BaseException | None],
    error: LakehouseError | None = None,
    cause: BaseException | None = None,
) -> LakehouseError:
    error = error or InvalidValueError("Could not convert.")
    return blamed(error, cause or casting(parameters), parameters, ask)


def test_the_parameter_that_the_error_follows_is_blamed() -> None:
    error = blame(["zz", "zz"], casting)
    assert isinstance(error, InvalidParametersError)
    assert (error.parameter, error.detail) == (
        "2",
        "The value of $2 does not fit: Could not convert.",
    )


@pytest.mark.parametrize(
    "ask",
    [
        # It does not fail again, or of something else, or always of the same.
        lambda _: None,
        lambda _: conversion("Could not convert string 'other' to INT32", 8),
        lambda _: casting(["", "zz"]),
        # With another value it fails elsewhere.
        lambda asked: conversion(casting(asked).args[0], 8 if asked[1] == "zz" else 9),
    ],
)
def test_nothing_is_blamed_without_a_proof(
    ask: Callable[[Parameters], BaseException | None],
) -> None:
    assert isinstance(blame(["zz", "zz"], ask), InvalidValueError)


@pytest.mark.parametrize("failure", [QueryTimeoutError("Too long."), duckdb.IOException("Gone.")])
def test_the_error_stays_where_asking_again_fails(failure: Exception) -> None:
    def ask(_: Parameters) -> BaseException | None:
        raise failure

    assert isinstance(blame(["zz", "zz"], ask), InvalidValueError)


@pytest.mark.parametrize("number", [math.nan, math.inf, 0.0])
def test_numbers_that_have_no_other_are_not_blamed(number: float) -> None:
    def always(_: Parameters) -> BaseException:
        return conversion(f"Type DOUBLE with value {number} can't be cast", 8)

    error = blame([number], always, cause=always([]))
    assert isinstance(error, InvalidValueError)


@pytest.mark.parametrize(
    "error, cause",
    [
        (TableNotFoundError("No table."), None),
        (InvalidParametersError("No value is given for $1.", "1"), None),
        (InvalidSqlError("No column.", 3), ValueError("not the engine's")),
    ],
)
def test_other_errors_stay_as_they_are(error: LakehouseError, cause: BaseException | None) -> None:
    asked: list[Parameters] = []

    def ask(parameters: Parameters) -> BaseException | None:
        asked.append(parameters)
        return None

    assert blame(["zz", "zz"], ask, error, cause) is error
    assert not asked


def test_values_of_types_that_do_not_bind_are_found() -> None:
    def ask(parameters: Parameters) -> BaseException | None:
        assert isinstance(parameters, Mapping)
        fails = parameters["c"] is not None
        return duckdb.BinderException("Binder Error: no function") if fails else None

    parameters: Parameters = {"a": 1, "b": "x", "c": 2, "d": None}
    error = blame(parameters, ask, InvalidSqlError("No function.", 7), ask(parameters))
    assert isinstance(error, InvalidParametersError)
    assert (error.parameter, error.position) == ("c", 7)
