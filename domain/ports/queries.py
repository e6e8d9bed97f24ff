"""The port to the query engine."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol

from domain.datasets import ByteStream
from domain.partitions import PartitionedResult
from domain.plans import QueryPlan
from domain.queries import EncodedRows, Encoding, Query, QueryResult, ResultEncoding


class QueryPort(Protocol):
    """Runs one read-only statement at a time on a snapshot of the lake."""

    @abstractmethod
    def open(self, query: Query, encoding: Encoding) -> QueryResult:
        """Begin a query; its rows are made while the result is read.

        Raises:
            StatementNotAllowedError: When it is not one read-only SELECT.
            InvalidSqlError: When the SQL is wrong, with the engine's hint and the position.
            InvalidParametersError: When the parameters do not fit the statement.
            TableNotFoundError: When `query.table` is not there.
            NotAcceptableError: When the format cannot hold one of the result's columns.
            QueryCancelledError, QueryTimeoutError, ResourcesExhaustedError, InvalidValueError: As
                while reading.
        """

    @abstractmethod
    def open_partitioned(
        self, query: Query, encoding: ResultEncoding, keys: Sequence[str]
    ) -> PartitionedResult:
        """Begin a query whose rows are to be divided by the values of some of its columns.

        All its rows are made once, on one snapshot, when the result is asked for its partitions.

        Args:
            query: The query.
            encoding: How the rows of each partition are to be written.
            keys: The columns that divide them, compared without case.

        Raises:
            InvalidPartitionError: When the statement has no such columns or no others, or the
                values of one are not known by their text.
            LakehouseError: What `open` raises.
        """

    @abstractmethod
    def plan(self, query: Query) -> QueryPlan:
        """Say what a query would read and how, without running it.

        Raises:
            QueryTimeoutError: When the planning takes longer than `Query.timeout_s`.
            StatementNotAllowedError, InvalidSqlError, InvalidParametersError, TableNotFoundError:
                As `open`.
        """

    @abstractmethod
    def reopen(self, spool: ByteStream, encoding: ResultEncoding) -> EncodedRows:
        """Read what was written in `SpoolEncoding`, as if the query were answered now.

        Args:
            spool: The bytes; they are closed with what is returned, or when this raises.
            encoding: How the rows are to be written.

        Raises:
            BadUpstreamError: When these are no such bytes.
        """
