"""One statement while it is this process's to run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import replace

from application.queries.run import RunQuery
from application.runs import Run
from application.statements.rules import StatementParts
from domain.errors import (
    LakehouseError,
    QueryCancelledError,
    QueryTimeoutError,
    ResultTooLargeError,
    StatementChangedError,
    StatementNotFoundError,
)
from domain.lineage import new_run_id
from domain.queries import Query, QueryResult, SpoolEncoding
from domain.statements import Failure, Statement, StatementId, StoredStatement

END_ATTEMPTS = 10
"""How often the end of a statement is written, when the store does not serve."""

_STOPPED = "The statement was stopped."
_Form = Callable[[Statement], Statement]


class StatementJob:
    """Runs one statement, and keeps what is stored of it up to date.

    Only its process changes what is stored of a statement that has not ended, but for others
    that end it. So when somebody else has changed it, there is nothing left to do.
    """

    def __init__(self, stored: StoredStatement, query: Query, parts: StatementParts) -> None:
        self._query = query
        self._parts = parts
        self._stored = stored
        self._result: QueryResult | None = None
        # Whether there is something to tell between its beginning and its end.
        self._running = False
        # Why the service stops it; None while it does not, also when somebody else ended it.
        self._reason: Failure | None = None
        self._stopped = threading.Event()
        self._state = threading.Lock()
        # Held while something is stored.
        self._storing = threading.Lock()

    @property
    def id(self) -> StatementId:
        """The statement."""
        return self._stored.statement.id

    def run(self) -> None:
        """Run it to its end. Never raises."""
        try:
            self._run()
        except Exception as error:  # noqa: BLE001 - nobody waits for it who could be told
            self._parts.report(f"The statement {self.id} could not be run to its end.", error)

    def stop(self, reason: Failure | None = None) -> None:
        """Have it stopped; waits for nothing.

        Args:
            reason: What is to be told of it; None when that was stored already.
        """
        with self._state:
            self._reason = self._reason or reason
            self._stopped.set()
            result = self._result
        if result is not None:
            # Until the engine has heeded it, this goes on.
            threading.Thread(target=result.close, name="statement-stop", daemon=True).start()

    def give_up(self, reason: Failure) -> None:
        """Store that it is cancelled, before it has begun to run."""
        parts = self._parts
        self._change(lambda form: form.cancelled(parts.now(), parts.rules.keep, reason))

    def tick(self) -> None:
        """Store how far it has come, and stop it when somebody else has ended it."""
        with self._storing:
            # Its end may have been stored, and the answer to that lost.
            if not self._running or self._store(self._as_far_as_it_is):
                return
        self.stop()

    def _run(self) -> None:
        parts = self._parts
        if self._stopped.is_set():
            if self._reason is not None:
                self.give_up(self._reason)
            return
        run_id = new_run_id()
        if not self._change(lambda form: form.started(parts.now(), run_id)):
            return
        run = Run(RunQuery.operation, RunQuery.plan_of(self._query), parts.lineage, run_id)
        with self._storing:
            self._running = True
        try:
            size = self._put_aside(run)
        except BaseException as error:  # noqa: BLE001 - whatever it is, the statement failed
            self._end_without_result(run, error)
        else:
            self._end_with_result(run, size)

    def _put_aside(self, run: Run) -> int:
        """Ask the lake and keep what it answers; the size of that."""
        result = self._parts.run_query.begin(self._query, SpoolEncoding(), run)
        with closing(result):
            with self._state:
                self._result = result
                stopped = self._stopped.is_set()
            if stopped:
                raise QueryCancelledError(_STOPPED)
            return self._parts.statements.put_result(self.id, self._within_limit(result))

    def _within_limit(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        size, most = 0, self._parts.rules.max_result_bytes
        for chunk in chunks:
            size += len(chunk)
            if size > most:
                raise ResultTooLargeError(
                    f"The result is larger than {most} bytes, which is the most that is kept."
                )
            yield chunk

    def _end_with_result(self, run: Run, size: int) -> None:
        parts = self._parts

        def form(statement: Statement) -> Statement:
            ended = self._as_far_as_it_is(statement)
            return ended.succeeded(parts.now(), parts.rules.keep, size)

        try:
            ended = self._end(form)
        except LakehouseError as error:
            run.fail(error)
            raise
        if ended:
            run.complete()
        else:
            run.abort()
            parts.statements.delete_result(self.id)

    def _end_without_result(self, run: Run, error: BaseException) -> None:
        parts = self._parts
        if not isinstance(error, LakehouseError):
            parts.report(f"The statement {self.id} failed.", error)
        with self._state:
            reason, stopped = self._reason, self._stopped.is_set()
        if stopped:
            # Its run was aborted, whatever its stopping looked like.
            run.abort()
        else:
            run.fail(error)
        if stopped and reason is None:
            return

        def form(statement: Statement) -> Statement:
            ended = self._as_far_as_it_is(statement)
            if reason is not None:
                return ended.cancelled(parts.now(), parts.rules.keep, reason)
            return ended.failed(parts.now(), parts.rules.keep, Failure.of(error))

        self._end(form)
        if isinstance(error, QueryTimeoutError) and error.until_stopped is not None:
            # Until then, no other statement has its room.
            error.until_stopped()

    def _as_far_as_it_is(self, statement: Statement) -> Statement:
        result = self._result
        if result is None:
            return statement
        told = result.progress
        known = [each for each in (statement.progress, told) if each is not None]
        return replace(
            statement,
            snapshot_id=result.snapshot_id,
            columns=result.columns,
            row_count=result.row_count,
            truncated=result.truncated,
            # What is still to be done is an estimate of the engine's, and may grow.
            progress=max(known, default=None),
        )

    def _end(self, form: _Form) -> bool:
        """Store its end, also when the store does not serve for a while.

        Raises: what the store raises, when it does not serve for long.
        """
        # One form for all attempts: an earlier one may have been stored, and its answer lost.
        with self._storing:
            self._running = False
            wanted = form(self._stored.statement)
        attempt = 1
        while True:
            try:
                return self._change(lambda _: wanted)
            except LakehouseError:
                # A service that stops has no time to wait in.
                if attempt == END_ATTEMPTS or self._stopped.wait(attempt * 0.5):
                    raise
                attempt += 1

    def _change(self, form: _Form) -> bool:
        """Store another form of it; False when it is not this process's any more."""
        with self._storing:
            return self._store(form)

    def _store(self, form: _Form) -> bool:
        if self._stored.statement.state.ended:
            return False
        wanted = form(self._stored.statement)
        while True:
            try:
                if wanted == self._stored.statement:
                    return self._seen().version == self._stored.version
                self._stored = self._parts.statements.replace(wanted, self._stored.version)
            except StatementNotFoundError:
                return False
            except StatementChangedError:
                # Perhaps by a write of this job, the answer to which was lost.
                if not self._takes_up(wanted):
                    return self._stored.statement == wanted
            else:
                return True

    def _takes_up(self, wanted: Statement) -> bool:
        """Look at what is stored; whether the change is still to be made."""
        try:
            self._stored = self._seen()
        except StatementNotFoundError:
            return False
        return not self._stored.statement.state.ended and self._stored.statement != wanted

    def _seen(self) -> StoredStatement:
        return self._parts.statements.find(self.id)
