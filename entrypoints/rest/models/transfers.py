"""What moves between tables and objects, in JSON."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from application.tables.export import ExportCommand
from application.tables.load import LoadObjectsCommand
from application.writes import Terms
from domain.datasets import BucketName, ObjectName, ObjectRef, WriteCondition
from domain.errors import InvalidObjectNameError, UnsupportedOperationError
from domain.formats import DataFormat
from domain.queries import Query
from domain.tables import TableName
from entrypoints.rest.locations import Part, located
from entrypoints.rest.models.base import RequestModel
from entrypoints.rest.models.objects import ObjectFormat, ObjectNames, object_rows
from entrypoints.rest.models.queries import ParameterValues

FormatName = Literal["json", "ndjson", "csv", "parquet", "arrow"]

_JULY: JsonDict = {
    "sql": "SELECT * FROM flights WHERE month = ?",
    "parameters": [7],
    "object": "exports/2013/july.parquet",
    "format": "parquet",
}


_SOURCES: JsonDict = {"objects": ["raw-data/2013/*.parquet"]}


class WantedLoad(RequestModel):
    """A load."""

    model_config = ConfigDict(json_schema_extra={"examples": [_SOURCES]})

    objects: ObjectNames
    format: ObjectFormat = None
    on_new_columns: Literal["error", "add"] = Field(
        default="error", description="What to do with columns that the table lacks."
    )

    def command(self, table: TableName, terms: Terms) -> LoadObjectsCommand:
        """What is asked for, in the domain's words.

        Raises:
            LocatedError: When an object's name is against the rules, or tells no format.
            UnsupportedOperationError: When columns are to be added.
        """
        if self.on_new_columns == "add":
            raise UnsupportedOperationError(
                "A load adds no columns yet; an append with on_new_columns=add does."
            )
        with located(Part.BODY, "/objects"):
            return LoadObjectsCommand(table, object_rows(self.objects, self.format), terms)


class WantedExport(RequestModel):
    """An export; without SQL, of the table itself."""

    model_config = ConfigDict(json_schema_extra={"examples": [_JULY]})
    later: ClassVar[frozenset[str]] = frozenset({"partition_by"})

    sql: str | None = Field(default=None, description="One SELECT statement.")
    parameters: ParameterValues = Field(
        default=[], description="A list for `?` and `$1`, an object for `$name`."
    )
    object: str = Field(
        description="Where to: `bucket/key`.", examples=["exports/2013/july.parquet"]
    )
    format: FormatName = Field(description="How the rows are written.")

    def command(self, table: TableName, condition: WriteCondition) -> ExportCommand:
        """What is asked for, in the domain's words.

        Raises:
            LocatedError: When the object's name is against the rules.
        """
        with located(Part.BODY, "/object"):
            ref = _object_ref(self.object)
            ref.name.check_writable()
        query = Query(self.sql, table, self.parameters)
        return ExportCommand(query, ref, DataFormat(self.format), condition)


def _object_ref(text: str) -> ObjectRef:
    bucket, slash, name = text.partition("/")
    if not slash:
        raise InvalidObjectNameError("An object goes by its bucket and name: bucket/key.")
    return ObjectRef(BucketName(bucket), ObjectName(name))
