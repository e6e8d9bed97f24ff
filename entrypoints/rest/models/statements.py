"""Statements in JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from pydantic import Field
from starlette.types import Scope

from domain.statements import Statement, StatementState
from entrypoints.rest.models.base import AnswerModel
from entrypoints.rest.models.problem import Problem
from entrypoints.rest.models.queries import ResultColumnAnswer
from entrypoints.rest.problems import problem_of_failure

EXAMPLE_ID = "01990f3e-6c20-7a51-8f0e-5b8a7d6e4c3f"


def statement_path(statement: Statement) -> str:
    """The path of a statement."""
    return f"/queries/{statement.id}"


class StatementAnswer(AnswerModel):
    """A statement: a query that runs on its own."""

    query_id: str = Field(description="Its id.", examples=[EXAMPLE_ID])
    state: StatementState = Field(
        description="How far it has come; the last three are ends.", examples=["succeeded"]
    )
    sql: str | None = Field(
        description="The SQL; null when it asks for a table itself.",
        examples=["SELECT avg(dep_delay) AS delay FROM flights"],
    )
    table: str | None = Field(description="The table that it is put to.", examples=["main.flights"])
    row_limit: int | None = Field(
        description="At most so many rows are in its result.", examples=[100]
    )
    submitted_at: datetime = Field(examples=["2026-01-31T12:00:00.000000Z"])
    started_at: datetime | None = Field(
        description="When it began to run.", examples=["2026-01-31T12:00:01.000000Z"]
    )
    ended_at: datetime | None = Field(examples=["2026-01-31T12:00:05.000000Z"])
    expires_at: datetime | None = Field(
        description="When it is forgotten, with its result; null while it has not ended.",
        examples=["2026-02-01T12:00:05.000000Z"],
    )
    elapsed_ms: float = Field(description="How long it has run.", examples=[4200.5])
    progress: float | None = Field(
        ge=0, le=1, description="How much is done; null where that is not known.", examples=[1.0]
    )
    row_count: int = Field(description="The rows of its result so far.", examples=[1])
    truncated: bool = Field(description="Whether `row_limit` left rows out.")
    size_bytes: int | None = Field(
        description="The size of its result as it is kept.", examples=[616]
    )
    columns: list[ResultColumnAnswer] | None = Field(description="Null while they are not known.")
    run_id: str | None = Field(
        description="Its lineage run; null before it runs.",
        examples=["01990f3e-6c1f-7cc2-9c58-0f6a3c1c2b5d"],
    )
    snapshot_id: int | None = Field(description="The snapshot that it sees.", examples=[8])
    result: str | None = Field(
        description="The path of its result, once that is there.",
        examples=[f"/queries/{EXAMPLE_ID}/result"],
    )
    error: Problem | None = Field(description="Why it has no result.")

    @classmethod
    def of(cls, statement: Statement, scope: Scope, now: datetime) -> Self:
        """The answer for a statement, to the request of `scope`."""
        path = statement_path(statement)
        failure = statement.failure
        columns = statement.columns
        return cls(
            query_id=str(statement.id),
            state=statement.state,
            sql=statement.sql,
            table=None if statement.table is None else str(statement.table),
            row_limit=statement.row_limit,
            submitted_at=statement.submitted_at,
            started_at=statement.started_at,
            ended_at=statement.ended_at,
            expires_at=statement.expires_at,
            elapsed_ms=statement.elapsed_ms(now),
            progress=statement.progress,
            row_count=statement.row_count,
            truncated=statement.truncated,
            size_bytes=statement.size_bytes,
            columns=None
            if columns is None
            else [ResultColumnAnswer(name=each.name, type=each.type) for each in columns],
            run_id=statement.run_id,
            snapshot_id=statement.snapshot_id,
            result=f"{path}/result" if statement.state is StatementState.SUCCEEDED else None,
            error=None
            if failure is None
            else Problem.model_validate(problem_of_failure(scope, failure, path)),
        )


class StatementsAnswer(AnswerModel):
    """A page of statements."""

    queries: list[StatementAnswer] = Field(description="Oldest first.")
    next_page_token: str | None = Field(description="For the next page; null on the last.")
