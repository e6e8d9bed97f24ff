"""The API on fakes, behind a real HTTP server."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from dependency_injector import providers

from adapters.arrow.reader import ArrowRowReader
from entrypoints.container import Container, build_container
from entrypoints.rest.app import create_app
from entrypoints.settings import load_settings
from tests.fakes.datasets import FakeDatasets
from tests.fakes.lineage import FakeLineage
from tests.fakes.maintenance import FakeMaintenance
from tests.fakes.queries import FakeQueries
from tests.fakes.statements import FakeStatements
from tests.fakes.tables import FakeTables
from tests.integration.rest.serving import served


@dataclass
class Fakes:
    """What is behind the API."""

    tables: FakeTables = field(default_factory=FakeTables)
    datasets: FakeDatasets = field(
        default_factory=lambda: FakeDatasets(reserved=frozenset({"the-lake"}))
    )
    statements: FakeStatements = field(default_factory=FakeStatements)
    lineage: FakeLineage = field(default_factory=FakeLineage)
    maintenance: FakeMaintenance = field(init=False)

    def __post_init__(self) -> None:
        self.maintenance = FakeMaintenance(self.tables)

    def container(self, spool: Path, **settings: object) -> Container:
        container = build_container(load_settings({}, home=spool / "never-made", **settings))
        container.tables.override(providers.Object(self.tables))
        container.queries.override(providers.Object(FakeQueries(self.tables)))
        container.maintenance.override(providers.Object(self.maintenance))
        container.datasets.override(providers.Object(self.datasets))
        container.statements.override(providers.Object(self.statements))
        container.lineage.override(providers.Object(self.lineage))
        container.rows.override(providers.Object(ArrowRowReader(spool)))
        return container


@dataclass
class Api(Fakes):
    """The API, and what is behind it.

    Attributes:
        url: Where it listens.
        http: A client of it.
    """

    url: str = ""
    http: httpx.Client = field(default_factory=httpx.Client)

    def table(self, columns: dict[str, str] | None = None) -> str:
        """Make a table of a name that no other test uses."""
        name = f"t_{uuid.uuid4().hex}"
        made = self.http.post(
            "/tables",
            json={
                "name": name,
                "columns": [
                    {"name": column, "type": column_type}
                    for column, column_type in (columns or {"a": "INTEGER"}).items()
                ],
            },
        )
        assert made.status_code == 201, made.text
        return name

    def bucket(self) -> str:
        """Make a bucket of a name that no other test uses."""
        name = f"b-{uuid.uuid4().hex}"
        made = self.http.post(f"/datasets/{name}")
        assert made.status_code == 201, made.text
        return name


@pytest.fixture(scope="session")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    api = Api()
    app = create_app(api.container(tmp_path_factory.mktemp("spool")))
    with served(app) as url, httpx.Client(base_url=url, timeout=30) as client:
        api.url, api.http = url, client
        yield api


@pytest.fixture
def fakes() -> Fakes:
    """Fakes of one test, for an API of its own."""
    return Fakes()


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Check that an answer is this problem; gives its members."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    members: dict[str, Any] = answer.json()
    assert members["code"] == code, members
    assert members["status"] == status
    assert members["type"] == f"urn:ducklake:problem:{code}"
    assert members["title"]
    assert members["detail"]
    assert members["request_id"] == answer.headers["x-request-id"]
    if status == 422:
        assert members["errors"]
    if "run_id" in members:
        assert answer.headers["lineage-run-id"] == members["run_id"]
    return members
