"""What moves between tables and objects, in JSON."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from application.tables.export import ExportCommand
from application.tables.export_partitioned import PartitionedExport, PartitionedExportCommand
from application.tables.load import LoadObjectsCommand
from application.writes import Terms
from domain.datasets import BucketName, ObjectName, ObjectRef, WriteCondition
from domain.errors import InvalidObjectNameError, UnsupportedOperationError
from domain.formats import DataFormat
from domain.growth import OnNewColumns
from domain.partitions import MAX_KEYS, MAX_PARTITIONS, PartitionedPlace
from domain.queries import Query
from domain.tables import TableName
from entrypoints.rest.locations import Part, located
from entrypoints.rest.models.base import AnswerModel, RequestModel
from entrypoints.rest.models.objects import HivePartitioning, ObjectFormat, ObjectNames, object_rows
from entrypoints.rest.models.queries import ParameterValues

FormatName = Literal["json", "ndjson", "csv", "parquet", "arrow"]

_JULY: JsonDict = {
    "sql": "SELECT * FROM flights WHERE month = ?",
    "parameters": [7],
    "object": "exports/2013/july.parquet",
    "format": "parquet",
}

_MONTHS: JsonDict = {
    "object": "exports/2013/",
    "format": "parquet",
    "partition_by": ["month"],
}

_SOURCES: JsonDict = {"objects": ["raw-data/2013/*.parquet"]}


class WantedLoad(RequestModel):
    """A load."""

    model_config = ConfigDict(json_schema_extra={"examples": [_SOURCES]})

    objects: ObjectNames
    format: ObjectFormat = None
    hive_partitioning: HivePartitioning = None
    on_new_columns: Literal["error", "add"] = Field(
        default="error",
        description="What to do with columns that the table lacks, and with numbers that are "
        "too large for its columns.",
    )

    def command(self, table: TableName, terms: Terms) -> LoadObjectsCommand:
        """What is asked for, in the domain's words.

        Raises:
            LocatedError: When an object's name is against the rules, or tells no format.
        """
        with located(Part.BODY, "/objects"):
            rows = object_rows(self.objects, self.format, self.hive_partitioning)
        return LoadObjectsCommand(table, rows, terms, OnNewColumns(self.on_new_columns))


class WantedExport(RequestModel):
    """An export; without SQL, of the table itself."""

    model_config = ConfigDict(json_schema_extra={"examples": [_JULY, _MONTHS]})

    sql: str | None = Field(default=None, description="One SELECT statement.")
    parameters: ParameterValues = Field(
        default=[], description="A list for `?` and `$1`, an object for `$name`."
    )
    object: str = Field(
        description="Where to: `bucket/key`; with `partition_by`, a prefix: `bucket/prefix/`.",
        examples=["exports/2013/july.parquet"],
    )
    format: FormatName = Field(description="How the rows are written.")
    partition_by: list[str] | None = Field(
        default=None,
        min_length=1,
        max_length=MAX_KEYS,
        description="Columns of the rows: those of each of their values go to an object of their "
        f"own, `prefix/column=value/part-0.parquet`; {MAX_PARTITIONS:,} objects at most.",
    )

    def command(
        self, table: TableName, condition: WriteCondition
    ) -> ExportCommand | PartitionedExportCommand:
        """What is asked for, in the domain's words.

        Raises:
            LocatedError: When the object's name is against the rules, or a column's.
            UnsupportedOperationError: When the objects of a prefix are to have one entity tag.
        """
        query = Query(self.sql, table, self.parameters)
        data_format = DataFormat(self.format)
        if self.partition_by is None:
            with located(Part.BODY, "/object"):
                ref = _object_ref(self.object)
                ref.name.check_writable()
            return ExportCommand(query, ref, data_format, condition)
        if condition.if_match is not None:
            raise UnsupportedOperationError(
                "If-Match names one object; an export with partition_by takes "
                "'If-None-Match: *' only, when there is to be nothing under the prefix."
            )
        with located(Part.BODY, "/object"):
            place = PartitionedPlace.parse(self.object)
        with located(Part.BODY, "/partition_by"):
            return PartitionedExportCommand(
                query, place, data_format, tuple(self.partition_by), condition.if_none_match
            )


class PartitionAnswer(AnswerModel):
    """An object of a partitioned export."""

    name: str = Field(examples=["2013/month=7/part-0.parquet"])
    size: int = Field(description="In bytes.", examples=[524288])
    etag: str = Field(examples=["9b2cf535f27731c974343645a3985328"])
    row_count: int = Field(examples=[29425])


class PartitionsAnswer(AnswerModel):
    """The objects of a partitioned export."""

    bucket: str = Field(examples=["exports"])
    prefix: str = Field(examples=["2013/"])
    objects: list[PartitionAnswer] = Field(description="In the order of the columns' values.")
    removed: list[str] = Field(
        description="Objects of an earlier export whose values have no rows any more."
    )
    row_count: int = Field(examples=[336776])
    size: int = Field(description="In bytes, of all objects.", examples=[6291456])

    @classmethod
    def of(cls, place: PartitionedPlace, export: PartitionedExport) -> Self:
        """The answer that tells of an export."""
        return cls(
            bucket=str(place.bucket),
            prefix=place.prefix,
            objects=[
                PartitionAnswer(
                    name=str(each.info.ref.name),
                    size=each.info.size,
                    etag=each.info.etag,
                    row_count=each.row_count,
                )
                for each in export.objects
            ],
            removed=[str(ref.name) for ref in export.removed],
            row_count=export.row_count,
            size=export.size,
        )


def _object_ref(text: str) -> ObjectRef:
    bucket, slash, name = text.partition("/")
    if not slash:
        raise InvalidObjectNameError("An object goes by its bucket and name: bucket/key.")
    return ObjectRef(BucketName(bucket), ObjectName(name))
