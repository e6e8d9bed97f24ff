from __future__ import annotations

import logging

import pytest

from adapters.openlineage.record import LOG_INTERVAL_S, RECENT_S, DeliveryRecord


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def record(clock: Clock) -> DeliveryRecord:
    return DeliveryRecord(clock)


def test_all_is_well_at_first(record: DeliveryRecord) -> None:
    assert record.health().ok
    assert record.health().detail is None


def test_a_failure_is_told_until_a_delivery(record: DeliveryRecord) -> None:
    record.note_failed(ConnectionError("http://me:hunter2@sink/ is away"))
    health = record.health()
    assert not health.ok
    assert health.detail == "The last delivery of a lineage event failed (ConnectionError)."
    record.note_delivered()
    assert record.health().ok
    assert record.delivered == 1


def test_a_loss_is_told_for_a_while(record: DeliveryRecord, clock: Clock) -> None:
    record.note_dropped("the queue is full")
    record.note_dropped("the queue is full", 2)
    record.note_delivered()
    assert record.dropped == 3
    health = record.health()
    assert not health.ok
    assert "3 so far" in (health.detail or "")
    clock.now += RECENT_S
    assert record.health().ok


def test_the_log_is_not_flooded(
    record: DeliveryRecord, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "adapters.openlineage"):
        for _ in range(1000):
            record.note_dropped("the queue is full")
            record.note_failed(ConnectionError("http://me:hunter2@sink/ is away"))
        assert len(caplog.records) == 2
        assert "hunter2" not in caplog.text
        clock.now += LOG_INTERVAL_S
        record.note_dropped("the queue is full")
    assert "1001 so far: the queue is full" in caplog.messages[-1]
