"""Every use case is a lineage run: this is where the two are woven together, once.

A use case says in `plan` what it is about to read and write, and tells its `Run` what it
learns on the way. `Tracked` calls it, and publishes the run's START and its one end.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar, Generic, Protocol, TypeVar

from domain.commits import Write
from domain.datasets import ByteStream
from domain.errors import LakehouseError, QueryCancelledError
from domain.lineage import Operation, RunEvent, RunState, Subject, Usage, new_run_id
from domain.ports.lineage import LineagePort
from domain.tables import TableName

Command_contra = TypeVar("Command_contra", contravariant=True)
Value_co = TypeVar("Value_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run intends, known before it begins.

    Attributes:
        subject: What the run is named after; None when it is about the lake as a whole.
        inputs: What it means to read.
        outputs: What it means to write.
        sql: The statement it runs.
    """

    subject: Subject | None = None
    inputs: tuple[Usage, ...] = ()
    outputs: tuple[Usage, ...] = ()
    sql: str | None = None


class Run:
    """One run while it goes on. Its end is published once, whoever ends it first."""

    def __init__(
        self,
        operation: Operation,
        plan: Plan,
        lineage: LineagePort,
        run_id: str | None = None,
    ) -> None:
        """Begin a run. Args: run_id: Its id, when that had to be known before."""
        self.id = run_id or new_run_id()
        self._operation = operation
        self._plan = plan
        self._lineage = lineage
        self._inputs = {usage.subject: usage for usage in plan.inputs}
        self._outputs = {usage.subject: usage for usage in plan.outputs}
        self._ended = False
        self._followed = False
        self._lock = threading.Lock()
        self._emit(RunState.START)

    def reads(self, usage: Usage) -> None:
        """Say what was read; it takes the place of what was said of the same thing before."""
        self._inputs[usage.subject] = usage

    def writes(self, usage: Usage) -> None:
        """Say what was written; it takes the place of what was said before."""
        self._outputs[usage.subject] = usage

    def write(self, table: TableName, operation: str, rows: int | None = None) -> Write:
        """What a commit of this run says of itself."""
        return Write(table=str(table), operation=operation, run_id=self.id, rows=rows)

    def follow(self, stream: ByteStream, at_end: Callable[[int], None]) -> ByteStream:
        """Let the run last until `stream` has been read, and end as that ends.

        Args:
            stream: What the caller goes on to read.
            at_end: Called with the number of bytes read, before the end is published.
        """
        self._followed = True
        return _FollowedStream(self, stream, at_end)

    @property
    def followed(self) -> bool:
        """Whether the run lasts until a stream of it ends."""
        return self._followed

    def complete(self) -> None:
        """The run did what it was to do."""
        self._end(RunState.COMPLETE)

    def abort(self) -> None:
        """The run was stopped from outside."""
        self._end(RunState.ABORT)

    def fail(self, error: BaseException) -> None:
        """The run failed, or was cancelled."""
        if isinstance(error, LakehouseError):
            error.run_id = self.id
        if isinstance(error, QueryCancelledError):
            self.abort()
        else:
            # What is not one of our errors may hold anything, paths and secrets too.
            told = str(error) if isinstance(error, LakehouseError) else type(error).__name__
            self._end(RunState.FAIL, told)

    def _end(self, state: RunState, error: str | None = None) -> None:
        with self._lock:
            if self._ended:
                return
            self._ended = True
        self._emit(state, error)

    def _emit(self, state: RunState, error: str | None = None) -> None:
        self._lineage.emit(
            RunEvent(
                run_id=self.id,
                operation=self._operation,
                subject=self._plan.subject,
                state=state,
                time=datetime.now(UTC),
                inputs=tuple(self._inputs.values()),
                outputs=tuple(self._outputs.values()),
                sql=self._plan.sql,
                error=error,
            )
        )


class _FollowedStream(ByteStream):
    """A stream whose end is the end of its run."""

    def __init__(self, run: Run, stream: ByteStream, at_end: Callable[[int], None]) -> None:
        self._run = run
        self._stream = stream
        self._at_end = at_end

    def __iter__(self) -> Iterator[bytes]:
        count = 0
        try:
            for chunk in self._stream:
                count += len(chunk)
                yield chunk
            self._at_end(count)
        except Exception as error:
            self._run.fail(error)
            raise
        self._run.complete()

    def close(self) -> None:
        """End the run, as aborted unless it has ended before."""
        self._stream.close()
        self._run.abort()


class UseCase(Protocol[Command_contra, Value_co]):
    """One thing that the service does."""

    operation: ClassVar[Operation]

    def plan(self, command: Command_contra, /) -> Plan:
        """What a run of it is about to read and write."""
        ...

    def __call__(self, command: Command_contra, run: Run, /) -> Value_co:
        """Do it, and tell the run what was learnt."""
        ...


T = TypeVar("T")
C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class Done(Generic[T]):
    """What a use case answered, and the run that did it.

    Attributes:
        run_id: The run.
        value: What it answered.
        replayed: Whether it had been done before, by that run, and was not done again.
    """

    run_id: str
    value: T
    replayed: bool = False


class Tracked(Generic[C, T]):
    """A use case whose every call is a run.

    Raises what the use case raises, with the run's id on it.
    """

    def __init__(self, use_case: UseCase[C, T], lineage: LineagePort) -> None:
        self._use_case = use_case
        self._lineage = lineage

    def __call__(self, command: C) -> Done[T]:
        """Call it, as a run."""
        run = self._run(command)
        return self._to_the_end(run, lambda: self.done(command, run))

    def done(self, command: C, run: Run) -> Done[T]:
        """Call the use case in a run."""
        return Done(run.id, self._use_case(command, run))

    def _run(self, command: C) -> Run:
        return Run(self._use_case.operation, self._use_case.plan(command), self._lineage)

    @staticmethod
    def _to_the_end(run: Run, work: Callable[[], Done[T]]) -> Done[T]:
        """Do something in a run that ends as that does."""
        try:
            done = work()
        except BaseException as error:
            run.fail(error)
            raise
        if not run.followed:
            run.complete()
        return done
