"""Tables made of the rows of objects, over HTTP."""

import gzip
import json
import uuid
from typing import Any

import httpx
import pyarrow as pa
import pytest

from tests.integration.rest.conftest import problem
from tests.integration.transfers.conftest import Service
from tests.integration.transfers.test_load import parquet, put


def fresh() -> str:
    return f"t_{uuid.uuid4().hex}"


def make(service: Service, *objects: str, **more: Any) -> httpx.Response:
    body = {"name": fresh(), "from": {"objects": list(objects)}} | more
    return service.http.post("/tables", json=body)


def columns(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 201, answer.text
    return {column["name"]: column["type"] for column in answer.json()["columns"]}


def test_parquet_keeps_its_types(service: Service) -> None:
    place = put(
        service,
        service.bucket(),
        "x.parquet",
        parquet({"a": pa.array([1], pa.int16()), "b": pa.array([[{"c": "x"}]])}),
    )
    answer = make(service, place, comment="Made", partition_by=["a"])
    assert columns(answer) == {"a": "SMALLINT", "b": "STRUCT(c VARCHAR)[]"}
    told = answer.json()
    assert (told["row_count"], told["comment"], told["partition_by"]) == (1, "Made", ["a"])
    assert service.query(f"FROM {told['name']}")["rows"] == [{"a": 1, "b": [{"c": "x"}]}]


@pytest.mark.parametrize("name", ["x.csv", "x.csv.gz", "x.ndjson", "x.json", "x.json.gz"])
def test_types_of_text_are_found_in_all_of_it(service: Service, name: str) -> None:
    records = [{"i": n, "d": "2020-01-01", "t": "x"} for n in range(30_000)]
    records.append({"i": 1.5, "d": "2020-02-29", "t": "y"})
    text = {
        "csv": "i,d,t\n" + "".join(f"{r['i']},{r['d']},{r['t']}\n" for r in records),
        "ndjson": "".join(json.dumps(record) + "\n" for record in records),
        "json": json.dumps(records),
    }[name.split(".")[1]].encode()
    content = gzip.compress(text, 1) if name.endswith(".gz") else text
    answer = make(service, put(service, service.bucket(), name, content))
    assert columns(answer) == {"i": "DOUBLE", "d": "DATE", "t": "VARCHAR"}
    assert answer.json()["row_count"] == 30_001


def test_objects_of_several_columns_are_put_together_by_name(service: Service) -> None:
    bucket = service.bucket()
    put(service, bucket, "1.parquet", parquet({"a": pa.array([1], pa.int32())}))
    put(
        service,
        bucket,
        "2.parquet",
        parquet({"b": pa.array(["x"]), "a": pa.array([2], pa.int32())}),
    )
    answer = make(service, f"{bucket}/*.parquet")
    assert columns(answer) == {"a": "INTEGER", "b": "VARCHAR"}
    name = answer.json()["name"]
    assert service.query(f"FROM {name} ORDER BY a")["rows"] == [
        {"a": 1, "b": None},
        {"a": 2, "b": "x"},
    ]
    put(service, bucket, "3.parquet", parquet({"a": pa.array([2.5])}))
    problem(make(service, f"{bucket}/*.parquet"), 422, "rows_do_not_fit")


def test_only_a_header_makes_an_empty_table(service: Service) -> None:
    answer = make(service, put(service, service.bucket(), "x.csv", "a,b\n"))
    assert list(columns(answer)) == ["a", "b"]
    assert answer.json()["row_count"] == 0


def test_a_name_that_tells_no_format(service: Service) -> None:
    place = put(service, service.bucket(), "data", "a\n1\n")
    problem(make(service, place), 415, "unsupported_media_type")
    said = {"objects": [place], "format": "csv"}
    assert columns(make(service, **{"from": said})) == {"a": "BIGINT"}


def test_what_cannot_be_a_table(service: Service) -> None:
    bucket = service.bucket()
    html = put(service, bucket, "x.parquet", "<html>")
    problem(make(service, html), 400, "malformed_object")
    problem(make(service, put(service, bucket, "x.csv", "")), 400, "malformed_object")
    problem(make(service, put(service, bucket, "y.csv", "rowid\n1\n")), 422, "invalid_column")
    times = parquet({"a": pa.array([1], pa.duration("us"))})
    assert make(service, put(service, bucket, "t.parquet", times)).status_code in {201, 422}
    problem(make(service, f"{bucket}/none.csv"), 404, "object_not_found")
    problem(make(service, "no-such-bucket/x.csv"), 404, "bucket_not_found")
    both = {"query": "SELECT 1", "objects": [html]}
    problem(make(service, **{"from": both}), 422, "invalid_request")


def test_if_exists_and_lineage(service: Service) -> None:
    place = put(service, service.bucket(), "in/x.csv", "a\n1\n")
    body = {"name": fresh(), "from": {"objects": [place]}}
    made = service.http.post("/tables", json=body)
    assert made.status_code == 201
    problem(service.http.post("/tables", json=body), 409, "table_exists")
    assert service.http.post("/tables", json=body | {"if_exists": "ignore"}).status_code == 200
    end = service.events(made.headers["lineage-run-id"])[-1]
    assert [found["name"] for found in end["inputs"]] == ["in/x.csv"]
