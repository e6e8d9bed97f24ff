import uuid

import pytest

from domain.lineage import RunState
from tests.integration.rest.conftest import Api, problem


def test_a_bucket_is_made_listed_and_deleted(api: Api) -> None:
    name = f"b-{uuid.uuid4().hex}"
    made = api.http.post(f"/datasets/{name}")
    assert made.status_code == 201
    assert made.headers["location"] == f"/datasets/{name}"
    assert made.json()["name"] == name
    assert made.json()["created_at"].endswith("Z")
    assert api.lineage.states(made.headers["lineage-run-id"])[-1] is RunState.COMPLETE
    listed = api.http.get("/datasets")
    assert made.json() in listed.json()["buckets"]
    assert listed.headers["lineage-run-id"]
    problem(api.http.post(f"/datasets/{name}"), 409, "bucket_exists")
    gone = api.http.delete(f"/datasets/{name}")
    assert gone.status_code == 204
    assert gone.headers["lineage-run-id"]
    problem(api.http.delete(f"/datasets/{name}"), 404, "bucket_not_found")
    problem(api.http.get(f"/datasets/{name}"), 404, "bucket_not_found")


def test_a_bucket_with_objects_stays(api: Api) -> None:
    bucket = api.bucket()
    api.http.put(f"/datasets/{bucket}/x", content=b"1")
    problem(api.http.delete(f"/datasets/{bucket}"), 409, "bucket_not_empty")


def test_the_lakes_own_bucket_is_no_dataset(api: Api) -> None:
    problem(api.http.post("/datasets/the-lake"), 409, "bucket_reserved")
    problem(api.http.get("/datasets/the-lake"), 404, "bucket_not_found")


@pytest.mark.parametrize(
    "name", ["ab", "A-b", "a_b", "-ab", "1.2.3.4", "x" * 64, "a..b", "a%2Fb", "%C3%A9-x", "a%00b"]
)
def test_bad_bucket_names_are_422(api: Api, name: str) -> None:
    for method in ("POST", "GET", "DELETE"):
        members = problem(api.http.request(method, f"/datasets/{name}"), 422, "invalid_bucket_name")
        assert members["errors"][0]["name"] == "bucket_name"


def test_lists_objects_in_pages(api: Api) -> None:
    bucket = api.bucket()
    names = ["a", "b c", "b/1", "b/2", "d?&=", "é", "\U0001f986"]
    for name in names:
        put = api.http.put(f"/datasets/{bucket}/{_quoted(name)}", content=name.encode())
        assert put.status_code == 201
    seen = []
    url = f"/datasets/{bucket}?page_size=2"
    while url:
        page = api.http.get(url)
        told = page.json()
        seen += [found["name"] for found in told["objects"]]
        url = page.links["next"]["url"] if told["next_page_token"] else ""
    assert seen == names
    one = api.http.get(f"/datasets/{bucket}?prefix=a").json()["objects"][0]
    assert one["size"] == 1
    head = api.http.head(f"/datasets/{bucket}/a")
    assert head.headers["etag"] == f'"{one["etag"]}"'


def _quoted(name: str) -> str:
    return "".join(f"%{byte:02X}" for byte in name.encode())


def test_rolls_up_prefixes(api: Api) -> None:
    bucket = api.bucket()
    for name in ("a/1", "a/2", "b", "c/d/e"):
        api.http.put(f"/datasets/{bucket}/{name}", content=b"")
    told = api.http.get(f"/datasets/{bucket}?delimiter=/").json()
    assert told["prefixes"] == ["a/", "c/"]
    assert [found["name"] for found in told["objects"]] == ["b"]
    inner = api.http.get(f"/datasets/{bucket}", params={"delimiter": "/", "prefix": "c/"}).json()
    assert inner["prefixes"] == ["c/d/"]
    first = api.http.get(f"/datasets/{bucket}?delimiter=/&page_size=1")
    assert "delimiter=%2F" in first.headers["link"]
    second = api.http.get(first.links["next"]["url"]).json()
    assert [found["name"] for found in second["objects"]] == ["b"]


@pytest.mark.parametrize(
    "query, code",
    [
        ("page_token=x", "invalid_page_token"),
        ("page_token=WyJhIiwiYiJd", "invalid_page_token"),
        ("page_size=1001", "invalid_request"),
        ("page_size=-1", "invalid_request"),
        ("max-keys=3", "invalid_request"),
        ("prefix=" + "x" * 1025, "invalid_object_name"),
    ],
)
def test_list_refuses_parameters(api: Api, query: str, code: str) -> None:
    problem(api.http.get(f"/datasets/{api.bucket()}?{query}"), 422, code)
