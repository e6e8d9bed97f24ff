from __future__ import annotations

import json
import logging
import os
from pathlib import Path

import pytest
from openlineage.client import OpenLineageClient, event_v2
from openlineage.client.transport.http import HttpTransport

from adapters.openlineage.client import open_client
from adapters.openlineage.environment import is_disabled, job_namespace
from adapters.openlineage.events import official_event
from adapters.openlineage.facets import Facets
from adapters.openlineage.identity import Lake
from tests.unit.adapters.openlineage.samples import PRODUCER, an_event


def an_official_event() -> event_v2.RunEvent:
    return official_event(an_event(), "ducklake", Facets(Lake(), PRODUCER))


def kind_of_transport(events_file: Path) -> str | None:
    client = open_client(events_file)
    kind: str | None = client.transport.kind
    client.close()
    return kind


def http_config(directory: Path, name: str = "openlineage.yml") -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / name
    path.write_text("transport:\n  type: http\n  url: http://127.0.0.1:9\n")
    return path


def test_nothing_configured_gives_a_file(events_file: Path) -> None:
    client = open_client(events_file)
    assert not events_file.parent.exists()
    for _ in range(3):
        client.emit(an_official_event())
    lines = events_file.read_text().splitlines()
    assert len(lines) == 3
    assert all(json.loads(line)["eventType"] == "START" for line in lines)


def test_a_file_is_appended_to(events_file: Path) -> None:
    for _ in range(2):
        open_client(events_file).emit(an_official_event())
    assert len(events_file.read_text().splitlines()) == 2


def test_a_torn_line_does_not_spoil_the_next(events_file: Path) -> None:
    events_file.parent.mkdir(parents=True)
    events_file.write_text('{"eventTime": "20')
    client = open_client(events_file)
    client.emit(an_official_event())
    client.emit(an_official_event())
    torn, *whole = events_file.read_text().splitlines()
    assert torn == '{"eventTime": "20'
    assert [json.loads(line)["eventType"] for line in whole] == ["START", "START"]


def test_the_directory_may_vanish(events_file: Path) -> None:
    client = open_client(events_file)
    client.emit(an_official_event())
    events_file.unlink()
    events_file.parent.rmdir()
    client.emit(an_official_event())
    assert len(events_file.read_text().splitlines()) == 1


@pytest.mark.parametrize(
    "variables, kind",
    [
        ({}, "file"),
        ({"OPENLINEAGE_URL": ""}, "file"),
        ({"OPENLINEAGE_API_KEY": "x", "OPENLINEAGE_NAMESPACE": "x"}, "file"),
        ({"OPENLINEAGE__TRANSPORT__URL": "http://127.0.0.1:9"}, "file"),
        ({"OPENLINEAGE_CONFIG": "/does/not/exist.yml"}, "file"),
        ({"OPENLINEAGE_URL": "http://127.0.0.1:9"}, "http"),
        (
            {"OPENLINEAGE__TRANSPORT__TYPE": "http", "OPENLINEAGE__TRANSPORT__URL": "http://a"},
            "http",
        ),
        ({"OPENLINEAGE__TRANSPORT": '{"type": "console"}'}, "console"),
        (
            {"OPENLINEAGE__TRANSPORT__TYPE": "console", "OPENLINEAGE_URL": "http://127.0.0.1:9"},
            "console",
        ),
        ({"OPENLINEAGE__TRANSPORT__TYPE": "noop"}, "noop"),
        ({"OPENLINEAGE_DISABLED": "true", "OPENLINEAGE_URL": "http://127.0.0.1:9"}, "noop"),
        ({"OPENLINEAGE_DISABLED": "1", "OPENLINEAGE_URL": "http://127.0.0.1:9"}, "http"),
        (
            {
                "OPENLINEAGE_URL": "http://127.0.0.1:9",
                "OPENLINEAGE__TRANSPORT__TYPE": "composite",
                "OPENLINEAGE__TRANSPORT__TRANSPORTS__MINE__TYPE": "console",
            },
            "composite",
        ),
    ],
)
def test_the_environment_chooses_the_transport(
    monkeypatch: pytest.MonkeyPatch, events_file: Path, variables: dict[str, str], kind: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    before = dict(os.environ)
    assert kind_of_transport(events_file) == kind
    assert dict(os.environ) == before
    if kind != "file":
        # Where something is configured, the client alone would have chosen the same
        monkeypatch.setattr(os, "environ", os.environ.copy())
        assert OpenLineageClient().transport.kind == kind


def test_a_file_that_a_variable_names(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, events_file: Path
) -> None:
    monkeypatch.setenv("OPENLINEAGE_CONFIG", str(http_config(tmp_path, "mine.yml")))
    assert kind_of_transport(events_file) == "http"


def test_a_file_in_the_current_directory(events_file: Path) -> None:
    http_config(Path.cwd())
    assert kind_of_transport(events_file) == "http"


def test_a_file_at_home(events_file: Path) -> None:
    http_config(Path.home() / ".openlineage")
    assert kind_of_transport(events_file) == "http"


def test_filters_and_facets_of_a_file_without_transport_hold_for_our_file(
    events_file: Path,
) -> None:
    Path("openlineage.yml").write_text(
        "tags:\n  job:\n    team: data\n"
        "filters:\n  - type: exact\n    match: table.drop.lake.main.Orders\n"
    )
    client = open_client(events_file)
    client.emit(an_official_event())
    dropped = an_official_event()
    dropped.job.name = "table.drop.lake.main.Orders"
    client.emit(dropped)
    (line,) = events_file.read_text().splitlines()
    (tag,) = json.loads(line)["job"]["facets"]["tags"]["tags"]
    assert (tag["key"], tag["value"]) == ("team", "data")


def test_a_named_file_that_cannot_be_read_is_told(
    monkeypatch: pytest.MonkeyPatch, events_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OPENLINEAGE_CONFIG", "/does/not/exist.yml")
    with caplog.at_level(logging.WARNING, "adapters.openlineage"):
        open_client(events_file)
    assert "OPENLINEAGE_CONFIG" in caplog.text


def test_the_key_and_the_endpoint_reach_the_transport(
    monkeypatch: pytest.MonkeyPatch, events_file: Path
) -> None:
    monkeypatch.setenv("OPENLINEAGE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("OPENLINEAGE_ENDPOINT", "events")
    monkeypatch.setenv("OPENLINEAGE_API_KEY", "hunter2")
    transport = open_client(events_file).transport
    assert isinstance(transport, HttpTransport)
    assert transport.endpoint == "events"
    assert transport.config.auth.get_bearer() == "Bearer hunter2"


def test_a_wrong_configuration_raises(monkeypatch: pytest.MonkeyPatch, events_file: Path) -> None:
    monkeypatch.setenv("OPENLINEAGE_URL", "no url")
    with pytest.raises(ValueError, match="valid url"):
        open_client(events_file)
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__TYPE", "no.such.Transport")
    with pytest.raises(ImportError):
        open_client(events_file)


@pytest.mark.parametrize(
    "value, namespace",
    [(None, "ducklake"), ("", "ducklake"), (" ", "ducklake"), ("prod", "prod")],
)
def test_the_namespace_of_jobs(
    monkeypatch: pytest.MonkeyPatch, value: str | None, namespace: str
) -> None:
    if value is not None:
        monkeypatch.setenv("OPENLINEAGE_NAMESPACE", value)
    assert job_namespace() == namespace


@pytest.mark.parametrize(
    "value, disabled",
    [(None, False), ("", False), ("1", False), ("false", False), ("true", True), (" TRUE ", True)],
)
def test_switching_lineage_off(
    monkeypatch: pytest.MonkeyPatch, value: str | None, disabled: bool
) -> None:
    if value is not None:
        monkeypatch.setenv("OPENLINEAGE_DISABLED", value)
    assert is_disabled() == disabled
