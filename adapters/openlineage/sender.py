"""Sends events with the official client.

Importing this module imports that client, which takes long: the worker does it.
"""

from __future__ import annotations

from pathlib import Path

from openlineage.client import OpenLineageClient, event_v2

from adapters.openlineage.client import open_client
from adapters.openlineage.environment import job_namespace
from adapters.openlineage.events import official_event
from adapters.openlineage.facets import Facets
from adapters.openlineage.identity import Lake, Producer
from adapters.openlineage.retry import EventRefusedError
from domain.lineage import RunEvent

# The sink will say the same to the same event again: bad request, too large, unprocessable
_REFUSALS = frozenset({400, 413, 422})


class Sender:
    """Sends one event at a time, in one thread."""

    def __init__(self, events_file: Path, lake: Lake, producer: Producer) -> None:
        self._events_file = events_file
        self._facets = Facets(lake, producer)
        self._job_namespace = job_namespace()
        self._client: OpenLineageClient | None = None

    def send(self, event: RunEvent) -> None:
        """Send an event; blocks as long as the transport does.

        Raises:
            EventRefusedError: When there is no use in trying this event again.
            Exception: Of any other kind, that the configuration or the transport raises.
        """
        if self._client is None:
            self._client = open_client(self._events_file)
        official = self._official(event)
        try:
            self._client.emit(official)
        except Exception as error:
            if getattr(getattr(error, "response", None), "status_code", None) in _REFUSALS:
                raise EventRefusedError(str(error)) from error
            raise

    def close(self, timeout_s: float) -> None:
        """Close the transport; one that has a queue of its own may empty it until then."""
        if self._client is not None:
            self._client.close(timeout_s)

    def _official(self, event: RunEvent) -> event_v2.RunEvent:
        try:
            return official_event(event, self._job_namespace, self._facets)
        except Exception as error:
            raise EventRefusedError(f"it makes no OpenLineage event: {error}") from error
