"""Queries over their time while the store behind the service hangs."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.service import running_service
from tests.servers.endpoints import S3Endpoint
from tests.servers.s3 import Buckets
from tests.toxics import TcpProxy, Timeout

pytestmark = pytest.mark.servers

ROWS = 20_000
TIMEOUT_S = 1.0
STORE_TIMEOUT_S = 40
#: A second is promised; the machine may be busy with other tests
ANSWERED_WITHIN_S = 5.0


def test_a_store_that_hangs_holds_up_no_timeout(tmp_path: Path, minio_server: S3Endpoint) -> None:
    with ExitStack() as stack:
        buckets = Buckets(minio_server)
        stack.callback(buckets.remove_all)
        link = stack.enter_context(TcpProxy(minio_server.host, minio_server.port))
        settings = {
            "DUCKLAKE_STORAGE": "minio",
            "DUCKLAKE_MINIO_ENDPOINT": link.address,
            "DUCKLAKE_MINIO_ACCESS_KEY": minio_server.access_key,
            "DUCKLAKE_MINIO_SECRET_KEY": minio_server.secret_key,
            "DUCKLAKE_MINIO_SECURE": "false",
            "DUCKLAKE_MINIO_LAKE_BUCKET": buckets.create(),
            "DUCKLAKE_STORE_TIMEOUT_S": str(STORE_TIMEOUT_S),
            "DUCKLAKE_QUERY_WORKERS": "1",
        }
        service = stack.enter_context(running_service(tmp_path / "home", settings))
        http = stack.enter_context(service.client())
        columns = [{"name": "id", "type": "BIGINT"}, {"name": "text", "type": "VARCHAR"}]
        made = http.post("/tables", json={"name": "t", "columns": columns})
        assert made.status_code == 201, made.text
        rows = [{"id": number, "text": f"no. {number}"} for number in range(ROWS)]
        assert http.put("/tables/t", json=rows).is_success
        question = {"sql": "SELECT count(DISTINCT text) AS n FROM t"}
        with link.toxic(Timeout()):
            # The second one finds the only worker free again.
            for _ in range(2):
                began = time.monotonic()
                late = http.post("/query", json=question | {"timeout_s": TIMEOUT_S})
                assert time.monotonic() - began < TIMEOUT_S + ANSWERED_WITHIN_S
                assert (late.status_code, late.json()["code"]) == (504, "query_timeout")
        answer = http.post("/query", json=question)
        assert json.loads(answer.content)["rows"] == [{"n": ROWS}]
