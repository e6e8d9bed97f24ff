"""What every lineage publisher does."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.openlineage.identity import Lake, Producer
from adapters.openlineage.publisher import OpenLineagePublisher
from adapters.openlineage.retry import RetryPolicy
from domain.datasets import BucketName, ObjectName, ObjectRef
from domain.lineage import (
    Lifecycle,
    Operation,
    RunEvent,
    RunState,
    Subject,
    Usage,
    new_run_id,
)
from domain.ports.lineage import LineagePort
from domain.tables import TableName
from tests.fakes.lineage import FakeLineage
from tests.openlineage_environment import isolate_openlineage

PATIENCE_S = 60.0
ORDERS = TableName("main", "orders")
BUCKET = BucketName("landing")
PHOTO = ObjectRef(BUCKET, ObjectName("photos/1.jpg"))
SUBJECTS: tuple[Subject | None, ...] = (ORDERS, BUCKET, PHOTO, None)

Published = tuple[str, str]
"""A run's id and its state."""


@dataclass(frozen=True, slots=True)
class OpenedLineage:
    """A publisher as the suite uses it.

    Attributes:
        port: The port to it.
        published: What has come out of it so far, in order.
        break_sink: Makes its sink unreachable for good.
    """

    port: LineagePort
    published: Callable[[], list[Published]]
    break_sink: Callable[[], None]


@contextmanager
def open_fake(directory: Path) -> Iterator[OpenedLineage]:
    fake = FakeLineage()

    def published() -> list[Published]:
        return [(event.run_id, event.state.value) for event in fake.events]

    def break_sink() -> None:
        fake.reachable = False

    yield OpenedLineage(fake, published, break_sink)


@contextmanager
def open_openlineage_file(directory: Path) -> Iterator[OpenedLineage]:
    events_file = directory / "lineage" / "events.ndjson"
    publisher = OpenLineagePublisher(
        events_file,
        Lake(),
        Producer("https://example.org/test", "0.0.1", "1.5.5"),
        retry=RetryPolicy(pauses_s=(0.01,)),
    )

    def published() -> list[Published]:
        if not events_file.exists():
            return []
        events = [json.loads(line) for line in events_file.read_text().splitlines()]
        return [(event["run"]["runId"], event["eventType"]) for event in events]

    def break_sink() -> None:
        events_file.mkdir(parents=True)

    try:
        yield OpenedLineage(publisher, published, break_sink)
    finally:
        assert publisher.close(PATIENCE_S)


Opener = Callable[[Path], AbstractContextManager[OpenedLineage]]


@pytest.fixture(
    params=[
        pytest.param(open_fake, id="fake"),
        pytest.param(open_openlineage_file, id="openlineage-file"),
    ]
)
def lineage(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[OpenedLineage]:
    isolate_openlineage(monkeypatch, tmp_path)
    opener: Opener = request.param
    with opener(tmp_path) as opened:
        yield opened


def an_event(
    run_id: str | None = None,
    operation: Operation = Operation.TABLE_APPEND,
    state: RunState = RunState.START,
    subject: Subject | None = ORDERS,
) -> RunEvent:
    return RunEvent(run_id or new_run_id(), operation, subject, state, datetime.now(UTC))


def test_what_is_emitted_is_published_in_order(lineage: OpenedLineage) -> None:
    events = [
        an_event(run_id, state=state)
        for run_id in (new_run_id() for _ in range(50))
        for state in (RunState.START, RunState.COMPLETE)
    ]
    for event in events:
        lineage.port.emit(event)
    assert lineage.port.flush(PATIENCE_S)
    assert lineage.published() == [(event.run_id, event.state.value) for event in events]


def test_flush_has_nothing_to_wait_for_at_first(lineage: OpenedLineage) -> None:
    assert lineage.port.flush(0)
    assert lineage.published() == []


def test_a_flush_needs_no_other_flush_before(lineage: OpenedLineage) -> None:
    first, second = an_event(), an_event()
    lineage.port.emit(first)
    assert lineage.port.flush(PATIENCE_S)
    assert len(lineage.published()) == 1
    lineage.port.emit(second)
    assert lineage.port.flush(PATIENCE_S)
    assert [run_id for run_id, _ in lineage.published()] == [first.run_id, second.run_id]


@pytest.mark.parametrize("operation", Operation)
@pytest.mark.parametrize("state", RunState)
def test_every_operation_and_state_is_published(
    lineage: OpenedLineage, operation: Operation, state: RunState
) -> None:
    events = [an_event(None, operation, state, subject) for subject in SUBJECTS]
    for event in events:
        lineage.port.emit(event)
    assert lineage.port.flush(PATIENCE_S)
    assert lineage.published() == [(event.run_id, state.value) for event in events]
    assert lineage.port.check().ok


def test_an_event_with_all_that_it_can_have(lineage: OpenedLineage) -> None:
    usage = Usage(ORDERS, "7", (), 3, 100, Lifecycle.OVERWRITE)
    event = RunEvent(
        new_run_id(),
        Operation.QUERY,
        None,
        RunState.FAIL,
        datetime.now(UTC) - timedelta(days=1),
        inputs=(usage, Usage(PHOTO)),
        outputs=(usage, Usage(BUCKET)),
        sql="SELECT '\x1b \ud83e\udd86 \u0000'",
        error="It \N{DUCK} failed.\nTwice.",
    )
    lineage.port.emit(event)
    assert lineage.port.flush(PATIENCE_S)
    assert lineage.published() == [(event.run_id, "FAIL")]


def test_threads_may_emit_at_once(lineage: OpenedLineage) -> None:
    runs = [[new_run_id() for _ in range(25)] for _ in range(8)]

    def emit_all(run_ids: list[str]) -> None:
        for run_id in run_ids:
            lineage.port.emit(an_event(run_id))

    threads = [threading.Thread(target=emit_all, args=(run_ids,)) for run_ids in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert lineage.port.flush(PATIENCE_S)
    published = [run_id for run_id, _ in lineage.published()]
    assert len(published) == 200
    for run_ids in runs:
        mine = set(run_ids)
        assert [run_id for run_id in published if run_id in mine] == run_ids


def test_the_check_is_good_before_and_after_an_event(lineage: OpenedLineage) -> None:
    assert lineage.port.check().ok
    lineage.port.emit(an_event())
    assert lineage.port.flush(PATIENCE_S)
    assert lineage.port.check().ok


def test_a_broken_sink_raises_nothing_and_is_told_by_the_check(lineage: OpenedLineage) -> None:
    lineage.break_sink()
    lineage.port.emit(an_event())
    assert lineage.port.flush(PATIENCE_S)
    health = lineage.port.check()
    assert not health.ok
    assert health.detail
