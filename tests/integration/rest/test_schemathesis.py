"""The API against its own OpenAPI document, with requests that fit it and some that do not."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import httpx
import pytest
import schemathesis
from dependency_injector import providers
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from entrypoints.container import build_container
from entrypoints.rest.app import create_app
from entrypoints.settings import load_settings
from tests.integration.rest.conftest import Fakes
from tests.integration.rest.scripted import ScriptedQueries, ScriptedResult
from tests.integration.rest.serving import served

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
    negative_data_rejection,
    unsupported_method,
    allow_header_conformance,
]
EXAMPLES = settings(
    max_examples=10,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)


def _prepared(url: str) -> schemathesis.BaseSchema:
    """What the examples of the document speak of is there."""
    with httpx.Client(base_url=url, timeout=60) as client:
        client.post(
            "/tables", json={"name": "flights", "columns": [{"name": "carrier", "type": "TEXT"}]}
        ).raise_for_status()
        client.post("/datasets/raw-data").raise_for_status()
        client.put("/datasets/raw-data/2013/flights.parquet", content=b"x").raise_for_status()
    return schemathesis.openapi.from_url(f"{url}/openapi.json")


@pytest.fixture(scope="session")
def on_fakes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[schemathesis.BaseSchema]:
    container = Fakes().container(tmp_path_factory.mktemp("spool"))
    queries = ScriptedQueries(lambda _: ScriptedResult(lambda _: iter([b'{"n":1}\n']), 1))
    container.queries.override(providers.Object(queries))
    with served(create_app(container)) as url:
        yield _prepared(url)


@pytest.fixture(scope="session")
def on_adapters(tmp_path_factory: pytest.TempPathFactory) -> Iterator[schemathesis.BaseSchema]:
    container = build_container(load_settings(home=tmp_path_factory.mktemp("home")))
    with served(create_app(container)) as url:
        yield _prepared(url)


OPERATIONS = (
    ("GET", "/tables"),
    ("POST", "/tables"),
    ("GET", "/tables/{table_name}"),
    ("PUT", "/tables/{table_name}"),
    ("DELETE", "/tables/{table_name}"),
    ("POST", "/tables/{table_name}/query"),
    ("GET", "/tables/{table_name}/data"),
    ("POST", "/tables/{table_name}/load"),
    ("POST", "/tables/{table_name}/export"),
    ("POST", "/query"),
    ("GET", "/queries"),
    ("GET", "/queries/{query_id}"),
    ("DELETE", "/queries/{query_id}"),
    ("GET", "/queries/{query_id}/result"),
    ("GET", "/datasets"),
    ("GET", "/datasets/{bucket_name}"),
    ("POST", "/datasets/{bucket_name}"),
    ("DELETE", "/datasets/{bucket_name}"),
    ("POST", "/datasets/{bucket_name}/presign"),
    ("GET", "/datasets/{bucket_name}/{object_name}"),
    ("HEAD", "/datasets/{bucket_name}/{object_name}"),
    ("PUT", "/datasets/{bucket_name}/{object_name}"),
    ("DELETE", "/datasets/{bucket_name}/{object_name}"),
    ("GET", "/maintenance/check"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
)
"""Listed, so that each is a test of its own before any server has started."""

CAN_BE_WRONG = {
    ("GET", "/tables"),
    ("POST", "/tables"),
    ("GET", "/tables/{table_name}"),
    ("POST", "/tables/{table_name}/query"),
    ("GET", "/tables/{table_name}/data"),
    ("POST", "/tables/{table_name}/load"),
    ("POST", "/tables/{table_name}/export"),
    ("POST", "/query"),
    ("GET", "/queries"),
    ("GET", "/datasets/{bucket_name}"),
    ("POST", "/datasets/{bucket_name}/presign"),
}
"""The operations whose requests can break the document; a name in a path is any text to it."""

NOT_HERE = {
    ("POST", "/datasets/{bucket_name}/presign"),
    # With an If-None-Match that names a tag, as an upload.
    ("POST", "/tables/{table_name}/export"),
    ("POST", "/tables/{table_name}/load"),
}
"""The operations that the stores of these tests do not have, or not whole: 501 is right there."""

NOT_ON_FAKES = {
    # From a query or objects.
    ("POST", "/tables"),
}


def _checks(
    method: str, path: str, not_here: Collection[tuple[str, str]]
) -> list[schemathesis.CheckFunction]:
    without = {not_a_server_error} if (method, path) in not_here else set()
    if (method, path) == ("POST", "/tables"):
        # It takes a null, which `columns` may be, for a violation of the list's limit.
        without.add(negative_data_rejection)
    return [check for check in CHECKS if check not in without]


every_request = pytest.mark.parametrize(
    "method, path, mode",
    [(*operation, GenerationMode.POSITIVE) for operation in OPERATIONS]
    + [(*operation, GenerationMode.NEGATIVE) for operation in sorted(CAN_BE_WRONG)],
)


def test_all_operations_are_listed(on_fakes: schemathesis.BaseSchema) -> None:
    paths = on_fakes.raw_schema["paths"]
    documented = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    assert documented == set(OPERATIONS)


@every_request
@EXAMPLES
@given(data=st.data())
def test_on_fakes(
    on_fakes: schemathesis.BaseSchema,
    data: st.DataObject,
    method: str,
    path: str,
    mode: GenerationMode,
) -> None:
    case = data.draw(on_fakes[path][method].as_strategy(generation_mode=mode))
    case.call_and_validate(checks=_checks(method, path, NOT_HERE | NOT_ON_FAKES), timeout=30)


@pytest.mark.slow
@every_request
@EXAMPLES
@given(data=st.data())
def test_on_adapters(
    on_adapters: schemathesis.BaseSchema,
    data: st.DataObject,
    method: str,
    path: str,
    mode: GenerationMode,
) -> None:
    case = data.draw(on_adapters[path][method].as_strategy(generation_mode=mode))
    case.call_and_validate(checks=_checks(method, path, NOT_HERE), timeout=30)
