"""The rows of objects, as those of a new table."""

from __future__ import annotations

import duckdb

from adapters.ducklake.catalog.metadata import Metadata
from adapters.ducklake.engine.errors import Redact
from adapters.ducklake.loads.derived_columns import derived_columns
from adapters.ducklake.loads.formats import types_in_all
from adapters.ducklake.loads.loading import failure
from adapters.ducklake.loads.query_source import StagedTable
from adapters.ducklake.loads.staging import Stage
from adapters.ducklake.objects.sources import ObjectSource
from domain.derived_tables import DerivedTable, SourceRead
from domain.formats import DataFormat

# All of a text is looked at, so that no row behind a sample is of another type than its column.
_OPTIONS = {
    DataFormat.PARQUET: ("union_by_name = true", "hive_partitioning = false"),
    DataFormat.CSV: (
        "header = true",
        "sample_size = -1",
        "union_by_name = true",
        "hive_partitioning = false",
    ),
}
_JSON = ("sample_size = -1", "union_by_name = true", "hive_partitioning = false")


def stage_object_table(
    stage: Stage, wanted: DerivedTable, source: ObjectSource, redact: Redact
) -> StagedTable:
    """Read objects into a stage; their columns are found in Parquet, and in text are guessed.

    Raises:
        MalformedObjectError: When an object cannot be read as what it is said to be.
        RowsDoNotFitError: When a column is of one type in an object and of another elsewhere.
        InvalidColumnError: When the lake cannot keep a column.
        InvalidPartitionError: When a partition key names no column.
    """
    cursor = stage.cursor
    snapshot_id = Metadata(cursor).snapshot_id
    data_format = source.format.format
    relation = source.relation([*_OPTIONS.get(data_format, _JSON), *_form(data_format)])
    try:
        if data_format is DataFormat.PARQUET:
            types_in_all(cursor, source)
        described = cursor.execute(f"SELECT * FROM {relation} LIMIT 0").description or []
        columns = derived_columns([(name, column_type) for name, column_type, *_ in described])
        definition = wanted.with_columns(columns)
        count = stage.fill(f"SELECT * FROM {relation}")
    except duckdb.Error as error:
        raise failure(error, source, (), redact) or error from error
    found = tuple(each.found for each in source.objects)
    return StagedTable(definition, stage.table, SourceRead((), snapshot_id, count, found))


def _form(data_format: DataFormat) -> tuple[str, ...]:
    return ("format = 'newline_delimited'",) if data_format is DataFormat.NDJSON else ()
