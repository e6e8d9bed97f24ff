"""The port to the query engine."""

from __future__ import annotations

from abc import abstractmethod
from typing import Protocol

from domain.datasets import ByteStream
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
