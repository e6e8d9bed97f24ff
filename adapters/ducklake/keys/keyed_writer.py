"""The writer, for writes that can be sent again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from adapters.ducklake.compaction.compactor import Compactor
from adapters.ducklake.engine.deadline import Clock
from adapters.ducklake.engine.lake import Lake
from adapters.ducklake.keys.archive import KeyArchive
from adapters.ducklake.keys.entries import KeyEntry
from adapters.ducklake.keys.ledger import KeyLedger
from adapters.ducklake.writes.jobs import AnyJob, Applied, Committed, Job, Transaction
from adapters.ducklake.writes.writer import Merge, Writer
from domain.idempotency import Digest, IdempotencyKey, KeyedRequest, WriteTerms

CLOSE_WAITS_S = 10.0

T = TypeVar("T")


class KeyedWriter:
    """Commits jobs; one with a key is committed once, whoever asks for it how often.

    Args:
        lake: The lake.
        merge: Says which jobs are applied at once.
        keep: How long keys are kept.
    """

    def __init__(self, lake: Lake, merge: Merge, keep: timedelta) -> None:
        self._ledger = KeyLedger(lake, keep)
        self._writer = Writer(lake, self._ledger, merge)
        self._archive = KeyArchive(lake, self._ledger, self._writer)
        self._compactor = Compactor(lake, self._writer, lake.config.compact_after)

    def submit(self, job: AnyJob) -> None:
        """Have a job committed, or told what is kept of it; returns before that.

        Raises:
            IdempotencyKeyReusedError: When its key was used for another request.
            UnavailableError: When the writer is closed.
        """
        key = job.key
        if key is None:
            self._submit(job)
        elif self._ledger.take(key) is None:
            self._submit_taken(job, key)
        else:
            # Two at the same time under one key are rare, and who submits is not to wait.
            threading.Thread(
                target=self._submit_in_turn, args=(job, key), name="same-key", daemon=True
            ).start()

    def commit(self, job: Job[T]) -> Committed[T] | KeyEntry:
        """Commit a job, or give what is kept of it when it was done before.

        Raises:
            IdempotencyKeyReusedError: When its key was used for another request.
            IdempotencyKeyInUseError: When another job under its key goes on for too long.
            Exception: As `Writer.commit`.
        """
        key = job.key
        if key is None:
            self._submit(job)
        else:
            self._ledger.take_in_time(key)
            self._submit_taken(job, key)
        job.wait()
        return job.result()

    def may_wait(self, key: IdempotencyKey | None) -> bool:
        """Whether `kept` and `submit` may have to wait for anything, with this key."""
        return key is not None and not self._ledger.is_new(key)

    def kept(self, terms: WriteTerms) -> KeyEntry | None:
        """What is kept of a write on these terms, as far as this process knows.

        Raises:
            IdempotencyKeyReusedError: When its key was used for another request.
        """
        if terms.request is None:
            return None
        entry = self._ledger.find(terms.request.key)
        if entry is not None:
            entry.check(terms.request)
        return entry

    def recall(self, key: IdempotencyKey, digest: Digest, *, thorough: bool) -> KeyEntry | None:
        """As `TablePort.recall`, before it is an outcome."""
        entry = self._ledger.find(key, thorough=thorough)
        if entry is not None:
            entry.check(KeyedRequest(key, digest()))
        return entry

    def archive(self) -> None:
        """Write the keys to their table now, if there are any that are not in it.

        Raises:
            LakehouseError: What keeps it from being committed.
        """
        if self._ledger.recent:
            self._archive.archive()

    def in_turn(self, work: Callable[[Clock], T]) -> T:
        """Do something while no transaction of this process writes to the lake.

        It is done again when it meets a conflict with other writers. Its clock counts how long
        the catalog takes.

        Raises:
            WriteConflictError: When it does again and again.
            Exception: What the work raises.
        """
        given: list[T] = []

        def turn(transaction: Transaction) -> Applied[None]:
            given[:] = [work(transaction.clock)]
            return Applied(None, changed=False)

        self._writer.commit(Job(turn, None))
        return given[0]

    def close(self) -> None:
        """Stop what goes on in the background, and settle all that was submitted."""
        self._compactor.close()
        self._archive.close()
        self._writer.close(CLOSE_WAITS_S)
        self._ledger.close()

    def _submit_in_turn(self, job: AnyJob, key: IdempotencyKey) -> None:
        try:
            self._ledger.take_in_time(key)
            self._submit_taken(job, key)
        except Exception as error:  # noqa: BLE001 - it goes to who waits for the job
            job.fail(error)
            job.settle()

    def _submit_taken(self, job: AnyJob, key: IdempotencyKey) -> None:
        try:
            entry = self.kept(job.terms)
            if entry is None:
                self._archive.start()
                self._submit(job)
                # Before all who wait for it from now on, so that they find the key free.
                job.when_settled(lambda: self._ledger.leave(key))
                return
        except BaseException:
            self._ledger.leave(key)
            raise
        self._ledger.leave(key)
        job.replay(entry)
        job.settle()

    def _submit(self, job: AnyJob) -> None:
        self._writer.submit(job)
        job.when_settled(lambda: None if job.failed else self._compactor.wrote())
