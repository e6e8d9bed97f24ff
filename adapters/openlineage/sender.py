"""Sends events with the official client.

Importing this module imports that client, which takes long: the worker does it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from openlineage.client import OpenLineageClient, event_v2

from adapters.openlineage.client import open_client
from adapters.openlineage.environment import job_namespace
from adapters.openlineage.event_lines import EventLines
from adapters.openlineage.events import official_event
from adapters.openlineage.events_file import EventsFileTransport
from adapters.openlineage.facets import Facets
from adapters.openlineage.identity import Lake, Producer
from adapters.openlineage.retry import EventRefusedError
from domain.lineage import RunEvent

# The sink will say the same to the same event again: bad request, too large, unprocessable
_REFUSALS = frozenset({400, 413, 422})

AT_ONCE = 256
"""So many events are written to the file at once."""


class Sender:
    """Sends events in their order, in one thread."""

    def __init__(self, events_file: Path, lake: Lake, producer: Producer) -> None:
        self._events_file = events_file
        self._facets = Facets(lake, producer)
        self._job_namespace = job_namespace()
        self._client: OpenLineageClient | None = None
        self._file: EventsFileTransport | None = None
        self._lines: EventLines | None = None

    def send(self, events: Sequence[RunEvent]) -> int:
        """Send the first of events, or as many as go at once; how many went.

        Blocks as long as the transport does.

        Raises:
            EventRefusedError: When there is no use in trying the first event again.
            Exception: Of any other kind, that the configuration or the transport raises.
        """
        client = self._opened()
        if self._file is not None and self._lines is not None:
            return self._file.append(self._lines_of(events, self._lines))
        self._emit(client, events[0])
        return 1

    def _opened(self) -> OpenLineageClient:
        if self._client is None:
            self._client = client = open_client(self._events_file)
            if isinstance(file := client.transport, EventsFileTransport):
                self._file = file
                self._lines = EventLines(
                    lambda event: file.captured(lambda: self._emit(client, event))
                )
        return self._client

    @staticmethod
    def _lines_of(events: Sequence[RunEvent], lines: EventLines) -> list[bytes]:
        made: list[bytes] = []
        for event in events:
            try:
                made.append(lines.of(event))
            except Exception:
                if not made:
                    raise
                # It is said of that event when it is the first one.
                break
        return made

    def _emit(self, client: OpenLineageClient, event: RunEvent) -> None:
        official = self._official(event)
        try:
            client.emit(official)
        except Exception as error:
            if getattr(getattr(error, "response", None), "status_code", None) in _REFUSALS:
                raise EventRefusedError(str(error)) from error
            raise

    @property
    def at_once(self) -> int:
        """How many events may go at once."""
        return 1 if self._file is None else AT_ONCE

    def close(self, timeout_s: float) -> None:
        """Close the transport; one that has a queue of its own may empty it until then."""
        if self._client is not None:
            self._client.close(timeout_s)

    def _official(self, event: RunEvent) -> event_v2.RunEvent:
        try:
            return official_event(event, self._job_namespace, self._facets)
        except Exception as error:
            raise EventRefusedError(f"it makes no OpenLineage event: {error}") from error
