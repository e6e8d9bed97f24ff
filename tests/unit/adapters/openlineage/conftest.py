"""Fixtures for the OpenLineage adapter."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from adapters.openlineage.identity import Lake
from adapters.openlineage.publisher import OpenLineagePublisher
from tests.openlineage_environment import isolate_openlineage
from tests.unit.adapters.openlineage.samples import PRODUCER
from tests.unit.adapters.openlineage.sink import HttpSink


@pytest.fixture(autouse=True)
def _isolated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    isolate_openlineage(monkeypatch, tmp_path)


@pytest.fixture
def events_file(tmp_path: Path) -> Path:
    return tmp_path / "ducklake" / "lineage" / "events.ndjson"


@pytest.fixture
def sink() -> Iterator[HttpSink]:
    with HttpSink() as opened:
        yield opened


@pytest.fixture
def publishers(events_file: Path) -> Iterator[Callable[..., OpenLineagePublisher]]:
    """Makes publishers, and ends their workers; list it behind `sink`, so that it ends first."""
    made: list[OpenLineagePublisher] = []

    def make(**options: object) -> OpenLineagePublisher:
        build = partial(OpenLineagePublisher, events_file, Lake(), PRODUCER)
        publisher = build(**options)  # type: ignore[arg-type]
        made.append(publisher)
        return publisher

    yield make
    for publisher in made:
        publisher.close(0)
        if publisher._worker is not None:
            publisher._worker.join(60)
            assert not publisher._worker.is_alive()
