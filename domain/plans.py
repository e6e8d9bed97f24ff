"""What a query would do, without its being run."""

from __future__ import annotations

from dataclasses import dataclass

from domain.queries import ResultColumn
from domain.tables import TableName


@dataclass(frozen=True, slots=True)
class PlannedRead:
    """What a query would read of one table.

    Attributes:
        table: The table.
        columns: The columns that it would read; none when the catalog alone tells, or when it is
            known that no row is needed.
        file_count: How many data files the table has.
        estimated_bytes: The size of these columns in the table's files, compressed as they are
            there. An estimate from above: which files a condition leaves out is known only as
            the query runs. Rows that the catalog itself holds count as nothing.
    """

    table: TableName
    columns: tuple[str, ...]
    file_count: int
    estimated_bytes: int


@dataclass(frozen=True, slots=True)
class QueryPlan:
    """How a query would be run.

    Attributes:
        columns: The columns of its result.
        text: The engine's plan, for people.
        reads: The tables of the lake that it names, also by way of views.
        objects: The objects of datasets that it names, as it names them.
        snapshot_id: The snapshot of the lake that it would see.
    """

    columns: tuple[ResultColumn, ...]
    text: str
    reads: tuple[PlannedRead, ...]
    objects: tuple[str, ...]
    snapshot_id: int

    @property
    def estimated_bytes(self) -> int:
        """What it would read in all; see `PlannedRead.estimated_bytes`."""
        return sum(read.estimated_bytes for read in self.reads)
