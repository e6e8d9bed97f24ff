"""Write what a query answers to an object."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from typing import ClassVar

from application.cancellation import Cancellation
from application.queries.json_array import as_json_array
from application.queries.run import RunQuery
from application.runs import Plan, Run
from domain.datasets import MediaType, ObjectMetadata, ObjectRef, PutOutcome, WriteCondition
from domain.errors import InvalidSqlError
from domain.formats import DataFormat
from domain.lineage import Lifecycle, Operation, Usage
from domain.ports.datasets import DatasetPort
from domain.ports.queries import QueryPort
from domain.queries import Query, QueryTimeouts, ResultEncoding


@dataclass(frozen=True, slots=True)
class ExportCommand:
    """What is exported, and where to.

    Attributes:
        query: Put to a table; without SQL, the table itself.
        ref: The object that is written.
        data_format: How its rows are written.
        condition: When the object may be written.
        cancellation: Stops it from outside.

    Raises:
        InvalidSqlError: When the query is put to no table.
    """

    query: Query
    ref: ObjectRef
    data_format: DataFormat
    condition: WriteCondition = field(default_factory=WriteCondition)
    cancellation: Cancellation = field(default_factory=Cancellation)

    def __post_init__(self) -> None:
        check_put_to_table(self.query)


@dataclass(frozen=True, slots=True)
class ExportToObject:
    """Write a result to one object as it is made: readers see the old object or the whole new."""

    queries: QueryPort
    datasets: DatasetPort
    timeouts: QueryTimeouts = field(default_factory=QueryTimeouts)
    operation: ClassVar[Operation] = Operation.TABLE_EXPORT

    def plan(self, command: ExportCommand) -> Plan:
        """The run writes the object; what it reads is known when its SQL was parsed."""
        query = command.query
        inputs = (Usage(query.table),) if query.sql is None and query.table is not None else ()
        return Plan(query.table, inputs, outputs=(Usage(command.ref),), sql=query.sql)

    def __call__(self, command: ExportCommand, run: Run) -> PutOutcome:
        """Raises: what `RunQuery`, its result and `DatasetPort.put_object` raise."""
        command.ref.name.check_writable()
        encoding = ResultEncoding(command.data_format)
        ask = RunQuery(self.queries, self.timeouts)
        with (
            closing(ask.begin(command.query, encoding, run)) as result,
            command.cancellation.stopping(result.close),
        ):
            outcome = self.datasets.put_object(
                command.ref,
                file_content(result, command.data_format),
                size=None,
                media_type=MediaType(command.data_format.media_type),
                metadata=ObjectMetadata(),
                condition=command.condition,
            )
            written = result.row_count
        run.writes(
            Usage(
                command.ref,
                version=outcome.info.etag,
                row_count=written,
                size_bytes=outcome.info.size,
                lifecycle=Lifecycle.CREATE if outcome.created else Lifecycle.OVERWRITE,
            )
        )
        return outcome


def check_put_to_table(query: Query) -> None:
    """Raises: InvalidSqlError: When the query of an export is put to no table."""
    if query.table is None:
        raise InvalidSqlError("An export is of a table, or of a query put to one.")


def file_content(rows: Iterable[bytes], data_format: DataFormat) -> Iterable[bytes]:
    """Encoded rows as a file holds them: in JSON, one array."""
    return as_json_array(rows) if data_format is DataFormat.JSON else rows
