"""A client that appends, and retries what fails until it is acknowledged."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

TABLE = "t"
SMALL, LARGE = 1, 150
"""Rows that the catalog keeps, and rows that make a Parquet file."""
LARGE_SHARE = 0.3
AGAIN = frozenset({429, 502, 503, 504})
TIMEOUT_S = 30
AGAIN_AFTER_S = 0.02

Answer = tuple[int, str]
"""What tells one write from another: its snapshot and its run."""


@dataclass(frozen=True, slots=True)
class Batch:
    """One append; its rows' ids are its own.

    Attributes:
        key: Its idempotency key.
        ids: The ids of its rows.
    """

    key: str
    ids: range


@dataclass
class Appender:
    """Sends batches one by one; each is sent again until it is acknowledged.

    Attributes:
        number: Which client it is.
        seed: The run's seed: the batches of a seed are always the same.
        acknowledged: The batches that were acknowledged.
        answers: What was said of them, by their keys.
        retried: How many requests had to be sent again.
        replayed: How many of these had been committed the first time.
        unexpected: Answers that no retry is due for.
    """

    number: int
    seed: int
    acknowledged: list[Batch] = field(default_factory=list)
    answers: dict[str, Answer] = field(default_factory=dict)
    retried: int = 0
    replayed: int = 0
    unexpected: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random = random.Random(f"{self.seed}/{self.number}")
        self._sequence = 0
        self._pending: Batch | None = None

    def run(self, url: Callable[[], str], stopped: Callable[[], bool]) -> None:
        """Append until told to stop; a batch that is not acknowledged then stays pending."""
        with httpx.Client(timeout=TIMEOUT_S) as client:
            while not stopped() and not self.unexpected:
                self._send(client, url(), self._current())

    def finish(self, url: Callable[[], str]) -> None:
        """Have what is pending acknowledged, and send nothing more."""
        with httpx.Client(timeout=TIMEOUT_S) as client:
            while self._pending is not None and not self.unexpected:
                self._send(client, url(), self._pending)

    def _current(self) -> Batch:
        if self._pending is None:
            size = LARGE if self._random.random() < LARGE_SHARE else SMALL
            # A billion ids for each client, so that no two clients share one.
            first = self.number * 1_000_000_000 + self._sequence
            self._sequence += size
            self._pending = Batch(f"{self.seed}-{first}", range(first, first + size))
        return self._pending

    def _send(self, client: httpx.Client, url: str, batch: Batch) -> None:
        try:
            answer = client.put(
                f"{url}/tables/{TABLE}",
                json=[{"id": row, "batch": batch.key} for row in batch.ids],
                headers={"Idempotency-Key": batch.key},
            )
        except httpx.TransportError:
            self.retried += 1
            time.sleep(AGAIN_AFTER_S)
            return
        if answer.is_success:
            told = answer.json()
            self.acknowledged.append(batch)
            self.answers[batch.key] = (told["snapshot_id"], told["run_id"])
            self.replayed += answer.headers.get("idempotent-replayed") == "true"
            self._pending = None
        elif answer.status_code in AGAIN:
            self.retried += 1
            time.sleep(AGAIN_AFTER_S)
        else:
            self.unexpected.append(f"{answer.status_code} {answer.text}")
