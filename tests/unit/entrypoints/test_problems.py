from __future__ import annotations

from collections.abc import Iterator

import pytest

from domain import errors
from domain.errors import (
    ConfigurationError,
    InvalidSqlError,
    LakehouseError,
    RangeNotSatisfiableError,
    RowProblem,
    RowsDoNotFitError,
)
from entrypoints.rest.locations import Part, located
from entrypoints.rest.problems import STATUS_OF_ERROR, problem_of, status_of

SCOPE = {"path": "/x", "raw_path": b"/x%20y", "state": {"request_id": "r"}}
NO_STATUS = {LakehouseError, ConfigurationError}


def kinds(root: type[LakehouseError] = LakehouseError) -> Iterator[type[LakehouseError]]:
    yield root
    for kind in root.__subclasses__():
        yield from kinds(kind)


@pytest.mark.parametrize("kind", sorted(set(kinds()) - NO_STATUS, key=str))
def test_every_error_of_the_domain_has_a_status(kind: type[LakehouseError]) -> None:
    assert any(issubclass(kind, listed) for listed, _ in STATUS_OF_ERROR)


def test_codes_are_stable_names_and_one_for_each_kind() -> None:
    codes = [kind.code for kind in kinds()]
    assert all(code.isidentifier() and code == code.lower() for code in codes)
    assert len(set(codes)) == len(codes)


def test_a_problem_tells_where_it_was() -> None:
    members = problem_of(SCOPE, errors.TableNotFoundError("No table."))
    assert members == {
        "type": "urn:ducklake:problem:table_not_found",
        "title": "Table not found",
        "status": 404,
        "detail": "No table.",
        "instance": "/x%20y",
        "code": "table_not_found",
        "request_id": "r",
    }


def test_rows_that_do_not_fit() -> None:
    error = RowsDoNotFitError(RowProblem(3, "a", "is wrong"), RowProblem(None, None, "too short"))
    assert problem_of(SCOPE, error)["errors"] == [
        {"in": "body", "row": 3, "column": "a", "detail": "is wrong"},
        {"in": "body", "detail": "too short"},
    ]


def test_a_place_is_told() -> None:
    with pytest.raises(Exception, match="bad") as caught, located(Part.BODY, "/name"):
        raise errors.InvalidTableNameError("bad")
    members = problem_of(SCOPE, caught.value)
    assert members["errors"] == [{"in": "body", "pointer": "/name", "detail": "bad"}]
    assert members["status"] == 422


def test_members_of_their_own() -> None:
    assert problem_of(SCOPE, InvalidSqlError("x", 3))["position"] == 3
    assert "position" not in problem_of(SCOPE, InvalidSqlError("x"))
    assert problem_of(SCOPE, RangeNotSatisfiableError("x", 10))["size"] == 10
    error = errors.TableExistsError("x")
    error.run_id = "run"
    assert problem_of(SCOPE, error)["run_id"] == "run"


def test_what_is_not_ours_tells_nothing() -> None:
    members = problem_of(SCOPE, OSError("/secret/place"))
    assert (members["status"], members["code"]) == (500, "internal_error")
    assert "secret" not in str(members)
    assert status_of(LakehouseError("x")) == 500
