from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta, timezone
from typing import Any

import pytest
from jsonschema import ValidationError
from openlineage.client.serde import Serde

from adapters.openlineage.events import official_event
from adapters.openlineage.facets import Facets
from adapters.openlineage.identity import Lake
from domain.datasets import BucketName
from domain.lineage import Lifecycle, Operation, RunEvent, RunState, Usage
from tests.openlineage_specification import check_event
from tests.unit.adapters.openlineage.samples import (
    BUCKET_USAGE,
    COLUMNS,
    OBJECT_USAGE,
    ORDERS,
    PRODUCER,
    SUBJECTS,
    TABLE_USAGE,
    a_full_event,
    an_event,
)

LAKE = Lake(data_location="s3://lake-data/v1")


def as_json(event: RunEvent, lake: Lake = LAKE) -> dict[str, Any]:
    """The event as it goes over the wire."""
    official = official_event(event, "ducklake", Facets(lake, PRODUCER))
    read: dict[str, Any] = json.loads(Serde.to_json(official))
    return read


def without_origin(facet: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in facet.items() if not key.startswith("_")}


@pytest.mark.parametrize("location", [None, "s3://lake-data/v1", "/home/me/my lake/data"])
@pytest.mark.parametrize("state", RunState)
@pytest.mark.parametrize("operation", Operation)
def test_every_event_is_valid(operation: Operation, state: RunState, location: str | None) -> None:
    lake = Lake(data_location=location)
    for subject in SUBJECTS:
        full = replace(a_full_event(operation, state), subject=subject)
        check_event(as_json(full, lake))
        check_event(as_json(replace(full, inputs=(), outputs=(), sql=None, error=None), lake))


@pytest.mark.parametrize("lifecycle", Lifecycle)
def test_every_lifecycle_is_valid(lifecycle: Lifecycle) -> None:
    event = replace(an_event(), outputs=(Usage(ORDERS, lifecycle=lifecycle),))
    check_event(as_json(event))


@pytest.mark.parametrize(
    "place, key",
    [
        (("job", "facets", "jobType"), "processingType"),
        (("run", "facets", "errorMessage"), "message"),
        (("inputs", 0, "facets", "version"), "datasetVersion"),
        (("outputs", 0, "facets", "storage"), "storageLayer"),
    ],
)
def test_the_validation_finds_what_is_missing(place: tuple[Any, ...], key: str) -> None:
    event = as_json(a_full_event(Operation.QUERY, RunState.FAIL))
    facet: Any = event
    for step in place:
        facet = facet[step]
    del facet[key]
    with pytest.raises(ValidationError):
        check_event(event)


def test_the_validation_finds_a_facet_in_a_wrong_place() -> None:
    event = as_json(a_full_event(Operation.QUERY, RunState.COMPLETE))
    event["inputs"][0]["facets"]["inputStatistics"] = event["inputs"][0]["inputFacets"][
        "inputStatistics"
    ]
    with pytest.raises(AssertionError):
        check_event(event)


def test_a_run_and_its_job() -> None:
    event = an_event(Operation.TABLE_APPEND, RunState.START)
    official = as_json(event)
    assert official["eventType"] == "START"
    assert official["eventTime"] == "2025-03-04T05:06:07.000080Z"
    assert official["producer"] == PRODUCER.uri
    assert official["run"]["runId"] == event.run_id
    assert official["job"]["namespace"] == "ducklake"
    assert official["job"]["name"] == "table.append.lake.main.Orders"
    assert official["inputs"] == official["outputs"] == []
    assert without_origin(official["run"]["facets"]["processing_engine"]) == {
        "version": "1.5.5",
        "name": "DuckDB",
        "openlineageAdapterVersion": "0.1.0",
    }
    assert set(official["job"]["facets"]) == {"jobType"}
    assert without_origin(official["job"]["facets"]["jobType"]) == {
        "processingType": "BATCH",
        "integration": "DUCKLAKE",
        "jobType": "COMMAND",
    }


def test_times_are_utc() -> None:
    there = timezone(timedelta(hours=-7))
    event = an_event()
    moved = replace(event, time=event.time.astimezone(there))
    assert as_json(moved)["eventTime"] == as_json(event)["eventTime"]


def test_every_facet_names_its_producer() -> None:
    official = as_json(a_full_event(Operation.QUERY, RunState.FAIL))
    holders = [official["run"], official["job"], *official["inputs"], *official["outputs"]]
    facets = [
        facet
        for holder in holders
        for key in ("facets", "inputFacets", "outputFacets")
        for facet in holder.get(key, {}).values()
    ]
    assert len(facets) > 30
    assert {facet["_producer"] for facet in facets} == {PRODUCER.uri}


def test_a_query() -> None:
    event = replace(
        an_event(Operation.QUERY),
        sql="SELECT * FROM postgres_scan('password=hunter2', 'main', 'orders')",
    )
    facets = as_json(event)["job"]["facets"]
    assert facets["jobType"]["jobType"] == "QUERY"
    assert without_origin(facets["sql"]) == {
        "query": "SELECT * FROM postgres_scan('password=***', 'main', 'orders')",
        "dialect": "duckdb",
    }


def test_a_failure() -> None:
    event = replace(
        an_event(state=RunState.FAIL),
        outputs=(Usage(ORDERS),),
        error="No answer from postgres://me:hunter2@db/lake.",
    )
    official = as_json(event)
    assert official["outputs"][0]["name"] == "lake.main.Orders"
    assert without_origin(official["run"]["facets"]["errorMessage"]) == {
        "message": "No answer from postgres://***@db/lake.",
        "programmingLanguage": "PYTHON",
    }


def test_a_table_as_output() -> None:
    event = replace(an_event(state=RunState.COMPLETE), outputs=(TABLE_USAGE,))
    (output,) = as_json(event)["outputs"]
    assert (output["namespace"], output["name"]) == ("ducklake://embedded", "lake.main.Orders")
    facets = {key: without_origin(facet) for key, facet in output["facets"].items()}
    fields = facets.pop("schema")["fields"]
    assert facets == {
        "catalog": {
            "framework": "ducklake",
            "type": "ducklake",
            "name": "lake",
            "warehouseUri": "s3://lake-data/v1",
            "source": "duckdb",
        },
        "dataSource": {"name": "ducklake://embedded", "uri": "ducklake://embedded"},
        "datasetType": {"datasetType": "TABLE"},
        "lifecycleStateChange": {"lifecycleStateChange": "CREATE"},
        "storage": {"storageLayer": "ducklake", "fileFormat": "parquet"},
        "symlinks": {
            "identifiers": [
                {"namespace": "s3://lake-data", "name": "v1/main/Orders", "type": "LOCATION"}
            ]
        },
        "version": {"datasetVersion": "7"},
    }
    assert [field["name"] for field in fields] == [column.name for column in COLUMNS]
    assert fields[0] == {
        "name": "id",
        "type": "BIGINT",
        "description": "The order's number.",
        "ordinal_position": 1,
    }
    statistics = output["outputFacets"]["outputStatistics"]
    assert without_origin(statistics) == {"rowCount": 3, "size": 100}


def test_nested_types_have_nested_fields() -> None:
    event = replace(an_event(), inputs=(Usage(ORDERS, columns=COLUMNS),))
    lines = as_json(event)["inputs"][0]["facets"]["schema"]["fields"][2]
    assert lines == {
        "name": "lines",
        "type": "STRUCT(sku VARCHAR, tags MAP(VARCHAR, INTEGER[]))[]",
        "ordinal_position": 3,
        "fields": [
            {
                "name": "_element",
                "type": "STRUCT(sku VARCHAR, tags MAP(VARCHAR, INTEGER[]))",
                "fields": [
                    {"name": "sku", "type": "VARCHAR"},
                    {
                        "name": "tags",
                        "type": "MAP(VARCHAR, INTEGER[])",
                        "fields": [
                            {"name": "key", "type": "VARCHAR"},
                            {
                                "name": "value",
                                "type": "INTEGER[]",
                                "fields": [{"name": "_element", "type": "INTEGER"}],
                            },
                        ],
                    },
                ],
            }
        ],
    }


def test_an_object_and_a_bucket_as_inputs() -> None:
    event = replace(an_event(), inputs=(OBJECT_USAGE, BUCKET_USAGE, Usage(BucketName("other"))))
    an_object, bucket, other = as_json(event)["inputs"]
    assert (an_object["namespace"], an_object["name"]) == (
        "s3://landing.zone",
        "photos/großes Bild.jpg",
    )
    assert set(an_object["facets"]) == {
        "dataSource",
        "datasetType",
        "version",
        "lifecycleStateChange",
    }
    assert an_object["facets"]["datasetType"]["datasetType"] == "FILE"
    assert an_object["facets"]["version"]["datasetVersion"] == OBJECT_USAGE.version
    assert without_origin(an_object["inputFacets"]["inputStatistics"]) == {"size": 512}
    assert (bucket["namespace"], bucket["name"]) == ("s3://landing.zone", "/")
    assert bucket["facets"]["lifecycleStateChange"]["lifecycleStateChange"] == "OVERWRITE"
    assert set(other["facets"]) == {"dataSource"}
    assert "inputFacets" not in other


def test_nothing_read_and_nothing_known_are_different() -> None:
    usages = (Usage(ORDERS, row_count=0), Usage(ORDERS))
    none_read, unknown = as_json(replace(an_event(), inputs=usages))["inputs"]
    assert none_read["inputFacets"]["inputStatistics"]["rowCount"] == 0
    assert "inputFacets" not in unknown
