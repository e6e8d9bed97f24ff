"""Write what a query answers to objects under a prefix, divided by some of its columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from typing import ClassVar

from application.cancellation import Cancellation
from application.queries.run import RunQuery
from application.runs import Plan, Run
from application.tables.export import check_put_to_table, file_content
from domain.datasets import (
    ListRequest,
    MediaType,
    ObjectInfo,
    ObjectMetadata,
    ObjectName,
    ObjectRef,
    PutOutcome,
    WriteCondition,
)
from domain.errors import (
    InvalidObjectNameError,
    LakehouseError,
    PreconditionFailedError,
    TooLargeError,
)
from domain.formats import DataFormat
from domain.lineage import Lifecycle, Operation, Usage
from domain.object_patterns import MAX_LISTED_OBJECTS
from domain.partitions import Partition, PartitionedPlace, PartitionedResult, check_keys
from domain.ports.datasets import DatasetPort
from domain.ports.queries import QueryPort
from domain.queries import Query, QueryTimeouts, ResultEncoding


@dataclass(frozen=True, slots=True)
class PartitionedExportCommand:
    """What is exported, how it is divided, and where to.

    Attributes:
        query: Put to a table; without SQL, the table itself.
        place: Where the objects go.
        data_format: How their rows are written.
        keys: The columns that divide the rows.
        only_new: Whether nothing may be there yet.
        cancellation: Stops it from outside.

    Raises:
        InvalidSqlError: When the query is put to no table.
        InvalidPartitionError: When rows are not divided by such columns.
    """

    query: Query
    place: PartitionedPlace
    data_format: DataFormat
    keys: tuple[str, ...]
    only_new: bool = False
    cancellation: Cancellation = field(default_factory=Cancellation)

    def __post_init__(self) -> None:
        check_put_to_table(self.query)
        check_keys(self.keys)


@dataclass(frozen=True, slots=True)
class PartitionObject:
    """An object that was written, and how many rows it has."""

    info: ObjectInfo
    row_count: int


@dataclass(frozen=True, slots=True)
class PartitionedExport:
    """What a divided export did.

    Attributes:
        objects: The objects that it wrote, in the order of the values that divide the rows.
        removed: The objects of an earlier export whose values have no rows any more.
    """

    objects: tuple[PartitionObject, ...]
    removed: tuple[ObjectRef, ...]

    @property
    def row_count(self) -> int:
        """The rows of all objects."""
        return sum(each.row_count for each in self.objects)

    @property
    def size(self) -> int:
        """The bytes of all objects."""
        return sum(each.info.size for each in self.objects)


@dataclass(frozen=True, slots=True)
class ExportPartitioned:
    """Write a result to one object for each of the values that divide it.

    Every name is known to be one that the store can hold before the first object is written.
    Each object is written as a whole, but they are not written at once. When it fails midway, the
    objects that were not there before are removed again; those that it replaced stay as they are.
    """

    queries: QueryPort
    datasets: DatasetPort
    timeouts: QueryTimeouts = field(default_factory=QueryTimeouts)
    operation: ClassVar[Operation] = Operation.TABLE_EXPORT

    def plan(self, command: PartitionedExportCommand) -> Plan:
        """What the run writes is known when the query has run; what it reads, when it is parsed."""
        query = command.query
        inputs = (Usage(query.table),) if query.sql is None and query.table is not None else ()
        return Plan(query.table, inputs, sql=query.sql)

    def __call__(self, command: PartitionedExportCommand, run: Run) -> PartitionedExport:
        """Write the objects.

        Raises: what `QueryPort.open_partitioned`, its result and `DatasetPort.put_object` raise,
            and
            PreconditionFailedError: When there is something already that may not be.
            TooLargeError: When there are too many objects there to be looked at.
        """
        # Looked for first, so that no query runs for a bucket that is not there.
        earlier = self._earlier(command)
        encoding = ResultEncoding(command.data_format)
        ask = RunQuery(self.queries, self.timeouts)
        with (
            closing(ask.begin_partitioned(command.query, encoding, command.keys, run)) as result,
            command.cancellation.stopping(result.close),
        ):
            partitions = [
                (command.place.object_of(result.keys, each, command.data_format), each)
                for each in result.partitions()
            ]
            written = self._written(command, result, partitions)
        for outcome, partition in written:
            run.writes(_usage(outcome, partition))
        removed = self._remove_earlier(earlier - {ref for ref, _ in partitions}, run)
        return PartitionedExport(
            tuple(PartitionObject(outcome.info, each.row_count) for outcome, each in written),
            removed,
        )

    def _earlier(self, command: PartitionedExportCommand) -> set[ObjectRef]:
        """The objects of an earlier export that was divided in the same way."""
        found: set[ObjectRef] = set()
        place, after, listed = command.place, None, 0
        while True:
            page = self.datasets.list_objects(
                place.bucket, ListRequest(prefix=place.prefix, after=after)
            )
            if command.only_new and page.objects:
                raise PreconditionFailedError(f"There are objects in {place} already.")
            listed += len(page.objects)
            if listed > MAX_LISTED_OBJECTS:
                raise TooLargeError(
                    f"There are more than {MAX_LISTED_OBJECTS:,} objects in {place}."
                )
            for each in page.objects:
                # Other clients of the store may give names that no export would.
                with suppress(InvalidObjectNameError):
                    if place.holds(command.keys, each.name, command.data_format):
                        found.add(ObjectRef(place.bucket, ObjectName(each.name)))
            after = page.next_after
            if after is None:
                return found

    def _written(
        self,
        command: PartitionedExportCommand,
        result: PartitionedResult,
        partitions: Sequence[tuple[ObjectRef, Partition]],
    ) -> list[tuple[PutOutcome, Partition]]:
        written: list[tuple[PutOutcome, Partition]] = []
        with self._undone_on_failure(written):
            for ref, partition in partitions:
                outcome = self.datasets.put_object(
                    ref,
                    file_content(result.rows(partition), command.data_format),
                    size=None,
                    media_type=MediaType(command.data_format.media_type),
                    metadata=ObjectMetadata(),
                    condition=WriteCondition(if_none_match=command.only_new),
                )
                written.append((outcome, partition))
        return written

    @contextmanager
    def _undone_on_failure(self, written: Sequence[tuple[PutOutcome, Partition]]) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            created = [outcome.info.ref for outcome, _ in written if outcome.created]
            replaced = len(written) - len(created)
            left = [ref for ref in created if not self._is_removed(ref)]
            if isinstance(error, LakehouseError) and (left or replaced):
                error.add(
                    f"Of the objects that were to be written, {replaced:,} had been replaced and "
                    f"{len(left):,} had been added that could not be removed again; export again "
                    "to write all of them."
                )
            raise

    def _is_removed(self, ref: ObjectRef) -> bool:
        try:
            self.datasets.delete_object(ref)
        except LakehouseError:
            return False
        return True

    def _remove_earlier(self, refs: set[ObjectRef], run: Run) -> tuple[ObjectRef, ...]:
        removed = sorted(refs, key=str)
        for ref in removed:
            self.datasets.delete_object(ref)
            run.writes(Usage(ref, lifecycle=Lifecycle.DROP))
        return tuple(removed)


def _usage(outcome: PutOutcome, partition: Partition) -> Usage:
    return Usage(
        outcome.info.ref,
        version=outcome.info.etag,
        row_count=partition.row_count,
        size_bytes=outcome.info.size,
        lifecycle=Lifecycle.CREATE if outcome.created else Lifecycle.OVERWRITE,
    )
