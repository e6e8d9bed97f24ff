"""Clients that retry under keys while the service is killed: each row is there once."""

from __future__ import annotations

import threading
import time
import uuid
from pathlib import Path

import httpx
import pytest

from tests.e2e.service import ServiceProcess

CLIENTS = 4
ROUNDS = 2
RUNS_S = 1.5
GIVE_UP_S = 300
"""A busy machine takes its time to start a service again."""


def send_until_answered(service: ServiceProcess, number: int, key: str) -> None:
    """Append one row under its key, as often as it takes."""
    ends_at = time.monotonic() + GIVE_UP_S
    while True:
        try:
            with service.client(10) as client:
                answer = client.put(
                    "/tables/t", json=[{"id": number}], headers={"Idempotency-Key": key}
                )
            if answer.status_code == 200:
                return
            assert answer.status_code in {429, 503, 504}, answer.text
        except (httpx.HTTPError, AssertionError, RuntimeError):
            if time.monotonic() > ends_at:
                raise
        time.sleep(0.05)


@pytest.mark.slow
def test_rows_that_are_sent_until_answered_are_there_once(tmp_path: Path) -> None:
    service = ServiceProcess(tmp_path / "home")
    service.start()
    with service.client() as client:
        columns = [{"name": "id", "type": "BIGINT"}]
        client.post("/tables", json={"name": "t", "columns": columns}).raise_for_status()
    stop, sent, failed = threading.Event(), [], []

    def send(first: int) -> None:
        number = first
        try:
            while not stop.is_set():
                send_until_answered(service, number, uuid.uuid4().hex)
                sent.append(number)
                number += 1
        except BaseException as error:  # noqa: BLE001 - raised below
            failed.append(error)

    clients = [threading.Thread(target=send, args=(each * 1_000_000,)) for each in range(CLIENTS)]
    for each in clients:
        each.start()
    try:
        for _ in range(ROUNDS):
            time.sleep(RUNS_S)
            service.kill()
            service.start()
    finally:
        stop.set()
        for each in clients:
            each.join()
    try:
        assert not failed, failed
        with service.client() as client:
            answer = client.post("/query", json={"sql": "SELECT id FROM t ORDER BY id"}).json()
    finally:
        service.stop()
    assert [row["id"] for row in answer["rows"]] == sorted(sent)
    assert len(sent) > CLIENTS
