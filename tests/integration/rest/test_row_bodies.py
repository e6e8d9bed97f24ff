"""Bodies of appends: how they are packed."""

from __future__ import annotations

import gzip
import sys
from functools import partial

import pytest

from tests.integration.rest.conftest import Api, problem

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

CSV = {"content-type": "text/csv"}
# Without the time: what a test is called must be the same in all processes that run tests.
gzipped = partial(gzip.compress, mtime=0)
ROWS = b"a\n1\n2\n"


@pytest.mark.parametrize(
    "coding, body",
    [
        ("gzip", gzipped(ROWS)),
        ("x-gzip", gzipped(ROWS)),
        ("GZip", gzipped(b"a\n1\n") + gzipped(b"2\n")),
        ("zstd", zstd.compress(ROWS)),
        ("zstd", zstd.compress(b"a\n1\n") + zstd.compress(b"2\n")),
        ("gzip, zstd", zstd.compress(gzipped(ROWS))),
        ("identity, gzip", gzipped(ROWS)),
        ("identity", ROWS),
        ("", ROWS),
    ],
)
def test_packed_rows_are_appended(api: Api, coding: str, body: bytes) -> None:
    name = api.table()
    headers = CSV | {"content-encoding": coding}
    answer = api.http.put(f"/tables/{name}", content=body, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.json()["rows_appended"] == 2
    assert api.http.get(f"/tables/{name}").json()["row_count"] == 2


@pytest.mark.parametrize("coding", ["br", "deflate", "gzip, br", "gzip, gzip, gzip", "*", "x"])
def test_other_codings_are_415_with_those_that_are_read(api: Api, coding: str) -> None:
    headers = CSV | {"content-encoding": coding}
    answer = api.http.put(f"/tables/{api.table()}", content=ROWS, headers=headers)
    problem(answer, 415, "unsupported_content_coding")
    assert answer.headers["accept-encoding"] == "gzip, zstd"


def test_another_415_names_no_codings(api: Api) -> None:
    headers = {"content-type": "text/html", "content-encoding": "gzip"}
    answer = api.http.put(f"/tables/{api.table()}", content=gzipped(ROWS), headers=headers)
    problem(answer, 415, "unsupported_media_type")
    assert "accept-encoding" not in answer.headers


@pytest.mark.parametrize(
    "body",
    [
        ROWS,
        gzipped(ROWS)[:-1],
        gzipped(ROWS) + b"garbage",
        gzipped(b"a\n1\n") + gzipped(b"2\n")[:9],
    ],
)
def test_what_is_not_packed_as_it_says_is_400_and_appends_nothing(api: Api, body: bytes) -> None:
    name = api.table()
    headers = CSV | {"content-encoding": "gzip"}
    problem(api.http.put(f"/tables/{name}", content=body, headers=headers), 400, "malformed_body")
    assert api.http.get(f"/tables/{name}").json()["row_count"] == 0


@pytest.mark.parametrize(
    "query, body, rows",
    [
        ("header=false", "1,x\n2,y\n", 2),
        ("delimiter=%3B", "b;a\nx;1\n", 1),
        ("delimiter=tab&header=true", "b\ta\nx\t1\n", 1),
        ("delimiter=%5Ct", "b\ta\nx\t1\n", 1),
        ("delimiter=%09", "b\ta\nx\t1\n", 1),
        ("null=NA", "a,b\nNA,NA\n", 1),
        ("quote='&delimiter=|", "a|b\n1|'x|y'\n", 1),
        ("quote=", 'a,b\n1,"x\n', 1),
    ],
)
def test_csv_is_read_as_the_parameters_say(api: Api, query: str, body: str, rows: int) -> None:
    name = api.table({"a": "INTEGER", "b": "VARCHAR"})
    answer = api.http.put(f"/tables/{name}?{query}", content=body, headers=CSV)
    assert answer.status_code == 200, answer.text
    assert answer.json()["rows_appended"] == rows


@pytest.mark.parametrize(
    "query, name, code",
    [
        ("header=no", "header", "invalid_request"),
        ("delimiter=", "delimiter", "invalid_parameters"),
        ("delimiter=ab", "delimiter", "invalid_parameters"),
        ("delimiter=%22", "delimiter", "invalid_parameters"),
        ("delimiter=%0A", "delimiter", "invalid_parameters"),
        ("quote=x", "quote", "invalid_parameters"),
        ("quote=,", "quote", "invalid_parameters"),
        ("null=a,b", "null", "invalid_parameters"),
        ("null=x&null=y", "null", "invalid_request"),
        ("escape=x", "escape", "invalid_request"),
    ],
)
def test_csv_parameters_against_the_rules_are_422(
    api: Api, query: str, name: str, code: str
) -> None:
    answer = api.http.put(f"/tables/{api.table()}?{query}", content=ROWS, headers=CSV)
    members = problem(answer, 422, code)
    assert {"in": "query", "name": name}.items() <= members["errors"][0].items()


@pytest.mark.parametrize("query", ["header=true", "delimiter=,", "null=", "quote="])
def test_csv_parameters_are_for_csv(api: Api, query: str) -> None:
    headers = {"content-type": "application/json"}
    answer = api.http.put(f"/tables/{api.table()}?{query}", content=b"[]", headers=headers)
    members = problem(answer, 422, "invalid_parameters")
    assert members["errors"][0]["name"] == query.partition("=")[0]


def test_a_table_grows_for_new_columns(api: Api) -> None:
    name = api.table()
    answer = api.http.put(
        f"/tables/{name}?on_new_columns=add",
        json=[{"a": 1, "gate": "B7", "late": None}, {"a": 5_000_000_000}],
    )
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["rows_appended"] == 2
    assert told["columns_added"] == [{"name": "gate", "type": "VARCHAR"}]
    assert told["columns_widened"] == [{"name": "a", "type": "BIGINT"}]
    table = api.http.get(f"/tables/{name}").json()
    assert [(each["name"], each["type"]) for each in table["columns"]] == [
        ("a", "BIGINT"),
        ("gate", "VARCHAR"),
    ]
    assert table["snapshot_id"] == told["snapshot_id"]


def test_a_table_that_has_the_room_does_not_grow(api: Api) -> None:
    answer = api.http.put(f"/tables/{api.table()}?on_new_columns=add", json=[{"a": 1}])
    assert (answer.json()["columns_added"], answer.json()["columns_widened"]) == ([], [])


@pytest.mark.parametrize("query", ["", "?on_new_columns=error"])
def test_a_table_does_not_grow_unasked(api: Api, query: str) -> None:
    name = api.table()
    for body in ([{"a": 1, "gate": "B7"}], [{"a": 5_000_000_000}]):
        problem(api.http.put(f"/tables/{name}{query}", json=body), 422, "rows_do_not_fit")
    answer = api.http.put(f"/tables/{name}{query}", json=[{"a": 1}])
    assert answer.json().keys() == {"rows_appended", "snapshot_id", "run_id"}


def test_other_ways_to_grow_are_422(api: Api) -> None:
    answer = api.http.put(f"/tables/{api.table()}?on_new_columns=drop", json=[])
    members = problem(answer, 422, "invalid_request")
    assert members["errors"][0]["name"] == "on_new_columns"


@pytest.mark.parametrize(
    "body, code",
    [
        ('[{"rowid": 1}]', "invalid_column"),
        ('[{"a": "x", "b": 1}]', "rows_do_not_fit"),
        ('[{"b": null}]', "rows_do_not_fit"),
    ],
)
def test_a_table_that_cannot_grow_so_stays_as_it_is(api: Api, body: str, code: str) -> None:
    name = api.table()
    before = api.http.get(f"/tables/{name}").json()
    headers = {"content-type": "application/json"}
    answer = api.http.put(f"/tables/{name}?on_new_columns=add", content=body, headers=headers)
    problem(answer, 422, code)
    assert api.http.get(f"/tables/{name}").json() == before
