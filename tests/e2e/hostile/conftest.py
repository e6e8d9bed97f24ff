"""One service for all that is done to it, and the proof that each time it came out of it well."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.e2e.hostile.wire import ALIVE, ask, question
from tests.e2e.service import ServiceProcess, running_service

AT_ONCE_S = 10.0
"""A query that is left behind would never end: this is to tell it from a busy machine."""


@pytest.fixture(scope="package")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    settings = {
        # The only slot is soon missed when a query is left behind.
        "DUCKLAKE_QUERY_WORKERS": "1",
        "DUCKLAKE_QUERY_QUEUE": "8",
    }
    with running_service(tmp_path_factory.mktemp("hostile") / "home", settings) as service:
        with service.client() as http:
            columns = [{"name": "n", "type": "BIGINT"}]
            made = http.post("/tables", json={"name": "numbers", "columns": columns})
            assert made.status_code == 201, made.text
        yield service


@pytest.fixture
def service(running: ServiceProcess) -> Iterator[ServiceProcess]:
    """The service, which must be well behind the test too."""
    told = len(running.output)
    yield running
    assert running.is_running
    assert ask(running.url, ALIVE).status == 200
    began = time.monotonic()
    # Of some hundred that have just gone, the last ones may still be in the queue.
    while (answer := ask(running.url, question())).status == 429:
        assert time.monotonic() - began < AT_ONCE_S, "queries were left behind"
    assert answer.json["rows"] == [{"n": 1}]
    assert time.monotonic() - began < AT_ONCE_S, "a query was left behind"
    assert "Traceback" not in running.output[told:]
    assert "nobody expected" not in running.output[told:]
