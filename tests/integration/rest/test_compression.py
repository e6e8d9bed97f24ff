"""Packed answers, over real connections."""

from __future__ import annotations

import gzip
import json
import sys
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from dependency_injector import providers

from domain.errors import ResourcesExhaustedError
from domain.formats import DataFormat
from entrypoints.rest.app import create_app
from tests.integration.rest.conftest import Api, Fakes, problem
from tests.integration.rest.scripted import ScriptedQueries, ScriptedResult
from tests.integration.rest.serving import served

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


@pytest.fixture
def table(api: Api) -> str:
    name = api.table({"a": "INTEGER"})
    rows = [{"a": number} for number in range(1000)]
    assert api.http.put(f"/tables/{name}", json=rows).status_code == 200
    return name


def raw(api: Api, target: str, accept_encoding: str) -> tuple[httpx.Response, bytes]:
    headers = {"accept-encoding": accept_encoding}
    with api.http.stream("GET", target, headers=headers) as answer:
        return answer, b"".join(answer.iter_raw())


@pytest.mark.parametrize("data_format", list(DataFormat))
@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_answers(api: Api, table: str, data_format: DataFormat, coding: str) -> None:
    target = f"/tables/{table}/data?format={data_format}"
    plain, whole = raw(api, target, "identity")
    packed, content = raw(api, target, coding)
    assert "content-encoding" not in plain.headers
    for answer in (plain, packed):
        assert answer.headers["vary"] == "Accept, Accept-Encoding"
        assert answer.headers["etag"] == plain.headers["etag"]
    if data_format in {DataFormat.PARQUET, DataFormat.ARROW}:
        assert "content-encoding" not in packed.headers
        assert content == whole
        return
    assert packed.headers["content-encoding"] == coding
    assert len(content) < len(whole)
    unpacked = gzip.decompress(content) if coding == "gzip" else zstd.decompress(content)
    if data_format is DataFormat.JSON:
        assert json.loads(unpacked)["rows"] == json.loads(whole)["rows"]
    else:
        assert unpacked == whole
    head = api.http.head(target, headers={"accept-encoding": coding})
    assert head.headers["content-encoding"] == coding


def test_no_coding_is_left(api: Api, table: str) -> None:
    headers = {"accept-encoding": "identity;q=0, br"}
    answer = api.http.get(f"/tables/{table}/data", headers=headers)
    problem(answer, 406, "not_acceptable")


def test_it_can_be_turned_off(fakes: Fakes, tmp_path: Path) -> None:
    queries = ScriptedQueries(lambda _: ScriptedResult(lambda _: iter([b'{"n":1}\n']), 1))
    container = fakes.container(tmp_path, compress_answers=False)
    container.queries.override(providers.Object(queries))
    with served(create_app(container)) as url:
        answer = httpx.post(f"{url}/query?format=ndjson", json={"sql": "x"}, timeout=60)
    assert "content-encoding" not in answer.headers
    assert answer.json() == {"n": 1}


def test_the_first_rows_come_before_the_last_are_made(fakes: Fakes, tmp_path: Path) -> None:
    seen = threading.Event()

    def rows(closed: threading.Event) -> Iterator[bytes]:
        yield b'{"n":1}\n'
        assert seen.wait(60)
        yield b'{"n":2}\n'

    queries = ScriptedQueries(lambda _: ScriptedResult(rows, 2))
    container = fakes.container(tmp_path)
    container.queries.override(providers.Object(queries))
    with served(create_app(container)) as url:
        unpacker = zlib.decompressobj(wbits=31)
        headers = {"accept-encoding": "gzip"}
        asked = httpx.stream(
            "POST", f"{url}/query?format=ndjson", json={"sql": "x"}, headers=headers, timeout=60
        )
        with asked as answer:
            chunks = answer.iter_raw()
            assert unpacker.decompress(next(chunks)) == b'{"n":1}\n'
            seen.set()
            rest = b"".join(unpacker.decompress(chunk) for chunk in chunks)
    assert rest == b'{"n":2}\n'
    assert unpacker.eof


def test_the_record_of_a_failure_can_be_unpacked(fakes: Fakes, tmp_path: Path) -> None:
    def rows(closed: threading.Event) -> Iterator[bytes]:
        yield b'{"n":1}\n{"n":'
        raise ResourcesExhaustedError("It needs too much memory.")

    queries = ScriptedQueries(lambda _: ScriptedResult(rows))
    container = fakes.container(tmp_path)
    container.queries.override(providers.Object(queries))
    unpacker = zlib.decompressobj(wbits=31)
    chunks: list[bytes] = []
    with served(create_app(container)) as url:
        headers = {"accept-encoding": "gzip"}
        asked = httpx.stream(
            "POST", f"{url}/query?format=ndjson", json={"sql": "x"}, headers=headers, timeout=60
        )
        with asked as answer, pytest.raises(httpx.RemoteProtocolError):
            chunks.extend(answer.iter_raw())
    lines = unpacker.decompress(b"".join(chunks)).splitlines()
    assert json.loads(lines[-1])["error"]["code"] == "resources_exhausted"
    assert not unpacker.eof
