"""Results that are kept for their snapshot, on a real lake: files that are gone prove it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from domain.formats import DataFormat
from entrypoints.container import build_container
from entrypoints.rest.app import create_app
from entrypoints.settings import load_settings
from tests.integration.rest.serving import served

ROWS = [{"id": number, "name": f"number {number}"} for number in range(5)]
SQL = "SELECT * FROM t WHERE id < ? ORDER BY id"


class Service:
    """A service with one table."""

    def __init__(self, home: Path, http: httpx.Client) -> None:
        self.http = http
        self._files = home / "lake" / "data"
        columns = [{"name": "id", "type": "INTEGER"}, {"name": "name", "type": "VARCHAR"}]
        http.post("/tables", json={"name": "t", "columns": columns}).raise_for_status()
        self.append()

    def append(self) -> None:
        self.http.put("/tables/t", json=ROWS).raise_for_status()

    def lose_files(self) -> None:
        """Take the table's files away: whoever reads them now fails."""
        files = list(self._files.rglob("*.parquet"))
        assert files
        for file in files:
            file.unlink()

    def ask(
        self, sql: str = SQL, parameters: tuple[object, ...] = (3,), **more: str
    ) -> httpx.Response:
        question = {"sql": sql, "parameters": parameters}
        return self.http.post("/query", json=question, params=more)


@pytest.fixture
def settings() -> dict[str, object]:
    return {}


@pytest.fixture
def service(tmp_path: Path, settings: dict[str, object]) -> Iterator[Service]:
    # Each append makes a file: none of the rows wait in the catalog.
    container = build_container(load_settings({}, home=tmp_path, inline_rows=0, **settings))
    with served(create_app(container)) as url, httpx.Client(base_url=url) as http:
        yield Service(tmp_path, http)


@pytest.mark.parametrize("data_format", DataFormat)
def test_what_was_asked_is_answered_without_reading(
    service: Service, data_format: DataFormat
) -> None:
    first = service.ask(format=data_format.value).raise_for_status()
    service.lose_files()
    again = service.ask(format=data_format.value).raise_for_status()
    if data_format is DataFormat.JSON:
        told, told_again = first.json(), again.json()
        assert told_again["rows"] == told["rows"] == ROWS[:3]
        assert told_again["row_count"] == 3
        assert told_again["truncated"] is False
        assert told_again["query_id"] != told["query_id"]
    else:
        assert again.content == first.content != b""
    assert again.headers["etag"] == first.headers["etag"]
    assert again.headers["lineage-run-id"] != first.headers["lineage-run-id"]


def test_a_commit_makes_it_another_question(service: Service) -> None:
    service.ask().raise_for_status()
    service.append()
    assert service.ask().json()["row_count"] == 6
    service.lose_files()
    service.append()
    assert service.ask().status_code >= 500


def test_other_parameters_and_what_chance_decides_are_read(service: Service) -> None:
    volatile = "SELECT id, random() AS r FROM t WHERE id < ?"
    service.ask().raise_for_status()
    service.ask(volatile).raise_for_status()
    service.lose_files()
    assert service.ask(parameters=(2,)).status_code >= 500
    assert service.ask(volatile).status_code >= 500
    assert service.ask().status_code == 200


def test_a_name_that_came_to_mean_something_else_is_asked_anew(service: Service) -> None:
    service.ask("FROM t", ()).raise_for_status()
    service.http.delete("/tables/t").raise_for_status()
    assert service.ask("FROM t", ()).status_code == 400


def test_a_fixed_past_is_answered_from_memory_whatever_is_written(service: Service) -> None:
    snapshot = service.ask().json()["snapshot_id"]
    question = {"sql": SQL, "parameters": [3], "at_version": snapshot}
    first = service.http.post("/query", json=question).json()
    service.append()
    service.lose_files()
    assert service.http.post("/query", json=question).json()["rows"] == first["rows"]


@pytest.mark.parametrize("settings", [{"result_cache": 0}])
def test_it_can_be_turned_off(service: Service) -> None:
    service.ask().raise_for_status()
    service.lose_files()
    assert service.ask().status_code >= 500
