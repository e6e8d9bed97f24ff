"""What callers do with statements. None of it is a run of its own: the statement has one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from application.statements.rules import StatementRules, utc_now
from application.statements.runner import StatementRunner
from domain.datasets import ByteStream
from domain.errors import (
    NoResultError,
    QueryCancelledError,
    ResultLostError,
    StatementChangedError,
    StatementNotEndedError,
    StatementNotFoundError,
)
from domain.ports.queries import QueryPort
from domain.ports.statements import StatementPort
from domain.queries import EncodedRows, Query, ResultEncoding
from domain.statements import (
    Failure,
    Statement,
    StatementId,
    StatementPage,
    StatementState,
    StoredStatement,
)

_CANCELLED = Failure(QueryCancelledError.code, "The statement was cancelled.")


@dataclass(frozen=True, slots=True)
class SubmitStatement:
    """Have a query run on its own."""

    runner: StatementRunner

    def __call__(self, query: Query) -> Statement:
        """Raises: what `StatementRunner.submit` raises."""
        return self.runner.submit(query)


@dataclass(frozen=True, slots=True)
class FindStatement:
    """Say how far a statement has come."""

    statements: StatementPort
    now: Callable[[], datetime] = utc_now

    def __call__(self, statement_id: StatementId) -> Statement:
        """Raises: StatementNotFoundError: When it is not there, or has expired."""
        return self.stored(statement_id).statement

    def stored(self, statement_id: StatementId) -> StoredStatement:
        """The same, with its version."""
        stored = self.statements.find(statement_id)
        if stored.statement.has_expired(self.now()):
            raise StatementNotFoundError(f"The statement {statement_id} has expired.")
        return stored


@dataclass(frozen=True, slots=True)
class ListStatements:
    """List all statements, oldest first."""

    statements: StatementPort
    now: Callable[[], datetime] = utc_now

    def __call__(self, after: StatementId | None, page_size: int) -> StatementPage:
        """A page; it may have fewer than `page_size` and not be the last."""
        page = self.statements.list(after, page_size)
        now = self.now()
        there = (stored for stored in page.statements if not stored.statement.has_expired(now))
        return StatementPage(tuple(there), page.next_after)


@dataclass(frozen=True, slots=True)
class DeleteStatement:
    """Cancel a statement that has not ended; forget one that has, and its result."""

    find: FindStatement
    runner: StatementRunner
    rules: StatementRules

    def __call__(self, statement_id: StatementId) -> None:
        """Raises: StatementNotFoundError: When it is not there, or has expired."""
        while True:
            stored = self.find.stored(statement_id)
            if stored.statement.state.ended:
                self.find.statements.forget(statement_id)
                return
            cancelled = stored.statement.cancelled(self.find.now(), self.rules.keep, _CANCELLED)
            try:
                self.find.statements.replace(cancelled, stored.version)
            except StatementChangedError:
                # It went on meanwhile.
                continue
            self.runner.stop(statement_id)
            return


@dataclass(frozen=True, slots=True)
class StatementResult:
    """A statement, and the rows of its result. These must be closed."""

    statement: Statement
    rows: EncodedRows


@dataclass(frozen=True, slots=True)
class OpenResult:
    """Read the result of a statement."""

    find: FindStatement
    queries: QueryPort

    def __call__(self, statement_id: StatementId, encoding: ResultEncoding) -> StatementResult:
        """Open it.

        Raises:
            StatementNotFoundError: When it is not there, or has expired.
            StatementNotEndedError: When the statement has not ended.
            NoResultError: When it failed or was cancelled.
            ResultLostError: When it should be there and is not, or not all of it.
        """
        statement = self.find(statement_id)
        if not statement.state.ended:
            raise StatementNotEndedError(f"The statement is {statement.state}; try again later.")
        if statement.state is not StatementState.SUCCEEDED:
            why = "" if statement.failure is None else f": {statement.failure.detail}"
            raise NoResultError(f"The statement {_ENDS[statement.state]}{why}")
        return StatementResult(statement, self.queries.reopen(self._spool(statement), encoding))

    def _spool(self, statement: Statement) -> ByteStream:
        try:
            return self.find.statements.open_result(statement.id, statement.size_bytes or 0)
        except StatementNotFoundError as error:
            # Was it forgotten in the meantime? Then there is nothing wrong with the store.
            self.find(statement.id)
            raise ResultLostError(
                "The store does not have the result any more; submit the statement again."
            ) from error


_ENDS = {StatementState.FAILED: "failed", StatementState.CANCELLED: "was cancelled"}
