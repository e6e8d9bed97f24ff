"""What the engine says, as it is told to callers."""

from __future__ import annotations

import pytest

from adapters.ducklake.engine.messages import MAX_LINE, MAX_LINES, fit
from adapters.ducklake.engine.parameters import parameters_error


@pytest.mark.parametrize(
    "message, suggestion",
    [
        ("Table with name x does not exist!", "pg_enum"),
        ("Table with name x does not exist!", "pg_catalog.pg_enum"),
        ("Table with name x does not exist!", "information_schema.tables"),
        ("Table with name x does not exist!", "__ducklake_metadata_lake.ducklake_snapshot"),
        ("Table with name x does not exist!", "duckdb_tables"),
        ("Table with name x does not exist!", "memory.main.t"),
        ("Scalar Function with name x does not exist!", "getenv"),
        ("Table Function with name x does not exist!", "read_text"),
        ("Type with name x does not exist!", "geometry"),
        ("Schema with name x does not exist!", "pg_catalog"),
    ],
)
def test_nothing_that_is_refused_is_suggested(message: str, suggestion: str) -> None:
    assert fit(f'{message}\nDid you mean "{suggestion}"?') == message
    assert fit(f'{message}\nDid you mean "flights" or "{suggestion}"?') == message


@pytest.mark.parametrize(
    "message",
    [
        'Table with name x does not exist!\nDid you mean "flights"?',
        'Table with name x does not exist!\nDid you mean "nyc.flights"?',
        'Table with name x does not exist!\nDid you mean "lake.nyc.flights"?',
        'Scalar Function with name abss does not exist!\nDid you mean "abs"?',
        'Table Function with name rang does not exist!\nDid you mean "range"?',
        'Type with name integr does not exist!\nDid you mean "integer"?',
        'Referenced column "x" not found in FROM clause!\nCandidate bindings: "a"',
    ],
)
def test_other_hints_stay(message: str) -> None:
    assert fit(message) == message


def test_lines_are_bounded() -> None:
    lines = fit("\n".join(["x" * 10_000] * 1_000)).split("\n")
    assert len(lines) == MAX_LINES + 1
    assert max(map(len, lines)) <= MAX_LINE + 3


@pytest.mark.parametrize(
    "text, detail, parameter",
    [
        (
            "Values were not provided for the following prepared statement parameters: 2, 3",
            "No value is given for $2, $3.",
            "2",
        ),
        (
            "Parameter argument/count mismatch, identifiers of the excess parameters: c",
            "The statement has no parameter $c.",
            "c",
        ),
    ],
)
def test_parameters_that_do_not_fit_are_named(text: str, detail: str, parameter: str) -> None:
    error = parameters_error(text)
    assert error is not None
    assert (error.detail, error.parameter) == (detail, parameter)
    assert parameters_error("Could not convert string") is None
