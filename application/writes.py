"""Writes that can be sent again: each is done once, and told as often as it is asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from application.runs import Done, Run, Tracked, UseCase
from domain.derived_tables import DerivedOutcome
from domain.errors import IdempotencyKeyReusedError, LakehouseError, UnavailableError
from domain.idempotency import Digest, IdempotencyKey, KeyedRequest, WriteTerms
from domain.object_rows import LoadOutcome
from domain.ports.lineage import LineagePort
from domain.ports.tables import TablePort
from domain.tables import AppendOutcome, CreateOutcome, WriteOutcome


class Fingerprint:
    """Tells a request from others: by what it says, and by its body as that is read.

    Args:
        parts: What the request says besides its body.
    """

    def __init__(self, *parts: bytes) -> None:
        self._hash = hashlib.sha256()
        for part in parts:
            # The length keeps parts apart that would read the same when put together.
            self._hash.update(b"%d:%b" % (len(part), part))
        self._body: Iterator[bytes] = iter(())
        self._error: Exception | None = None

    def of(self, body: Iterable[bytes]) -> Iterator[bytes]:
        """The body; what is read of it counts."""
        self._body = iter(body)
        return _Chunks(self)

    def digest(self) -> bytes:
        """The digest of 32 bytes; reads what is left of the body first.

        Raises:
            Exception: What kept the body from being read to its end.
        """
        while self.next_chunk() is not None:
            pass
        return self._hash.digest()

    def next_chunk(self) -> bytes | None:
        """The next chunk of the body; None at its end."""
        if self._error is not None:
            raise self._error
        try:
            chunk = next(self._body, None)
        except Exception as error:
            self._error = error
            raise
        if chunk is not None:
            self._hash.update(chunk)
        return chunk


class _Chunks(Iterator[bytes]):
    def __init__(self, fingerprint: Fingerprint) -> None:
        self._fingerprint = fingerprint

    def __next__(self) -> bytes:
        chunk = self._fingerprint.next_chunk()
        if chunk is None:
            raise StopIteration
        return chunk


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms a write is asked for, before its whole payload is known.

    Attributes:
        key: Its key; None when it has none.
        digest: Gives the digest of the request; called when the key is known, or all was read.
        if_match: As `WriteTerms.if_match`.
    """

    key: IdempotencyKey | None = None
    digest: Digest = bytes
    if_match: tuple[str, ...] | None = None

    def settled(self) -> WriteTerms:
        """The terms with the digest. Raises what keeps the body from being read."""
        request = None if self.key is None else KeyedRequest(self.key, self.digest())
        return WriteTerms(request, self.if_match)


NO_TERMS = Terms()


class WriteCommand(Protocol):
    """What asks for a write."""

    @property
    def terms(self) -> Terms:
        """On what terms."""
        ...


class Repeatable(Protocol):
    """What a write tells that may have been done before."""

    @property
    def replay_of(self) -> str | None:
        """The run that did it before; None when it was done now."""
        ...


C = TypeVar("C", bound=WriteCommand)
T = TypeVar("T", bound=Repeatable)
W = TypeVar("W", bound=WriteOutcome)

Retell = Callable[[WriteOutcome], T]
"""Tells what came of a write before, as the use case tells it.

Raises:
    IdempotencyKeyReusedError: When it was another kind of write.
"""


def told_as(kind: type[W]) -> Retell[W]:
    """Tells outcomes of one kind as they are."""

    def retell(outcome: WriteOutcome) -> W:
        # The digest covers what is asked for, so only its collision could bring us here.
        if not isinstance(outcome, kind):
            raise IdempotencyKeyReusedError("The key was used for another kind of write.")
        return outcome

    return retell


def told_as_derived(outcome: WriteOutcome) -> DerivedOutcome:
    """Tells the create of a table that is made of others."""
    return DerivedOutcome(told_as(CreateOutcome)(outcome), None)


def told_as_loaded(outcome: WriteOutcome) -> LoadOutcome:
    """Tells the append of objects' rows."""
    return LoadOutcome(told_as(AppendOutcome)(outcome), ())


class TrackedWrite(Tracked[C, T], Generic[C, T]):
    """A write as a run; under a key that is known it is no run, but the answer of the first.

    Raises what the use case raises, with the run's id on it.
    """

    def __init__(
        self, use_case: UseCase[C, T], lineage: LineagePort, tables: TablePort, retell: Retell[T]
    ) -> None:
        super().__init__(use_case, lineage)
        self._tables = tables
        self._retell = retell

    def __call__(self, command: C) -> Done[T]:
        """Do it, or tell what came of it before.

        Raises:
            IdempotencyKeyReusedError: When the key was used for something else.
        """
        return self._recalled(command.terms) or super().__call__(command)

    def done(self, command: C, run: Run) -> Done[T]:
        """As `Tracked.done`."""
        return self._told(command.terms, run, lambda: self._use_case(command, run))

    def _told(self, terms: Terms, run: Run, work: Callable[[], T]) -> Done[T]:
        """Do the work of a run, and tell what came of it, now or before."""
        try:
            outcome = work()
        except IdempotencyKeyReusedError:
            raise
        except LakehouseError as error:
            # The table may have changed since the first request, so that this one no longer
            # fits it, or it is not there any more: which is no matter when the first was done.
            # It may also be this one itself that was done, and its answer was lost.
            try:
                recalled = self._recalled(terms, thorough=True)
            except UnavailableError:
                raise error from None
            if recalled is None:
                raise
            run.abort()
            return recalled
        if outcome.replay_of is not None:
            # Another request under the key was faster: this run changed nothing.
            run.abort()
            return Done(outcome.replay_of, outcome, replayed=True)
        return Done(run.id, outcome)

    def _recalled(self, terms: Terms, *, thorough: bool = False) -> Done[T] | None:
        if terms.key is None:
            return None
        outcome = self._tables.recall(terms.key, terms.digest, thorough=thorough)
        if outcome is None or outcome.replay_of is None:
            return None
        return Done(outcome.replay_of, self._retell(outcome), replayed=True)
