"""The embedded service with its real engine and store, behind a real HTTP server."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from entrypoints.container import Container, build_container
from entrypoints.rest.app import create_app
from entrypoints.settings import load_settings
from tests.integration.rest.serving import served


@dataclass(frozen=True, slots=True)
class Service:
    """The service, as its client sees it, and what is behind it."""

    http: httpx.Client
    container: Container

    def table(self, sql: str) -> str:
        """Make a table of what a query answers; its name is no other test's."""
        name = f"t_{uuid.uuid4().hex}"
        asked = self.http.post("/query?format=parquet", json={"sql": sql})
        assert asked.status_code == 200, asked.text
        columns = self.query(f"SELECT * FROM ({sql}) LIMIT 0")["columns"]
        made = self.http.post("/tables", json={"name": name, "columns": columns})
        assert made.status_code == 201, made.text
        kept = self.http.put(
            f"/tables/{name}",
            content=asked.content,
            headers={"content-type": "application/vnd.apache.parquet"},
        )
        assert kept.status_code == 200, kept.text
        return name

    def bucket(self) -> str:
        """Make a bucket that no other test uses."""
        name = f"b-{uuid.uuid4().hex}"
        assert self.http.post(f"/datasets/{name}").status_code == 201
        return name

    def query(self, sql: str) -> dict[str, Any]:
        """What the lake answers."""
        answer = self.http.post("/query", json={"sql": sql})
        assert answer.status_code == 200, answer.text
        answered: dict[str, Any] = answer.json()
        return answered

    def events(self, run_id: str) -> list[dict[str, Any]]:
        """What was published of a run, in order."""
        assert self.container.lineage().flush(30)
        file = self.container.home().layout.lineage_events
        lines = file.read_text().splitlines()
        return [event for line in lines if (event := json.loads(line))["run"]["runId"] == run_id]

    def was_aborted(self, told: str) -> bool:
        """Whether a run was aborted of whose statement this is a part."""
        file = self.container.home().layout.lineage_events
        return any(told in line and "ABORT" in line for line in file.read_text().splitlines())

    def objects(self, bucket: str, prefix: str = "") -> list[str]:
        """The names of a bucket's objects."""
        answer = self.http.get(f"/datasets/{bucket}", params={"prefix": prefix})
        assert answer.status_code == 200, answer.text
        return [found["name"] for found in answer.json()["objects"]]


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    home = tmp_path_factory.mktemp("home")
    container = build_container(load_settings({}, home=home))
    app = create_app(container)
    with served(app) as url, httpx.Client(base_url=url, timeout=120) as client:
        yield Service(client, container)
