"""Keys and conditions of writes over HTTP."""

from __future__ import annotations

import gzip
import json
import uuid
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from domain.lineage import RunState
from tests.integration.rest.conftest import Api, problem

ROWS = b'[{"a":1},{"a":2}]'
JSON = {"content-type": "application/json"}


def keyed(key: str | None = None, **headers: str) -> dict[str, str]:
    return JSON | {"Idempotency-Key": key or uuid.uuid4().hex} | headers


def row_count(api: Api, table: str) -> int:
    count: int = api.http.get(f"/tables/{table}").json()["row_count"]
    return count


def assert_replayed(first: httpx.Response, second: httpx.Response) -> None:
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"
    assert second.status_code == first.status_code
    assert second.content == first.content
    for header in ("lineage-run-id", "location", "content-type"):
        assert second.headers.get(header) == first.headers.get(header)


def test_an_append(api: Api) -> None:
    table, headers = api.table(), keyed()
    first = api.http.put(f"/tables/{table}", content=ROWS, headers=headers)
    assert first.status_code == 200
    api.http.put(f"/tables/{table}", content=ROWS, headers=JSON)

    second = api.http.put(f"/tables/{table}", content=ROWS, headers=headers)

    assert_replayed(first, second)
    assert second.json()["run_id"] == first.headers["lineage-run-id"]
    assert row_count(api, table) == 4


def test_a_replay_is_no_run(api: Api) -> None:
    table, headers = api.table(), keyed()
    run_id = api.http.put(f"/tables/{table}", content=ROWS, headers=headers).json()["run_id"]
    before = len(api.lineage.events)
    api.http.put(f"/tables/{table}", content=ROWS, headers=headers)
    assert len(api.lineage.events) == before
    assert [event.state for event in api.lineage.run(run_id)] == [
        RunState.START,
        RunState.COMPLETE,
    ]


def test_a_create(api: Api) -> None:
    body = {"name": f"t_{uuid.uuid4().hex}", "columns": [{"name": "a", "type": "INTEGER"}]}
    headers = keyed()
    first = api.http.post("/tables", json=body, headers=headers)
    assert first.status_code == 201
    api.http.put(f"/tables/{body['name']}", content=ROWS, headers=JSON)
    assert_replayed(first, api.http.post("/tables", json=body, headers=headers))

    api.http.delete(f"/tables/{body['name']}")
    assert_replayed(first, api.http.post("/tables", json=body, headers=headers))
    problem(api.http.get(f"/tables/{body['name']}"), 404, "table_not_found")


def test_a_create_that_leaves_alone(api: Api) -> None:
    table, headers = api.table(), keyed()
    body = {
        "name": table,
        "columns": [{"name": "b", "type": "DATE"}],
        "if_exists": "ignore",
    }
    first = api.http.post("/tables", json=body, headers=headers)
    assert first.status_code == 200
    api.http.put(f"/tables/{table}", content=ROWS, headers=JSON)
    assert_replayed(first, api.http.post("/tables", json=body, headers=headers))


def test_a_drop(api: Api) -> None:
    table, headers = api.table(), {"Idempotency-Key": uuid.uuid4().hex}
    first = api.http.delete(f"/tables/{table}", headers=headers)
    assert first.status_code == 204
    assert_replayed(first, api.http.delete(f"/tables/{table}", headers=headers))
    problem(api.http.delete(f"/tables/{table}"), 404, "table_not_found")


def test_rows_are_not_held_against_the_table_again(api: Api) -> None:
    table, headers = api.table(), keyed()
    first = api.http.put(f"/tables/{table}", content=ROWS, headers=headers)
    columns = [{"name": "other", "type": "DATE", "nullable": False}]
    body = {"name": table, "columns": columns, "if_exists": "replace"}
    assert api.http.post("/tables", json=body).status_code == 201
    assert_replayed(first, api.http.put(f"/tables/{table}", content=ROWS, headers=headers))
    api.http.delete(f"/tables/{table}")
    assert_replayed(first, api.http.put(f"/tables/{table}", content=ROWS, headers=headers))


def test_a_streamed_body_is_the_same_payload(api: Api) -> None:
    table, headers = api.table(), keyed()
    first = api.http.put(f"/tables/{table}", content=ROWS, headers=headers)

    def parts() -> list[bytes]:
        return [ROWS[:5], ROWS[5:9], ROWS[9:]]

    second = api.http.put(f"/tables/{table}", content=iter(parts()), headers=headers)
    assert_replayed(first, second)


def test_another_payload(api: Api) -> None:
    table, key = api.table(), uuid.uuid4().hex
    path = f"/tables/{table}"
    assert api.http.put(path, content=ROWS, headers=keyed(key)).status_code == 200
    others = [
        api.http.put(path, content=b'[{"a":3}]', headers=keyed(key)),
        api.http.put(path, content=b"not json", headers=keyed(key)),
        api.http.put(path, content=ROWS, headers=keyed(key, **{"content-type": "text/csv"})),
        api.http.put(
            path, content=gzip.compress(ROWS), headers=keyed(key, **{"content-encoding": "gzip"})
        ),
        api.http.put(f"/tables/{api.table()}", content=ROWS, headers=keyed(key)),
        api.http.delete(path, headers={"Idempotency-Key": key}),
    ]
    for other in others:
        problem(other, 422, "idempotency_key_reused")
    assert row_count(api, table) == 2


def test_failures_are_not_kept(api: Api) -> None:
    name, headers = f"t_{uuid.uuid4().hex}", keyed()
    problem(api.http.put(f"/tables/{name}", content=ROWS, headers=headers), 404, "table_not_found")
    columns = [{"name": "a", "type": "INTEGER"}]
    assert api.http.post("/tables", json={"name": name, "columns": columns}).is_success
    done = api.http.put(f"/tables/{name}", content=ROWS, headers=headers)
    assert done.status_code == 200
    assert "idempotent-replayed" not in done.headers


def test_one_of_many_at_once_does_it(api: Api) -> None:
    table, headers = api.table(), keyed()

    def send(_: int) -> httpx.Response:
        return api.http.put(f"/tables/{table}", content=ROWS, headers=headers)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, range(8)))

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1
    assert row_count(api, table) == 2


@pytest.mark.parametrize("key", ["a", "!~:/,;'\\", "k" * 255, '"quoted"', r'"with\"and\\"'])
def test_keys(api: Api, key: str) -> None:
    # Made one of its own, as all tests share one lake.
    place = len(key) - 1 if key.endswith('"') else len(key)
    key = (key[:place] + uuid.uuid4().hex + key[place:])[:255]
    answer = api.http.put(f"/tables/{api.table()}", content=b"[]", headers=keyed(key))
    assert answer.status_code == 200, answer.text


def test_a_key_in_quotes_is_the_key_without(api: Api) -> None:
    table, key = api.table(), uuid.uuid4().hex
    first = api.http.put(f"/tables/{table}", content=ROWS, headers=keyed(key))
    second = api.http.put(f"/tables/{table}", content=ROWS, headers=keyed(f'"{key}"'))
    assert_replayed(first, second)


@pytest.mark.parametrize("key", ["", "a b", "k" * 256, '"', '""', '"a', '"a"b', "é"])
def test_bad_keys(api: Api, key: str) -> None:
    answer = api.http.put(
        f"/tables/{api.table()}",
        content=b"[]",
        headers=[(b"content-type", b"application/json"), (b"idempotency-key", key.encode())],
    )
    members = problem(answer, 422, "invalid_idempotency_key")
    assert members["errors"][0]["in"] == "header"


def test_two_keys(api: Api) -> None:
    headers = [*JSON.items(), ("idempotency-key", "a"), ("idempotency-key", "b")]
    answer = api.http.put(f"/tables/{api.table()}", content=b"[]", headers=headers)
    problem(answer, 422, "invalid_idempotency_key")


# -- If-Match ----------------------------------------------------------------------------


def test_a_write_that_matches(api: Api) -> None:
    table = api.table()
    path = f"/tables/{table}"
    tag = api.http.get(path).headers["etag"]
    headers = JSON | {"if-match": f'"x", {tag}'}
    assert api.http.put(path, content=ROWS, headers=headers).status_code == 200
    problem(api.http.put(path, content=ROWS, headers=headers), 412, "precondition_failed")
    problem(api.http.delete(path, headers={"if-match": tag}), 412, "precondition_failed")
    assert api.http.put(path, content=b"[]", headers=JSON | {"if-match": "*"}).is_success
    tag = api.http.get(path).headers["etag"]
    weak = {"if-match": f"W/{tag}"}
    problem(api.http.delete(path, headers=weak), 412, "precondition_failed")
    body = {"name": table, "columns": [{"name": "b", "type": "DATE"}], "if_exists": "replace"}
    for match, status in (('"0"', 412), (tag, 201)):
        answer = api.http.post(
            "/tables", content=json.dumps(body), headers=JSON | {"if-match": match}
        )
        assert answer.status_code == status
    assert api.http.delete(path, headers={"if-match": "*"}).status_code == 204


def test_no_table_to_match(api: Api) -> None:
    path = f"/tables/t_{uuid.uuid4().hex}"
    answer = api.http.put(path, content=ROWS, headers=JSON | {"if-match": "*"})
    problem(answer, 404, "table_not_found")


def test_a_list_of_tags_that_is_none(api: Api) -> None:
    path = f"/tables/{api.table()}"
    for bad in ('"', '"a" "b"'):
        answer = api.http.put(path, content=ROWS, headers=JSON | {"if-match": bad})
        problem(answer, 400, "malformed_request")


def test_a_replay_needs_not_match(api: Api) -> None:
    path = f"/tables/{api.table()}"
    headers = keyed(**{"if-match": api.http.get(path).headers["etag"]})
    first = api.http.put(path, content=ROWS, headers=headers)
    assert_replayed(first, api.http.put(path, content=ROWS, headers=headers))


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_the_services_own_tables_are_not_the_users(api: Api, method: str) -> None:
    answer = api.http.request(method, "/tables/ducklake_backend.idempotency_keys", content=ROWS)
    problem(answer, 422, "invalid_table_name")
