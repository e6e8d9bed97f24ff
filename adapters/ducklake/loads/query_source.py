"""What a query answers, as the rows of a new table."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass

import duckdb

from adapters.ducklake.asking_again import AskedAgain
from adapters.ducklake.catalog.metadata import Metadata
from adapters.ducklake.catalog.names import Names
from adapters.ducklake.catalog.schemas import known_table
from adapters.ducklake.engine.errors import ENGINE_ERRORS, translated
from adapters.ducklake.engine.lake import Lake
from adapters.ducklake.engine.sql import qualified
from adapters.ducklake.gate.gate import Gate
from adapters.ducklake.gate.parser import Form
from adapters.ducklake.loads.derived_columns import derived_columns
from adapters.ducklake.loads.staging import Stage
from adapters.ducklake.objects.sources import ObjectSources
from adapters.ducklake.objects.views import ObjectReader
from adapters.ducklake.results.columns import described
from domain.derived_tables import DerivedTable, SourceRead
from domain.errors import LakehouseError, StatementNotAllowedError
from domain.queries import Query
from domain.tables import DEFAULT_NAMESPACE, TableDefinition

_BEFORE = "SELECT * FROM (\n"
_AFTER = "\n) AS source"


@dataclass(frozen=True, slots=True)
class StagedTable:
    """A table that is to be made, its rows, and what they were made of."""

    definition: TableDefinition
    rows: str
    read: SourceRead


def stage_query(
    stage: Stage, wanted: DerivedTable, query: Query, lake: Lake, sources: ObjectSources | None
) -> StagedTable:
    """Run a table's query into a stage.

    Args:
        stage: Where its rows are to wait.
        wanted: The table.
        query: The query.
        lake: The lake.
        sources: Where it reads objects from; None lets it read none.

    Raises: what `QueryPort.open` and its result raise, and
        InvalidColumnError: When the lake cannot keep a column of the answer.
        InvalidPartitionError: When a partition key names no column of it.
    """
    again = AskedAgain(lake, sources, query, stage.limit)
    with closing(ObjectReader(lake, sources, stage.heartbeat, stage.clock.stopped)) as reader:
        try:
            return _staged(stage, wanted, query, reader)
        except ENGINE_ERRORS as error:
            known = reader.translated(error) or error
            with stage.clock.stopped():
                raise again.blamed(known, error, ran=True) from error
        except LakehouseError as error:
            with stage.clock.stopped():
                told = again.blamed(error, error.__cause__)
            if told is error:
                raise
            raise told from error


def _staged(stage: Stage, wanted: DerivedTable, query: Query, reader: ObjectReader) -> StagedTable:
    cursor = stage.cursor
    metadata = Metadata(cursor)
    namespace = DEFAULT_NAMESPACE
    if query.table is not None:
        namespace = known_table(metadata, query.table).name.namespace
    sql = query.sql if query.sql is not None else f"FROM {_named(query)}"
    passed = Gate(cursor, metadata, Names(), namespace).pass_through(sql)
    if passed.form is not Form.QUERY:
        raise StatementNotAllowedError("A table is made of a SELECT, not of an EXPLAIN.")
    reader.open(cursor, passed.reads)
    passed.prepare(cursor, namespace)
    select = f"{_BEFORE}{passed.sql}{_AFTER}"
    try:
        columns = described(cursor, passed.sql, query.parameters)
    except duckdb.Error as error:
        raise (
            reader.of_objects(error)
            or translated(error, reader.redact, len(_BEFORE), sql, passed.place)
            or error
        ) from error
    definition = wanted.with_columns(
        derived_columns([(column.name, column.type) for column in columns])
    )
    count = stage.fill(select, query.parameters)
    read = SourceRead(passed.tables, metadata.snapshot_id, count, reader.objects)
    return StagedTable(definition, stage.table, read)


def _named(query: Query) -> str:
    if query.table is None:
        raise AssertionError("a query has SQL or a table")
    return qualified(query.table)
