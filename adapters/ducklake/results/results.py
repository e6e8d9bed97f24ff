"""A result while it is being read."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import duckdb

from adapters.ducklake.asking_again import AskedAgain
from adapters.ducklake.engine.answering import out_of_time
from adapters.ducklake.engine.errors import ENGINE_ERRORS, tells_of_interrupt
from adapters.ducklake.engine.lake import Lake
from adapters.ducklake.engine.progress import progress_of
from adapters.ducklake.engine.watchdog import INTERRUPT_EVERY_S, TimeLimit
from adapters.ducklake.objects.views import ObjectReader
from adapters.ducklake.results.columns import SelectedColumn
from adapters.ducklake.results.encoders import Encoder
from domain.errors import QueryCancelledError, UnavailableError, UpstreamTimeoutError
from domain.located_objects import FoundObject
from domain.queries import Parameters, QueryResult, ResultColumn
from domain.tables import TableName

BATCH_ROWS = 16_384
MAX_AHEAD_BYTES = 16 * 1024**2
"""Behind larger batches the next are made when they are asked for: these may be as large."""

CLOSE_WAITS_S = 1.0
"""How long who closes a result waits for its engine to stop."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class BoundQuery:
    """A statement that is ready to run.

    Attributes:
        statement: The SQL that selects what the encoder wants.
        parameters: Its parameters.
        columns: The columns of the caller's statement.
        row_limit: At most so many rows are answered; the statement may give one more.
        snapshot_id: The snapshot that it sees.
        tables: The tables that it names.
        version: As `QueryResult.version`.
        reader: What holds the objects that it reads.
        again: Asks the caller's query again, to find out what it failed of; None for one that
            no caller asked.
        run_again: Runs it once more, in a new transaction of the same cursor, and gives none of
            its rows; None for one that cannot be run again.
    """

    statement: str
    parameters: Parameters
    columns: Sequence[SelectedColumn]
    row_limit: int | None
    snapshot_id: int
    tables: tuple[TableName, ...]
    reader: ObjectReader
    version: str | None = None
    again: AskedAgain | None = None
    run_again: Callable[[], object] | None = None


class DuckLakeResult(QueryResult):
    """Rows of one statement, run on a cursor of its own.

    The statement runs when the first chunk is asked for. One thread reads; any thread may
    close, which interrupts what the engine does for the reader.
    """

    def __init__(
        self,
        lake: Lake,
        cursor: duckdb.DuckDBPyConnection,
        query: BoundQuery,
        encoder: Encoder,
        limit: TimeLimit,
    ) -> None:
        self._lake = lake
        self._cursor = cursor
        self._query = query
        self._encoder = encoder
        self._limit = limit
        self._row_count = 0
        self._truncated = False
        self._closed = threading.Event()
        self._released = False
        self._release = threading.Lock()
        self._left_behind = False
        # Held while the engine works for this result.
        self._engine = threading.Lock()

    @property
    def columns(self) -> tuple[ResultColumn, ...]:
        """As `QueryResult.columns`."""
        return tuple(ResultColumn(column.name, str(column.type)) for column in self._query.columns)

    @property
    def snapshot_id(self) -> int:
        """As `QueryResult.snapshot_id`."""
        return self._query.snapshot_id

    @property
    def version(self) -> str | None:
        """As `QueryResult.version`."""
        return self._query.version

    @property
    def tables(self) -> tuple[TableName, ...]:
        """As `QueryResult.tables`."""
        return self._query.tables

    @property
    def objects(self) -> tuple[FoundObject, ...]:
        """As `QueryResult.objects`."""
        return self._query.reader.objects

    @property
    def row_count(self) -> int:
        """As `QueryResult.row_count`."""
        return self._row_count

    @property
    def progress(self) -> float | None:
        """As `QueryResult.progress`."""
        with self._release:
            # The cursor may be another's once it was given back.
            return None if self._released else progress_of(self._cursor)

    @property
    def truncated(self) -> bool:
        """As `QueryResult.truncated`."""
        return self._truncated

    def __iter__(self) -> Iterator[bytes]:
        """As `QueryResult.__iter__`."""
        reader, batches, ended = self._work(self._begun)
        chunks = self._encoder.encode(reader.schema, self._batches(reader, batches, ended))
        # Encoding takes of the query's time, too.
        while (chunk := self._encoded(chunks)) is not None:
            if chunk:
                yield chunk

    def _encoded(self, chunks: Iterator[bytes]) -> bytes | None:
        with self._limit.running():
            return next(chunks, None)

    def close(self) -> None:
        """As `QueryResult.close`."""
        self._closed.set()
        # Whoever answers the caller must not wait for what hangs.
        if self._left_behind or not self._give_back(CLOSE_WAITS_S):
            give_back = partial(self._give_back, math.inf)
            threading.Thread(target=give_back, name="left-behind", daemon=True).start()

    def _give_back(self, within_s: float) -> bool:
        """Stop the engine and give the cursor back; False if the engine goes on for longer."""
        gives_up_at = time.monotonic() + within_s
        wait_s = 0.0
        # An interrupt that comes while the engine is between two steps is lost: repeat it.
        while not self._engine.acquire(timeout=wait_s):
            if time.monotonic() >= gives_up_at:
                return False
            wait_s = INTERRUPT_EVERY_S
            with suppress(duckdb.ConnectionException):
                # Another thread may have closed it in the meantime.
                self._cursor.interrupt()
        try:
            with self._release:
                released, self._released = self._released, True
            if not released:
                # A catalog that hangs holds up the end of a transaction, too.
                with suppress(UpstreamTimeoutError, UnavailableError):
                    self._lake.deadline.run(lambda _: self._lake.return_cursor(self._cursor))
                self._query.reader.close()
        finally:
            self._engine.release()
        return True

    def _run(self) -> Any:
        self._cursor.execute(self._query.statement, self._query.parameters or None)
        return self._cursor.to_arrow_reader(BATCH_ROWS)

    def _begun(self) -> tuple[Any, list[Any], bool]:
        """The reader of the statement's rows, with what `_read` gives first."""
        reader = self._run()
        return reader, *_read(reader)

    def _batches(self, reader: Any, batches: list[Any], ended: bool) -> Iterator[Any]:
        while True:
            # The engine makes the next batches while the encoder, and who sends, have these.
            is_ahead = not ended and sum(batch.nbytes for batch in batches) <= MAX_AHEAD_BYTES
            step = self._begin(lambda: _read(reader)) if is_ahead else None
            for batch in batches:
                yield self._counted(batch)
                if self._truncated:
                    return
            if ended:
                return
            batches, ended = self._finish(step or self._begin(lambda: _read(reader)))

    def _counted(self, batch: Any) -> Any:
        limit = self._query.row_limit
        if limit is not None and self._row_count + batch.num_rows > limit:
            batch = batch.slice(0, limit - self._row_count)
            self._truncated = True
        self._row_count += batch.num_rows
        return batch

    def _work(self, step: Callable[[], T]) -> T:
        return self._finish(self._begin(step))

    def _begin(self, step: Callable[[], T]) -> Callable[[], T]:
        """Have the engine do a step; gives what waits for it."""
        return self._lake.steps.begin(
            lambda _: self._step(step), at_most_s=self._limit.answers_within_s
        )

    def _finish(self, step: Callable[[], T]) -> T:
        """Wait for a step; one that hangs is left behind soon after its time."""
        try:
            return step()
        except UpstreamTimeoutError as error:
            # A store that does not answer is told of in the same way, before the time is up.
            if error.until_back is None:
                raise
            self._left_behind = True
            raise out_of_time(self._lake, self._limit, error) from error

    def _step(self, step: Callable[[], T]) -> T:
        with self._engine:
            if self._closed.is_set():
                raise QueryCancelledError("The query was stopped.")
            try:
                with self._limit.step(self._cursor):
                    return step()
            except (*ENGINE_ERRORS, ValueError) as error:
                if self._closed.is_set():
                    raise QueryCancelledError("The query was stopped.") from error
                met = self._met_by(error)
                told = self._query.reader.translated(met) or met
                if self._query.again is not None:
                    told = self._query.again.blamed(told, met, ran=True)
                raise told from error

    def _met_by(self, error: Exception) -> Exception:
        """What went wrong with a statement.

        What one of the engine's threads fails with makes it interrupt the others. Of a stream,
        it tells now and then of that interrupt, and of the failure no more: that is to be had
        by running the statement again, without a stream.
        """
        if self._query.run_again is None or not tells_of_interrupt(error):
            return error
        try:
            with self._limit.step(self._cursor):
                self._query.run_again()
        except (*ENGINE_ERRORS, ValueError) as met:
            return met
        return error


def _read(reader: Any) -> tuple[list[Any], bool]:
    """The next batches, two at most, and whether they are the last.

    One that is not full is most often the last: what follows it is asked for at once, so that
    the end of a short answer takes no step of its own.
    """
    batch = next(reader, None)
    if batch is None:
        return [], True
    if batch.num_rows == BATCH_ROWS:
        return [batch], False
    following = next(reader, None)
    return ([batch], True) if following is None else ([batch, following], False)
