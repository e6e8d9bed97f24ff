"""Appends for which nobody holds a thread while they wait for their commit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from application.runs import Done, Run
from application.tables.append import AppendRows, AppendRowsCommand
from application.writes import TrackedWrite, told_as
from domain.ports.lineage import LineagePort
from domain.ports.tables import TablePort
from domain.settling import Pending
from domain.tables import AppendOutcome


@dataclass(frozen=True, slots=True)
class BegunRun:
    """An append that was begun, as a run.

    Attributes:
        pending: What it waits for; None when that is nothing.
        end: To be called once, better when `pending` is settled: ends the run, and gives its
            outcome or raises its error, as the whole use case does. It may wait for the lake
            when that failed.
    """

    pending: Pending[AppendOutcome] | None
    end: Callable[[], Done[AppendOutcome]]

    @property
    def may_wait(self) -> bool:
        """Whether `end` may have to wait for anything by now."""
        return self.pending is None or not self.pending.settled or self.pending.failed


class TrackedAppend(TrackedWrite[AppendRowsCommand, AppendOutcome]):
    """Appends as runs; they can be begun in one thread and ended in another."""

    def __init__(self, use_case: AppendRows, lineage: LineagePort, tables: TablePort) -> None:
        super().__init__(use_case, lineage, tables, told_as(AppendOutcome))
        self._append = use_case

    def begin(self, command: AppendRowsCommand) -> BegunRun:
        """Begin an append, or recall what came of it before. Errors are raised by its end.

        Raises:
            IdempotencyKeyReusedError: When the key was used for something else.
        """
        recalled = self._recalled(command.terms)
        return self._begun(command) if recalled is None else BegunRun(None, lambda: recalled)

    def begin_at_once(self, command: AppendRowsCommand) -> BegunRun | None:
        """Begin an append, or do nothing when that may have to wait for more than its body.

        Errors are raised by its end.

        Returns: None when nothing was done.
        """
        # Where nothing has to be waited for the key is new, and nothing to be recalled.
        return None if self._append.may_wait(command) else self._begun(command)

    def _begun(self, command: AppendRowsCommand) -> BegunRun:
        run = self._run(command)
        try:
            begun = self._append.begin(command, run)
        except Exception as error:  # noqa: BLE001 - the end raises it, and may have to ask the lake
            return BegunRun(None, partial(self._end, command, run, partial(_raise, error)))
        return BegunRun(begun.pending, partial(self._end, command, run, begun.finish))

    def _end(
        self, command: AppendRowsCommand, run: Run, finish: Callable[[], AppendOutcome]
    ) -> Done[AppendOutcome]:
        return self._to_the_end(run, lambda: self._told(command.terms, run, finish))


def _raise(error: Exception) -> AppendOutcome:
    raise error
