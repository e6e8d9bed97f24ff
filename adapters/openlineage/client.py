"""The official client, as the standard environment configures it."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from openlineage.client import OpenLineageClient
from openlineage.client.transport.file import FileConfig

from adapters.openlineage.events_file import EventsFileTransport

logger = logging.getLogger(__name__)


def open_client(events_file: Path) -> OpenLineageClient:
    """The client with the transport that is configured; where none is, one to `events_file`.

    https://openlineage.io/docs/client/python/configuration. Left to itself, the client would
    print the events where nothing is configured.

    Raises:
        Exception: Of any kind, when what is configured cannot be used.
    """
    named = os.environ.get("OPENLINEAGE_CONFIG")
    if named and not os.access(named, os.R_OK):
        logger.warning("OPENLINEAGE_CONFIG names a file that cannot be read; it is ignored.")
    file = EventsFileTransport(FileConfig(log_file_path=str(events_file), append=True))
    with _environment_restored():
        client: OpenLineageClient = _Client(transport=file)
        # The client's own conditions, read from the configuration as the client merged it
        transport = client.config.transport
        if (transport and transport.get("type")) or os.environ.get("OPENLINEAGE_URL"):
            client = _Client()
    if client.transport is file:
        logger.info("Lineage events go to the file %s.", events_file)
    else:
        logger.info("Lineage events go out by the transport %r.", client.transport.kind)
    return client


class _Client(OpenLineageClient):
    """The official client; it reads the environment for an event only when it has to."""

    def _collect_environment_variables(self) -> dict[str, str]:
        # Reading all variables took longer than all else that it does with an event.
        if not self.config.facets.environment_variables:
            return {}
        return super()._collect_environment_variables()


@contextmanager
def _environment_restored() -> Iterator[None]:
    """Take back the variables that the client's constructor adds to the process's own."""
    before = set(os.environ)
    try:
        yield
    finally:
        for name in set(os.environ) - before:
            if name.startswith("OPENLINEAGE__"):
                del os.environ[name]
