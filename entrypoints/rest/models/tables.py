"""Tables in JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar, Literal, Self

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from domain.column_types import parse_column_type
from domain.tables import (
    MAX_COLUMNS,
    Column,
    IfExists,
    PartitionKey,
    TableDefinition,
    TableDescription,
    TableName,
    TablePage,
)
from entrypoints.rest.locations import Part, located
from entrypoints.rest.models.base import AnswerModel, RequestModel

_FLIGHTS: JsonDict = {
    "name": "flights",
    "columns": [
        {"name": "carrier", "type": "VARCHAR", "nullable": False},
        {"name": "dep_delay", "type": "INTEGER", "comment": "minutes"},
        {"name": "time_hour", "type": "TIMESTAMP"},
    ],
    "comment": "Flights from New York in 2013",
    "partition_by": ["month(time_hour)"],
    "if_exists": "error",
}


class NewColumn(RequestModel):
    """A column of a table that is to be made."""

    name: str = Field(examples=["dep_delay"])
    type: str = Field(description="A DuckDB type.", examples=["DECIMAL(9,2)"])
    nullable: bool = Field(default=True, description="Whether a row may leave it out.")
    comment: str | None = Field(default=None, description="What it means.")


class NewTable(RequestModel):
    """A table that is to be made."""

    model_config = ConfigDict(json_schema_extra={"examples": [_FLIGHTS]})
    later: ClassVar[frozenset[str]] = frozenset({"from"})

    name: str = Field(description="`name` or `namespace.name`.", examples=["flights"])
    columns: Annotated[list[NewColumn], Field(min_length=1, max_length=MAX_COLUMNS)]
    comment: str | None = Field(default=None, description="What the table is.")
    partition_by: Annotated[list[str], Field(max_length=100)] = Field(
        default=[],
        description="Columns, or `year(c)`, `month(c)`, `day(c)`, `hour(c)`, `bucket(8, c)`.",
    )
    if_exists: Literal["error", "ignore", "replace"] = Field(
        default="error", description="What to do when the table is there."
    )

    def definition(self) -> TableDefinition:
        """The table in the domain's words.

        Raises:
            LocatedError: When something is against the rules, with its place.
        """
        with located(Part.BODY, "/name"):
            name = TableName.parse(self.name)
        columns = []
        for index, column in enumerate(self.columns):
            with located(Part.BODY, f"/columns/{index}/type"):
                column_type = parse_column_type(column.type)
            columns.append(Column(column.name, column_type, column.nullable, column.comment))
        keys = []
        for index, text in enumerate(self.partition_by):
            with located(Part.BODY, f"/partition_by/{index}"):
                keys.append(PartitionKey.parse(text))
        with located(Part.BODY, ""):
            return TableDefinition(name, tuple(columns), self.comment, tuple(keys))

    def on_exists(self) -> IfExists:
        """What to do when the table is there."""
        return IfExists(self.if_exists)


class ColumnAnswer(AnswerModel):
    """A column of a table."""

    name: str = Field(examples=["dep_delay"])
    type: str = Field(examples=["INTEGER"])
    nullable: bool
    comment: str | None = Field(examples=["minutes"])


class TableAnswer(AnswerModel):
    """What a table is."""

    name: str = Field(examples=["flights"])
    namespace: str = Field(examples=["main"])
    columns: list[ColumnAnswer]
    comment: str | None = Field(examples=["Flights from New York in 2013"])
    row_count: int = Field(examples=[336776])
    file_count: int = Field(description="Data files; inlined rows have none.", examples=[12])
    size_bytes: int = Field(description="The size of its data files.", examples=[5242880])
    snapshot_id: int = Field(description="The snapshot of its last change.", examples=[7])
    created_at: datetime
    updated_at: datetime | None = Field(description="Null when that is no longer known.")
    location: str = Field(description="Where its data files lie.", examples=["main/flights/"])
    partition_by: list[str] = Field(examples=[["month(time_hour)"]])

    @classmethod
    def of(cls, table: TableDescription) -> Self:
        """The answer that tells of a table."""
        return cls(
            name=table.name.name,
            namespace=table.name.namespace,
            columns=[
                ColumnAnswer(
                    name=column.name,
                    type=str(column.type),
                    nullable=column.nullable,
                    comment=column.comment,
                )
                for column in table.columns
            ],
            comment=table.comment,
            row_count=table.row_count,
            file_count=table.file_count,
            size_bytes=table.size_bytes,
            snapshot_id=table.snapshot_id,
            created_at=table.created_at,
            updated_at=table.updated_at,
            location=table.location,
            partition_by=list(table.partition_by),
        )


class TableSummaryAnswer(AnswerModel):
    """A table in a listing."""

    name: str = Field(examples=["flights"])
    namespace: str = Field(examples=["main"])
    comment: str | None


class TablesAnswer(AnswerModel):
    """A page of tables."""

    tables: list[TableSummaryAnswer]
    next_page_token: str | None = Field(description="Null on the last page.")

    @classmethod
    def of(cls, page: TablePage, next_page_token: str | None) -> Self:
        """The answer that tells of a page."""
        return cls(
            tables=[
                TableSummaryAnswer(
                    name=table.name, namespace=table.namespace, comment=table.comment
                )
                for table in page.tables
            ],
            next_page_token=next_page_token,
        )


class AppendAnswer(AnswerModel):
    """What an append did."""

    rows_appended: int = Field(examples=[336776])
    snapshot_id: int = Field(description="The snapshot that holds the rows.", examples=[8])
    run_id: str = Field(
        description="The lineage run.", examples=["01990f3e-6c1f-7cc2-9c58-0f6a3c1c2b5d"]
    )
