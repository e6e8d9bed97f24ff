"""Lines of events for a file, without the client's work for each of them.

Runs of one job on one table differ in little: the run's id, the time, the version and how much
was read or written. The client makes the line of such an event in full; the lines of the ones
like it are the same text with other values in these places, in a twentieth of the time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import uuid4

import msgspec

from adapters.openlineage.events import timestamp
from domain.lineage import RunEvent, Usage, new_run_id

MAX_SHAPES = 1_000
"""So many kinds of events are remembered, before all are forgotten."""

_RUN_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_PROBE_TIME = datetime(2001, 2, 3, 4, 5, 6, 70809, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Template:
    """A line with gaps.

    Attributes:
        texts: What stands between the values: one more than there are.
        order: Which value stands in each gap.
        of: An event of this shape: its columns, by which it is known, live as long as this.
    """

    texts: Sequence[bytes]
    order: Sequence[int]
    of: RunEvent

    def line(self, values: Sequence[bytes]) -> bytes:
        parts = [self.texts[0]]
        for text, place in zip(self.texts[1:], self.order, strict=True):
            parts += (values[place], text)
        return b"".join(parts)


@dataclass(frozen=True, slots=True)
class _Seen:
    """A shape that has come once: it is not worth a template yet. Keeps its columns alive."""

    of: RunEvent


@dataclass(frozen=True, slots=True)
class _Irregular:
    """A shape whose lines do not come out as the client's. Keeps its columns alive."""

    of: RunEvent


class EventLines:
    """Makes the lines of events.

    Args:
        full: Makes a line with the client; nothing when its configuration drops the event.
    """

    def __init__(self, full: Callable[[RunEvent], bytes]) -> None:
        self._full = full
        self._shapes: dict[Hashable, _Template | _Seen | _Irregular] = {}

    def of(self, event: RunEvent) -> bytes:
        """The line of an event, its end included, as the client makes it.

        Raises:
            Exception: What the client raises.
        """
        # What may be long and is not said twice is left to the client, as is what it may refuse.
        if event.sql is not None or event.error is not None or not _RUN_ID.fullmatch(event.run_id):
            return self._full(event)
        try:
            values = _values_of(event)
        except UnicodeEncodeError:
            return self._full(event)
        shape = _shape_of(event)
        known = self._shapes.get(shape)
        if isinstance(known, _Seen):
            known = self._shapes[shape] = self._learnt(event, values)
        if isinstance(known, _Template):
            return known.line(values)
        if known is None:
            if len(self._shapes) >= MAX_SHAPES:
                self._shapes.clear()
            self._shapes[shape] = _Seen(event)
        return self._full(event)

    def _learnt(self, event: RunEvent, values: Sequence[bytes]) -> _Template | _Irregular:
        probe = _probe_of(event)
        line = self._full(probe)
        marks = _values_of(probe)
        if any(line.count(mark) != 1 for mark in marks):
            return _Irregular(event)
        order = sorted(range(len(marks)), key=lambda place: line.index(marks[place]))
        texts = []
        for place in order:
            text, line = line.split(marks[place])
            texts.append(text)
        template = _Template((*texts, line), order, event)
        if template.line(values) != self._full(event):
            return _Irregular(event)
        return template


def _shape_of(event: RunEvent) -> Hashable:
    """The same for events whose lines differ in their values alone."""
    return (
        event.operation,
        event.subject,
        event.state,
        *map(_shape_of_usage, event.inputs),
        None,
        *map(_shape_of_usage, event.outputs),
    )


def _shape_of_usage(usage: Usage) -> Hashable:
    return (
        usage.subject,
        usage.version is None,
        # There may be a thousand columns, and mostly they are the very same object.
        id(usage.columns),
        usage.row_count is None,
        usage.size_bytes is None,
        usage.lifecycle,
    )


def _values_of(event: RunEvent) -> list[bytes]:
    """What stands in the gaps, as JSON."""
    values = [b'"%b"' % event.run_id.encode(), b'"%b"' % timestamp(event.time).encode()]
    for usage in (*event.inputs, *event.outputs):
        if usage.version is not None:
            values.append(msgspec.json.encode(usage.version))
        if usage.row_count is not None:
            values.append(b"%d" % usage.row_count)
        if usage.size_bytes is not None:
            values.append(b"%d" % usage.size_bytes)
    return values


def _probe_of(event: RunEvent) -> RunEvent:
    """An event of the same shape, with values that stand nowhere else in its line."""
    return replace(
        event,
        run_id=new_run_id(),
        time=_PROBE_TIME,
        inputs=tuple(map(_probe_of_usage, event.inputs)),
        outputs=tuple(map(_probe_of_usage, event.outputs)),
    )


def _probe_of_usage(usage: Usage) -> Usage:
    return replace(
        usage,
        version=None if usage.version is None else uuid4().hex,
        row_count=None if usage.row_count is None else _probe_number(),
        size_bytes=None if usage.size_bytes is None else _probe_number(),
    )


def _probe_number() -> int:
    # Of one length, so that none is the beginning of another one.
    return uuid4().int >> 66 | 1 << 61
