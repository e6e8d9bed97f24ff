"""Tables, rows and writes for the table and query suites."""

from __future__ import annotations

from domain.column_types import parse_column_type
from domain.commits import Write
from domain.lineage import new_run_id
from domain.ports.tables import TablePort
from domain.tables import (
    AppendOutcome,
    Column,
    IfExists,
    PartitionKey,
    TableDefinition,
    TableDescription,
    TableName,
)
from tests.fakes.rows import FakeRows

ID = Column("id", parse_column_type("BIGINT"), nullable=False)
LABEL = Column("label", parse_column_type("VARCHAR"))
COLUMNS = (ID, LABEL)


def column(name: str, type_: str, *, nullable: bool = True, comment: str | None = None) -> Column:
    return Column(name, parse_column_type(type_), nullable, comment)


def definition(
    name: TableName,
    *columns: Column,
    comment: str | None = None,
    partition_by: tuple[str, ...] = (),
) -> TableDefinition:
    keys = tuple(map(PartitionKey.parse, partition_by))
    return TableDefinition(name, columns or COLUMNS, comment, keys)


def write(name: TableName, operation: str, rows: int | None = None) -> Write:
    return Write(str(name), operation, new_run_id(), rows)


def create(
    tables: TablePort, name: TableName, *columns: Column, if_exists: IfExists = IfExists.ERROR
) -> TableDescription:
    made = definition(name, *columns)
    return tables.create(made, if_exists, write(name, "create")).description


def some_rows(count: int, first: int = 0) -> FakeRows:
    """Rows of `COLUMNS`, numbered from `first`."""
    numbers = range(first, first + count)
    return FakeRows.of(COLUMNS, {"id": numbers, "label": [f"row {n}" for n in numbers]})


def append(tables: TablePort, name: TableName, rows: FakeRows) -> AppendOutcome:
    return tables.append(name, rows, write(name, "append", rows.row_count))
