"""Tables in JSON."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from domain.column_types import parse_column_type
from domain.derived_tables import DerivedTable
from domain.object_rows import ObjectRows
from domain.queries import Query
from domain.tables import (
    MAX_COLUMNS,
    AppendOutcome,
    Column,
    IfExists,
    PartitionKey,
    TableDefinition,
    TableDescription,
    TableName,
    TablePage,
    check_comment,
)
from entrypoints.rest.locations import Part, located
from entrypoints.rest.models.base import AnswerModel, RequestModel
from entrypoints.rest.models.objects import HivePartitioning, ObjectFormat, ObjectNames, object_rows
from entrypoints.rest.models.queries import ParameterValues

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


_DELAYS: JsonDict = {
    "name": "delays",
    "from": {"query": "SELECT carrier, avg(dep_delay) AS delay FROM flights GROUP BY 1"},
    "if_exists": "replace",
}


_RAW: JsonDict = {
    "name": "flights",
    "from": {"objects": ["raw-data/2013/*.parquet"], "format": "parquet"},
}


class NewColumn(RequestModel):
    """A column of a table that is to be made."""

    name: str = Field(examples=["dep_delay"])
    type: str = Field(description="A DuckDB type.", examples=["DECIMAL(9,2)"])
    nullable: bool = Field(default=True, description="Whether a row may leave it out.")
    comment: str | None = Field(default=None, description="What it means.")


class NewTableSource(RequestModel):
    """What a table is made of, a query or objects: it gets the columns and the rows of that."""

    query: str | None = Field(default=None, description="One SELECT statement.")
    parameters: ParameterValues = Field(
        default=[], description="A list for `?` and `$1`, an object for `$name`."
    )

    objects: ObjectNames | None = None
    format: ObjectFormat = None
    hive_partitioning: HivePartitioning = None

    def source(self) -> Query | ObjectRows:
        """What has the rows.

        Raises:
            LocatedError: When something in it is against the rules.
        """
        with located(Part.BODY, "/from"):
            if self.objects is not None:
                return object_rows(self.objects, self.format, self.hive_partitioning)
            return Query(self.query or "", parameters=self.parameters)

    @model_validator(mode="after")
    def _check_rows_come_from_one_place(self) -> Self:
        if (self.query is None) == (self.objects is None):
            raise ValueError("Say either a 'query' or 'objects'.")
        if self.objects is not None and self.parameters:
            raise ValueError("'parameters' are those of a 'query'.")
        if self.query is not None and self.format is not None:
            raise ValueError("'format' is that of 'objects'.")
        if self.query is not None and self.hive_partitioning is not None:
            raise ValueError("'hive_partitioning' is that of 'objects'.")
        return self


class NewTable(RequestModel):
    """A table that is to be made: of `columns`, or `from` what is there."""

    model_config = ConfigDict(json_schema_extra={"examples": [_FLIGHTS, _DELAYS, _RAW]})

    name: str = Field(description="`name` or `namespace.name`.", examples=["flights"])
    columns: Annotated[list[NewColumn], Field(min_length=1, max_length=MAX_COLUMNS)] | None = None
    from_: NewTableSource | None = Field(
        default=None, alias="from", description="In place of `columns`."
    )
    comment: str | None = Field(default=None, description="What the table is.")
    partition_by: Annotated[list[str], Field(max_length=100)] = Field(
        default=[],
        description="Columns, or `year(c)`, `month(c)`, `day(c)`, `hour(c)`, `bucket(8, c)`.",
    )
    if_exists: Literal["error", "ignore", "replace"] = Field(
        default="error", description="What to do when the table is there."
    )

    def definition(self) -> TableDefinition:
        """The table in the domain's words, when its columns are said.

        Raises:
            LocatedError: When something is against the rules, with its place.
        """
        name = self._name()
        columns = []
        for index, column in enumerate(self.columns or ()):
            with located(Part.BODY, f"/columns/{index}/type"):
                column_type = parse_column_type(column.type)
            columns.append(Column(column.name, column_type, column.nullable, column.comment))
        keys = self._keys()
        with located(Part.BODY, ""):
            return TableDefinition(name, tuple(columns), self.comment, keys)

    def derived(self, source: NewTableSource) -> DerivedTable:
        """The table in the domain's words, when it is made of what is there.

        Raises:
            LocatedError: When something is against the rules, with its place.
        """
        name = self._name()
        with located(Part.BODY, "/comment"):
            check_comment(self.comment)
        return DerivedTable(name, source.source(), self.comment, self._keys())

    def _name(self) -> TableName:
        with located(Part.BODY, "/name"):
            return TableName.parse(self.name)

    def _keys(self) -> tuple[PartitionKey, ...]:
        keys = []
        for index, text in enumerate(self.partition_by):
            with located(Part.BODY, f"/partition_by/{index}"):
                keys.append(PartitionKey.parse(text))
        return tuple(keys)

    @model_validator(mode="after")
    def _check_columns_come_from_one_place(self) -> Self:
        if (self.columns is None) == (self.from_ is None):
            raise ValueError("Say either the table's 'columns', or what it is made 'from'.")
        return self

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


class GrownColumn(AnswerModel):
    """A column that an append added or widened."""

    name: str = Field(examples=["gate"])
    type: str = Field(description="Its type now.", examples=["VARCHAR"])

    @classmethod
    def all_of(cls, columns: Iterable[Column]) -> list[Self]:
        """The answer's columns."""
        return [cls(name=column.name, type=str(column.type)) for column in columns]


class AppendAnswer(AnswerModel):
    """What an append did."""

    rows_appended: int = Field(examples=[336776])
    snapshot_id: int = Field(description="The snapshot that holds the rows.", examples=[8])
    run_id: str = Field(
        description="The lineage run.", examples=["01990f3e-6c1f-7cc2-9c58-0f6a3c1c2b5d"]
    )
    columns_added: list[GrownColumn] | None = Field(
        default=None, description="With `on_new_columns=add`: the columns that were added."
    )
    columns_widened: list[GrownColumn] | None = Field(
        default=None,
        description="With `on_new_columns=add`: the columns that have a wider type now.",
    )

    @classmethod
    def of(cls, outcome: AppendOutcome, run_id: str, *, growing: bool) -> Self:
        """The answer that tells of an append; of what grew when the table was to grow."""
        return cls(
            rows_appended=outcome.rows_appended,
            snapshot_id=outcome.snapshot_id,
            run_id=run_id,
            columns_added=GrownColumn.all_of(outcome.columns_added) if growing else None,
            columns_widened=GrownColumn.all_of(outcome.columns_widened) if growing else None,
        )
