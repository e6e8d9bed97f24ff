"""Validates events against OpenLineage's own schemas, without a network."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource

_SCHEMAS = Path(__file__).parent / "data" / "openlineage-spec"
_CORE = "https://openlineage.io/spec/2-0-2/OpenLineage.json"

_formats = FormatChecker(["uuid"])


@_formats.checks("date-time", raises=ValueError)
def _is_date_time(value: object) -> bool:
    return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None


@_formats.checks("uri", raises=ValueError)
def _is_uri(value: object) -> bool:
    return isinstance(value, str) and bool(urlsplit(value).scheme) and value.isascii()


@cache
def _schemas() -> dict[str, dict[str, Any]]:
    schemas = [json.loads(path.read_text()) for path in sorted(_SCHEMAS.rglob("*.json"))]
    return {schema["$id"]: schema for schema in schemas}


@cache
def _registry() -> Registry[Any]:
    resources = [(uri, Resource.from_contents(schema)) for uri, schema in _schemas().items()]
    return Registry[Any]().with_resources(resources)


def check_event(event: Mapping[str, Any]) -> None:
    """Check a run event as a whole, and each of its facets by the key under which it stands.

    Raises:
        Exception: When it is not valid.
    """
    _validate(f"{_CORE}#/$defs/RunEvent", event)
    _check_facets(event["run"]["facets"], "RunFacet")
    _check_facets(event["job"]["facets"], "JobFacet")
    for side, kind in (("inputs", "Input"), ("outputs", "Output")):
        for dataset in event[side]:
            _check_facets(dataset["facets"], "DatasetFacet")
            _check_facets(dataset.get(f"{kind.lower()}Facets", {}), f"{kind}DatasetFacet")


def _check_facets(facets: Mapping[str, Any], kind: str) -> None:
    for key, facet in facets.items():
        uri = facet["_schemaURL"].partition("#")[0]
        schema = _schemas()[uri]
        # The core schema takes any facet under any key: a wrong place shows here alone
        assert key in schema["properties"], f"{key} is not the key of {uri}"
        bases = {
            part["$ref"].rpartition("/")[2]
            for definition in schema["$defs"].values()
            for part in definition.get("allOf", ())
            if "$ref" in part
        }
        assert kind in bases, f"{key} is not a {kind} but a {bases}"
        _validate(uri, {key: facet})


def _validate(uri: str, instance: Mapping[str, Any]) -> None:
    Draft202012Validator({"$ref": uri}, registry=_registry(), format_checker=_formats).validate(
        instance
    )
