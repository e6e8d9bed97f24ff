"""Run a query."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

from application.queries.result_cache import ResultCache
from application.runs import Plan, Run
from domain.conditions import ANY
from domain.datasets import ByteStream
from domain.lineage import Operation, Usage
from domain.partitions import PartitionedResult
from domain.ports.queries import QueryPort
from domain.queries import Encoding, Query, QueryResult, QueryTimeouts, ResultEncoding
from domain.result_tags import result_tag


@dataclass(frozen=True, slots=True)
class RunQueryCommand:
    """What is asked, and how the answer is to be written.

    Attributes:
        query: The question.
        encoding: How the answer is to be written.
        known_tags: The entity tags of answers that the caller has; `*` stands for any.
        rows: Whether the rows are wanted, or only what is known of the answer without them.
    """

    query: Query
    encoding: ResultEncoding
    known_tags: tuple[str, ...] = ()
    rows: bool = True


@dataclass(frozen=True, slots=True)
class QueryAnswer:
    """The answer to a query.

    Attributes:
        result: What is known of it; its counts are final when `body` has ended.
        body: Its rows, encoded. Must be closed.
        etag: The answer's weak entity tag; None when it may be another one the next time.
        not_modified: Whether the caller has the answer already; then `body` has no rows.
    """

    result: QueryResult
    body: ByteStream
    etag: str | None = None
    not_modified: bool = False


@dataclass(frozen=True, slots=True)
class RunQuery:
    """Ask the lake a question. The run lasts until the answer has been read.

    Attributes:
        queries: Who answers.
        timeouts: How long that may take.
        cache: Where answers are kept that the lake's snapshot alone decides.
    """

    queries: QueryPort
    timeouts: QueryTimeouts = field(default_factory=QueryTimeouts)
    cache: ResultCache = field(default_factory=lambda: ResultCache(0))
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
        etag = result_tag(command.query, command.encoding, result)
        known = etag is not None and not {ANY, etag}.isdisjoint(command.known_tags)
        if known or not command.rows:
            result.close()
            return QueryAnswer(result, _NoRows(), etag, known)
        result = self.cache.through(etag, result)
        return QueryAnswer(result, run.follow(result, at_end=lambda _: None), etag)

    def begin(self, query: Query, encoding: Encoding, run: Run) -> QueryResult:
        """Begin a query, for a run whose end the caller tells. Raises: as a call."""
        query = replace(query, timeout_s=self.timeouts.of(query))
        result = self.queries.open(query, encoding)
        _tell_reads(result, run)
        return result

    def begin_partitioned(
        self, query: Query, encoding: ResultEncoding, keys: Sequence[str], run: Run
    ) -> PartitionedResult:
        """Begin a query whose rows are divided by `keys`, for a run as of `begin`.

        Raises: what `QueryPort.open_partitioned` and `QueryTimeouts.of` raise.
        """
        query = replace(query, timeout_s=self.timeouts.of(query))
        result = self.queries.open_partitioned(query, encoding, keys)
        _tell_reads(result, run)
        return result

    def check(self, query: Query, encoding: Encoding) -> None:
        """Find out whether a query may run, and what is wrong with it. Raises: as a call."""
        query = replace(query, timeout_s=self.timeouts.of(query))
        self.queries.open(query, encoding).close()


def _tell_reads(result: QueryResult | PartitionedResult, run: Run) -> None:
    for table in result.tables:
        run.reads(Usage(table, version=str(result.snapshot_id)))
    for each in result.objects:
        run.reads(Usage(each.ref, version=each.etag, size_bytes=each.size))


class _NoRows(ByteStream):
    """No rows at all."""

    def __iter__(self) -> Iterator[bytes]:
        yield from ()

    def close(self) -> None:
        """There is nothing to give back."""
