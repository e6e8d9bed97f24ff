from __future__ import annotations

import time
import uuid

from domain.lineage import Operation, RunState, new_run_id


def test_run_ids_are_uuids_of_version_7() -> None:
    for _ in range(1000):
        run_id = new_run_id()
        parsed = uuid.UUID(run_id)
        assert str(parsed) == run_id
        assert parsed.version == 7
        assert parsed.variant == uuid.RFC_4122


def test_run_ids_hold_the_time() -> None:
    before = time.time_ns() // 1_000_000
    milliseconds = uuid.UUID(new_run_id()).int >> 80
    after = time.time_ns() // 1_000_000

    assert before <= milliseconds <= after


def test_run_ids_are_unique() -> None:
    assert len({new_run_id() for _ in range(10_000)}) == 10_000


def test_names_that_others_rely_on() -> None:
    assert {state.value for state in RunState} == {"START", "COMPLETE", "FAIL", "ABORT"}
    assert all(operation.value.count(".") <= 1 for operation in Operation)
