"""Run a query."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

from application.runs import Plan, Run
from domain.datasets import ByteStream
from domain.lineage import Operation, Usage
from domain.ports.queries import QueryPort
from domain.queries import Encoding, Query, QueryResult, QueryTimeouts, ResultEncoding


@dataclass(frozen=True, slots=True)
class RunQueryCommand:
    """What is asked, and how the answer is to be written."""

    query: Query
    encoding: ResultEncoding


@dataclass(frozen=True, slots=True)
class QueryAnswer:
    """The answer to a query.

    Attributes:
        result: What is known of it; its counts are final when `body` has ended.
        body: Its rows, encoded. Must be closed.
    """

    result: QueryResult
    body: ByteStream


@dataclass(frozen=True, slots=True)
class RunQuery:
    """Ask the lake a question. The run lasts until the answer has been read."""

    queries: QueryPort
    timeouts: QueryTimeouts = field(default_factory=QueryTimeouts)
    operation: ClassVar[Operation] = Operation.QUERY

    def plan(self, command: RunQueryCommand) -> Plan:
        """As `plan_of` the query."""
        return self.plan_of(command.query)

    @staticmethod
    def plan_of(query: Query) -> Plan:
        """A run of a query reads the table that the query is put to, if any."""
        # Put to a table, a statement need not read it: what it reads is known when parsed.
        inputs = (Usage(query.table),) if query.table is not None and query.sql is None else ()
        return Plan(query.table, inputs=inputs, sql=query.sql)

    def __call__(self, command: RunQueryCommand, run: Run) -> QueryAnswer:
        """Raises: what `QueryPort.open` and `QueryTimeouts.of` raise."""
        result = self.begin(command.query, command.encoding, run)
        return QueryAnswer(result, run.follow(result, at_end=lambda _: None))

    def begin(self, query: Query, encoding: Encoding, run: Run) -> QueryResult:
        """Begin a query, for a run whose end the caller tells. Raises: as a call."""
        query = replace(query, timeout_s=self.timeouts.of(query))
        result = self.queries.open(query, encoding)
        for table in result.tables:
            run.reads(Usage(table, version=str(result.snapshot_id)))
        return result
