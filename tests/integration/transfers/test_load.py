"""Loads: the rows of objects, appended by the engine."""

import gzip
import io
import json
import re
import uuid
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.integration.rest.conftest import problem
from tests.integration.transfers.conftest import Service
from tests.unit.adapters.arrow.test_flights import COUNT, flights_csv

TYPES = {
    "i": "INTEGER",
    "n": "DECIMAL(9,2)",
    "f": "DOUBLE",
    "t": "VARCHAR",
    "b": "BOOLEAN",
    "d": "DATE",
    "ts": "TIMESTAMP",
    "tz": "TIMESTAMP WITH TIME ZONE",
    "u": "UUID",
    "x": "BLOB",
    "j": "JSON",
    "l": "INTEGER[]",
}


def table(service: Service, columns: dict[str, str] | None = None, **more: Any) -> str:
    name = f"t_{uuid.uuid4().hex}"
    described = [
        {"name": column, "type": column_type, "nullable": column not in more.get("required", ())}
        for column, column_type in (columns or TYPES).items()
    ]
    answer = service.http.post("/tables", json={"name": name, "columns": described})
    assert answer.status_code == 201, answer.text
    return name


def put(service: Service, bucket: str, name: str, content: bytes | str) -> str:
    body = content.encode() if isinstance(content, str) else content
    answer = service.http.put(f"/datasets/{bucket}/{name}", content=body)
    assert answer.status_code in {200, 201}, answer.text
    return f"{bucket}/{name}"


def parquet(columns: dict[str, Any], **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink, **options)
    return sink.getvalue()


def load(service: Service, name: str, *objects: str, **more: Any) -> httpx.Response:
    return service.http.post(f"/tables/{name}/load", json={"objects": list(objects)} | more)


def loaded(service: Service, name: str, *objects: str, **more: Any) -> int:
    answer = load(service, name, *objects, **more)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["run_id"] == answer.headers["lineage-run-id"]
    assert set(told) == {"rows_appended", "snapshot_id", "run_id"}
    count: int = told["rows_appended"]
    return count


def rows(service: Service, name: str) -> list[dict[str, Any]]:
    answer = service.query(f"FROM {name} ORDER BY ALL")
    found: list[dict[str, Any]] = answer["rows"]
    return found


ROW = {
    "i": -5,
    "n": 2.5,
    "f": 1e300,
    "t": 'a "b", c',
    "b": True,
    "d": "2020-02-29",
    "ts": "2020-02-29T12:30:00.25",
    "tz": "2020-02-29T11:30:00Z",
    "u": "550e8400-e29b-41d4-a716-446655440000",
    "x": "YWI=",
    "j": {"k": [1, None]},
    "l": [1, 2],
}
CSV = (
    "i,N,f,t,b,d,ts,tz,u,x,j,l\n"
    '-5,2.50,1e300,"a ""b"", c",true,2020-02-29,2020-02-29T12:30:00.25,2020-02-29T12:30:00+01:00,'
    '550E8400-e29b-41d4-a716-446655440000,YWI=,"{""k"":[1,null]}","[1,2]"\n'
    ",,,,,,,,,,,\n"
)


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.ndjson", "a.json", "a.ndjson.gz"])
def test_values_of_every_type_in_text(service: Service, name: str) -> None:
    target, bucket = table(service), service.bucket()
    lines = json.dumps(ROW) + "\n" + json.dumps(dict.fromkeys(ROW)) + "\n"
    text = {"csv": CSV, "ndjson": lines, "json": json.dumps([ROW, {}])}[name.split(".")[1]]
    content = gzip.compress(text.encode()) if name.endswith(".gz") else text.encode()

    assert loaded(service, target, put(service, bucket, name, content)) == 2

    assert rows(service, target) == [ROW, dict.fromkeys(ROW)]


def test_parquet_by_name_and_without_loss(service: Service) -> None:
    target = table(service, {"a": "SMALLINT", "b": "DECIMAL(9,2)", "c": "DATE"})
    bucket = service.bucket()
    content = parquet(
        {
            "B": pa.array([1, None], pa.int64()),
            "a": pa.array([3.0, -4.0], pa.float64()),
            "c": pa.array([0, 86_400_000_000], pa.timestamp("us")),
        }
    )
    assert loaded(service, target, put(service, bucket, "x.parquet", content)) == 2
    assert rows(service, target) == [
        {"a": -4, "b": None, "c": "1970-01-02"},
        {"a": 3, "b": 1.0, "c": "1970-01-01"},
    ]


def test_globs_and_missing_columns(service: Service) -> None:
    target, bucket = table(service, {"a": "INTEGER", "b": "INTEGER"}), service.bucket()
    put(service, bucket, "in/1.parquet", parquet({"a": pa.array([1], pa.int32())}))
    both = {"a": pa.array([2], pa.int32()), "b": pa.array([3], pa.int32())}
    put(service, bucket, "in/2.parquet", parquet(both))
    put(service, bucket, "in/deep/3.parquet", parquet({"a": pa.array([9], pa.int32())}))
    assert loaded(service, target, f"{bucket}/in/*.parquet") == 2
    assert rows(service, target) == [{"a": 1, "b": None}, {"a": 2, "b": 3}]
    assert loaded(service, target, f"{bucket}/in/**/*.parquet") == 3


def test_no_rows_make_no_snapshot(service: Service) -> None:
    target, bucket = table(service, {"a": "INTEGER"}), service.bucket()
    before = service.http.get(f"/tables/{target}").json()["snapshot_id"]
    answer = load(service, target, put(service, bucket, "x.csv", "a\n"))
    assert answer.json()["rows_appended"] == 0
    assert answer.json()["snapshot_id"] == before


@pytest.mark.parametrize(
    "column_type, texts",
    [
        ("TINYINT", ["128", "1.5", "1e1", " 1", "+1", "x"]),
        ("UBIGINT", ["-1", "18446744073709551616"]),
        ("DECIMAL(9,2)", ["1.005", "12345678.00", "x", "1e2"]),
        ("DOUBLE", ["1e400", "x", "1,5"]),
        ("FLOAT", ["1e39"]),
        ("BOOLEAN", ["1", "yes", "t"]),
        ("DATE", ["2020-02-30", "29.02.2020", "2020-2-1", "2020-02-01T00:00:00"]),
        ("TIME", ["25:00:00", "12:00:00.1234567"]),
        ("TIMESTAMP", ["2020-01-01T00:00:00Z", "2020-01-01T00:00:00.1234567"]),
        ("TIMESTAMP", ["2020-01-01T24:00:00", "2020-13-01T00:00:00"]),
        ("TIMESTAMP_S", ["2020-01-01T00:00:00.5"]),
        ("TIMESTAMP WITH TIME ZONE", ["2020-01-01T00:00:00"]),
        ("UUID", ["550e8400"]),
        ("BLOB", ["YWI", "!!"]),
        ("JSON", ["{", "nul"]),
        ("INTEGER[]", ["[1.5]", "1", "[300000000000]", '["x"]']),
    ],
)
def test_texts_that_do_not_fit(service: Service, column_type: str, texts: list[str]) -> None:
    target, bucket = table(service, {"a": column_type}), service.bucket()
    for text in texts:
        quoted = text.replace('"', '""')
        content = f'a\n"{quoted}"\n'
        put(service, bucket, "x.csv", content)
        members = problem(load(service, target, f"{bucket}/x.csv"), 422, "rows_do_not_fit")
        assert "'a'" in members["detail"], members
        assert f"s3://{bucket}/x.csv" in members["detail"]
        assert text in members["detail"]
        put(service, bucket, "x.ndjson", json.dumps({"a": text}) + "\n")
        if column_type != "JSON":
            problem(load(service, target, f"{bucket}/x.ndjson"), 422, "rows_do_not_fit")
    assert rows(service, target) == []


@pytest.mark.parametrize(
    "column_type, value",
    [
        ("INTEGER", "1.5"),
        ("INTEGER", "2147483648"),
        ("INTEGER", "true"),
        ("BOOLEAN", "1"),
        ("VARCHAR", "1"),
        ("DATE", "20200101"),
        ("DECIMAL(9,2)", "1.005"),
        ("DECIMAL(9,2)", "2.50000000000000000001"),
        ("INTEGER[]", "[1.5]"),
        ("STRUCT(a INTEGER)", '{"a": 1, "b": 2}'),
    ],
)
def test_json_values_that_do_not_fit(service: Service, column_type: str, value: str) -> None:
    target, bucket = table(service, {"a": column_type}), service.bucket()
    put(service, bucket, "x.ndjson", f'{{"a": {value}}}\n')
    members = problem(load(service, target, f"{bucket}/x.ndjson"), 422, "rows_do_not_fit")
    assert "'a'" in members["detail"]
    assert rows(service, target) == []


@pytest.mark.parametrize(
    "column_type, value, kept",
    [
        ("INTEGER", '"7"', False),
        ("SMALLINT", '"007"', False),
        ("UINTEGER", '"7"', False),
        ("BIGINT", '"007"', True),
        ("UBIGINT", '"18446744073709551615"', True),
        ("DECIMAL(9,2)", '"1.50"', True),
        ("DOUBLE", '"1.5"', False),
        ("FLOAT", '"1"', False),
        ("DOUBLE", '"NaN"', True),
        ("DOUBLE", '"-Infinity"', True),
        ("BOOLEAN", '"true"', False),
        ("INTEGER[]", '["1"]', False),
        ("INTEGER", "-7", True),
        ("UTINYINT", "255", True),
        ("DOUBLE", "7", True),
        ("DOUBLE", "1e2", True),
        ("FLOAT", "1e300", False),
        ("DOUBLE", "[1]", False),
        ("INTEGER", "null", True),
        ("VARCHAR", "null", True),
        ("JSON", '"7"', True),
        ("VARCHAR", r'"a\u0000b"', False),
    ],
)
def test_json_goes_where_an_append_takes_it(
    service: Service, column_type: str, value: str, kept: bool
) -> None:
    bucket = service.bucket()
    tables = [table(service, {"a": column_type, "b": "INTEGER"}) for _ in range(2)]
    line = f'{{"a": {value}, "b": 1}}\n'
    sent = service.http.put(
        f"/tables/{tables[0]}", content=line, headers={"content-type": "application/x-ndjson"}
    )
    put(service, bucket, "x.ndjson", line)
    answer = load(service, tables[1], f"{bucket}/x.ndjson")
    assert sent.status_code == answer.status_code == (200 if kept else 422), answer.text
    assert rows(service, tables[0]) == rows(service, tables[1])


def test_decimals_in_json_beside_numbers_of_many_digits(service: Service) -> None:
    target, bucket = table(service, {"a": "DECIMAL(9,2)", "b": "DOUBLE"}), service.bucket()
    place = put(service, bucket, "x.ndjson", '{"a": 0.01, "b": 1131.2857142857142}\n')
    assert loaded(service, target, place) == 1
    content = '{"a": 2.50000000000000000001, "b": 1131.2857142857142}\n'
    put(service, bucket, "x.ndjson", content)
    problem(load(service, target, place), 422, "rows_do_not_fit")
    assert rows(service, target) == [{"a": 0.01, "b": 1131.2857142857142}]


@pytest.mark.parametrize(
    "column_type, values",
    [
        ("TINYINT", pa.array([1, 128])),
        ("INTEGER", pa.array([1.0, 1.5])),
        ("INTEGER", pa.array([True])),
        ("INTEGER", pa.array(["1"])),
        ("DOUBLE", pa.array([2**53 + 1])),
        ("FLOAT", pa.array([0.1])),
        ("DECIMAL(9,2)", pa.array([10**8])),
        ("DECIMAL(9,2)", pa.array([1.5])),
        ("VARCHAR", pa.array([1])),
        ("DATE", pa.array([1], pa.timestamp("us"))),
        ("TIMESTAMP_S", pa.array([1], pa.timestamp("us"))),
        ("TIMESTAMP", pa.array([1], pa.timestamp("us", tz="UTC"))),
        ("INTEGER[]", pa.array([[1.5]])),
        ("STRUCT(a INTEGER)", pa.array([{"a": 1, "b": 2}])),
    ],
)
def test_parquet_values_that_do_not_fit(
    service: Service, column_type: str, values: pa.Array
) -> None:
    target, bucket = table(service, {"a": column_type}), service.bucket()
    place = put(service, bucket, "x.parquet", parquet({"a": values}))
    members = problem(load(service, target, place), 422, "rows_do_not_fit")
    assert "'a'" in members["detail"]
    assert rows(service, target) == []


def test_columns_that_do_not_fit(service: Service) -> None:
    target = table(service, {"a": "INTEGER", "b": "INTEGER"}, required=("b",))
    bucket = service.bucket()
    for content, named in (("a,c,b\n1,2,3\n", "'c'"), ("a\n1\n", "'b'"), ("a,b\n1,\n", "'b'")):
        place = put(service, bucket, "x.csv", content)
        assert named in problem(load(service, target, place), 422, "rows_do_not_fit")["detail"]
    put(service, bucket, "1.parquet", parquet({"b": pa.array([1], pa.int32())}))
    put(service, bucket, "2.parquet", parquet({"b": pa.array([1.0], pa.float64())}))
    members = problem(load(service, target, f"{bucket}/*.parquet"), 422, "rows_do_not_fit")
    assert "1.parquet" in members["detail"]
    assert "2.parquet" in members["detail"]
    for line in ("[1]\n", "1\n", '{"b": 1, "b": 2}\n', '{"b": 1, "B": 2}\n'):
        place = put(service, bucket, "x.ndjson", line)
        problem(load(service, target, place), 422, "rows_do_not_fit")
    assert rows(service, target) == []


def test_objects_that_are_not_what_they_say(service: Service) -> None:
    target, bucket = table(service, {"a": "BIGINT"}), service.bucket()
    whole = parquet({"a": pa.array(range(1000))})
    for name, content in (
        ("html.parquet", b"<html><body>404</body></html>"),
        ("cut.parquet", whole[: len(whole) // 2]),
        ("holed.parquet", whole[:100] + b"\0" * 500 + whole[600:]),
        ("empty.csv", b""),
        ("ragged.csv", b"a\n1\n2,3\n"),
        ("open.csv", b'a\n"1\n'),
        ("bad.ndjson", b'{"a": 1\n'),
        ("bad.csv.gz", b"a\n1\n"),
        ("cut.csv.gz", gzip.compress(b"a\n" + b"1\n" * 10_000)[:-9]),
    ):
        place = put(service, bucket, name, content)
        members = problem(load(service, target, place), 400, "malformed_object")
        assert f"s3://{place}" in members["detail"]
        assert "/tmp" not in members["detail"]
    assert rows(service, target) == []


@pytest.mark.parametrize(
    "body, status, code",
    [
        ({"objects": ["no-such-bucket/x.csv"]}, 404, "bucket_not_found"),
        ({"objects": ["{bucket}/x.csv"]}, 404, "object_not_found"),
        ({"objects": ["{bucket}/*.csv"]}, 404, "object_not_found"),
        ({"objects": ["{bucket}/x.xls"]}, 415, "unsupported_media_type"),
        ({"objects": ["{bucket}/x.csv", "{bucket}/x.json"]}, 415, "unsupported_media_type"),
        ({"objects": ["{bucket}/x.csv"], "format": "arrow"}, 422, "invalid_request"),
        ({"objects": ["{bucket}"]}, 422, "invalid_object_name"),
        ({"objects": ["{bucket}/../x.csv"]}, 422, "invalid_object_name"),
        ({"objects": ["NO/x.csv"]}, 422, "invalid_bucket_name"),
        ({"objects": ["/etc/passwd"]}, 422, "invalid_bucket_name"),
        ({"objects": []}, 422, "invalid_request"),
        ({}, 422, "invalid_request"),
        ({"objects": ["{bucket}/x.csv"], "on_new_columns": "maybe"}, 422, "invalid_request"),
        ({"objects": ["{bucket}/x.csv"], "hive_partitioning": "auto"}, 422, "invalid_request"),
    ],
)
def test_what_is_refused(service: Service, body: dict[str, Any], status: int, code: str) -> None:
    target, bucket = table(service, {"a": "INTEGER"}), service.bucket()
    if "objects" in body:
        body = body | {"objects": [each.format(bucket=bucket) for each in body["objects"]]}
    problem(service.http.post(f"/tables/{target}/load", json=body), status, code)


def test_flights_from_csv_and_parquet(service: Service) -> None:
    bucket = service.bucket()
    # What is not available is nothing here; an append takes `null` for that.
    content = re.sub(rb"(?<=,)NA(?=[,\r\n])", b"", flights_csv())
    packed = put(service, bucket, "flights.csv.gz", gzip.compress(content, 1))
    columns = (
        "year SMALLINT, month TINYINT, day TINYINT, dep_time DOUBLE, sched_dep_time INTEGER, "
        "dep_delay DOUBLE, arr_time DOUBLE, sched_arr_time INTEGER, arr_delay DOUBLE, "
        "carrier VARCHAR, flight INTEGER, tailnum VARCHAR, origin VARCHAR, dest VARCHAR, "
        "air_time DOUBLE, distance INTEGER, hour TINYINT, minute TINYINT, "
        "time_hour TIMESTAMP WITH TIME ZONE"
    )
    types = dict(each.strip().split(" ", 1) for each in columns.split(","))
    from_csv, from_parquet = table(service, types), table(service, types)

    assert loaded(service, from_csv, packed) == COUNT
    exported = service.http.post(
        f"/tables/{from_csv}/export",
        json={"object": f"{bucket}/flights.parquet", "format": "parquet"},
    )
    assert exported.status_code == 201
    assert loaded(service, from_parquet, f"{bucket}/flights.parquet") == COUNT

    same = f"SELECT count(*) AS n FROM (FROM {from_csv} EXCEPT ALL FROM {from_parquet})"
    assert service.query(same)["rows"] == [{"n": 0}]
    assert service.query(f"SELECT sum(distance)::BIGINT AS s FROM {from_csv}")["rows"] == [
        {"s": 350_217_607}
    ]


def test_runs_tell_the_objects(service: Service) -> None:
    target, bucket = table(service, {"a": "INTEGER"}), service.bucket()
    answer = load(service, target, put(service, bucket, "in/x.csv", "a\n1\n"))
    end = service.events(answer.headers["lineage-run-id"])[-1]
    assert [found["name"] for found in end["inputs"]] == ["in/x.csv"]
    assert [found["name"] for found in end["outputs"]] == [f"lake.main.{target}"]
