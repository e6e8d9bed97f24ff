import uuid
from typing import Any

import pytest

from domain.lineage import RunState
from domain.tables import TableName
from tests.integration.rest.conftest import Api, problem

JSON = {"content-type": "application/json"}
COLUMN = {"name": "a", "type": "INTEGER"}


def fresh() -> str:
    return f"t_{uuid.uuid4().hex}"


def test_create_answers_201_with_location_description_and_run(api: Api) -> None:
    name = fresh()
    answer = api.http.post(
        "/tables",
        json={
            "name": name,
            "columns": [
                {"name": "carrier", "type": "text", "nullable": False, "comment": "IATA"},
                {"name": "time_hour", "type": "TIMESTAMP"},
            ],
            "comment": "Flights",
            "partition_by": ["month(time_hour)"],
        },
    )
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/tables/{name}"
    told = answer.json()
    assert told["columns"] == [
        {"name": "carrier", "type": "VARCHAR", "nullable": False, "comment": "IATA"},
        {"name": "time_hour", "type": "TIMESTAMP", "nullable": True, "comment": None},
    ]
    assert (told["name"], told["namespace"], told["comment"]) == (name, "main", "Flights")
    assert told["partition_by"] == ["month(time_hour)"]
    assert told["row_count"] == 0
    run = api.lineage.states(answer.headers["lineage-run-id"])
    assert run == (RunState.START, RunState.COMPLETE)
    assert api.http.get(answer.headers["location"]).json() == told


def test_create_in_a_namespace_has_it_in_its_location(api: Api) -> None:
    name = f"ns.{fresh()}"
    answer = api.http.post("/tables", json={"name": name, "columns": [COLUMN]})
    assert answer.headers["location"] == f"/tables/{name}"
    assert answer.json()["namespace"] == "ns"


def test_create_of_what_is_there(api: Api) -> None:
    name = api.table()
    body = {"name": name.upper(), "columns": [{"name": "b", "type": "VARCHAR"}]}
    members = problem(api.http.post("/tables", json=body), 409, "table_exists")
    assert api.lineage.states(members["run_id"])[-1] is RunState.FAIL
    ignored = api.http.post("/tables", json=body | {"if_exists": "ignore"})
    assert ignored.status_code == 200
    assert ignored.json()["columns"][0]["name"] == "a"
    replaced = api.http.post("/tables", json=body | {"if_exists": "replace"})
    assert replaced.status_code == 201
    assert replaced.json()["columns"][0]["name"] == "b"


@pytest.mark.parametrize(
    "change, code, place",
    [
        ({"name": ""}, "invalid_table_name", "/name"),
        ({"name": "a.b.c"}, "invalid_table_name", "/name"),
        ({"name": 'x"; drop table t;--'}, "invalid_table_name", "/name"),
        ({"name": "x" * 10_000}, "invalid_table_name", "/name"),
        ({"columns": [COLUMN | {"type": "ENUM('a')"}]}, "invalid_column", "/columns/0/type"),
        ({"columns": [COLUMN, {"name": "A", "type": "INT"}]}, "invalid_column", ""),
        ({"columns": [COLUMN | {"name": "rowid"}]}, "invalid_column", ""),
        ({"partition_by": ["week(a)"]}, "invalid_partition", ""),
        ({"partition_by": ["bucket(x, a)"]}, "invalid_partition", "/partition_by/0"),
        ({"columns": []}, "invalid_request", "/columns"),
        ({"columns": None}, "invalid_request", ""),
        ({"columns": [COLUMN | {"nullable": "true"}]}, "invalid_request", "/columns/0/nullable"),
        ({"columns": [COLUMN | {"nullable": 1}]}, "invalid_request", "/columns/0/nullable"),
        ({"columns": [COLUMN | {"default": 1}]}, "invalid_request", "/columns/0/default"),
        ({"name": 1}, "invalid_request", "/name"),
        ({"name": 2**64}, "invalid_request", "/name"),
        ({"unknown": 1}, "invalid_request", "/unknown"),
        ({"if_exists": "maybe"}, "invalid_request", "/if_exists"),
    ],
)
def test_create_refuses(api: Api, change: dict[str, Any], code: str, place: str) -> None:
    body = {"name": fresh(), "columns": [COLUMN]} | change
    members = problem(api.http.post("/tables", json=body), 422, code)
    assert {"in": "body", "pointer": place}.items() <= members["errors"][0].items()


@pytest.mark.parametrize(
    "content, code",
    [
        (b"", "empty_body"),
        (b"  \n", "empty_body"),
        (b"{", "malformed_body"),
        (b'{"name": NaN}', "malformed_body"),
        (b'{"name": Infinity}', "malformed_body"),
        (b'{"name": 1e999}', "malformed_body"),
        (b'{"name": "\xff"}', "malformed_body"),
        (b'{"name": "a", "name": "b"}', "malformed_body"),
        (b'{"name": "\\ud800"}', "malformed_body"),
        (b'{"name": ' + b"1" * 10_000 + b"}", "malformed_body"),
    ],
)
def test_bodies_that_are_no_json_are_400(api: Api, content: bytes, code: str) -> None:
    problem(api.http.post("/tables", content=content, headers=JSON), 400, code)


@pytest.mark.parametrize("content", [b"1", b"[]", b'"x"', b"null"])
def test_json_that_is_no_object_is_422(api: Api, content: bytes) -> None:
    problem(api.http.post("/tables", content=content, headers=JSON), 422, "invalid_request")


@pytest.mark.parametrize("value", [b'"' + b"x" * 2**20 + b'"', b"[" * 100_000 + b"]" * 100_000])
def test_a_control_body_is_bounded(api: Api, value: bytes) -> None:
    content = b'{"name": ' + value + b"}"
    problem(api.http.post("/tables", content=content, headers=JSON), 413, "too_large")


def test_a_control_body_is_json(api: Api) -> None:
    answer = api.http.post("/tables", data={"name": "x"})
    problem(answer, 415, "unsupported_media_type")
    packed = api.http.post("/tables", json={}, headers={"content-encoding": "gzip"})
    problem(packed, 415, "unsupported_media_type")


def test_lists_in_pages_with_links(api: Api) -> None:
    namespace = f"ns_{uuid.uuid4().hex}"
    names = [f"t{number}" for number in range(5)]
    for name in names:
        body = {"name": f"{namespace}.{name}", "columns": [COLUMN], "comment": name}
        assert api.http.post("/tables", json=body).status_code == 201
    seen: list[str] = []
    url = f"/tables?namespace={namespace}&page_size=2"
    while url:
        page = api.http.get(url)
        assert page.status_code == 200
        assert page.headers["lineage-run-id"]
        told = page.json()
        seen += [table["name"] for table in told["tables"]]
        assert all(table["comment"] == table["name"] for table in told["tables"])
        url = page.links["next"]["url"] if told["next_page_token"] else ""
        assert ("next" in page.links) == bool(url)
    assert seen == names


@pytest.mark.parametrize(
    "query, code",
    [
        ("page_token=nonsense!", "invalid_page_token"),
        ("page_token=WzFd", "invalid_page_token"),
        ("page_token=WyJhIl0", "invalid_page_token"),
        ("page_size=0", "invalid_request"),
        ("page_size=1001", "invalid_request"),
        ("page_size=1.0", "invalid_request"),
        ("page_size=%201", "invalid_request"),
        ("page_size=x", "invalid_request"),
        ("page_size=" + "9" * 5000, "invalid_request"),
        ("page_size=1&page_size=2", "invalid_request"),
        ("namespace=a.b", "invalid_table_name"),
        ("nothing=1", "invalid_request"),
    ],
)
def test_list_refuses_parameters(api: Api, query: str, code: str) -> None:
    members = problem(api.http.get(f"/tables?{query}"), 422, code)
    assert members["errors"][0]["in"] == "query"
    assert members["errors"][0]["name"] == query.partition("=")[0]


def test_a_query_string_that_is_not_utf8_is_400(api: Api) -> None:
    problem(api.http.get("/tables?namespace=%ff"), 400, "malformed_request")


def test_describe_has_an_entity_tag(api: Api) -> None:
    name = api.table()
    answer = api.http.get(f"/tables/{name}")
    tag = answer.headers["etag"]
    assert tag == f'"{answer.json()["snapshot_id"]}"'
    for known in (tag, f"W/{tag}", "*", f'"x", {tag}'):
        same = api.http.get(f"/tables/{name}", headers={"if-none-match": known})
        assert same.status_code == 304
        assert same.headers["etag"] == tag
        assert same.headers["lineage-run-id"]
        assert same.content == b""
    api.http.put(f"/tables/{name}", json=[{"a": 1}])
    changed = api.http.get(f"/tables/{name}", headers={"if-none-match": tag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != tag


def test_describe_in_the_past(api: Api) -> None:
    name = api.table()
    before = api.http.get(f"/tables/{name}").json()
    api.http.put(f"/tables/{name}", json=[{"a": 1}])
    url = f"/tables/{name}?at_version={before['snapshot_id']}"
    assert api.http.get(url).json()["row_count"] == 0
    now = api.http.get(f"/tables/{name}?at_timestamp=2999-01-01T00:00:00%2B01:00")
    assert now.json()["row_count"] == 1
    problem(api.http.get(f"/tables/{name}?at_version=999999"), 404, "snapshot_not_found")
    early = api.http.get(f"/tables/{name}?at_timestamp=1999-01-01T00:00:00Z")
    problem(early, 404, "snapshot_not_found")


@pytest.mark.parametrize(
    "query",
    [
        "at_version=-1",
        "at_version=9223372036854775808",
        "at_version=99999999999999999999",
        "at_version=",
        "at_timestamp=yesterday",
        "at_timestamp=2026-01-01T00:00:00",
        "at_timestamp=1767225600",
        "at_timestamp=0001-01-01T00:00:00%2B14:00",
        "at_version=1&at_timestamp=2026-01-01T00:00:00Z",
    ],
)
def test_describe_refuses_moments(api: Api, query: str) -> None:
    problem(api.http.get(f"/tables/{api.table()}?{query}"), 422, "invalid_request")


def test_append_answers_rows_snapshot_and_run(api: Api) -> None:
    name = api.table()
    answer = api.http.put(f"/tables/{name}", json=[{"a": 1}, {"a": None}])
    assert answer.status_code == 200
    told = answer.json()
    assert told["rows_appended"] == 2
    assert told["snapshot_id"] == api.http.get(f"/tables/{name}").json()["snapshot_id"]
    assert told["run_id"] == answer.headers["lineage-run-id"]
    (end,) = [e for e in api.lineage.run(told["run_id"]) if e.state is RunState.COMPLETE]
    assert end.outputs[0].subject == TableName("main", name)
    assert end.outputs[0].row_count == 2


@pytest.mark.parametrize(
    "content_type, content",
    [
        ("application/json", b'{"rows": [{"a": 1}]}'),
        ("application/json; charset=UTF-8", b'[{"a": 1}]'),
        ("APPLICATION/X-NDJSON", b'{"a": 1}\n'),
        ("text/csv; header=present", b"a\n1\n"),
        ('text/csv;charset="utf-8"', b"a\n1\n"),
    ],
)
def test_append_takes_formats_by_content_type(api: Api, content_type: str, content: bytes) -> None:
    name = api.table()
    headers = {"content-type": content_type}
    answer = api.http.put(f"/tables/{name}", content=content, headers=headers)
    assert answer.json()["rows_appended"] == 1, answer.text


def test_append_of_no_rows_and_of_nothing(api: Api) -> None:
    name = api.table()
    assert api.http.put(f"/tables/{name}", json=[]).json()["rows_appended"] == 0
    for content_type in ("application/json", "application/x-ndjson", "text/csv"):
        empty = api.http.put(f"/tables/{name}", headers={"content-type": content_type})
        problem(empty, 400, "empty_body")


@pytest.mark.parametrize(
    "content_type",
    [None, "", "text/plain", "application/xml", "json", "text/csv; charset=latin-1"],
)
def test_append_refuses_content_types(api: Api, content_type: str | None) -> None:
    headers = {"content-type": content_type} if content_type is not None else {}
    answer = api.http.put(f"/tables/{api.table()}", content=b"[]", headers=headers)
    problem(answer, 415, "unsupported_media_type")


@pytest.mark.parametrize(
    "value, column",
    [
        ("1.5", "a"),
        ("true", "a"),
        ('"x"', "a"),
        ("2147483648", "a"),
        ("[1]", "a"),
    ],
)
def test_rows_that_do_not_fit_are_told_by_row_and_column(api: Api, value: str, column: str) -> None:
    name = api.table()
    content = f'[{{"a": 1}}, {{"{column}": {value}}}]'.encode()
    answer = api.http.put(f"/tables/{name}", content=content, headers=JSON)
    members = problem(answer, 422, "rows_do_not_fit")
    assert members["errors"][0]["row"] == 2
    assert members["errors"][0]["column"] == column
    assert members["errors"][0]["in"] == "body"
    assert members["run_id"]
    assert api.http.get(f"/tables/{name}").json()["row_count"] == 0


def test_unknown_columns_do_not_fit(api: Api) -> None:
    answer = api.http.put(f"/tables/{api.table()}", json=[{"a": 1, "b": 2}])
    assert problem(answer, 422, "rows_do_not_fit")["errors"][0]["column"] == "b"


@pytest.mark.parametrize(
    "content_type, content",
    [
        ("application/json", b"[{"),
        ("application/json", b"{}x"),
        ("application/x-ndjson", b"{\n"),
    ],
)
def test_append_of_what_cannot_be_read_is_400(api: Api, content_type: str, content: bytes) -> None:
    headers = {"content-type": content_type}
    answer = api.http.put(f"/tables/{api.table()}", content=content, headers=headers)
    problem(answer, 400, "malformed_body")


def test_drop(api: Api) -> None:
    name = api.table()
    answer = api.http.delete(f"/tables/{name}")
    assert answer.status_code == 204
    assert answer.content == b""
    assert answer.headers["lineage-run-id"]
    problem(api.http.delete(f"/tables/{name}"), 404, "table_not_found")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_table_that_is_not_there_is_404(api: Api, method: str) -> None:
    answer = api.http.request(method, "/tables/nowhere", headers=JSON)
    members = problem(answer, 404, "table_not_found")
    assert members["instance"] == "/tables/nowhere"
    assert api.lineage.states(members["run_id"]) == (RunState.START, RunState.FAIL)


@pytest.mark.parametrize(
    "name", ["a%2Fb", "%00", "a%20b", "x%22;drop", "1a", "%C3%A9", "x" * 10_000, "a.b.c", "%2e%2e"]
)
def test_bad_table_names_in_paths_are_422(api: Api, name: str) -> None:
    members = problem(api.http.get(f"/tables/{name}"), 422, "invalid_table_name")
    assert members["errors"][0]["in"] == "path"
    assert members["errors"][0]["name"] == "table_name"


@pytest.mark.parametrize("name", ["%FF%FE", "%zz", "a%", "%C3"])
def test_paths_that_cannot_be_decoded_are_400(api: Api, name: str) -> None:
    problem(api.http.get(f"/tables/{name}"), 400, "malformed_path")


def test_a_name_is_compared_without_case_and_decoded_once(api: Api) -> None:
    name = api.table()
    assert api.http.get(f"/tables/{name.upper()}").status_code == 200
    assert api.http.get(f"/tables/%74{name[1:]}").status_code == 200
    problem(api.http.get(f"/tables/%2574{name[1:]}"), 422, "invalid_table_name")
