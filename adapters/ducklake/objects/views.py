"""Objects in a statement: each read stands behind a temporary view of the statement's cursor.

A view that has an object's very name is found before the engine looks for a file of that name,
so the caller's text runs as it is. A call of a reader is replaced by the name of its view.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext

import duckdb

from adapters.ducklake.engine.errors import (
    EngineMessage,
    Redact,
    translated,
)
from adapters.ducklake.engine.lake import Lake
from adapters.ducklake.engine.messages import fit
from adapters.ducklake.engine.sql import identifier
from adapters.ducklake.gate.edits import Edit
from adapters.ducklake.gate.tokens import Tokens
from adapters.ducklake.objects.calls import options_of
from adapters.ducklake.objects.copies import Heartbeat
from adapters.ducklake.objects.errors import error_of_objects
from adapters.ducklake.objects.sources import ObjectSource, ObjectSources
from domain.errors import (
    InvalidSqlError,
    LakehouseError,
    StatementNotAllowedError,
)
from domain.located_objects import FoundObject
from domain.sql.objects import READ_FUNCTIONS, ObjectRead, pattern_of


def view_names(reads: Sequence[ObjectRead]) -> dict[str, ObjectRead]:
    """A name for the view of each call of a reader: none that an object or a table may have."""
    return {f"s3:{number}": read for number, read in enumerate(reads)}


def edits_of(sql: str, called: Mapping[str, ObjectRead]) -> list[Edit]:
    """What puts the views in the places of the calls, which are in the order of the text.

    Raises:
        StatementNotAllowedError: When the calls cannot be found in the text.
    """
    if not called:
        return []
    tokens = Tokens.of(sql)
    places = tokens.calls(frozenset(READ_FUNCTIONS))
    if len(places) != len(called):
        raise StatementNotAllowedError("Read objects in place of a table: FROM read_csv('s3://').")
    edits: list[Edit] = []
    for (start, end), (view, read) in zip(places, called.items(), strict=True):
        alias = "" if read.alias else f" AS {identifier(read.function)}"
        edits.append(Edit(start, end, identifier(view) + alias))
    return edits


class ObjectReader:
    """The objects that one statement reads, held until it has ended."""

    def __init__(
        self,
        lake: Lake,
        sources: ObjectSources | None = None,
        heartbeat: Heartbeat = lambda: None,
        uncounted: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        """Prepare it; nothing is looked for yet.

        Args:
            lake: The lake of the statement.
            sources: Where the objects come from; None lets none be read.
            heartbeat: Called while they are found; raises when that is to end.
            uncounted: While this lasts, the time that goes by is not the catalog's.
        """
        self._lake = lake
        self._object_sources = sources
        self._heartbeat = heartbeat
        self._uncounted = uncounted
        self._sources: list[ObjectSource] = []
        self._held = ExitStack()

    @property
    def objects(self) -> tuple[FoundObject, ...]:
        """The objects, each once."""
        found = {each.found.ref: each.found for source in self._sources for each in source.objects}
        return tuple(found.values())

    def open(self, cursor: duckdb.DuckDBPyConnection, reads: Mapping[str, ObjectRead]) -> None:
        """Find the objects, and make the views of them for the rest of the transaction.

        Args:
            cursor: The statement's cursor.
            reads: What it reads, each by the name of its view.

        Raises:
            BucketNotFoundError, ObjectNotFoundError: When there are no such objects.
            MalformedObjectError: When one cannot be read in its format.
            TooLargeError: When they are more than is read at once.
            InvalidSqlError: When an option of a reader is wrong.
        """
        _check_distinct(reads)
        for view, read in reads.items():
            with self._uncounted():
                source = self._source(read)
            select = f"FROM {source.relation(options_of(read), read.function)}"
            try:
                cursor.execute(f"CREATE TEMP VIEW {identifier(view)} AS {select}")
            except duckdb.Error as error:
                raise (
                    self.of_objects(error)
                    or _of_options(error, read, self.redact)
                    or translated(error, self.redact)
                    or error
                ) from error

    def redact(self, text: str) -> str:
        """A message with the objects' names in it, and nothing of where they lie."""
        for source in self._sources:
            text = source.shown(text)
        return self._lake.redact(text)

    def translated(self, error: BaseException) -> LakehouseError | None:
        """The domain's error for one of the engine's; None when it is none that is known."""
        return self.of_objects(error) or translated(error, self.redact)

    def of_objects(self, error: BaseException) -> LakehouseError | None:
        """The domain's error for one that speaks of an object; None when it does not."""
        text = self.redact(EngineMessage.of(error).text)
        names = [each.shown for source in self._sources for each in source.objects]
        return error_of_objects(error, text, names)

    def close(self) -> None:
        """Let go of the objects. May be called twice."""
        self._held.close()

    def _source(self, read: ObjectRead) -> ObjectSource:
        if self._object_sources is None:
            raise StatementNotAllowedError("No objects are read here.")

        patterns = [pattern_of(name or "") for name in read.names]
        source = self._object_sources.open(patterns, read.format, self._heartbeat)
        self._held.callback(source.close)
        self._sources.append(source)
        return source


def _check_distinct(reads: Mapping[str, ObjectRead]) -> None:
    """The engine compares names without case, in which two objects' may differ alone."""
    seen: dict[str, str] = {}
    for view in reads:
        other = seen.setdefault(view.casefold(), view)
        if other != view:
            raise InvalidSqlError(
                f"{other!r} and {view!r} differ in case alone; read one of them by a function, "
                "as in read_parquet('s3://...')."
            )


def _of_options(error: duckdb.Error, read: ObjectRead, redact: Redact) -> LakehouseError | None:
    if not isinstance(error, duckdb.BinderException | duckdb.CatalogException):
        return None
    return InvalidSqlError(f"{read.function}: {fit(redact(EngineMessage.of(error).text))}")
