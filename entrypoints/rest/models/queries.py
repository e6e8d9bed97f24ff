"""Queries in JSON."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import ConfigDict, Field, field_validator
from pydantic.config import JsonDict

from domain.plans import QueryPlan
from domain.queries import MAX_PARAMETERS
from domain.tables import PointInTime
from entrypoints.rest.locations import Part, located
from entrypoints.rest.models.base import AnswerModel, RequestModel
from entrypoints.rest.moments import point_in_time

ParameterValue = str | int | float | bool | None
ParameterValues = (
    Annotated[list[ParameterValue], Field(max_length=MAX_PARAMETERS)]
    | Annotated[dict[str, ParameterValue], Field(max_length=MAX_PARAMETERS)]
)
RowLimit = Annotated[int, Field(ge=0, le=2**63 - 1)]
Timeout = Annotated[float, Field(gt=0, allow_inf_nan=False)]

_DELAYS: JsonDict = {
    "sql": "SELECT carrier, avg(dep_delay) AS delay FROM flights WHERE month = ? GROUP BY 1",
    "parameters": [7],
    "row_limit": 100,
    "timeout_s": 30,
}


class _Question(RequestModel):
    """What all questions have."""

    parameters: ParameterValues = Field(
        default=[], description="A list for `?` and `$1`, an object for `$name`."
    )
    row_limit: RowLimit | None = Field(
        default=None, description="At most so many rows are answered."
    )
    timeout_s: Timeout | None = Field(
        default=None,
        description="How long the engine may work for it, in seconds: then 504, or in the middle "
        "of the answer its end. Without it, the service's default; at most the service's "
        "greatest. Time in which the client does not read does not count.",
    )
    at_version: Annotated[int, Field(ge=0, le=2**63 - 1)] | None = Field(
        default=None,
        description="Read each table that has no AT of its own as of this snapshot.",
        examples=[7],
    )
    at_timestamp: str | None = Field(
        default=None,
        description="As `at_version`, as of this time: ISO 8601, with a time zone.",
        examples=["2026-01-31T12:00:00Z"],
        json_schema_extra={"format": "date-time"},
    )

    @field_validator("parameters", mode="before")
    @classmethod
    def _check_parameters(cls, given: object) -> object:
        """Tell what is wrong in words: of a union, pydantic tells what each branch says of it."""
        match given:
            case list():
                values = list(enumerate(given, start=1))
            case dict():
                values = list(given.items())
            case _:
                raise ValueError("a list, or an object")
        if len(values) > MAX_PARAMETERS:
            raise ValueError(f"at most {MAX_PARAMETERS} of them")
        for name, value in values:
            if not isinstance(value, ParameterValue):
                raise ValueError(  # noqa: TRY004 - as above
                    f"the value of {name} is no text, number, truth value or null"
                )
        return given

    def at(self) -> PointInTime | None:
        """The moment that is asked for.

        Raises:
            InvalidError: When it is none, or there are two.
        """
        with located(Part.BODY, "/at_timestamp"):
            return point_in_time(self.at_version, self.at_timestamp)


class LakeQuestion(_Question):
    """A query over any tables."""

    model_config = ConfigDict(json_schema_extra={"examples": [_DELAYS]})

    sql: str = Field(description="One SELECT statement.")


class TableQuestion(_Question):
    """A query put to a table; without SQL it asks for the table itself."""

    model_config = ConfigDict(json_schema_extra={"examples": [_DELAYS, {"row_limit": 10}]})

    sql: str | None = Field(default=None, description="One SELECT statement.")


class ResultColumnAnswer(AnswerModel):
    """A column of a result."""

    name: str = Field(examples=["delay"])
    type: str = Field(examples=["DOUBLE"])


class QueryAnswerModel(AnswerModel):
    """The answer to a query."""

    columns: list[ResultColumnAnswer]
    rows: list[dict[str, Any]] = Field(examples=[[{"carrier": "UA", "delay": 12.1}]])
    row_count: int = Field(examples=[1])
    truncated: bool = Field(description="Whether `row_limit` left rows out.")
    query_id: str = Field(examples=["01990f3e-6c20-7a51-8f0e-5b8a7d6e4c3f"])
    run_id: str = Field(examples=["01990f3e-6c1f-7cc2-9c58-0f6a3c1c2b5d"])
    snapshot_id: int = Field(description="The snapshot that the query saw.", examples=[8])
    elapsed_ms: float = Field(examples=[12.5])


class PlannedReadAnswer(AnswerModel):
    """What a query would read of a table."""

    table: str = Field(examples=["main.flights"])
    columns: list[str] = Field(examples=[["carrier", "dep_delay", "month"]])
    file_count: int = Field(description="The table's data files.", examples=[3])
    estimated_bytes: int = Field(
        description="The size of these columns in all of the table's files: at most so much is "
        "read, since a condition may leave files out.",
        examples=[1_048_576],
    )


class QueryPlanAnswer(AnswerModel):
    """What a query would do."""

    columns: list[ResultColumnAnswer] = Field(description="The columns of the result.")
    plan: str = Field(
        description="The engine's plan, for people: its form may change.",
        examples=["┌───────────────┐\n│ DUCKLAKE_SCAN │\n└───────────────┘"],
    )
    tables: list[PlannedReadAnswer]
    objects: list[str] = Field(examples=[["s3://raw-data/2013/flights.parquet"]])
    estimated_bytes: int = Field(
        description="What it would read of the tables, in all.", examples=[1_048_576]
    )
    snapshot_id: int = Field(description="The snapshot that it would see.", examples=[8])

    @classmethod
    def of(cls, plan: QueryPlan) -> QueryPlanAnswer:
        """The answer that tells of a plan."""
        return cls(
            columns=[
                ResultColumnAnswer(name=column.name, type=column.type) for column in plan.columns
            ],
            plan=plan.text,
            tables=[
                PlannedReadAnswer(
                    table=str(read.table),
                    columns=list(read.columns),
                    file_count=read.file_count,
                    estimated_bytes=read.estimated_bytes,
                )
                for read in plan.reads
            ],
            objects=list(plan.objects),
            estimated_bytes=plan.estimated_bytes,
            snapshot_id=plan.snapshot_id,
        )
