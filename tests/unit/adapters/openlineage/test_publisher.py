from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adapters.openlineage.publisher import OpenLineagePublisher
from adapters.openlineage.retry import RetryPolicy
from domain.lineage import RunState
from tests.openlineage_specification import check_event
from tests.unit.adapters.openlineage.samples import an_event
from tests.unit.adapters.openlineage.sink import no_network

PATIENCE_S = 60.0
NO_RETRY = RetryPolicy(pauses_s=())

Publishers = Callable[..., OpenLineagePublisher]


def published(events_file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in events_file.read_text().splitlines()]


def test_nothing_configured_means_no_network(
    monkeypatch: pytest.MonkeyPatch, publishers: Publishers, events_file: Path
) -> None:
    tried = no_network(monkeypatch)
    publisher = publishers()
    publisher.emit(an_event())
    publisher.emit(an_event(state=RunState.COMPLETE))
    assert publisher.flush(PATIENCE_S)
    assert publisher.check().ok
    assert publisher.close(PATIENCE_S)
    assert tried == []
    events = published(events_file)
    assert [event["eventType"] for event in events] == ["START", "COMPLETE"]
    for event in events:
        check_event(event)


def test_the_namespace_of_jobs(
    monkeypatch: pytest.MonkeyPatch, publishers: Publishers, events_file: Path
) -> None:
    monkeypatch.setenv("OPENLINEAGE_NAMESPACE", "prod")
    publisher = publishers()
    publisher.emit(an_event())
    assert publisher.close(PATIENCE_S)
    assert published(events_file)[0]["job"]["namespace"] == "prod"


def test_switched_off_nothing_happens(
    monkeypatch: pytest.MonkeyPatch, publishers: Publishers, events_file: Path
) -> None:
    monkeypatch.setenv("OPENLINEAGE_DISABLED", "true")
    tried = no_network(monkeypatch)
    publisher = publishers(queue_size=1)
    publisher.start()
    for _ in range(10):
        publisher.emit(an_event())
    assert publisher.flush(0)
    assert publisher.check().ok
    assert "OPENLINEAGE_DISABLED" in (publisher.check().detail or "")
    assert publisher.close(0)
    assert publisher._worker is None
    assert tried == []
    assert not events_file.parent.exists()


def test_the_client_is_imported_by_the_worker_alone() -> None:
    program = """
import sys, pathlib
from adapters.openlineage.identity import Lake, Producer
from adapters.openlineage.publisher import OpenLineagePublisher
publisher = OpenLineagePublisher(pathlib.Path("never"), Lake(), Producer("a:b", "1", "1"))
publisher.start()
assert publisher.check().ok
publisher.close(10)
assert not [name for name in sys.modules if name.split(".")[0] in {"openlineage", "requests"}]
"""
    root = Path(__file__).parents[4]
    subprocess.run([sys.executable, "-c", program], check=True, cwd=root, timeout=PATIENCE_S)


def test_a_process_that_ends_without_closing_ends() -> None:
    program = """
import sys, pathlib
from adapters.openlineage.identity import Lake, Producer
from adapters.openlineage.publisher import OpenLineagePublisher
publisher = OpenLineagePublisher(pathlib.Path("never"), Lake(), Producer("a:b", "1", "1"))
publisher.start()
"""
    root = Path(__file__).parents[4]
    subprocess.run([sys.executable, "-c", program], check=True, cwd=root, timeout=PATIENCE_S)


def test_a_full_queue_drops_counts_and_logs_once(
    publishers: Publishers,
    events_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    publisher = publishers(queue_size=5)
    # Without a worker nothing leaves the queue
    monkeypatch.setattr(publisher, "start", lambda: None)
    with caplog.at_level(logging.WARNING, "adapters.openlineage"):
        events = [an_event() for _ in range(25)]
        for event in events:
            publisher.emit(event)
    assert publisher._record.dropped == 20
    assert len(caplog.records) == 1
    assert "the queue is full" in caplog.text
    assert not publisher.check().ok
    assert not publisher.flush(0)
    monkeypatch.undo()
    publisher.start()
    assert publisher.flush(PATIENCE_S)
    runs = [event["run"]["runId"] for event in published(events_file)]
    assert runs == [event.run_id for event in events[:5]]


def test_close_drains(publishers: Publishers, events_file: Path) -> None:
    publisher = publishers()
    for _ in range(500):
        publisher.emit(an_event())
    assert publisher.close(PATIENCE_S)
    assert len(published(events_file)) == 500
    assert publisher._worker is not None
    assert not publisher._worker.is_alive()
    assert publisher.close(0)


def test_a_closed_publisher_takes_no_more(publishers: Publishers, events_file: Path) -> None:
    publisher = publishers()
    assert publisher.close(PATIENCE_S)
    publisher.emit(an_event())
    assert publisher.flush(0)
    assert publisher._record.dropped == 1
    assert not events_file.exists()


def test_an_event_that_makes_no_openlineage_event_is_dropped_alone(
    publishers: Publishers, events_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    publisher = publishers(retry=RetryPolicy(pauses_s=(3600.0,)))
    good = an_event()
    publisher.emit(replace(good, run_id="no run id"))
    publisher.emit(good)
    assert publisher.flush(PATIENCE_S)
    assert [event["run"]["runId"] for event in published(events_file)] == [good.run_id]
    assert publisher._record.dropped == 1
    assert "refused" in caplog.text


def test_a_file_that_cannot_be_written_is_tried_again(
    publishers: Publishers, events_file: Path
) -> None:
    events_file.parent.parent.mkdir(parents=True)
    events_file.parent.write_text("in the way")
    publisher = publishers(retry=RetryPolicy(pauses_s=(0.01,) * 2000))
    publisher.emit(an_event())
    until = time.monotonic() + PATIENCE_S
    while publisher.check().ok and time.monotonic() < until:
        time.sleep(0.01)
    assert not publisher.check().ok
    events_file.parent.unlink()
    assert publisher.flush(PATIENCE_S)
    assert len(published(events_file)) == 1
    assert publisher.check().ok


def test_a_wrong_configuration_loses_events_and_is_told(
    monkeypatch: pytest.MonkeyPatch,
    publishers: Publishers,
    events_file: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("OPENLINEAGE_URL", "no url, but hunter2")
    publisher = publishers(retry=NO_RETRY)
    publisher.emit(an_event())
    assert publisher.flush(PATIENCE_S)
    health = publisher.check()
    assert not health.ok
    assert "hunter2" not in (health.detail or "")
    assert "valid url" in caplog.text
    assert not events_file.exists()


def test_no_thread_to_be_had(
    monkeypatch: pytest.MonkeyPatch, publishers: Publishers, events_file: Path
) -> None:
    publisher = publishers()

    def no_more(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", no_more)
        publisher.emit(an_event())
        assert not publisher.check().ok
    publisher.emit(an_event())
    assert publisher.flush(PATIENCE_S)
    assert len(published(events_file)) == 2
    assert publisher.check().ok


def test_close_gives_up_waiting_for_another_try_at_its_deadline(publishers: Publishers) -> None:
    blocked = publishers(retry=RetryPolicy(pauses_s=(3600.0,)))
    blocked._events_file.mkdir(parents=True)
    blocked.emit(an_event())
    blocked.emit(an_event())
    until = time.monotonic() + PATIENCE_S
    while blocked.check().ok and time.monotonic() < until:
        time.sleep(0.01)
    started = time.monotonic()
    blocked.close(PATIENCE_S)
    assert time.monotonic() - started < PATIENCE_S / 2
    assert blocked._record.dropped == 2
