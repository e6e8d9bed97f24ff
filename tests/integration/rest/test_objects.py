import http.client
import socket
import unicodedata
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

import httpx
import pytest

from domain.lineage import RunState
from tests.integration.rest.conftest import Api, problem

TEXT = b"0123456789"


@pytest.fixture
def url(api: Api) -> str:
    """An object of ten bytes."""
    url = f"/datasets/{api.bucket()}/dir/x.txt"
    assert api.http.put(url, content=TEXT).status_code == 201
    return url


def test_upload_tells_what_is_there(api: Api) -> None:
    bucket = api.bucket()
    headers = {
        "content-type": "text/plain; charset=utf-8",
        "x-amz-meta-Source": "bts",
        "X-Amz-Meta-empty": "",
    }
    put = api.http.put(f"/datasets/{bucket}/a/b.txt", content=TEXT, headers=headers)
    assert put.status_code == 201
    told = put.json()
    assert told == {
        "bucket": bucket,
        "name": "a/b.txt",
        "size": 10,
        "etag": told["etag"],
        "media_type": "text/plain; charset=utf-8",
        "metadata": {"source": "bts", "empty": ""},
        "last_modified": told["last_modified"],
    }
    assert put.headers["etag"] == f'"{told["etag"]}"'
    assert api.lineage.states(put.headers["lineage-run-id"])[-1] is RunState.COMPLETE
    again = api.http.put(f"/datasets/{bucket}/a/b.txt", content=b"other")
    assert again.status_code == 200
    assert again.json()["etag"] != told["etag"]


def test_download_gives_back_bytes_and_headers(api: Api) -> None:
    bucket = api.bucket()
    headers = {"content-type": "text/html", "x-amz-meta-k": "v w"}
    put = api.http.put(f"/datasets/{bucket}/page", content=b"<script>", headers=headers)
    for method in ("GET", "HEAD"):
        got = api.http.request(method, f"/datasets/{bucket}/page")
        assert got.status_code == 200
        assert got.content == (b"<script>" if method == "GET" else b"")
        assert got.headers["content-type"] == "text/html"
        assert got.headers["content-length"] == "8"
        assert got.headers["etag"] == put.headers["etag"]
        assert got.headers["accept-ranges"] == "bytes"
        assert got.headers["x-amz-meta-k"] == "v w"
        assert got.headers["x-content-type-options"] == "nosniff"
        assert got.headers["content-security-policy"] == "sandbox"
        assert parsedate_to_datetime(got.headers["last-modified"]).tzinfo is UTC
        run = got.headers["lineage-run-id"]
        assert api.lineage.states(run)[-1] is RunState.COMPLETE


@pytest.mark.parametrize(
    "name, media_type",
    [
        ("x.parquet", "application/vnd.apache.parquet"),
        ("x.csv", "text/csv"),
        ("x.csv.gz", "application/gzip"),
        ("x", "application/octet-stream"),
    ],
)
def test_a_media_type_is_guessed_when_none_is_said(api: Api, name: str, media_type: str) -> None:
    put = api.http.put(f"/datasets/{api.bucket()}/{name}", content=b"1")
    assert put.json()["media_type"] == media_type


def test_an_empty_object(api: Api) -> None:
    url = f"/datasets/{api.bucket()}/empty"
    assert api.http.put(url).json()["size"] == 0
    got = api.http.get(url)
    assert got.status_code == 200
    assert got.headers["content-length"] == "0"
    members = problem(
        api.http.get(url, headers={"range": "bytes=0-"}), 416, "range_not_satisfiable"
    )
    assert members["size"] == 0


def test_delete_is_idempotent(api: Api, url: str) -> None:
    for _ in range(2):
        gone = api.http.delete(url)
        assert gone.status_code == 204
        assert gone.headers["lineage-run-id"]
    problem(api.http.get(url), 404, "object_not_found")
    head = api.http.head(url)
    assert head.status_code == 404
    assert head.content == b""
    problem(api.http.delete("/datasets/not-there/x"), 404, "bucket_not_found")
    problem(api.http.put("/datasets/not-there/x", content=b"1"), 404, "bucket_not_found")


@pytest.mark.parametrize(
    "asked, content, content_range",
    [
        ("bytes=0-0", b"0", "bytes 0-0/10"),
        ("bytes=2-4", b"234", "bytes 2-4/10"),
        ("bytes=7-", b"789", "bytes 7-9/10"),
        ("bytes=7-999999999999999999999999", b"789", "bytes 7-9/10"),
        ("bytes=-3", b"789", "bytes 7-9/10"),
        ("bytes=-100", TEXT, "bytes 0-9/10"),
        ("Bytes=0-1", b"01", "bytes 0-1/10"),
    ],
)
def test_ranges(api: Api, url: str, asked: str, content: bytes, content_range: str) -> None:
    got = api.http.get(url, headers={"range": asked})
    assert got.status_code == 206
    assert got.content == content
    assert got.headers["content-range"] == content_range
    assert got.headers["content-length"] == str(len(content))
    head = api.http.head(url, headers={"range": asked})
    assert (head.status_code, head.headers["content-range"]) == (206, content_range)


@pytest.mark.parametrize("asked", ["bytes=10-", "bytes=10-11", "bytes=-0", f"bytes={'9' * 5000}-"])
def test_ranges_out_of_bounds_are_416(api: Api, url: str, asked: str) -> None:
    answer = api.http.get(url, headers={"range": asked})
    problem(answer, 416, "range_not_satisfiable")
    assert answer.headers["content-range"] == "bytes */10"


@pytest.mark.parametrize(
    "asked", ["bytes", "bytes=", "bytes=x-y", "bytes=5", "bytes=-", "bytes=4-2", "bytes=1-2,x", "5"]
)
def test_malformed_ranges_are_400(api: Api, url: str, asked: str) -> None:
    problem(api.http.get(url, headers={"range": asked}), 400, "malformed_request")


@pytest.mark.parametrize("asked", ["bytes=0-1,3-4", "items=0-1"])
def test_several_ranges_and_other_units_give_all(api: Api, url: str, asked: str) -> None:
    got = api.http.get(url, headers={"range": asked})
    assert (got.status_code, got.content) == (200, TEXT)


def test_if_range(api: Api, url: str) -> None:
    tag = api.http.head(url).headers["etag"]
    part = {"range": "bytes=0-1"}
    assert api.http.get(url, headers=part | {"if-range": tag}).status_code == 206
    for other in ('"other"', f"W/{tag}", "Sun, 06 Nov 1994 08:49:37 GMT", ""):
        got = api.http.get(url, headers=part | {"if-range": other})
        assert (got.status_code, got.content) == (200, TEXT), other


def test_conditional_reads(api: Api, url: str) -> None:
    head = api.http.head(url)
    tag, date = head.headers["etag"], head.headers["last-modified"]
    past = _date(datetime.now(UTC) - timedelta(days=1))

    def status(**headers: str) -> int:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        got = api.http.get(url, headers=named)
        assert api.http.head(url, headers=named).status_code == got.status_code
        return got.status_code

    assert status(if_none_match=tag) == 304
    assert status(if_none_match=f"W/{tag}") == 304
    assert status(if_none_match=f'"a,b" ,{tag}') == 304
    assert status(if_none_match=tag.strip('"')) == 304
    assert status(if_none_match="*") == 304
    assert status(if_none_match='"other"') == 200
    assert status(if_modified_since=date) == 304
    assert status(if_modified_since=past) == 200
    assert status(if_modified_since="gibberish") == 200
    assert status(if_none_match='"other"', if_modified_since=date) == 200
    assert status(if_match=tag) == 200
    assert status(if_match="*") == 200
    assert status(if_match='"other"') == 412
    assert status(if_match=f"W/{tag}") == 412
    assert status(if_unmodified_since=date) == 200
    assert status(if_unmodified_since=past) == 412
    assert status(if_match=tag, if_unmodified_since=past) == 200
    assert status(if_match='"') == 400
    assert status(if_none_match="a b") == 400


def _date(moment: datetime) -> str:
    return format_datetime(moment, usegmt=True)


def test_not_modified_has_the_validators_and_no_content(api: Api, url: str) -> None:
    tag = api.http.head(url).headers["etag"]
    got = api.http.get(url, headers={"if-none-match": tag})
    assert got.headers["etag"] == tag
    assert "last-modified" in got.headers
    assert "content-length" not in got.headers
    assert api.lineage.states(got.headers["lineage-run-id"])[-1] is RunState.COMPLETE


def test_conditional_writes(api: Api, url: str) -> None:
    taken = api.http.put(url, content=b"x", headers={"if-none-match": "*"})
    problem(taken, 412, "precondition_failed")
    problem(
        api.http.put(url, content=b"x", headers={"if-match": '"other"'}), 412, "precondition_failed"
    )
    tag = api.http.head(url).headers["etag"]
    assert api.http.put(url, content=b"x", headers={"if-match": tag}).status_code == 200
    fresh = api.http.put(f"{url}2", content=b"x", headers={"if-none-match": "*"})
    assert fresh.status_code == 201
    other = api.http.put(url, content=b"x", headers={"if-none-match": '"tag"'})
    problem(other, 501, "not_implemented")


@pytest.mark.parametrize(
    "name",
    [
        " ",
        '"',
        "100%",
        "<>",
        "a+b",
        "a?b",
        "a#b",
        "a&b=c",
        "a..b",
        "...",
        "~",
        "\\",
        "a;b",
        "%2F",
        "%41",
        unicodedata.normalize("NFC", "é"),
        unicodedata.normalize("NFD", "é"),
        "\U0001f986",
        "x" * 255,
        "/".join(["y" * 204] * 5),
    ],
)
def test_names_round_trip(api: Api, name: str) -> None:
    bucket = api.bucket()
    path = "/".join("".join(f"%{byte:02x}" for byte in part.encode()) for part in name.split("/"))
    put = api.http.put(f"/datasets/{bucket}/{path}", content=name.encode())
    assert put.status_code == 201, put.text
    assert put.json()["name"] == name
    assert api.http.get(f"/datasets/{bucket}/{path}").content == name.encode()
    listed = api.http.get(f"/datasets/{bucket}").json()["objects"]
    assert [found["name"] for found in listed] == [name]
    assert api.http.delete(f"/datasets/{bucket}/{path}").status_code == 204


def test_an_escaped_slash_is_a_slash_of_the_name(api: Api) -> None:
    bucket = api.bucket()
    api.http.put(f"/datasets/{bucket}/a%2Fb", content=b"1")
    assert api.http.get(f"/datasets/{bucket}/a/b").content == b"1"


@pytest.mark.parametrize(
    "path",
    [
        "..%2Fx",
        "%2e%2e/x",
        "a/../x",
        "./x",
        "a/%2E",
        "%00",
        "a%0D%0Ab",
        "%7F",
        "%C2%85",
        "x" * 1025,
        "a/",
        "/a",
        "a//b",
        "x" * 256,
        "",
    ],
)
def test_bad_names_are_422(api: Api, path: str) -> None:
    bucket = api.bucket()
    status, content = _raw(api, "PUT", f"/datasets/{bucket}/{path}", b"x")
    assert status == 422, content
    assert b'"invalid_object_name"' in content
    assert api.http.get(f"/datasets/{bucket}").json()["objects"] == []


@pytest.mark.parametrize("path", ["%FF%FE", "a%C3", "%", "%4", "%zz"])
def test_names_that_cannot_be_decoded_are_400(api: Api, path: str) -> None:
    status, content = _raw(api, "GET", f"/datasets/{api.bucket()}/{path}")
    assert status == 400
    assert b'"malformed_path"' in content


def _raw(api: Api, method: str, target: str, body: bytes | None = None) -> tuple[int, bytes]:
    """A request whose target nobody tidies up."""
    parsed = httpx.URL(api.url)
    connection = http.client.HTTPConnection(parsed.host, parsed.port, timeout=30)
    try:
        connection.request(method, target, body=body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize(
    "headers, code",
    [
        ({"content-type": "nonsense"}, "invalid_media_type"),
        ({"content-type": "a/b\u00e9".encode("latin-1")}, "invalid_media_type"),
        ({"x-amz-meta-k": "\u00e9".encode("latin-1")}, "invalid_metadata"),
        ({"x-amz-meta-k": "x" * 2048}, "invalid_metadata"),
    ],
)
def test_bad_headers_of_an_upload_are_422(api: Api, headers: dict[str, Any], code: str) -> None:
    url = f"/datasets/{api.bucket()}/x"
    members = problem(api.http.put(url, content=b"1", headers=headers), 422, code)
    assert members["errors"][0]["in"] == "header"
    problem(api.http.get(url), 404, "object_not_found")


def test_metadata_of_one_name_is_one_list(api: Api) -> None:
    headers = [("x-amz-meta-k", "a"), ("X-Amz-Meta-K", "b")]
    put = api.http.put(f"/datasets/{api.bucket()}/x", content=b"1", headers=headers)
    assert put.json()["metadata"] == {"k": "a,b"}


def test_an_upload_cut_short_leaves_the_old_object(api: Api, url: str) -> None:
    parsed = httpx.URL(api.url)
    with socket.create_connection((parsed.host, parsed.port or 80)) as connection:
        head = f"PUT {url} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"
        connection.sendall(head.encode() + b"only this")
    for _ in range(200):
        ended = [
            event for event in api.lineage.events if "before the whole body" in (event.error or "")
        ]
        if any(str(event.subject) in url.removeprefix("/datasets/") for event in ended):
            break
        api.http.get("/healthz")
    else:
        pytest.fail("the upload did not fail")
    assert api.http.get(url).content == TEXT


def test_uploads_of_unknown_length(api: Api) -> None:
    url = f"/datasets/{api.bucket()}/x"
    put = api.http.put(url, content=iter([b"0" * 1000] * 3000))
    assert put.json()["size"] == 3_000_000
    assert api.http.get(url).content == b"0" * 3_000_000
