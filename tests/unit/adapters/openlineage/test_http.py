"""Lineage over HTTP, to a sink on this machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.openlineage.publisher import OpenLineagePublisher
from adapters.openlineage.retry import RetryPolicy
from domain.lineage import RunState
from tests.eventually import eventually
from tests.openlineage_specification import check_event
from tests.unit.adapters.openlineage.samples import a_full_event, an_event
from tests.unit.adapters.openlineage.sink import HttpSink

PATIENCE_S = 60.0
MANY_TRIES = RetryPolicy(pauses_s=(0.02,) * 1000)

Publishers = Callable[..., OpenLineagePublisher]


@pytest.fixture
def _configured(monkeypatch: pytest.MonkeyPatch, sink: HttpSink) -> None:
    monkeypatch.setenv("OPENLINEAGE_URL", sink.url)


@pytest.fixture
def _configured_without_own_retries(sink: HttpSink) -> None:
    """The transport tries once, so that what is seen are the publisher's own tries."""
    Path("openlineage.yml").write_text(
        f"transport:\n  type: http\n  url: {sink.url}\n  retry:\n    total: 0\n    connect: 0\n"
    )


def emit_many(publisher: OpenLineagePublisher, count: int) -> float:
    """Emit so many events; the seconds that the slowest took."""
    events = [an_event() for _ in range(count)]
    slowest = 0.0
    for event in events:
        started = time.monotonic()
        publisher.emit(event)
        slowest = max(slowest, time.monotonic() - started)
    return slowest


@pytest.mark.usefixtures("_configured")
def test_events_arrive(
    sink: HttpSink, publishers: Publishers, monkeypatch: pytest.MonkeyPatch, events_file: Path
) -> None:
    monkeypatch.setenv("OPENLINEAGE_API_KEY", "hunter2")
    sink.listen()
    publisher = publishers()
    event = a_full_event(an_event().operation, RunState.COMPLETE)
    publisher.emit(event)
    assert publisher.flush(PATIENCE_S)
    ((path, headers, received),) = sink.requests
    assert path == "/api/v1/lineage"
    assert headers["Authorization"] == "Bearer hunter2"
    assert headers["Content-Type"] == "application/json"
    check_event(received)
    assert received["run"]["runId"] == event.run_id
    assert publisher.check().ok
    assert not events_file.exists()


@pytest.mark.usefixtures("_configured")
def test_the_endpoint_can_be_named(
    sink: HttpSink, publishers: Publishers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENLINEAGE_ENDPOINT", "events/v2")
    sink.listen()
    publisher = publishers()
    publisher.emit(an_event())
    assert publisher.close(PATIENCE_S)
    assert [path for path, _, _ in sink.requests] == ["/events/v2"]
    assert "Authorization" not in sink.requests[0][1]


@pytest.mark.usefixtures("_configured")
def test_a_hanging_sink_slows_nobody_and_gets_its_events_later(
    sink: HttpSink, publishers: Publishers
) -> None:
    sink.answering.clear()
    sink.listen()
    publisher = publishers(queue_size=1000)
    publisher.emit(an_event())
    assert sink.asked.wait(PATIENCE_S)
    assert emit_many(publisher, 999) < 1
    assert not publisher.flush(0.01)
    sink.answering.set()
    assert publisher.close(PATIENCE_S)
    assert len({event["run"]["runId"] for event in sink.events}) == 1000


@pytest.mark.usefixtures("_configured")
def test_closing_does_not_wait_for_a_hanging_sink(sink: HttpSink, publishers: Publishers) -> None:
    sink.answering.clear()
    sink.listen()
    publisher = publishers()
    emit_many(publisher, 10)
    assert sink.asked.wait(PATIENCE_S)
    started = time.monotonic()
    assert not publisher.close(0.1)
    assert time.monotonic() - started < 3
    assert publisher._record.dropped == 9
    sink.answering.set()


@pytest.mark.usefixtures("_configured_without_own_retries")
def test_events_arrive_in_order_when_a_dead_sink_comes_back(
    sink: HttpSink, publishers: Publishers
) -> None:
    publisher = publishers(retry=MANY_TRIES)
    events = [an_event() for _ in range(20)]
    started = time.monotonic()
    for event in events:
        publisher.emit(event)
    assert time.monotonic() - started < 1
    eventually(lambda: not publisher.check().ok)
    assert "ConnectionError" in (publisher.check().detail or "")
    sink.listen()
    assert publisher.flush(PATIENCE_S)
    assert [event["run"]["runId"] for event in sink.events] == [event.run_id for event in events]
    assert publisher.check().ok
    assert publisher._record.dropped == 0


@pytest.mark.usefixtures("_configured_without_own_retries")
@pytest.mark.parametrize("status", [401, 404, 429, 500, 503])
def test_an_answer_that_may_change_is_tried_again(
    sink: HttpSink, publishers: Publishers, status: int
) -> None:
    sink.status = status
    sink.listen()
    publisher = publishers(retry=MANY_TRIES)
    publisher.emit(an_event())
    eventually(lambda: not publisher.check().ok)
    sink.status = 201
    assert publisher.flush(PATIENCE_S)
    assert len(sink.events) == 1
    assert publisher.check().ok


@pytest.mark.usefixtures("_configured_without_own_retries")
@pytest.mark.parametrize("status", [400, 413, 422])
def test_an_event_that_is_refused_is_not_tried_again(
    sink: HttpSink, publishers: Publishers, status: int
) -> None:
    sink.status = status
    sink.listen()
    publisher = publishers(retry=RetryPolicy(pauses_s=(3600.0,)))
    publisher.emit(an_event())
    assert publisher.flush(PATIENCE_S)
    assert publisher._record.dropped == 1
    assert not publisher.check().ok


@pytest.mark.usefixtures("_configured_without_own_retries")
def test_an_event_is_given_up_after_its_tries(
    sink: HttpSink, publishers: Publishers, caplog: pytest.LogCaptureFixture
) -> None:
    publisher = publishers(retry=RetryPolicy(pauses_s=(0.01, 0.01)))
    emit_many(publisher, 3)
    assert publisher.flush(PATIENCE_S)
    assert publisher._record.dropped == 3
    assert not publisher.check().ok
    dropped = [message for message in caplog.messages if "dropped" in message]
    assert len(dropped) == 1
    sink.listen()
    publisher.emit(an_event())
    assert publisher.flush(PATIENCE_S)
    assert len(sink.events) == 1
