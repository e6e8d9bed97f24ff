"""What the API says of itself."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from domain.formats import DataFormat
from entrypoints.rest.app import ROUTERS
from tests.integration.rest.conftest import Api

Document = dict[str, Any]


@pytest.fixture(scope="session")
def document(api: Api) -> Document:
    found: Document = api.http.get("/openapi.json").json()
    return found


def operations(document: Document) -> Iterator[tuple[str, Document]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def test_every_operation_tells_what_it_does_and_answers(document: Document) -> None:
    for name, operation in operations(document):
        assert operation["summary"], name
        assert operation["description"], name
        assert operation["tags"], name
        for status, answer in operation["responses"].items():
            assert answer["description"], (name, status)
            if int(status) >= 400 and not (name == "GET /readyz" and status == "503"):
                assert list(answer["content"]) == ["application/problem+json"], (name, status)
        assert {"400", "422", "429", "500", "503"} <= operation["responses"].keys(), name


def test_examples_fit_their_schemas(document: Document) -> None:
    for schema in document["components"]["schemas"].values():
        whole = schema | {"components": document["components"]}
        jsonschema.Draft202012Validator.check_schema(schema)
        for example in schema.get("examples", []):
            jsonschema.validate(example, whole)


def test_bodies_have_examples(document: Document) -> None:
    schemas = document["components"]["schemas"]
    for name, operation in operations(document):
        content = operation.get("requestBody", {}).get("content", {})
        for media_type, body in content.items():
            reference = body.get("schema", {}).get("$ref", "").rpartition("/")[2]
            if media_type == "application/json":
                assert "example" in body or schemas[reference]["examples"], name


def test_formats_are_documented(document: Document) -> None:
    media_types = {each.media_type for each in DataFormat}
    append = document["paths"]["/tables/{table_name}"]["put"]
    assert append["requestBody"]["content"].keys() == media_types
    for path in ("/query", "/tables/{table_name}/query"):
        answer = document["paths"][path]["post"]["responses"]["200"]
        assert answer["content"].keys() == media_types


def test_nothing_of_the_frameworks_own_errors_is_left(document: Document) -> None:
    assert "HTTPValidationError" not in str(document)


def test_all_codes_of_problems_are_listed_by_their_status(document: Document) -> None:
    told = document["info"]["description"].splitlines()
    (conflicts,) = (line for line in told if line.startswith("| 409 "))
    (full,) = (line for line in told if line.startswith("| 507 "))
    assert {"`table_exists`", "`idempotency_key_in_use`"} <= set(re.findall("`[a-z_]+`", conflicts))
    assert set(re.findall("`[a-z_]+`", full)) == {"`resources_exhausted`", "`storage_full`"}


def test_there_is_a_page_for_people(api: Api) -> None:
    page = api.http.get("/docs")
    assert page.status_code == 200
    assert "swagger" in page.text


def test_the_framework_runs_nothing_in_threads_of_its_own() -> None:
    """They are few, and shared: what blocks in them would hold up health checks."""

    def calls(dependant: Dependant) -> Iterator[Any]:
        yield dependant.call
        for dependency in dependant.dependencies:
            yield from calls(dependency)

    for router in ROUTERS:
        for route in router.routes:
            assert isinstance(route, APIRoute)
            for call in calls(route.dependant):
                function = call if inspect.isfunction(call) else call.__call__
                assert inspect.iscoroutinefunction(function), (route.path, call)
