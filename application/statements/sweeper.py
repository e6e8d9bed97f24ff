"""Ends statements whose process has gone, and removes what has expired or belongs to none."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress

from application.statements.rules import StatementParts
from domain.errors import StatementChangedError, StatementLostError
from domain.statements import Failure, StatementId, StatementState, StoredStatement

_PAGE = 500
_LOST = Failure(
    StatementLostError.code,
    "The process that ran the statement ended before it had; submit it again.",
)


class Sweeper:
    """Looks through all statements, of all processes.

    A process is taken for gone when its sign of life stays the same for as long as the lease
    by the clock of this one: no clock has to agree with another's.
    """

    def __init__(self, runner: str, parts: StatementParts) -> None:
        """Args: runner: The runner of this process."""
        self._runner = runner
        self._parts = parts
        self._seen: dict[str, tuple[str | None, float]] = {}

    def sweep(self, is_here: Callable[[StatementId], bool]) -> None:
        """Look through them once.

        Args:
            is_here: Whether this process has the statement in its hands.

        Raises: what the store raises.
        """
        statements = self._parts.statements
        # In this order: a result is there after its statement, a statement after a sign of life.
        unclaimed = set(statements.list_results())
        left: list[StoredStatement] = []
        for stored in self._all():
            statement = stored.statement
            if statement.has_expired(self._parts.now()):
                statements.forget(statement.id)
            elif not statement.state.ended and not is_here(statement.id):
                left.append(stored)
            if not statement.state.ended or statement.state is StatementState.SUCCEEDED:
                unclaimed.discard(statement.id)
        for statement_id in unclaimed:
            statements.delete_result(statement_id)
        self._end_the_dead(left, statements.pulses())

    def _all(self) -> Iterator[StoredStatement]:
        after: StatementId | None = None
        while True:
            page = self._parts.statements.list(after, _PAGE)
            yield from page.statements
            after = page.next_after
            if after is None:
                return

    def _end_the_dead(self, left: list[StoredStatement], pulses: Mapping[str, str]) -> None:
        others = {stored.statement.runner for stored in left} | set(pulses)
        gone = self._gone(others - {self._runner}, pulses)
        for stored in left:
            # What is this process's own and not in its hands, nobody runs.
            if stored.statement.runner in gone | {self._runner}:
                self._end(stored)
        for runner in gone & set(pulses):
            self._parts.statements.stop_beating(runner)

    def _gone(self, runners: set[str], pulses: Mapping[str, str]) -> set[str]:
        now = time.monotonic()
        before, self._seen = self._seen, {}
        for runner in runners:
            pulse, since = before.get(runner, (None, now))
            known = runner in before and pulse == pulses.get(runner)
            self._seen[runner] = (pulses.get(runner), since if known else now)
        if self._parts.rules.alone:
            return runners
        lease_s = self._parts.rules.lease_s
        return {runner for runner, (_, since) in self._seen.items() if now - since >= lease_s}

    def _end(self, stored: StoredStatement) -> None:
        parts = self._parts
        failed = stored.statement.failed(parts.now(), parts.rules.keep, _LOST)
        # Somebody else may be faster, or its process alive after all.
        with suppress(StatementChangedError):
            parts.statements.replace(failed, stored.version)
