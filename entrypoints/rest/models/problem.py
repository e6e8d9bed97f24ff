"""Problems, as the documentation shows them."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field

from entrypoints.rest.models.base import AnswerModel


class ProblemDetail(AnswerModel):
    """One thing that is wrong, and where."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "in": "body",
                    "row": 3,
                    "column": "dep_delay",
                    "detail": "1.5 is not an INTEGER",
                }
            ]
        }
    )

    part: Literal["path", "query", "header", "body"] | None = Field(
        default=None, alias="in", description="The part of the request."
    )
    name: str | None = Field(default=None, description="The parameter or header.")
    pointer: str | None = Field(
        default=None, description="The place in a JSON body (RFC 6901); empty for the whole."
    )
    row: int | None = Field(default=None, description="The row of the body, from 1.")
    column: str | None = Field(default=None, description="The column.")
    detail: str = Field(description="What is wrong.")


class Problem(AnswerModel):
    """An error (RFC 9457)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:ducklake:problem:table_not_found",
                    "title": "Table not found",
                    "status": 404,
                    "detail": "There is no table main.flights.",
                    "instance": "/tables/flights",
                    "code": "table_not_found",
                    "request_id": "5f0c4a3e6d1b4c0f9a7e2d8b1c6f3a90",
                }
            ]
        }
    )

    type: str = Field(description="A name of the kind of problem, as a URI.")
    title: str = Field(description="The kind of problem in words.")
    status: int = Field(description="The HTTP status code.")
    detail: str = Field(description="What went wrong this time.")
    instance: str = Field(description="The path of the request.")
    code: str = Field(description="A stable name of the kind of problem.")
    request_id: str = Field(description="The request's id, as in X-Request-Id.")
    run_id: str | None = Field(default=None, description="The lineage run that failed.")
    errors: list[ProblemDetail] | None = Field(
        default=None, description="With 422: each thing that is wrong, and where."
    )
    position: int | None = Field(
        default=None,
        description="With invalid_sql, and some invalid_parameters: where in the SQL, in "
        "characters from 0.",
    )
    size: int | None = Field(
        default=None, description="With range_not_satisfiable: the object's size in bytes."
    )
