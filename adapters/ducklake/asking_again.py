"""Asking a query again, with other parameters, to find out what it failed of."""

from __future__ import annotations

import duckdb

from adapters.ducklake.catalog.metadata import Metadata
from adapters.ducklake.catalog.moments import metadata_at
from adapters.ducklake.catalog.names import Names
from adapters.ducklake.engine.blame import blamed
from adapters.ducklake.engine.errors import ENGINE_ERRORS
from adapters.ducklake.engine.lake import Lake
from adapters.ducklake.engine.watchdog import TimeLimit
from adapters.ducklake.gate.gate import Gate
from adapters.ducklake.gate.parser import Form
from adapters.ducklake.objects.sources import ObjectSources
from adapters.ducklake.objects.views import ObjectReader
from domain.errors import LakehouseError
from domain.queries import Parameters, Query
from domain.tables import DEFAULT_NAMESPACE

ASKED_AGAIN_S = 1.0
"""How long finding out may take: what fails at once does so again, and nothing else is worth it."""


class AskedAgain:
    """A query that failed, asked again on cursors of its own."""

    def __init__(
        self, lake: Lake, sources: ObjectSources | None, query: Query, limit: TimeLimit
    ) -> None:
        """Args: limit: The query's own time, of which this takes a part."""
        self._lake = lake
        self._sources = sources
        self._query = query
        self._limit = limit

    def blamed(
        self, error: Exception, cause: BaseException | None, *, ran: bool = False
    ) -> Exception:
        """The error, with the parameter whose value it comes of where that can be proven.

        Args:
            error: What it failed with, in the domain's words where it has some.
            cause: The same in the engine's.
            ran: Whether it ran, rather than failed while it was bound.
        """
        if not isinstance(error, LakehouseError) or not self._query.parameters:
            return error
        limit = self._limit.part(ASKED_AGAIN_S)
        return blamed(
            error,
            cause,
            self._query.parameters,
            lambda parameters: self._failure(parameters, limit, ran=ran),
        )

    def _failure(
        self, parameters: Parameters, limit: TimeLimit, *, ran: bool
    ) -> BaseException | None:
        """What the engine fails with; None when it does not.

        Raises:
            LakehouseError: When it cannot be asked, or takes too long.
        """
        cursor = self._lake.take_cursor()
        reader = ObjectReader(self._lake, self._sources, limit.check)
        try:
            with limit.step(cursor):
                statement = self._statement(cursor, reader, ran=ran)
                try:
                    cursor.execute(statement, parameters)
                except ENGINE_ERRORS as error:
                    limit.check()
                    return error
                return None
        finally:
            self._lake.return_cursor(cursor)
            reader.close()

    def _statement(
        self, cursor: duckdb.DuckDBPyConnection, reader: ObjectReader, *, ran: bool
    ) -> str:
        """What does as the query did, and gives no rows."""
        cursor.execute("BEGIN TRANSACTION READ ONLY")
        metadata = metadata_at(cursor, self._query.at)
        namespace = self._namespace(metadata)
        gate = Gate(cursor, metadata, Names(), namespace, travels=self._query.at is not None)
        passed = gate.pass_through(self._query.sql or "")
        reader.open(cursor, passed.reads)
        passed.prepare(cursor, namespace)
        if passed.form is Form.EXPLAIN:
            return f"EXPLAIN {passed.sql}"
        select = f"SELECT * FROM (\n{passed.sql}\n) AS result"
        return f"EXPLAIN ANALYZE {select}" if ran else f"{select} LIMIT 0"

    def _namespace(self, metadata: Metadata) -> str:
        name = self._query.table
        table = None if name is None else metadata.table(name)
        return DEFAULT_NAMESPACE if table is None else table.name.namespace
