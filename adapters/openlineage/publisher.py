"""Publishes runs as OpenLineage events, out of the way of what it tells about."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from adapters.openlineage.environment import is_disabled
from adapters.openlineage.identity import Lake, Producer
from adapters.openlineage.pending import PendingEvents
from adapters.openlineage.record import DeliveryRecord
from adapters.openlineage.retry import DEFAULT_RETRY, EventRefusedError, RetryPolicy
from domain.health import Health
from domain.lineage import RunEvent
from domain.ports.lineage import LineagePort

if TYPE_CHECKING:
    from adapters.openlineage.sender import Sender


class OpenLineagePublisher(LineagePort):
    """Hands events to one worker thread, which sends them with the official client.

    Where they go is said by the standard `OPENLINEAGE_*` environment; when it says nothing,
    they go to a file and nothing touches the network. Events that find the queue full, or that
    cannot be delivered after all tries, are dropped, counted and logged.

    Args:
        events_file: Where events go when nothing else is configured, one JSON to a line.
        lake: The lake that the events tell about.
        producer: What makes them.
        queue_size: At most so many events wait.
        retry: How often an event is tried.
    """

    def __init__(
        self,
        events_file: Path,
        lake: Lake,
        producer: Producer,
        *,
        queue_size: int = 10_000,
        retry: RetryPolicy = DEFAULT_RETRY,
    ) -> None:
        self._events_file = events_file
        self._lake = lake
        self._producer = producer
        self._retry = retry
        self._disabled = is_disabled()
        self._pending = PendingEvents(queue_size)
        self._record = DeliveryRecord()
        self._starting = threading.RLock()
        self._worker: threading.Thread | None = None
        self._sender: Sender | None = None
        # Known when the first event has opened the sender.
        self._at_once = 1

    def emit(self, event: RunEvent) -> None:
        """Take an event to be published, in the order given. Never blocks, never raises."""
        if self._disabled:
            return
        if not self._pending.put(event):
            closed = self._pending.deadline is not None
            self._record.note_dropped("the publisher is closed" if closed else "the queue is full")
            return
        if self._worker is None:
            self.start()

    def start(self) -> None:
        """Start the worker, which the first event would do otherwise. May be called twice."""
        with self._starting:
            if self._disabled or self._worker is not None:
                return
            worker = threading.Thread(target=self._work, name="openlineage", daemon=True)
            self._worker = worker
            try:
                worker.start()
            except RuntimeError as error:
                # No more threads now: the event waits, and the next one tries again
                self._worker = None
                self._record.note_failed(error)

    def flush(self, timeout_s: float) -> bool:
        """Wait until all events taken so far are sent or given up; False when time ran out.

        A transport that has a queue of its own (`async_http`, `kafka`) may still hold some.
        """
        return self._pending.wait_settled(timeout_s)

    def close(self, timeout_s: float) -> bool:
        """Take no more events, send what waits, and close the transport. May be called twice.

        Args:
            timeout_s: How long that may take; what is left then is dropped.

        Returns:
            Whether all events were sent or given up in time.
        """
        self._pending.close(time.monotonic() + timeout_s)
        with self._starting:
            worker = self._worker
        if worker is not None:
            worker.join(timeout_s)
        settled = self._pending.wait_settled(0)
        if left := self._pending.discard():
            self._record.note_dropped("the publisher was closed before it could send them", left)
        return settled

    def check(self) -> Health:
        """Whether events get out, as far as deliveries have shown. Never touches the network."""
        if self._disabled:
            return Health(ok=True, detail="Lineage is disabled by OPENLINEAGE_DISABLED.")
        return self._record.health()

    def _work(self) -> None:
        while events := self._pending.next(self._at_once):
            while events:
                done = self._deliver(events)
                self._pending.settle(done)
                events = events[done:]
        self._close_sender()

    def _deliver(self, events: Sequence[RunEvent]) -> int:
        """Deliver the first of events, with others behind it or not, or give it up.

        Returns: how many events that settles.
        """
        for pause_s in (*self._retry.pauses_s, None):
            try:
                sent = self._open_sender().send(events)
            except EventRefusedError as error:
                self._record.note_failed(error)
                self._record.note_dropped("they are refused")
                return 1
            except Exception as error:  # noqa: BLE001  (transports raise what they like)
                self._record.note_failed(error)
                if pause_s is None or not self._pending.pause(pause_s):
                    break
            else:
                self._record.note_delivered(sent)
                self._at_once = self._open_sender().at_once
                return sent
        self._record.note_dropped("they cannot be delivered")
        return 1

    def _open_sender(self) -> Sender:
        if self._sender is None:
            # Here and not above: the import takes long, and the service's start is to be quick
            from adapters.openlineage.sender import Sender  # noqa: PLC0415

            self._sender = Sender(self._events_file, self._lake, self._producer)
        return self._sender

    def _close_sender(self) -> None:
        if self._sender is None:
            return
        deadline = self._pending.deadline or 0.0
        try:
            self._sender.close(max(0.0, deadline - time.monotonic()))
        except Exception as error:  # noqa: BLE001  (as above; the process is about to end)
            self._record.note_failed(error)
