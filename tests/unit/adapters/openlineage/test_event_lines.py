"""Lines of events that are made of one another are the ones that the client would make."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openlineage.client.transport.file import FileConfig

from adapters.openlineage.client import open_client
from adapters.openlineage.event_lines import MAX_SHAPES, EventLines
from adapters.openlineage.events import official_event
from adapters.openlineage.events_file import EventsFileTransport
from adapters.openlineage.facets import Facets
from adapters.openlineage.identity import Lake
from adapters.openlineage.pending import PendingEvents
from domain.lineage import Lifecycle, Operation, RunEvent, RunState, Usage, new_run_id
from domain.tables import TableName
from tests.unit.adapters.openlineage.samples import (
    COLUMNS,
    ORDERS,
    PRODUCER,
    SUBJECTS,
    an_event,
)

FACETS = Facets(Lake(data_location="s3://lake/data"), PRODUCER)

counts = st.none() | st.integers(min_value=0, max_value=2**63 - 1)
usages = st.builds(
    Usage,
    subject=st.sampled_from([subject for subject in SUBJECTS if subject is not None]),
    version=st.none() | st.text(max_size=5) | st.just("\ud800"),
    columns=st.sampled_from([None, COLUMNS, COLUMNS[:1]]),
    row_count=counts,
    size_bytes=counts,
    lifecycle=st.sampled_from([None, *Lifecycle]),
)
events = st.builds(
    RunEvent,
    run_id=st.uuids(version=4).map(str),
    operation=st.sampled_from([Operation.TABLE_APPEND, Operation.QUERY]),
    subject=st.sampled_from(SUBJECTS),
    state=st.sampled_from(RunState),
    time=st.datetimes(timezones=st.just(UTC)),
    inputs=st.lists(usages, max_size=2).map(tuple),
    outputs=st.lists(usages, max_size=2).map(tuple),
    sql=st.sampled_from([None, None, "SELECT 1"]),
    error=st.sampled_from([None, None, "It failed."]),
)


@pytest.fixture(scope="module")
def in_full(tmp_path_factory: pytest.TempPathFactory) -> Callable[[RunEvent], bytes]:
    """Makes lines with the client."""
    directory = tmp_path_factory.mktemp("lines")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(directory)
        client = open_client(directory / "events.ndjson")
    file = client.transport
    assert isinstance(file, EventsFileTransport)
    return lambda event: file.captured(lambda: client.emit(official_event(event, "jobs", FACETS)))


@given(event=events, others=st.lists(events, min_size=3, max_size=3))
def test_they_are_as_the_clients(
    in_full: Callable[[RunEvent], bytes], event: RunEvent, others: Sequence[RunEvent]
) -> None:
    lines = EventLines(in_full)
    for other in others:
        # The same shape, with values of another event.
        alike = replace(
            event,
            run_id=other.run_id,
            time=other.time,
            outputs=tuple(
                replace(
                    usage,
                    version=None if usage.version is None else f"v{other.run_id}",
                    row_count=None if usage.row_count is None else other.time.microsecond,
                )
                for usage in event.outputs
            ),
        )
        assert lines.of(alike) == in_full(alike)
        assert lines.of(event) == in_full(event)


def test_the_client_makes_few_of_many(in_full: Callable[[RunEvent], bytes]) -> None:
    made = []

    def counted(event: RunEvent) -> bytes:
        made.append(event)
        return in_full(event)

    lines = EventLines(counted)
    for number in range(50):
        usage = Usage(ORDERS, str(number), COLUMNS, number)
        event = replace(an_event(), run_id=new_run_id(), outputs=(usage,))
        assert lines.of(event) == in_full(event)
    # The first, and for the template the second and its probe.
    assert len(made) == 3


def test_shapes_are_bounded() -> None:
    lines = EventLines(lambda _: b"{}\n")
    for number in range(MAX_SHAPES + 5):
        lines.of(replace(an_event(), subject=TableName("main", f"t{number}")))
    assert len(lines._shapes) == 5


def test_an_event_that_is_dropped_has_no_line() -> None:
    lines = EventLines(lambda _: b"")
    assert [lines.of(an_event()) for _ in range(4)] == [b""] * 4


def test_lines_that_a_full_disk_cut_are_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "events.ndjson"
    file = EventsFileTransport(FileConfig(log_file_path=str(path), append=True))
    write, room = os.write, [7]

    def writes(descriptor: int, data: bytes) -> int:
        if not room[0]:
            raise OSError(28, "No space left on device")
        written = write(descriptor, data[: room[0]])
        room[0] -= written
        return written

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", writes)
        assert file.append([b"one\n", b"two\n"]) == 1
        with pytest.raises(OSError, match="space"):
            file.append([b"two\n"])
    assert file.append([b"two\n", b"three\n"]) == 2
    file.close()
    assert path.read_bytes().splitlines() == [b"one", b"two", b"two", b"three"]


def test_events_wait_for_others_unless_somebody_waits_for_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("adapters.openlineage.pending.LINGER_S", 60.0)
    pending = PendingEvents(8)
    pending.put(an_event())
    assert len(pending.next(1)) == 1
    for _ in range(4):
        pending.put(an_event())
    # The queue is half full.
    assert len(pending.next(256)) == 4
    pending.put(an_event())
    pending.close(float("inf"))
    assert len(pending.next(256)) == 1
